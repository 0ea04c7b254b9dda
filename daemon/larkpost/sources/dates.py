"""Finds out on which day a dump was taken, when all it says is "Aug 7"."""

from __future__ import annotations

import re
from datetime import date

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
EARLIEST = date(1991, 8, 14)  # the first paper on arXiv: no digest is older
_LATEST_YEAR = 2199

_IN_NAME = re.compile(
    r"(?<!\d)(?P<year>(?:19|20|21)\d\d)(?P<gap>[-_.]?)(?P<month>\d\d)(?P=gap)(?P<day>\d\d)(?!\d)"
)


def resolve(month: int, day: int, near: date) -> date | None:
    """Find the day of that name nearest to ``near``, the earlier of two; None where none is.

    29 February, when no year around ``near`` has one, is the last that was.
    """
    around = [made for year in (-1, 0, 1) if (made := day_of(near.year + year, month, day))]
    if around:
        return min(around, key=lambda made: (abs(made - near), made))
    before = (day_of(near.year - back, month, day) for back in range(2, 9))
    return next((made for made in before if made), None)


def day_of(year: int, month: int, day: int) -> date | None:
    """Make a date; None for the 31st of April and for years in which there are no digests."""
    if not EARLIEST.year <= year <= _LATEST_YEAR:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def in_name(filename: str) -> date | None:
    """Find a day such as 2026-08-07, 2026_08_07 or 20260807 in the name of a file."""
    found = (
        day_of(*map(int, m.group("year", "month", "day"))) for m in _IN_NAME.finditer(filename)
    )
    return next((made for made in found if made), None)


def month_number(word: str) -> int:
    """Read the English name of a month, whole or cut to three letters or more."""
    return MONTHS.index(word[:3].lower()) + 1
