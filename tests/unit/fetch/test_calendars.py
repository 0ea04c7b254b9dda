"""The calendars of arXiv and of the Hugging Face list."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from larkpost.fetch.calendars import (
    count_arxiv_announcements,
    count_list_days,
    is_arxiv_holiday,
)


def at(day: int, hour: int, month: int = 8) -> datetime:
    """Return a moment of 2026, in UTC; the first of August is a Saturday."""
    return datetime(2026, month, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "until", "count"),
    [
        (at(6, 12), at(7, 12), 1),  # Thursday evening, 20:00 Eastern is midnight UTC in summer
        (at(7, 12), at(9, 23), 0),  # Friday noon to Sunday, before the evening
        (at(7, 12), at(10, 1), 1),  # and after it
        (at(3, 12), at(10, 12), 5),
        (at(10, 12), at(3, 12), 0),
    ],
)
def test_arxiv_announces_on_the_evenings_of_sunday_to_thursday(
    since: datetime, until: datetime, count: int
) -> None:
    assert count_arxiv_announcements(since, until) == count


def test_the_evening_of_an_announcement_is_eastern_in_winter_too() -> None:
    before, after = datetime(2026, 1, 13, 0, 59, tzinfo=UTC), datetime(2026, 1, 13, 1, tzinfo=UTC)

    assert count_arxiv_announcements(datetime(2026, 1, 12, 12, tzinfo=UTC), before) == 0
    assert count_arxiv_announcements(datetime(2026, 1, 12, 12, tzinfo=UTC), after) == 1


@pytest.mark.parametrize(
    "day",
    [
        date(2026, 12, 24), date(2026, 12, 31), date(2027, 1, 1), date(2026, 11, 26),
        date(2026, 11, 27), date(2026, 5, 25), date(2026, 9, 7), date(2026, 1, 19),
    ],
)  # fmt: skip
def test_a_holiday_has_no_announcement(day: date) -> None:
    assert is_arxiv_holiday(day)


def test_an_ordinary_day_is_no_holiday_nor_is_the_whole_year() -> None:
    days = [date.fromordinal(date(2026, 1, 1).toordinal() + number) for number in range(365)]

    assert not is_arxiv_holiday(date(2026, 8, 6))
    assert sum(map(is_arxiv_holiday, days)) < 30


def test_christmas_week_counts_no_announcements() -> None:
    since, until = datetime(2026, 12, 23, 12, tzinfo=UTC), datetime(2027, 1, 1, 12, tzinfo=UTC)

    assert count_arxiv_announcements(since, until) == 1  # of the 23rd itself


def test_days_of_the_list_are_whole_weekdays_in_utc() -> None:
    assert count_list_days(at(6, 9), at(8, 0)) == 1  # Friday alone
    assert count_list_days(at(6, 9), at(10, 23)) == 1  # the weekend, and Monday not over yet
    assert count_list_days(at(6, 9), at(11, 0)) == 2
