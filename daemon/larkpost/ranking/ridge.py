"""Weighted ridge regression in dual form, for many readers at once, on a shared background.

Each reader's model is ``min sum w_i (y_i - f(x_i))^2 + |f|^2`` with a free intercept, over the
reader's votes and the background papers, which are the same for all. Eliminating the shared
block first (Schur complement, through one eigendecomposition) leaves a system of the size of
the votes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from scipy.linalg import get_lapack_funcs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float32]


# From this number of votes, each reader's system is inverted alone, through its triangular factor:
# a sixth of the work of the general inverse. Below, the calls cost more than the arithmetic.
ALONE_FROM = 96


@dataclass(frozen=True, slots=True)
class BackgroundKernel:
    """The background's kernel (b, b) as eigenvalues (b) and eigenvectors (b, b)."""

    values: Array
    vectors: Array

    @property
    def ones(self) -> Array:
        """Return the vector of ones in the basis of the eigenvectors (b)."""
        return np.asarray(self.vectors.sum(axis=0))


@dataclass(frozen=True, slots=True)
class RidgeSolution:
    """Dual coefficients of r readers, and their predictions.

    ``votes`` (r, n), ``background`` (r, b), ``intercept`` (r); ``fitted`` (r, b) is f on the
    background without the intercept; ``left_out`` (r, n) is f on each vote, had it not been cast.
    """

    votes: Array
    background: Array
    intercept: Array
    fitted: Array
    left_out: Array


def decompose_kernel(kernel: Array) -> BackgroundKernel:
    """Decompose the background's kernel."""
    values, vectors = np.linalg.eigh(kernel)
    return BackgroundKernel(np.maximum(values, 0).astype(np.float32), vectors.astype(np.float32))


def solve(
    own: Array, seen: Array, targets: Array, weights: Array, rest: Array, common: BackgroundKernel
) -> RidgeSolution:
    """Solve for r readers with up to n votes each.

    ``own`` (r, n, n) kernels among votes, ``seen`` (r, n, b) kernels of votes against the
    background times its eigenvectors, ``targets`` (r, n), ``weights`` (r, n; 0 = no vote), ``rest``
    (r) the weight of one background paper. A weight may be negative if the background has as much
    at the same point, so that the two cancel.
    """
    # The background has weight w each: its block is K + I/w, so 1/(value + 1/w) inverts it.
    damp = 1 / (common.values + (1 / np.maximum(rest, 1e-6))[:, None])
    damped = seen * damp[:, None, :]
    system = damped @ seen.transpose(0, 2, 1)
    np.subtract(own, system, out=system)  # no third array: they are the memory of a morning
    n = own.shape[1]
    cast = weights != 0
    system[:, np.arange(n), np.arange(n)] += 1 / np.where(cast, weights, 1e-6)
    inverse = invert(system, weights >= 0)
    ones = cast - damped @ common.ones
    by_target = np.einsum("rij,rj->ri", inverse, targets)
    by_one = np.einsum("rij,rj->ri", inverse, ones)
    back_target = -damp * np.einsum("rnb,rn->rb", seen, by_target)
    back_one = damp * (common.ones - np.einsum("rnb,rn->rb", seen, by_one))
    total = by_one.sum(axis=1) + back_one @ common.ones
    # The residuals sum to zero: that fixes the intercept.
    intercept = (by_target.sum(axis=1) + back_target @ common.ones) / np.maximum(total, 1e-9)
    votes = by_target - intercept[:, None] * by_one
    turned = back_target - intercept[:, None] * back_one
    background = turned @ common.vectors.T
    fitted = -intercept[:, None] - background / np.maximum(rest, 1e-6)[:, None]
    # Leaving one out needs only the diagonal of the bordered inverse (Cook & Weisberg 1982).
    held = np.diagonal(inverse, axis1=1, axis2=2) - by_one**2 / np.maximum(total, 1e-9)[:, None]
    left_out = targets - intercept[:, None] - votes / np.maximum(held, 1e-9)
    return RidgeSolution(votes, background, intercept, fitted, left_out)


def invert(systems: NDArray[Any], sure: NDArray[np.bool_]) -> NDArray[Any]:
    """Invert symmetric matrices (r, n, n), which are positive definite where ``sure`` (r, n).

    The other rows are few. They are eliminated last, through the Schur complement of the sure
    block, whose inverse comes from its Cholesky factor (Golub & Van Loan 2013, 4.2).
    """
    if systems.shape[1] < ALONE_FROM:
        return np.asarray(np.linalg.inv(systems))
    return np.stack([_invert_one(*one) for one in zip(systems, sure, strict=True)])


def _invert_one(system: NDArray[Any], sure: NDArray[np.bool_]) -> NDArray[Any]:
    first, last = np.flatnonzero(sure), np.flatnonzero(~sure)
    block = _invert_positive(system[np.ix_(first, first)] if len(last) else system)
    if block is None:  # nearly singular: rounding made it indefinite
        return np.asarray(np.linalg.inv(system))
    if not len(last):
        return block
    through = block @ system[np.ix_(first, last)]
    rest = system[np.ix_(last, last)] - system[np.ix_(last, first)] @ through
    inner = np.linalg.inv(rest)
    inverse = np.empty_like(system)
    inverse[np.ix_(first, first)] = block + through @ inner @ through.T
    inverse[np.ix_(first, last)] = -through @ inner
    inverse[np.ix_(last, first)] = inverse[np.ix_(first, last)].T
    inverse[np.ix_(last, last)] = inner
    return inverse


def _invert_positive(matrix: NDArray[Any]) -> NDArray[Any] | None:
    """Invert a positive definite matrix (n, n); None if it is not."""
    factorise, finish = cast("tuple[Any, Any]", get_lapack_funcs(("potrf", "potri"), (matrix,)))
    factor, failed = factorise(matrix.T, lower=1, clean=1)
    if failed:
        return None
    half, failed = finish(factor, lower=1, overwrite_c=1)
    if failed:
        return None
    half += np.tril(half, -1).T  # above the diagonal are zeros
    return np.asarray(half)
