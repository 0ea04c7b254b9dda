"""Collaborative factors: papers liked by the same readers are near each other."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from larkpost.domain import Paper
from larkpost.ranking.term_matrix import unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from larkpost.ranking.tfidf import TextSpace

    Floats = NDArray[np.float32]

FEWEST = 200  # the least number of libraries for training
MEETINGS = 500  # thumbs up on papers that others like too; with fewer, texts alone rank better
FACTORS = 400
FAST_FACTORS = 300  # in fast mode
RIDGE = 50.0
MOST_COUNTED = 10  # the most readers of a paper that count
DOUBT = 2  # the weight of a paper's text, in readers


@dataclass(frozen=True)
class CollaborativeFactors:
    """The collaborative factors of papers: l2 rows of f factors.

    ``through`` (d, f) and ``base`` (f) map a paper's themes (l2 rows, d) to factors; ``places`` (k,
    f) are the factors of the papers with these ``ids``, which several readers liked.
    """

    through: Floats
    base: Floats
    ids: NDArray[np.int64]
    places: Floats

    @cached_property
    def row_numbers(self) -> dict[int, int]:
        """Find the row of ``places`` of a paper."""
        return {paper: at for at, paper in enumerate(self.ids.tolist())}

    def factors(self, fine: Floats) -> Floats:
        """Return l2 rows (n, f) for papers with these l2 theme rows; zeros without themes."""
        found = unit(fine @ self.through + self.base)
        return np.where(fine.any(axis=1, keepdims=True), found, 0).astype(np.float32)

    def embed(self, fine: Floats, ids: Sequence[int | None]) -> Floats:
        """Return the same, with stored factors for papers known to readers; None is no paper."""
        found = self.factors(fine)
        for at, paper in enumerate(ids):
            if paper is not None and (known := self.row_numbers.get(paper)) is not None:
                found[at] = self.places[known]
        return found

    def length(self, fine: Floats) -> float:
        """Return the norm that one paper's factors were divided by (at least 1e-6)."""
        return max(float(np.linalg.norm(fine @ self.through + self.base)), 1e-6)


def enough(libraries: Sequence[Sequence[int]]) -> bool:
    """Return whether these readers' likes (numbers, each once) are enough for training."""
    papers = [paper for library in libraries for paper in library]
    readers = sum(len(library) > 1 for library in libraries)
    return readers >= FEWEST and len(papers) - len(set(papers)) >= MEETINGS


def together(
    space: TextSpace, papers: Sequence[Paper], libraries: Sequence[Collection[int]], *, most: int
) -> TextSpace:
    """Add collaborative factors to a model, trained on readers' libraries (ids of papers).

    Readers and papers get ``most`` factors at most.
    """
    liked = {paper for library in libraries for paper in library}
    known = sorted((paper for paper in papers if paper.id in liked), key=lambda paper: paper.uid)
    place = {paper.id: at for at, paper in enumerate(known)}
    rows = space.rows([paper.text for paper in known])
    numbered = [[place[paper] for paper in library if paper in place] for library in libraries]
    ids = [paper.id for paper in known]
    return replace(space, companions=learn(rows.fine, numbered, ids, most=most))


def learn(
    fine: Floats,
    libraries: Sequence[Sequence[int]],
    ids: Sequence[int],
    *,
    most: int = FACTORS,
) -> CollaborativeFactors | None:
    """Train on libraries, given as the numbers of the theme rows that each reader liked.

    None if they are not ``enough``, or if there are no themes. ``ids`` are those of the rows.
    Factors: SVD of the reader x paper matrix with columns over the square root of their counts,
    singular values to the power of one half; then a ridge regression from themes, a paper weighing
    by the root of its readers (cold-start mapping, Gantner et al. 2010).
    """
    kept = [sorted(set(library)) for library in libraries if len(library) > 1]
    if not enough(kept):
        return None
    readers = np.repeat(np.arange(len(kept)), [len(one) for one in kept])
    papers = np.array([paper for one in kept for paper in one], dtype=np.intp)
    counts = np.bincount(papers, minlength=len(fine))
    weights = (1 / np.sqrt(counts[papers])).astype(np.float32)
    liked = csr_array((weights, (readers, papers)), shape=(len(kept), len(fine)))
    rank = min(most, len(kept) - 1, fine.shape[1], int((counts > 0).sum()) - 1)
    if rank < 1:  # a corpus of a few papers has no themes
        return None
    from sklearn.utils.extmath import (  # type: ignore[import-untyped]  # it has no types
        randomized_svd,
    )

    _, strengths, right = randomized_svd(liked, rank, n_iter=4, random_state=0)
    places = (right * np.sqrt(strengths)[:, None]).T.astype(np.float32)
    known = np.flatnonzero(counts)
    told = _mapping(fine[known], places[known], np.sqrt(np.minimum(counts[known], MOST_COUNTED)))
    return _embed_papers(told, fine, places, counts, np.array(ids, dtype=np.int64))


def _mapping(fine: Floats, places: Floats, weights: NDArray[np.float64]) -> CollaborativeFactors:
    wide = np.hstack([fine, np.ones((len(fine), 1))])
    weighed = wide * weights[:, None]
    penalty = np.diag([RIDGE] * fine.shape[1] + [1e-3])
    solved = np.linalg.solve(wide.T @ weighed + penalty, weighed.T @ places)
    through, base = solved[:-1].astype(np.float32), solved[-1].astype(np.float32)
    nobody = np.zeros((0, len(base)), dtype=np.float32)
    return CollaborativeFactors(through, base, np.zeros(0, dtype=np.int64), nobody)


def _embed_papers(
    told: CollaborativeFactors,
    fine: Floats,
    places: Floats,
    counts: NDArray[np.intp],
    ids: NDArray[np.int64],
) -> CollaborativeFactors:
    """Combine the factors of papers with several readers from readers and texts.

    A single reader of a paper does not count, because one reader says nothing about others.
    """
    known = np.flatnonzero(counts > 1)
    others = counts[known, None] - 1
    share = (others / (others + DOUBT)).astype(np.float32)
    between = share * unit(places[known]) + (1 - share) * told.factors(fine[known])
    # Rounded as in the stored form, so that a model read from it ranks exactly the same.
    seats = unit(between).astype(np.float16).astype(np.float32)
    return replace(told, ids=ids[known], places=seats)
