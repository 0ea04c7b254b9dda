"""Scores papers for many readers at once: one sparse product and one small dense one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from larkpost.ranking.linear_model import LinearTaste, TrainingVotes
    from larkpost.ranking.tfidf import Floats, Indices, PaperRows, TextSpace

AT_ONCE = 512  # papers compared with the background at a time, to limit memory


def by_ledger(tastes: Sequence[LinearTaste]) -> Iterator[tuple[TrainingVotes, list[int]]]:
    """Group tastes that were trained together, by their positions in the sequence."""
    groups: dict[int, list[int]] = {}
    for at, taste in enumerate(tastes):
        groups.setdefault(id(taste.ledger), []).append(at)
    for places in groups.values():
        yield tastes[places[0]].ledger, places


def score(space: TextSpace, tastes: Sequence[LinearTaste], rows: PaperRows) -> Floats:
    """Return the score of each of n papers for each of r tastes (r, n)."""
    if len(rows) <= AT_ONCE:
        return _score(space, tastes, rows)
    starts = range(0, len(rows), AT_ONCE)
    pieces = [np.arange(start, min(start + AT_ONCE, len(rows))) for start in starts]
    return np.hstack([_score(space, tastes, rows[piece]) for piece in pieces])


def _score(space: TextSpace, tastes: Sequence[LinearTaste], rows: PaperRows) -> Floats:
    seen = features(space, rows).T
    if tastes and len(tastes) == len(tastes[0].ledger.dense) and _in_order(tastes):
        return _ledger_scores(tastes[0].ledger, slice(None), rows, seen)
    scores = np.zeros((len(tastes), len(rows)), dtype=np.float32)
    for ledger, places in by_ledger(tastes):
        lines = np.array([tastes[at].place for at in places])
        scores[places] = _ledger_scores(ledger, lines, rows, seen)
    return scores


def _in_order(tastes: Sequence[LinearTaste]) -> bool:
    """Return whether these are the first lines of one ledger, in order: then nothing is copied."""
    ledger = tastes[0].ledger
    return all(taste.ledger is ledger and taste.place == at for at, taste in enumerate(tastes))


def _ledger_scores(
    ledger: TrainingVotes, lines: Indices | slice, rows: PaperRows, seen: Floats
) -> Floats:
    found = (rows.words @ ledger.words[:, lines]).T
    found += ledger.dense[lines] @ seen
    if ledger.terms.shape[1]:
        found += (rows.plain @ ledger.terms[:, lines]).T
    return np.asarray(found, dtype=np.float32)


def features(space: TextSpace, rows: PaperRows) -> Floats:
    """Return the factors for the dense columns of a ledger (n, width)."""
    return np.hstack(
        [
            (rows.words @ space.background.words.T).toarray(),
            rows.close,
            *([] if space.companions else [rows.themes]),
            rows.bulk[:, None],
            np.ones((len(rows), 1), dtype=np.float32),
        ]
    ).astype(np.float32)
