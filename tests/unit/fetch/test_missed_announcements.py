"""Which of arXiv's announcements were missed, and what was submitted for them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from larkpost.fetch.missed_announcements import missed_announcements, submission_window


def at(day: int, hour: int) -> datetime:
    """Return a moment of August 2026, in UTC; the first is a Saturday."""
    return datetime(2026, 8, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seen", "now", "days"),
    [
        (at(6, 12), at(8, 3), []),  # Thursday evening's are in the feed until Saturday, 04:00 UTC
        (at(6, 12), at(8, 5), [6]),
        (at(7, 6), at(10, 23), []),  # seen on Friday; Sunday's are in the feed on Monday
        (at(7, 6), at(12, 5), [9, 10]),
        (at(7, 4), at(8, 5), [6]),  # polled at the minute at which the feed changes
    ],
)
def test_an_announcement_is_missed_when_nobody_polled_on_its_day(
    seen: datetime, now: datetime, days: list[int]
) -> None:
    assert missed_announcements(seen, now) == [date(2026, 8, day) for day in days]


@pytest.mark.parametrize(
    ("evening", "window"),
    [
        (date(2026, 8, 5), (at(4, 18), at(5, 18))),  # 14:00 Eastern
        (date(2026, 8, 9), (at(6, 18), at(7, 18))),  # Sunday: from Thursday to Friday
        (date(2026, 8, 10), (at(7, 18), at(10, 18))),  # Monday: over the weekend
    ],
)
def test_an_announcement_has_what_was_submitted_since_the_one_before(
    evening: date, window: tuple[datetime, datetime]
) -> None:
    assert submission_window(evening) == window


def test_the_announcement_after_a_holiday_has_what_was_submitted_on_it() -> None:
    start, end = submission_window(date(2026, 11, 29))  # a Sunday after Thanksgiving

    assert (start, end) == (
        datetime(2026, 11, 24, 19, tzinfo=UTC),
        datetime(2026, 11, 27, 19, tzinfo=UTC),
    )
