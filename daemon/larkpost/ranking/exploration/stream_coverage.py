"""Measures how much of the stream a reader was never shown, by regions of subjects."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from larkpost.domain import Paper
from larkpost.ranking.words.tokenizer import terms
from larkpost.text.term_specificity import term_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from larkpost.ranking.ranker import TfidfRanker
    from larkpost.ranking.tfidf import Floats
SAMPLE = 1000  # papers, evenly spread over the stream, that are divided into regions
MOST_SHOWN = 1000  # the newest shown papers, which are assigned to regions
REGIONS = 30
LEAST_PAPERS = 10  # per region on average, so that a small stream has fewer regions
MOST_REGIONS, TERMS = 3, 4  # regions never shown, and words of each


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the stream: its ``share`` of the papers, and the words that distinguish it."""

    share: float
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """The part of the stream that a reader saw, in editions or by their own thumbs.

    ``papers`` of the stream are in ``regions``; ``never_shown`` is the share of the papers in the
    ``never_shown_regions`` regions of which no paper was shown. ``largest`` are the largest of
    those.
    """

    papers: int
    regions: int
    never_shown_regions: int
    never_shown: float
    largest: tuple[Region, ...]


def measure_coverage(
    ranker: TfidfRanker, stream: Sequence[Paper], shown: Collection[int]
) -> Coverage | None:
    """Divide a ``stream`` of papers into regions and find those with ``shown`` papers (ids).

    Regions are made from a sample of the stream by k-means on themes (rows of length one), which
    starts at papers far apart, so the same papers give the same regions. None if the stream is too
    small for two regions.
    """
    from sklearn.cluster import KMeans  # type: ignore[import-untyped]  # it has no types

    ordered = sorted(stream, key=lambda paper: (paper.first_seen, paper.id))
    sample = _spread(ordered, SAMPLE)
    count = min(REGIONS, len(sample) // LEAST_PAPERS)
    if count < 2:
        return None
    space = ranker.fit(sample)
    rows = space.rows([paper.text for paper in sample]).broad
    regions = KMeans(count, init=_far_apart(rows, count), n_init=1).fit(rows)
    home = regions.labels_
    met = [paper for paper in ordered if paper.id in shown][-MOST_SHOWN:]
    seen = np.zeros(count, dtype=bool)
    if met:
        theirs = space.rows([paper.text for paper in met]).broad
        seen[regions.predict(theirs)] = True
    sizes = np.bincount(home, minlength=count)
    unseen = [at for at in np.argsort(-sizes, kind="stable").tolist() if sizes[at] and not seen[at]]
    return Coverage(
        papers=len(ordered),
        regions=int((sizes > 0).sum()),
        never_shown_regions=len(unseen),
        never_shown=float(sizes[unseen].sum() / len(sample)),
        largest=tuple(
            Region(float(sizes[at] / len(sample)), _telling(sample, home == at))
            for at in unseen[:MOST_REGIONS]
        ),
    )


def _spread(papers: Sequence[Paper], most: int) -> list[Paper]:
    """Choose at most so many papers, evenly spread."""
    if len(papers) <= most:
        return list(papers)
    return [papers[at * len(papers) // most] for at in range(most)]


def _far_apart(rows: Floats, count: int) -> Floats:
    """Choose rows (k, d) to start with, each as far as possible from those before it."""
    chosen = [int((rows @ rows.mean(axis=0)).argmax())]
    nearest = rows @ rows[chosen[0]]
    while len(chosen) < count:
        chosen.append(int(nearest.argmin()))
        nearest = np.maximum(nearest, rows @ rows[chosen[-1]])
    return rows[chosen]


def _telling(papers: Sequence[Paper], inside: NDArray[np.bool_]) -> tuple[str, ...]:
    """Return the words that are in many papers of a region and in few others."""
    within: dict[str, int] = {}
    beside: dict[str, int] = {}
    for paper, mine in zip(papers, inside.tolist(), strict=True):
        counted = within if mine else beside
        for term in set(terms(paper.text)):
            counted[term] = counted.get(term, 0) + 1
    own, rest = max(1, int(inside.sum())), max(1, int((~inside).sum()))
    table = term_table()
    lift = {
        term: many / own - beside.get(term, 0) / rest
        for term, many in within.items()
        if table.is_particular(term)
    }
    return tuple(sorted(lift, key=lambda term: (-lift[term], term))[:TERMS])
