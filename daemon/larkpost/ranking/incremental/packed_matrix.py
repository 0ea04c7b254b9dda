"""Symmetric matrices in half of the memory, in BLAS' packed storage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from scipy.linalg import get_blas_funcs, get_lapack_funcs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Indices = NDArray[np.intp]

_SAMPLE = np.zeros(1, dtype=np.float32)
_spmv, _spr = cast("tuple[Any, Any]", get_blas_funcs(("spmv", "spr"), (_SAMPLE,)))
(_trttp,) = cast("tuple[Any]", get_lapack_funcs(("trttp",), (_SAMPLE,)))


@dataclass(frozen=True, eq=False)
class PackedMatrix:
    """A symmetric matrix (n, n): ``packed`` are its rows up to the diagonal, one after another."""

    packed: Floats

    @classmethod
    def of(cls, whole: Floats) -> PackedMatrix:
        """Pack a symmetric matrix (n, n)."""
        packed, _ = _trttp(whole.T, uplo="U")
        return cls(packed)

    def __len__(self) -> int:
        """Return n."""
        return int((2 * len(self.packed)) ** 0.5)

    @cached_property
    def _starts(self) -> Indices:
        rows = np.arange(len(self) + 1)
        return rows * (rows + 1) // 2

    @property
    def diagonal(self) -> Floats:
        """Return the diagonal (n)."""
        return self.packed[self._starts[1:] - 1]

    def _row_places(self, at: int) -> Indices:
        """Return the positions of the elements of a row (n)."""
        starts = self._starts[:-1]
        return np.concatenate([starts[at] + np.arange(at), starts[at:] + at])

    def rows(self, some: Indices) -> Floats:
        """Return some rows (k, n)."""
        return np.stack([self.packed[self._row_places(at)] for at in some.tolist()])

    def __matmul__(self, columns: Floats) -> Floats:
        """Multiply with a few columns (n, k)."""
        size = len(self)
        made = [_spmv(size, 1, self.packed, np.ascontiguousarray(one)) for one in columns.T]
        return np.stack(made, axis=1)

    def first(self, size: int, *, moved: Mapping[int, int]) -> PackedMatrix:
        """Return the first rows and columns, with some replaced by later ones: ``moved`` to from.

        The later ones are not among the first ``size``.
        """
        kept = PackedMatrix(self.packed[: size * (size + 1) // 2].copy())
        sources = np.arange(size)
        sources[list(moved)] = list(moved.values())
        for to, source in moved.items():
            kept.packed[kept._row_places(to)] = self.packed[self._row_places(source)][sources]
        return kept

    def add_products(self, vectors: Floats, factor: float) -> PackedMatrix:
        """Add ``factor`` times the outer product of each vector (k, n) with itself."""
        packed, size = self.packed.copy(), len(self)
        for one in vectors:
            packed = _spr(size, factor, np.ascontiguousarray(one), packed, overwrite_ap=1)
        return PackedMatrix(packed)

    def bordered(self, beside: Floats, corner: Floats) -> PackedMatrix:
        """Append rows and columns: ``beside`` (k, n) and ``corner`` (k, k)."""
        rows = [np.concatenate([beside[at], corner[at, : at + 1]]) for at in range(len(corner))]
        return PackedMatrix(np.concatenate([self.packed, *rows]))
