"""Renders the report of a replay as one page with charts that need no script and no colour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from larkpost.render.templates import environment
from larkpost.text.normalize import one_line
from larkpost.text.plurals import quantity

WIDTH, HEIGHT, EDGE = 480, 220, 36
CURVES = 6  # terms that are drawn; the table has more
# Each curve has a letter at its points and strokes of its own, so that none needs a colour.
STROKES = ("none", "8 3", "2 3", "8 3 2 3", "14 4", "1 6")


class Dot(NamedTuple):
    """A point of a chart in its units; ``label`` describes it in words."""

    x: float
    y: float
    label: str


class TermCurve(NamedTuple):
    """A term's curve over the months: its letter, its strokes (SVG), one dot per month."""

    term: str
    letter: str
    strokes: str
    dots: list[Dot]


def report_page(reports: Sequence[tuple[str, Any]]) -> str:
    """Render the reports of readers (``ranking.Report``), each with a name, as one document."""
    made = environment("report")
    page = made.get_template("report.html").render(
        reports=[_view(who, report) for who, report in reports],
        width=WIDTH,
        height=HEIGHT,
        edge=EDGE,
    )
    return page.lstrip()


def _view(who: str, report: Any) -> dict[str, Any]:
    """Prepare one reader's report for the template."""
    return {
        "who": one_line(who),
        "report": report,
        "calibration": calibration(report.calibration),
        "learning": learning(report.learning),
        "terms": terms(report.drift),
        "curves": curves(report.drift),
        "ends": [report.drift[at].month for at in (0, -1) if report.drift],
    }


def calibration(bins: Iterable[Any]) -> list[Dot]:
    """Place each bin of papers: the predicted chance to the right, the observed share upward."""
    return [
        Dot(
            _right(one.predicted),
            _up(one.observed),
            f"shown {one.predicted:.0%}, liked {one.observed:.0%}, {quantity(one.papers, 'paper')}",
        )
        for one in bins
    ]


def learning(lessons: Sequence[Any]) -> list[Dot]:
    """Place the learning steps side by side, with the height of their nDCG@10."""
    last = max(1, len(lessons) - 1)
    return [
        Dot(_right(at / last), _up(one.ndcg), f"{one.votes}+ thumbs: {one.ndcg:.2f}")
        for at, one in enumerate(lessons)
    ]


def terms(months: Sequence[Any]) -> list[tuple[str, list[float]]]:
    """Return each term that was ever among the strongest with its weights, month by month.

    The one that weighs most in the last month comes first; a weight of 0 means not among them.
    """
    weights = [{one.term: one.weight for one in month.terms} for month in months]
    every = {term for month in weights for term in month}
    rows = [(one_line(term), [month.get(term, 0.0) for month in weights]) for term in every]
    return sorted(rows, key=lambda row: ([-weight for weight in reversed(row[1])], row[0]))[:20]


def curves(months: Sequence[Any]) -> list[TermCurve]:
    """Place the first terms of ``terms``: months to the right, upward the weight over the largest.

    A month in which a term was not among the strongest has no dot.
    """
    drawn = terms(months)[:CURVES]
    most = max((weight for _, weights in drawn for weight in weights), default=0.0) or 1.0
    last = max(1, len(months) - 1)
    return [
        TermCurve(
            term,
            chr(ord("A") + number),
            STROKES[number],
            [
                Dot(
                    _right(at / last),
                    _up(weight / most),
                    f"{term}, {month.month}: {weight:.2f}",
                )
                for at, (month, weight) in enumerate(zip(months, weights, strict=True))
                if weight
            ],
        )
        for number, (term, weights) in enumerate(drawn)
    ]


def _right(share: float) -> float:
    return round(EDGE + share * (WIDTH - 2 * EDGE), 1)


def _up(share: float) -> float:
    return round(HEIGHT - EDGE - share * (HEIGHT - 2 * EDGE), 1)
