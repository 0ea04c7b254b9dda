"""How a taste drifts: the terms that weigh most, month by month."""

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

LATELY = 40  # liked papers, the last of which speak for a taste
TERMS = 8


@dataclass(frozen=True, slots=True)
class TasteMonth:
    """The terms that weighed most at the end of a month (``2026-08``), strongest first."""

    month: str
    terms: tuple[TermWeight, ...]


def strongest(
    ranker: TfidfRanker, space: TextSpace, taste: LinearTaste, liked: Sequence[Paper]
) -> tuple[TermWeight, ...]:
    """Give the terms that add most, in a taste, to the last of the papers liked, on average."""
    lately = liked[-LATELY:]
    (picks,) = ranker.rank(space, [taste], lately, len(lately)) if lately else ([],)
    added: defaultdict[str, float] = defaultdict(float)
    for pick in picks:
        for weight in pick.positive_terms:
            added[weight.term] += weight.weight
    order = sorted(added, key=lambda term: (-added[term], term))
    return tuple(TermWeight(term, added[term] / len(picks)) for term in order[:TERMS])
