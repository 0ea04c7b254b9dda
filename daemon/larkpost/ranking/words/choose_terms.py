"""Chooses the vocabulary of a model: words that are neither too rare nor too common."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from heapq import nsmallest
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALL_TERMS = 1000  # with fewer papers every term counts, however rare
CROWDED = 20  # with at least so many papers, terms in nearly all of them are left out
EVERYWHERE = 0.3
# Terms of one feed. Of 16,000 papers of arXiv 20,000 words are in two or more.
MOST_OF_SOURCE = 30_000


def choose_terms(
    counted: Sequence[Counter[str]], sources: Sequence[str | None]
) -> tuple[tuple[str, ...], NDArray[np.int32], dict[str, int]]:
    """Return the terms, sorted, with their numbers of papers; the same for too common words.

    ``counted`` and ``sources`` are those of each paper. Terms are neither too rare nor too common,
    and at most ``MOST_OF_SOURCE`` of a feed: see ``own_source``. Otherwise one feed could fill the
    memory with made-up words.
    """
    by_source: defaultdict[str | None, Counter[str]] = defaultdict(Counter)
    for source, one in zip(sources, counted, strict=True):
        by_source[source].update(one.keys())
    spread: Counter[str] = Counter()
    for theirs in by_source.values():
        spread.update(theirs)
    least = 1 if len(counted) < ALL_TERMS else 2
    common = _too_common(by_source, Counter(sources), spread) if len(counted) >= CROWDED else {}
    usable = {term for term, papers in spread.items() if papers >= least and term not in common}
    kept = sorted(_limit_each_source(by_source, usable))
    return tuple(kept), np.array([spread[term] for term in kept], dtype=np.int32), common


def _limit_each_source(
    by_source: Mapping[str | None, Counter[str]], usable: Collection[str]
) -> set[str]:
    found: set[str] = set()
    for source, theirs in by_source.items():
        own = {term: papers for term, papers in theirs.items() if term in usable}
        found.update(own if source is None else _most_frequent(own))
    return found


def _most_frequent(terms: Mapping[str, int]) -> Collection[str]:
    """Choose ``MOST_OF_SOURCE`` terms, those in most papers first."""
    if len(terms) <= MOST_OF_SOURCE:
        return terms.keys()
    return nsmallest(MOST_OF_SOURCE, terms, key=lambda term: (-terms[term], term))


def _too_common(
    by_source: Mapping[str | None, Counter[str]],
    sizes: Mapping[str | None, int],
    spread: Counter[str],
) -> dict[str, int]:
    """Find the words in too many papers, also without those of any one feed.

    Otherwise one feed could put all words into its papers, and so take them from the vocabulary.
    """
    count = sum(sizes.values())
    common = {word for word, papers in spread.items() if papers > EVERYWHERE * count}
    for source, theirs in by_source.items():
        left = count - sizes[source]
        if source is not None and left >= CROWDED:
            common = {word for word in common if spread[word] - theirs[word] > EVERYWHERE * left}
    return {word: spread[word] for word in sorted(common)}
