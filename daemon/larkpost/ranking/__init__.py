"""Learns what readers like and ranks papers by it; it loads scikit-learn, so import it late."""

from __future__ import annotations

from larkpost.ranking.coldstart import Comparison, compare, informative
from larkpost.ranking.evaluation import Report, evaluate
from larkpost.ranking.mornings import History
from larkpost.ranking.offpolicy import Logged
from larkpost.ranking.ranker import Tfidf
from larkpost.ranking.space import TextSpace
from larkpost.ranking.taste import LinearTaste

__all__ = [
    "Comparison",
    "History",
    "LinearTaste",
    "Logged",
    "Report",
    "TextSpace",
    "Tfidf",
    "compare",
    "evaluate",
    "informative",
]
