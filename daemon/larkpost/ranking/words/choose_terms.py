"""Chooses the vocabulary of a model: words that are neither too rare nor too common."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALL_TERMS = 1000  # with fewer papers every term counts, however rare
CROWDED = 20  # with at least so many papers, terms in nearly all of them are left out
EVERYWHERE = 0.3


def choose_terms(
    counted: Sequence[Counter[str]], sources: Sequence[str | None]
) -> tuple[tuple[str, ...], NDArray[np.int32], dict[str, int]]:
    """Return the terms, sorted, with their numbers of papers; the same for too common words.

    ``counted`` and ``sources`` are those of each paper. Terms are neither too rare nor too common.
    """
    spread: Counter[str] = Counter()
    for one in counted:
        spread.update(one.keys())
    least = 1 if len(counted) < ALL_TERMS else 2
    common = _too_common(counted, sources, spread) if len(counted) >= CROWDED else {}
    kept = sorted(term for term, papers in spread.items() if least <= papers and term not in common)
    return tuple(kept), np.array([spread[term] for term in kept], dtype=np.int32), common


def _too_common(
    counted: Sequence[Counter[str]], sources: Sequence[str | None], spread: Counter[str]
) -> dict[str, int]:
    """Find the words in too many papers, also without those of any one source: see ``own_source``.

    Otherwise one feed could put all words into its papers, and so take them from the vocabulary.
    """
    common = {word for word, papers in spread.items() if papers > EVERYWHERE * len(counted)}
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for source, one in zip(sources, counted, strict=True):
        if source is not None:
            found[source].update(common & one.keys())
    sizes = Counter(sources)
    for source, theirs in found.items():
        left = len(counted) - sizes[source]
        if left >= CROWDED:
            common = {word for word in common if spread[word] - theirs[word] > EVERYWHERE * left}
    return {word: spread[word] for word in sorted(common)}
