"""Lays out charts as plain numbers; the templates draw them as SVG, readable without colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from larkpost.domain import TermWeight
from larkpost.render.wording import crop
from larkpost.text.normalize import one_line

if TYPE_CHECKING:
    from larkpost.ranking import ReplayReport
    from larkpost.readers.taste_summary import Leaning, TermChange

WIDTH = 360  # units: about the pixels of a phone, which shows text of 14 units as 13 px
ROW = 42  # units of height per row: a name, and its bar below
BAR = 300  # units of the longest bar, and of a scale from 0 to 1
LINES = 6  # terms drawn as lines
TABLED = 8
HEIGHT, EDGE, LABEL = 260, 16, 18
FEWEST_MORNINGS = 2
LABELS = 150  # units of width beside the lines
LONGEST_LABEL = 17  # characters that fit there

SYSTEMS = {
    "larkpost": "your editions",
    "recency": "newest first",
    "community thumbs": "most popular",
    "arxiv-sanity-lite": "arxiv-sanity-lite",
}


class ChartBar(NamedTuple):
    """A word; ``length`` is its weight relative to the strongest, in 0..1, ``sign`` + or -."""

    term: str
    length: float
    sign: str


class ChartLine(NamedTuple):
    """A word over the months.

    ``points`` in SVG syntax, ``kind`` for the dashes. ``label`` is the word, cut to the space
    beside the lines.
    """

    term: str
    points: str
    dots: tuple[tuple[float, float], ...]
    kind: int
    label_y: float
    label: str


class LineChart(NamedTuple):
    """The lines of several words, and the height of the axis."""

    axis: float
    lines: tuple[ChartLine, ...]


class Scale(NamedTuple):
    """A measured share with its interval, in 0..1."""

    name: str
    mean: float
    low: float
    high: float


def bars(leaning: Leaning) -> tuple[list[ChartBar], list[ChartBar]]:
    """Lay out the words for and against, on one scale."""
    longest = max((abs(one.weight) for one in (*leaning.toward, *leaning.away)), default=0) or 1
    return _bars(leaning.toward, longest, "+"), _bars(leaning.away, longest, "−")  # noqa: RUF001 - a minus


def _bars(weights: Sequence[TermWeight], longest: float, sign: str) -> list[ChartBar]:
    return [
        ChartBar(printable_term(one.term), round(abs(one.weight) / longest, 4), sign)
        for one in weights
    ]


def way(months: Sequence[TermChange]) -> LineChart | None:
    """Draw the words with the highest weight in any month; None if there is one month only.

    Above the axis a word counts for a paper, below against it.
    """
    terms = _leading(months)
    if len(months) < 2 or not terms:
        return None
    weights = [[month.weights.get(term, 0.0) for month in months] for term in terms]
    highest = max(0.0, *(max(one) for one in weights))
    lowest = min(0.0, *(min(one) for one in weights))
    scale = (HEIGHT - 2 * EDGE) / ((highest - lowest) or 1)
    axis = EDGE + highest * scale
    step = (WIDTH - LABELS - 2 * EDGE) / (len(months) - 1)
    drawn = []
    for kind, (term, heights) in enumerate(zip(terms, weights, strict=True)):
        dots = tuple(
            (round(EDGE + at * step, 1), round(axis - height * scale, 1))
            for at, height in enumerate(heights)
        )
        points = " ".join(f"{x},{y}" for x, y in dots)
        label = printable_term(term, LONGEST_LABEL)
        drawn.append(ChartLine(printable_term(term), points, dots, kind, dots[-1][1], label))
    return LineChart(round(axis, 1), tuple(_spread(drawn)))


def _leading(months: Sequence[TermChange]) -> list[str]:
    highest: dict[str, float] = {}
    for month in months:
        for term, weight in month.weights.items():
            highest[term] = max(abs(weight), highest.get(term, 0))
    return sorted(highest, key=lambda term: (-highest[term], term))[:LINES]


def _spread(drawn: Sequence[ChartLine]) -> list[ChartLine]:
    """Move overlapping labels apart."""
    spread: list[ChartLine] = []
    floor = float(-LABEL)
    for line in sorted(drawn, key=lambda one: (one.label_y, one.kind)):
        floor = max(line.label_y, floor + LABEL)
        spread.append(line._replace(label_y=floor))
    over = max(0.0, floor - (HEIGHT - EDGE))
    return [line._replace(label_y=round(line.label_y - over, 1)) for line in spread]


def table(months: Sequence[TermChange]) -> list[tuple[str, list[str]]]:
    """List each month's strongest words, those against marked by a minus."""
    return [
        (
            month.month,
            [
                f"{'−' if weight < 0 else ''}{printable_term(term)}"  # noqa: RUF001 - a minus
                for term, weight in sorted(
                    month.weights.items(), key=lambda one: (-abs(one[1]), one[0])
                )[:TABLED]
            ],
        )
        for month in months
    ]


def scales(report: ReplayReport) -> list[Scale]:
    """Return how often each ranking put a liked paper above another one (AUC).

    Empty before the second day: nothing was known ahead of the first, and the mean of one has no
    interval.
    """
    if report.days < FEWEST_MORNINGS:
        return []
    return [
        Scale(SYSTEMS.get(name, name), one.auc.mean, one.auc.low, one.auc.high)
        for name, one in report.systems.items()
        if one.auc.count
    ]


def printable_term(term: str, most: int = 28) -> str:
    """Format a word of the model for a page, in at most so many characters."""
    return crop(one_line(term), most)
