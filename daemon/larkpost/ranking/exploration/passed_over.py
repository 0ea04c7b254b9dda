"""Papers that editions showed and that got no thumb: they also calibrate probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from larkpost.domain import Paper
from larkpost.ranking.scoring import features

if TYPE_CHECKING:
    from larkpost.ranking.tfidf import Floats, Indices, PaperRows, TextSpace
    from larkpost.ranking.training_examples import TrainingExample


@dataclass(frozen=True, slots=True)
class Passed:
    """The papers (p) that at least one of some readers passed over, as the ranking uses them.

    ``features`` (p, width) are the factors for the dense columns of a ledger.
    """

    rows: PaperRows
    features: Floats

    @classmethod
    def of(cls, space: TextSpace, papers: Sequence[Paper]) -> Passed:
        """Compute their features from their texts."""
        rows = space.rows([paper.text for paper in papers])
        return cls(rows, features(space, rows))

    def scores(self, places: Indices, words: Floats, dense: Floats, terms: Floats) -> Floats:
        """Score the papers that one reader passed over, at ``places``, with the reader's taste.

        ``words`` (v), ``dense`` (width) and ``terms`` (v, or none) are as in the ledger.
        """
        found = self.rows.words[places] @ words + self.features[places] @ dense
        if len(terms):
            found = found + self.rows.plain[places] @ terms
        return np.asarray(found, dtype=np.float32)


def add_passed(
    ballots: Sequence[TrainingExample],
    scores: Sequence[Floats],
    votes: tuple[Floats, Floats, Floats],
) -> tuple[Floats, Floats, Floats]:
    """Append papers passed over to the votes: scores, thumbs and checks (r, n + p).

    ``votes`` has the same for the votes (r, n). A paper passed over has no thumb up.
    """
    shape = len(ballots), max((len(one.passed) for one in ballots), default=0)
    found, thumbs = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
    for line, (ballot, mine) in enumerate(zip(ballots, scores, strict=True)):
        found[line, : len(ballot.passed)] = mine
        thumbs[line, : len(ballot.passed)] = -1
    uncast, cast, checks = votes
    return (
        np.hstack([uncast, found]),
        np.hstack([cast, thumbs]),
        np.hstack([checks, -thumbs]),
    )
