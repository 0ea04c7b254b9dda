"""The ridge regression of one reader with many votes, updated by the votes that changed.

With A = K + 1/w over the votes (kernel and weights), B the kernel of votes against the background
and C = K' + 1/rest over the background, the regression solves [A B; B' C] x = y. Here the votes are
eliminated first. What belongs to A alone, its inverse, A^-1 B and B' A^-1 B, does not depend on
``rest``, which changes with each thumb up. So it is kept, and votes are added and removed by the
inverse of a bordered matrix (Golub & Van Loan 2013, 2.1.4); each costs n^2 operations, not n^3.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from larkpost.ranking.incremental.packed_matrix import PackedMatrix
from larkpost.ranking.ridge import RidgeSolution, invert

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    Floats = NDArray[np.float32]
    Indices = NDArray[np.intp]

ANEW = 0.25  # from this share of changed votes, computing everything anew costs less
SAME = 0.999  # similarity in words from which two rows are one paper (half precision)


@dataclass(frozen=True, eq=False)
class VoteRows:
    """One reader's votes: names of their rows, weights (n), words (n, v); the last are ``hints``.

    Equal names mean equal rows.
    """

    names: Sequence[bytes]
    weights: Floats
    words: csr_array
    hints: int

    @cached_property
    def places(self) -> dict[Hashable, int]:
        """Return the position of each vote by what identifies it: its row, with its weight."""
        keys: list[Hashable] = list(zip(self.names, self.weights.tolist(), strict=True))
        found = {key: at for at, key in enumerate(keys)}
        return found if len(found) == len(keys) else {(at, key): at for at, key in enumerate(keys)}


@dataclass(frozen=True, slots=True, eq=False)
class VoteInverse:
    """The inverse of A, ``through`` (n, b) = A^-1 B and ``inner`` (b, b) = B' A^-1 B.

    ``keys`` identify the votes, in the order of the rows; ``twins`` (n) is the same paper in the
    background, -1 for none.
    """

    keys: Sequence[Hashable]
    inverse: PackedMatrix
    through: Floats
    inner: Floats
    twins: Indices

    @property
    def size(self) -> int:
        """Return its size in bytes."""
        arrays = self.inverse.packed, self.through, self.inner, self.twins
        return sum(array.nbytes for array in arrays) + 100 * len(self.keys)

    def order(self, votes: VoteRows) -> Indices:
        """Return the position (n) of each row's vote in ``votes``, which are the same."""
        places = votes.places
        return np.array([places[key] for key in self.keys], dtype=np.intp)


def update(before: VoteInverse | None, votes: VoteRows, background: csr_array) -> VoteInverse:
    """Return the inverse for these votes, made from an earlier one of the same model.

    ``background`` (b, v) are the stressed words of the model's background.
    """
    places = votes.places
    old = np.array([places.get(key, -1) for key in before.keys] if before else [], dtype=np.intp)
    is_new = np.ones(len(places), dtype=bool)
    is_new[old[old >= 0]] = False
    new = np.flatnonzero(is_new)
    if before is None or len(new) + int((old < 0).sum()) > ANEW * len(places):
        return _compute(votes, background)
    try:
        kept = before if (old >= 0).all() else _without(before, np.flatnonzero(old < 0))
        if not len(new):
            return kept
        return _with(kept, votes, np.array([places[key] for key in kept.keys]), new, background)
    except np.linalg.LinAlgError:  # rounding made a matrix indefinite
        return _compute(votes, background)


def _compute(votes: VoteRows, background: csr_array) -> VoteInverse:
    keys = list(votes.places)
    system = np.asarray((votes.words @ votes.words.T).toarray(), dtype=np.float32)
    system[np.diag_indices(len(keys))] += 1 / votes.weights
    inverse = invert(system[None], np.ones((1, len(keys)), dtype=bool))[0]
    del system  # as large as the inverse
    against, twins = _compare(votes, np.arange(len(keys)), background)
    through = inverse @ against
    return VoteInverse(keys, PackedMatrix.of(inverse), through, against.T @ through, twins)


def _compare(votes: VoteRows, some: Indices, background: csr_array) -> tuple[Floats, Indices]:
    """Return the kernel of some votes against the background (k, b), and their twins (k)."""
    against = np.asarray((votes.words[some] @ background.T).toarray(), dtype=np.float32)
    is_paper = some < len(votes.names) - votes.hints
    same = is_paper & (against.max(axis=1) > SAME)
    return against, np.where(same, against.argmax(axis=1), -1)


def _without(before: VoteInverse, gone: Indices) -> VoteInverse:
    """Remove votes, by their rows: the last rows take their places."""
    size = len(before.keys) - len(gone)
    order = np.arange(len(before.keys))
    free, last = gone[gone < size], np.setdiff1d(order[size:], gone)
    order[free], order[size:] = last, np.concatenate([free, gone[gone >= size]])
    taken = before.inverse.rows(order[size:])[:, order]
    kept = before.inverse.first(
        size, moved={int(to): int(at) for to, at in zip(free, last, strict=True)}
    )
    through = before.through[order]
    corner, lost = taken[:, size:], through[size:]
    # With corner = L L', the inverse of a part of A loses F corner^-1 F' (F: rows lost and kept).
    half = solve_triangular(np.linalg.cholesky(corner), taken[:, :size], lower=True)
    beside = np.asarray(np.linalg.solve(corner, taken[:, :size]), dtype=np.float32)
    return VoteInverse(
        [before.keys[at] for at in order[:size]],
        kept.add_products(half, -1),
        through[:size] - beside.T @ lost,
        np.asarray(before.inner - lost.T @ np.linalg.solve(corner, lost), dtype=np.float32),
        before.twins[order[:size]],
    )


def _with(
    before: VoteInverse,
    votes: VoteRows,
    old: Indices,
    new: Indices,
    background: csr_array,
) -> VoteInverse:
    """Add the votes at ``new``; ``old`` are the positions of the present ones."""
    fresh, keys = votes.words[new], list(votes.places)
    beside = np.asarray((votes.words @ fresh.T).toarray(), dtype=np.float32)
    among, across = beside[new], beside[old]
    among[np.diag_indices(len(new))] += 1 / votes.weights[new]
    turned = before.inverse @ across
    corner = np.asarray(np.linalg.inv(among - across.T @ turned), dtype=np.float32)
    against, twins = _compare(votes, new, background)
    missing = against - across.T @ before.through
    added = np.asarray(corner @ missing, dtype=np.float32)
    half = np.asarray(np.linalg.cholesky(corner).T @ turned.T, dtype=np.float32)
    inverse = before.inverse.add_products(half, 1)
    return VoteInverse(
        [*before.keys, *(keys[at] for at in new)],
        inverse.bordered(-corner @ turned.T, corner),
        np.concatenate([before.through - turned @ added, added]),
        np.asarray(before.inner + missing.T @ added, dtype=np.float32),
        np.concatenate([before.twins, twins]),
    )


def solve(
    votes: VoteInverse, targets: Floats, weights: Floats, rest: float, kernel: Floats
) -> RidgeSolution:
    """Solve the regression of one reader, in the order of the rows.

    ``targets`` and ``weights`` (n) are those of the votes, ``rest`` the weight of one background
    paper, ``kernel`` (b, b) that of the background. A paper of the background that the reader has
    voted on is left out of it.
    """
    read = votes.twins[votes.twins >= 0]
    unread = np.setdiff1d(np.arange(len(kernel)), read)
    through = votes.through[:, unread]
    block = np.ix_(unread, unread)
    inner = kernel[block].astype(np.float64) - votes.inner[block]
    inner[np.diag_indices(len(unread))] += 1 / rest
    factor = cho_factor(inner, lower=True, overwrite_a=True)
    sides = np.stack([targets, np.ones(len(targets), dtype=np.float32)], axis=1)
    back = np.stack([np.zeros(len(unread)), np.ones(len(unread))], axis=1)
    back = cho_solve(factor, back - through.T @ sides)
    front = votes.inverse @ sides - through @ back.astype(np.float32)
    # The residuals sum to zero: that fixes the intercept.
    total = float(front[:, 1].sum() + back[:, 1].sum())
    intercept = float(front[:, 0].sum() + back[:, 0].sum()) / total
    shares = front[:, 0] - intercept * front[:, 1]
    half = solve_triangular(factor[0].astype(np.float32), through.T, lower=True)
    held = votes.inverse.diagonal + np.einsum("bn,bn->n", half, half) - front[:, 1] ** 2 / total
    background = np.zeros(len(kernel), dtype=np.float32)
    background[unread] = back[:, 0] - intercept * back[:, 1]
    fitted = -intercept - background / np.float32(rest)
    fitted[read] = (targets - shares / weights)[votes.twins >= 0] - intercept
    left_out = targets - intercept - shares / np.maximum(held, 1e-9)
    return RidgeSolution(
        shares[None],
        background[None],
        np.array([intercept], np.float32),
        fitted[None],
        left_out[None],
    )
