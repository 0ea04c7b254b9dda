"""Sparse matrices of terms: counts, TF-IDF weights, rows of length one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from collections import Counter

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


def count_matrix(counted: Sequence[Counter[str]], column: dict[str, int]) -> csr_array:
    """Return the counts of known terms as a matrix (n, v)."""
    known = [[term for term in one if term in column] for one in counted]
    indptr = np.concatenate([[0], np.cumsum([len(one) for one in known])]).astype(np.int32)
    indices = np.fromiter((column[term] for one in known for term in one), np.int32, indptr[-1])
    pairs = zip(counted, known, strict=True)
    data = np.fromiter((one[term] for one, of in pairs for term in of), np.float32, indptr[-1])
    counts = csr_array((data, indices, indptr), shape=(len(known), len(column)))
    counts.sort_indices()
    return counts


def weigh(counts: csr_array, idf: Floats) -> csr_array:
    """Turn counts into l2 rows of (1 + log tf) idf (Salton & Buckley 1988)."""
    data = ((1 + np.log(counts.data)) * idf[counts.indices]).astype(np.float32)
    words = csr_array((data, counts.indices, counts.indptr), shape=counts.shape)
    scale_to_unit(words)
    return words


def scale_to_unit(rows: csr_array) -> None:
    """Scale the rows in place to length one; zero rows stay."""
    where = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    squares = np.bincount(where, weights=rows.data.astype(np.float64) ** 2, minlength=rows.shape[0])
    lengths = np.maximum(np.sqrt(squares), 1e-9).astype(np.float32)
    rows.data /= lengths[where]


def unit(rows: Floats) -> Floats:
    """Scale the rows to length one; rows of (nearly) zero become zero."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.where(norms > 1e-6, rows / np.maximum(norms, 1e-6), 0).astype(np.float32)


def to_half_precision(rows: csr_array) -> csr_array:
    """Round the values to half precision, in which they are stored."""
    data = rows.data.astype(np.float16).astype(np.float32)
    return csr_array((data, rows.indices, rows.indptr), shape=rows.shape)
