"""Tracks how a taste changes: the strongest terms, month by month."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from larkpost.domain import Paper, TermWeight

if TYPE_CHECKING:
    from larkpost.ranking.linear_model import LinearTaste
    from larkpost.ranking.ranker import TfidfRanker
    from larkpost.ranking.tfidf import TextSpace

LATELY = 40  # number of latest liked papers that represent a taste
TERMS = 8


@dataclass(frozen=True, slots=True)
class TasteMonth:
    """The strongest terms at the end of a month (``2026-08``), strongest first."""

    month: str
    terms: tuple[TermWeight, ...]


def strongest(
    ranker: TfidfRanker, space: TextSpace, taste: LinearTaste, liked: Sequence[Paper]
) -> tuple[TermWeight, ...]:
    """Return the terms of a taste that add most to the latest liked papers, on average."""
    lately = liked[-LATELY:]
    (picks,) = ranker.rank(space, [taste], lately, len(lately)) if lately else ([],)
    added: defaultdict[str, float] = defaultdict(float)
    for pick in picks:
        for weight in pick.positive_terms:
            added[weight.term] += weight.weight
    order = sorted(added, key=lambda term: (-added[term], term))
    return tuple(TermWeight(term, added[term] / len(picks)) for term in order[:TERMS])
