"""The calendars of sources: arXiv's announcements, and the days of the Hugging Face list."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ONE_DAY = timedelta(days=1)
# arXiv announces at 20:00 US Eastern, Sunday to Thursday (info.arxiv.org/help/availability.html).
_ANNOUNCED = time(20)
_EVENINGS = frozenset({6, 0, 1, 2, 3})
_MOST_DAYS = 400  # the most days that are counted


def eastern_time() -> ZoneInfo:
    """Return arXiv's time zone."""
    return ZoneInfo("America/New_York")


def count_arxiv_announcements(since: datetime, until: datetime) -> int:
    """Count arXiv's announcements after ``since``, up to ``until``; none falls on a holiday."""
    return sum(1 for _ in arxiv_announcements(since, until))


def arxiv_announcements(since: datetime, until: datetime) -> Iterator[date]:
    """Yield the evenings of the announcements after ``since``, up to ``until``."""
    zone = eastern_time()
    day = max(since, until - _MOST_DAYS * ONE_DAY).astimezone(zone).date()
    while (moment := datetime.combine(day, _ANNOUNCED, zone)) <= until:
        if moment > since and has_announcement(day):
            yield day
        day += ONE_DAY


def has_announcement(evening: date) -> bool:
    """Return whether arXiv announces papers on an evening (US Eastern)."""
    return evening.weekday() in _EVENINGS and not is_arxiv_holiday(evening)


def is_arxiv_holiday(day: date) -> bool:
    """Return whether arXiv may announce nothing on this evening (US Eastern).

    The holidays are announced every year and follow those of the United States, so all of these
    count, and the days from Christmas Eve to New Year's Day. Treating an ordinary day as a holiday
    only delays an alarm by a day.
    """
    fixed = {(1, 1), (6, 19), (7, 3), (7, 4), *((12, number) for number in range(24, 32))}
    return (day.month, day.day) in fixed or day in _moving_holidays(day.year)


def _moving_holidays(year: int) -> frozenset[date]:
    thanksgiving = _weekday_of_month(year, 11, 3, 4)
    memorial = _weekday_of_month(year, 6, 0, 1) - timedelta(weeks=1)  # the last Monday of May
    return frozenset(
        {
            _weekday_of_month(year, 1, 0, 3),  # Martin Luther King Jr.
            _weekday_of_month(year, 2, 0, 3),  # Presidents' Day
            memorial if memorial.month == 5 else memorial - timedelta(weeks=1),
            _weekday_of_month(year, 9, 0, 1),  # Labor Day
            thanksgiving - ONE_DAY,
            thanksgiving,
            thanksgiving + ONE_DAY,
        }
    )


def _weekday_of_month(year: int, month: int, weekday: int, number: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7, weeks=number - 1)


def is_list_day(day: date) -> bool:
    """Return whether Hugging Face has a daily list on this day: Monday to Friday."""
    return day.weekday() < 5


def end_of_list_day(day: date) -> datetime:
    """Return when a day of the list is over, in UTC."""
    return datetime.combine(day + ONE_DAY, time(), UTC)


def count_list_days(since: datetime, until: datetime) -> int:
    """Count the days with a list that began after ``since`` and were over by ``until``."""
    day = max(since, until - _MOST_DAYS * ONE_DAY).astimezone(UTC).date() + ONE_DAY
    count = 0
    while end_of_list_day(day) <= until:
        count += is_list_day(day)
        day += ONE_DAY
    return count
