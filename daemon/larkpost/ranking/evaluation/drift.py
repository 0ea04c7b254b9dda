"""Tracks how a taste changes: the strongest terms, month by month."""

from __future__ import annotations

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
    (reasons,) = ranker.average_reasons(space, [taste], lately)
    added = reasons.raised
    order = sorted(added, key=lambda term: (-added[term], term))
    return tuple(TermWeight(term, added[term]) for term in order[:TERMS])
