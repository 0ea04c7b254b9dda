"""What other readers' thumbs teach about texts: liked together, near together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from sklearn.utils.extmath import (  # type: ignore[import-untyped]  # it has no types
    randomized_svd,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

FEWEST = 200  # libraries, below which nothing is learnt
FACTORS = 400
RIDGE = 50.0
MOST_COUNTED = 10  # a paper with more readers weighs no more


@dataclass(frozen=True)
class Companions:
    """Leads from a paper's themes (l2 rows, d) to where its readers are (f factors)."""

    through: Floats
    base: Floats

    def factors(self, fine: Floats) -> Floats:
        """Give l2 rows (n, f) for papers with these l2 theme rows; no themes, no factors."""
        raw = fine @ self.through + self.base
        norms = np.maximum(np.linalg.norm(raw, axis=1, keepdims=True), 1e-6)
        return np.where(fine.any(axis=1, keepdims=True), raw / norms, 0).astype(np.float32)

    def length(self, fine: Floats) -> float:
        """Give what one paper's factors were divided by (at least 1e-6)."""
        return max(float(np.linalg.norm(fine @ self.through + self.base)), 1e-6)


def learn(fine: Floats, libraries: Sequence[Sequence[int]]) -> Companions | None:
    """Learn from libraries, given as the numbers of the theme rows that each reader liked.

    None where there are too few. Factors: SVD of the reader x paper matrix with columns over
    the square root of their counts, singular values to the power of one half; then a ridge
    regression from themes, a paper weighing by the root of its readers (cold-start mapping,
    Gantner et al. 2010).
    """
    kept = [sorted(set(library)) for library in libraries if len(library) > 1]
    if len(kept) < FEWEST:
        return None
    readers = np.repeat(np.arange(len(kept)), [len(one) for one in kept])
    papers = np.array([paper for one in kept for paper in one], dtype=np.intp)
    counts = np.bincount(papers, minlength=len(fine))
    weights = (1 / np.sqrt(counts[papers])).astype(np.float32)
    liked = csr_array((weights, (readers, papers)), shape=(len(kept), len(fine)))
    rank = min(FACTORS, len(kept) - 1, fine.shape[1], int((counts > 0).sum()) - 1)
    _, strengths, right = randomized_svd(liked, rank, n_iter=4, random_state=0)
    known = np.flatnonzero(counts)
    places = (right * np.sqrt(strengths)[:, None]).T[known]
    return _mapping(fine[known], places, np.sqrt(np.minimum(counts[known], MOST_COUNTED)))


def _mapping(fine: Floats, places: Floats, weights: NDArray[np.float64]) -> Companions:
    wide = np.hstack([fine, np.ones((len(fine), 1))])
    weighed = wide * weights[:, None]
    penalty = np.diag([RIDGE] * fine.shape[1] + [1e-3])
    solved = np.linalg.solve(wide.T @ weighed + penalty, weighed.T @ places)
    return Companions(solved[:-1].astype(np.float32), solved[-1].astype(np.float32))
