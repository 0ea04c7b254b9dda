"""Lines of a ledger: trained in batches, cached by their inputs, joined."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from larkpost.domain import Paper
from larkpost.ranking.calibration import calibrate
from larkpost.ranking.exploration.passed_over import add_passed
from larkpost.ranking.linear_model import Calibration, Columns, TrainingVotes
from larkpost.ranking.paper_row_cache import PaperTexts, SparseRow
from larkpost.ranking.taste_cache import Line, TasteCache, digest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from larkpost.ranking.exploration.passed_over import Passed
    from larkpost.ranking.model_components import Kernel
    from larkpost.ranking.tfidf import Floats, Indices, PaperRows, TextSpace
    from larkpost.ranking.training import Learnt
    from larkpost.ranking.training_examples import TextPlaces, TrainingExample

_BLANK: Mapping[str, float] = {}  # no terms
BATCH = 2**20  # kernel entries of a batch: temporary arrays of 4 MB each


@dataclass(frozen=True, slots=True)
class BallotRows:
    """The voted papers and interests' words (u), each once, and the ballots on them.

    ``papers`` (u) has None if a row represents words, and for the last, blank row; ``names`` (u)
    are the same for the same text or words. ``passed`` are the papers that the ballots' ``passed``
    point to, ``passed_names`` those of their texts.
    """

    papers: tuple[Paper | None, ...]
    names: Sequence[bytes]
    rows: PaperRows
    ballots: Sequence[TrainingExample]
    passed: Sequence[Paper]
    passed_names: Sequence[bytes]

    @classmethod
    def of(
        cls,
        space: TextSpace,
        voted: TextPlaces,
        unvoted: TextPlaces,
        ballots: Sequence[TrainingExample],
    ) -> BallotRows:
        """Make the rows of the texts, with a blank one that pads the votes."""
        sources = *voted.sources, _BLANK
        papers = *voted.papers, None
        unvoted_papers = [paper for paper in unvoted.papers if paper is not None]
        known = iter(space.names([paper for paper in papers if paper is not None]))
        names = [b"" if paper is None else next(known) for paper in papers]
        ids = [None if paper is None else paper.id for paper in papers]
        named = [
            name or name_hint(source if isinstance(source, Mapping) else {})
            for name, source in zip(names, sources, strict=True)
        ]
        rows = space.rows(PaperTexts(sources), ids, names)
        passed_names = space.names(unvoted_papers)
        return cls(papers, named, rows, ballots, unvoted_papers, passed_names)

    def of_ballots(self, some: Sequence[int]) -> BallotRows:
        """Return the same for some of the ballots, without the rows of the others."""
        ballots = [self.ballots[at] for at in some]
        if len(some) == len(self.ballots):
            return self
        used = np.unique(np.concatenate([ballot.votes for ballot in ballots]))
        used = np.append(used, len(self.papers) - 1)  # the blank row
        return replace(
            self,
            papers=tuple(self.papers[at] for at in used),
            names=[self.names[at] for at in used],
            rows=self.rows[used],
            ballots=[
                replace(ballot, votes=np.searchsorted(used, ballot.votes)) for ballot in ballots
            ],
        )

    def key(self, ballot: TrainingExample, *, accurate: bool) -> bytes:
        """Return a key of all the training data of a ballot's line, except the model.

        The day counts if votes fade, through their weights.
        """
        # Not the numbers of its rows: they depend on the other readers in the run.
        said = [one.name for one in fields(ballot) if one.name not in {"votes", "passed"}]
        voted = [self.papers[at] for at in ballot.votes]
        ids = np.array([-1 if paper is None else paper.id for paper in voted], dtype=np.int64)
        return digest(
            bytes([accurate]),
            ids.tobytes(),  # collaborative factors of a paper are found by its id
            b"".join(self.names[at] for at in ballot.votes),
            b"".join(self.passed_names[at] for at in ballot.passed),
            *(np.asarray(getattr(ballot, name)).tobytes() for name in said),
        )


def name_hint(counts: Mapping[str, float]) -> bytes:
    """Return the name of an interest's words, made from their terms."""
    return digest(repr(sorted(counts.items())).encode())


def dense_of(space: TextSpace, learnt: Learnt) -> Floats:
    """Join the dense parts of the training results as columns (r, width)."""
    columns = Columns.of(space)
    dense = np.zeros((len(learnt.shares), columns.width), dtype=np.float32)
    for name, values in learnt.dense.items():
        if name != "terms":
            where = getattr(columns, name)
            dense[:, where] = values if isinstance(where, slice) else values.ravel()
    return dense


def words_of(rows: PaperRows, ballots: Sequence[TrainingExample], shares: Floats) -> Floats:
    """Return the sum of the votes' stressed words times their coefficients (r, n): (r, v)."""
    words = np.empty((len(ballots), rows.words.shape[1]), dtype=np.float32)
    for at, ballot in enumerate(ballots):
        words[at] = rows.words[ballot.votes].T @ shares[at, : len(ballot.votes)]
    return words


def calibrations_of(
    passed: Passed,
    ballots: Sequence[TrainingExample],
    learnt: Learnt,
    words: Floats,
    dense: Floats,
) -> list[Calibration]:
    """Calibrate the leave-one-out scores of votes, and those of papers passed over."""
    none = np.zeros(0, dtype=np.float32)
    terms = learnt.dense.get("terms", [none] * len(ballots))
    scores = [
        passed.scores(ballot.passed, words[line], dense[line], terms[line])
        for line, ballot in enumerate(ballots)
    ]
    return calibrate(*add_passed(ballots, scores, learnt.checked))


def lines_of(
    ballots: Sequence[TrainingExample],
    learnt: Learnt,
    words: Floats,
    dense: Floats,
    calibrations: Sequence[Calibration],
) -> Iterator[Line]:
    """Return the line of each ballot of a batch.

    ``words`` and ``dense`` are as from ``words_of`` and ``dense_of``.
    """
    terms = learnt.dense.get("terms")
    for at, ballot in enumerate(ballots):
        shares = np.array(learnt.shares[at, : len(ballot.votes)], dtype=np.float32)
        mine = _filled(np.zeros(0) if terms is None else terms[at])
        yield Line(shares, words[at].copy(), dense[at].copy(), mine, calibrations[at])


def _filled(weights: NDArray[np.floating]) -> SparseRow:
    """Keep the terms with a weight (v), which are few of a large corpus' terms."""
    columns = np.flatnonzero(weights)
    return SparseRow(columns.astype(np.int32), weights[columns].astype(np.float32))


def ledger_of(
    space: TextSpace, ballot_rows: BallotRows, lines: Sequence[Line], *, accurate: bool
) -> TrainingVotes:
    """Join lines, one per ballot, in order."""
    columns, nothing = Columns.of(space), np.zeros(0, dtype=np.float32)
    ends = np.cumsum([0] + [len(ballot.votes) for ballot in ballot_rows.ballots])
    votes = np.concatenate(
        [np.zeros(0, np.intp), *(ballot.votes for ballot in ballot_rows.ballots)]
    )
    shares = np.concatenate([nothing, *(line.shares for line in lines)])
    dense = np.zeros((len(lines), columns.width), dtype=np.float32)
    # One column per reader: scoring then runs along the readers of one term.
    words = np.zeros((len(space.vocabulary), len(lines)), dtype=np.float32)
    terms = np.zeros((len(space.vocabulary), len(lines) if accurate else 0), dtype=np.float32)
    for at, line in enumerate(lines):
        dense[at], words[:, at] = line.dense, line.words
        if accurate:
            terms[line.terms.columns, at] = line.terms.weights
    matrix = csr_array((shares, votes, ends), shape=(len(lines), len(ballot_rows.rows)))
    return TrainingVotes(ballot_rows.papers, ballot_rows.rows, matrix, words, dense, terms, columns)


def kernel_of(
    cache: TasteCache, ballot_rows: BallotRows, whose: Sequence[tuple[int, int]]
) -> Kernel:
    """Return a function for the similarities of the votes of a batch's readers."""

    def kernel(line: int, votes: Indices) -> Floats:
        names = [ballot_rows.names[at] for at in votes]
        return cache.kernel(whose[line], names, ballot_rows.rows.words[votes])

    return kernel


def pad(ballots: Sequence[TrainingExample]) -> tuple[Indices, Floats, Floats, Floats]:
    """Arrange votes, thumbs, weights and checks as arrays (r, n), padded with zeros."""
    shape = len(ballots), max(1, max(len(ballot.votes) for ballot in ballots))
    votes = np.zeros(shape, dtype=np.intp)
    thumbs, weights, checks = (np.zeros(shape, dtype=np.float32) for _ in range(3))
    for at, ballot in enumerate(ballots):
        size = len(ballot.votes)
        votes[at, :size] = ballot.votes
        thumbs[at, :size], weights[at, :size] = ballot.thumbs, ballot.weights
        checks[at, :size] = ballot.checks
    return votes, thumbs, weights, checks


def batches(sizes: Sequence[int]) -> Iterator[list[int]]:
    """Group ballots of similar size, so that padding them to the largest wastes little."""
    batch: list[int] = []
    for at in sorted(range(len(sizes)), key=lambda at: sizes[at]):
        if batch and (len(batch) + 1) * (sizes[at] * (sizes[at] + 300) + 5000) > BATCH:
            yield batch
            batch = []
        batch.append(at)
    if batch:
        yield batch
