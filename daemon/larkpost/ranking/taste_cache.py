"""Caches tastes trained in one model, so that a run trains only changed ones."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from larkpost.ranking.linear_model import Calibration
    from larkpost.ranking.paper_row_cache import SparseRow
    from larkpost.ranking.tfidf import Floats

    Whose = tuple[int, int]  # a reader and an interest, by their ids

MOST_BYTES = 32 * 2**20  # of lines, and as many of kernels: about 300 readers each
DIGEST = 16


class Line(NamedTuple):
    """The trained taste of one interest: its line of ``TrainingVotes``.

    ``shares`` (n), ``dense`` (width); ``terms`` are the terms with a weight (none in fast mode).
    """

    shares: Floats
    dense: Floats
    terms: SparseRow
    calibration: Calibration

    @property
    def size(self) -> int:
        """Return its size in bytes."""
        terms = self.terms.columns.nbytes + self.terms.weights.nbytes
        return int(self.shares.nbytes + self.dense.nbytes + terms)


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
    """The latest line and kernel of each interest, trained in one model.

    A line is returned only under its key, which must cover everything that it was trained on. A
    kernel depends on the texts alone, so the part shared with other votes is reused. Both are
    evicted, least recently used first, when they exceed the size limit.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._lines: OrderedDict[Whose, tuple[bytes, Line]] = OrderedDict()
        self._kernels: OrderedDict[Whose, _Kernel] = OrderedDict()
        self._bytes = {"lines": 0, "kernels": 0}
        self._lock = Lock()

    def line(self, whose: Whose, key: bytes) -> Line | None:
        """Return the line of an interest, if it was trained on the data of ``key``."""
        with self._lock:
            kept = self._lines.get(whose)
            if kept is None or kept[0] != key:
                return None
            self._lines.move_to_end(whose)
            return kept[1]

    def keep_line(self, whose: Whose, key: bytes, line: Line) -> None:
        """Store a line, replacing an earlier one."""
        with self._lock:
            if before := self._lines.pop(whose, None):
                self._bytes["lines"] -= before[1].size
            self._lines[whose] = key, line
            self._bytes["lines"] += line.size
            while self._bytes["lines"] > self._most:
                _, (_, gone) = self._lines.popitem(last=False)
                self._bytes["lines"] -= gone.size

    def kernel(self, whose: Whose, names: Sequence[bytes], words: csr_array) -> Floats:
        """Return the similarities in words of an interest's votes (n, n), computing only new ones.

        ``names`` (n) identify the rows ``words`` (n, v): equal names mean equal rows.
        """
        with self._lock:
            before = self._kernels.get(whose)
        among = _grown(before, names, words)
        with self._lock:
            if gone := self._kernels.pop(whose, None):
                self._bytes["kernels"] -= gone.size
            kept = self._kernels[whose] = _Kernel(tuple(names), among)
            self._bytes["kernels"] += kept.size
            while self._bytes["kernels"] > self._most:
                self._bytes["kernels"] -= self._kernels.popitem(last=False)[1].size
        return among


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
