"""Caches tastes trained in one model, so that a run trains only changed ones."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b
from threading import Lock
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from larkpost.ranking.incremental.vote_inverse import VoteInverse
    from larkpost.ranking.linear_model import Calibration
    from larkpost.ranking.paper_row_cache import SparseRow
    from larkpost.ranking.tfidf import Floats

    Whose = tuple[int, int]  # a reader and an interest, by their ids

MOST_BYTES = 40 * 2**20  # of lines, and as many of kernels and inverses: see docs/ranking.md
DIGEST = 16

T = TypeVar("T")


class Line(NamedTuple):
    """The trained taste of one interest: its line of ``TrainingVotes``.

    ``shares`` (n), ``words`` (v), ``dense`` (width); ``terms`` are the terms with a weight (none in
    fast mode).
    """

    shares: Floats
    words: Floats
    dense: Floats
    terms: SparseRow
    calibration: Calibration

    @property
    def size(self) -> int:
        """Return its size in bytes."""
        terms = self.terms.columns.nbytes + self.terms.weights.nbytes
        return int(self.shares.nbytes + self.words.nbytes + self.dense.nbytes + terms)


class _Kernel(NamedTuple):
    """The similarities of votes in words (n, n), and the key of each vote's row."""

    names: Sequence[bytes]
    among: Floats

    @property
    def size(self) -> int:
        return int(self.among.nbytes) + DIGEST * len(self.names)


def digest(*parts: bytes) -> bytes:
    """Return one key, 16 bytes, for these parts; it depends on the boundaries between them."""
    of = blake2b(digest_size=DIGEST)
    for part in parts:
        of.update(len(part).to_bytes(8, "little"))
        of.update(part)
    return of.digest()


class TasteCache:
    """The latest line of each interest, and its kernel or inverse, trained in one model.

    A line is returned only under its key, which must cover everything that it was trained on. A
    kernel or an inverse depends on texts and weights alone, so the part shared with other votes is
    reused. Both are evicted, least recently used first, when they exceed the size limit.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._lines = _BoundedStore[tuple[bytes, Line]](most_bytes)
        self._solved = _BoundedStore["_Kernel | VoteInverse"](most_bytes)

    def line(self, whose: Whose, key: bytes) -> Line | None:
        """Return the line of an interest, if it was trained on the data of ``key``."""
        kept = self._lines.get(whose)
        return kept[1] if kept is not None and kept[0] == key else None

    def keep_line(self, whose: Whose, key: bytes, line: Line) -> None:
        """Store a line, replacing an earlier one."""
        self._lines.keep(whose, (key, line), line.size)

    def kernel(self, whose: Whose, names: Sequence[bytes], words: csr_array) -> Floats:
        """Return the similarities in words of an interest's votes (n, n), computing only new ones.

        ``names`` (n) identify the rows ``words`` (n, v): equal names mean equal rows.
        """
        before = self._solved.get(whose)
        known = before if isinstance(before, _Kernel) else None
        kept = _Kernel(tuple(names), _grown(known, names, words))
        self._solved.keep(whose, kept, kept.size)
        return kept.among

    def inverse(self, whose: Whose) -> VoteInverse | None:
        """Return the latest inverse of an interest's votes."""
        before = self._solved.get(whose)
        return None if isinstance(before, _Kernel) else before

    def keep_inverse(self, whose: Whose, inverse: VoteInverse) -> None:
        """Store an inverse, replacing an earlier one, or a kernel."""
        self._solved.keep(whose, inverse, inverse.size)


class _BoundedStore(Generic[T]):
    """Values by interest, at most so many bytes, evicted least recently used first."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[Whose, tuple[T, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, whose: Whose) -> T | None:
        with self._lock:
            if whose not in self._kept:
                return None
            self._kept.move_to_end(whose)
            return self._kept[whose][0]

    def keep(self, whose: Whose, value: T, size: int) -> None:
        with self._lock:
            self._bytes += size - self._kept.pop(whose, (None, 0))[1]
            self._kept[whose] = value, size
            while self._bytes > self._most:
                self._bytes -= self._kept.popitem(last=False)[1][1]


def _grown(before: _Kernel | None, names: Sequence[bytes], words: csr_array) -> Floats:
    """Extend the kernel ``before``: multiply only the missing rows with all others."""
    place = {name: at for at, name in enumerate(before.names)} if before else {}
    old = np.array([place.get(name, -1) for name in names], dtype=np.intp)
    new = np.flatnonzero(old < 0)
    if before is None or 2 * len(new) > len(names):
        return np.asarray((words @ words.T).toarray(), dtype=np.float32)
    if not len(new) and len(old) == len(before.names) and (old == np.arange(len(old))).all():
        return before.among
    among = before.among[np.ix_(old, old)]
    if len(new):
        added = (words @ words[new].T).toarray()
        among[:, new], among[new, :] = added, added.T
    return among
