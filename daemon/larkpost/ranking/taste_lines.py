"""Lines of a ledger: learnt in batches, kept by what they were learnt from, put side by side."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from larkpost.ranking.taste import Columns, Ledger
from larkpost.ranking.taste_cache import Line, digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from larkpost.domain import Paper
    from larkpost.ranking.learning import Ballot, Learnt
    from larkpost.ranking.parts import Kernel, Seen
    from larkpost.ranking.space import Floats, Indices, Rows, TextSpace
    from larkpost.ranking.taste_cache import TasteCache


@dataclass(frozen=True, slots=True)
class Shelf:
    """The voted papers and the words of interests (u), each once, and the ballots on them.

    ``papers`` (u) has None where a row stands for words, as for the blank one, the last;
    ``names`` (u) are the same for the same text or words.
    """

    papers: tuple[Paper | None, ...]
    names: Sequence[bytes]
    rows: Rows
    ballots: Sequence[Ballot]

    def key(self, ballot: Ballot, *, careful: bool) -> bytes:
        """Name everything that the line of a ballot is learnt from, beside the space.

        The day counts where votes fade, by their weights.
        """
        # Not the numbers of its rows: they depend on who else is learnt.
        said = [one.name for one in fields(ballot) if one.name != "votes"]
        voted = [self.papers[at] for at in ballot.votes]
        ids = np.array([-1 if paper is None else paper.id for paper in voted], dtype=np.int64)
        return digest(
            bytes([careful]),
            ids.tobytes(),  # readers who teach put a paper in its place by its id
            b"".join(self.names[at] for at in ballot.votes),
            *(np.asarray(getattr(ballot, name)).tobytes() for name in said),
        )


def name_hint(counts: str | Mapping[str, float]) -> bytes:
    """Give the name of an interest's words, by the terms they stand for."""
    terms = counts if isinstance(counts, str) else sorted(counts.items())
    return digest(repr(terms).encode())


def lines_of(
    space: TextSpace, shelf: Shelf, batch: Sequence[int], learnt: Learnt
) -> Iterator[Line]:
    """Give what was learnt of each of the ballots of a batch."""
    columns = Columns.of(space)
    for place, at in enumerate(batch):
        dense = np.zeros(columns.width, dtype=np.float32)
        for name, values in learnt.dense.items():
            if name != "terms":
                where = getattr(columns, name)
                dense[where] = values[place] if isinstance(where, slice) else values[place].item()
        shares = learnt.shares[place, : len(shelf.ballots[at].votes)]
        terms = learnt.dense.get("terms")
        none = np.zeros(0, dtype=np.float32)
        mine = none if terms is None else np.array(terms[place], dtype=np.float32)
        yield Line(np.array(shares, dtype=np.float32), dense, mine, learnt.calibrations[place])


def ledger_of(
    space: TextSpace, shelf: Shelf, seen: Seen, lines: Sequence[Line], *, careful: bool
) -> Ledger:
    """Put lines side by side: those of the ballots of a shelf, in their order."""
    columns, nothing = Columns.of(space), np.zeros(0, dtype=np.float32)
    ends = np.cumsum([0] + [len(ballot.votes) for ballot in shelf.ballots])
    votes = np.concatenate([np.zeros(0, np.intp), *(ballot.votes for ballot in shelf.ballots)])
    shares = np.concatenate([nothing, *(line.shares for line in lines)])
    dense = np.zeros((len(lines), columns.width), dtype=np.float32)
    # A column a reader: scoring then runs along the readers of one term.
    terms = np.zeros((len(space.vocabulary), len(lines) if careful else 0), dtype=np.float32)
    for at, line in enumerate(lines):
        dense[at] = line.dense
        if careful and len(line.terms):
            terms[:, at] = line.terms
    matrix = csr_array((shares, votes, ends), shape=(len(lines), len(seen.rows)))
    return Ledger(shelf.papers, seen.rows, matrix, dense, terms, columns)


def kernel_of(cache: TasteCache, shelf: Shelf, whose: Sequence[tuple[int, int]]) -> Kernel:
    """Give what knows the likeness of the votes of those whose batch it is."""

    def kernel(line: int, votes: Indices) -> Floats:
        names = [shelf.names[at] for at in votes]
        return cache.kernel(whose[line], names, shelf.rows.words[votes])

    return kernel
