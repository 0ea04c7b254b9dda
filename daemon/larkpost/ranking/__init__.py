"""Trains readers' tastes and ranks papers; it loads NumPy and SciPy, so import it late."""

from larkpost.ranking.cold_start import PaperComparison, compare, informative
from larkpost.ranking.evaluation.edition_log import EditionLog, ShownEdition
from larkpost.ranking.evaluation.history import History
from larkpost.ranking.evaluation.off_policy import Logged
from larkpost.ranking.evaluation.replay import ReplayReport, evaluate
from larkpost.ranking.explanations import AverageReasons
from larkpost.ranking.linear_model import LinearTaste
from larkpost.ranking.ranker import TfidfRanker
from larkpost.ranking.tfidf import TextSpace

__all__ = [
    "AverageReasons",
    "EditionLog",
    "History",
    "LinearTaste",
    "Logged",
    "PaperComparison",
    "ReplayReport",
    "ShownEdition",
    "TextSpace",
    "TfidfRanker",
    "compare",
    "evaluate",
    "informative",
]
