"""Chooses the most informative papers to rate before there are votes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from larkpost.domain import Paper
from larkpost.ranking.similarity import likeness

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from larkpost.ranking.tfidf import Floats, TextSpace

MOST_COMPARED = 2000
KIN = 5  # number of nearest papers that measure a paper's density
KNOWN = 0.15  # weight of similarity to a known paper, relative to a chosen one
LONELY = 0.25  # the share of the most isolated papers, which represent no others


@dataclass(frozen=True)
class PaperComparison:
    """Papers (n, newest first) with their similarities (n, n), and the density of each (n)."""

    papers: Sequence[Paper]
    near: Floats
    company: Floats

    def choose(self, n: int, known: Collection[int]) -> list[Paper]:
        """Choose as ``informative`` does; ``known`` are ids, of these papers."""
        free = np.array([paper.id not in known for paper in self.papers], dtype=bool)
        if not free.any():
            return []
        chosen = _far_apart(self.near, self.company, free, np.flatnonzero(~free), n)
        return [self.papers[at] for at in chosen]


def compare(space: TextSpace, candidates: Sequence[Paper]) -> PaperComparison:
    """Compare papers with each other, once for all readers.

    Of more than 2,000 the newest are used.
    """
    papers = sorted(candidates, key=lambda paper: (-paper.first_seen.timestamp(), paper.id))
    near = _likeness(space, papers[:MOST_COMPARED])
    return PaperComparison(papers[:MOST_COMPARED], near, measure_company(near))


def informative(
    space: TextSpace, candidates: Sequence[Paper], n: int = 10, *, known: Sequence[Paper] = ()
) -> list[Paper]:
    """Choose up to n papers to rate: far apart, and each representative of others.

    The first is the paper nearest to all, each next one the paper farthest from every chosen paper
    (the greedy k-centre; Gonzalez 1985), and, with less weight, from ``known`` ones, which were
    rated or shown. The quarter of the candidates with the lowest density comes last: a thumb on an
    isolated paper says nothing about others. Known papers are never chosen. Of more than 2,000
    candidates the newest are used.
    """
    newest = sorted(candidates, key=lambda paper: (-paper.first_seen.timestamp(), paper.id))
    papers = newest[:MOST_COMPARED]
    barred = {paper.id for paper in known}
    free = np.array([paper.id not in barred for paper in papers], dtype=bool)
    if not free.any():
        return []
    near = _likeness(space, [*papers, *known])
    company = measure_company(near[: len(papers), : len(papers)])
    chosen = _far_apart(near, company, free, np.arange(len(papers), len(near)), n)
    return [papers[at] for at in chosen]


def _likeness(space: TextSpace, papers: Sequence[Paper]) -> Floats:
    """Return the similarities of papers in words and coarse themes (n, n)."""
    rows = space.rows([paper.text for paper in papers])
    return likeness(rows, rows).round(5)


def measure_company(near: Floats) -> Floats:
    """Return the density of each of n papers: its similarity to the few nearest others (n)."""
    others = near - 2 * np.eye(len(near), dtype=np.float32)  # the paper itself comes last
    few = min(KIN, len(near) - 1)
    return np.asarray(np.sort(others, axis=1)[:, len(near) - few :].sum(axis=1).round(4))


def _far_apart(
    near: Floats, company: Floats, free: NDArray[np.bool_], known: NDArray[np.intp], n: int
) -> list[int]:
    """Choose n of the first papers of ``near`` that are free; ``known`` are row numbers in it."""
    count = len(company)
    lonely = company < np.quantile(company, LONELY)
    far = KNOWN * _nearest(near[:count, known])
    chosen: list[int] = []
    for _ in range(min(n, int(free.sum()))):
        alike = _nearest(near[:count, chosen]) + far
        if not chosen and not len(known):
            alike = -near.mean(axis=1)
        # Similarity is between -1 and 1: isolated papers come after all others.
        alike = (alike + np.where(lonely, 4, 0)).round(4)
        alike[~free] = np.inf
        alike[chosen] = np.inf
        chosen.append(int(np.argmin(alike)))
    return chosen


def _nearest(near: Floats) -> Floats:
    """Return the similarity to the nearest of some papers (n); 0 if there are none."""
    return np.asarray(near.max(axis=1) if near.size else np.zeros(len(near)), dtype=np.float32)
