"""The day of capture: which year "Aug 7" means, and days in the names of files."""

from __future__ import annotations

from datetime import date

import pytest

from larkpost.sources.dates import in_name, month_number, resolve


@pytest.mark.parametrize(
    ("month", "day", "near", "meant"),
    [
        (8, 7, date(2026, 8, 7), date(2026, 8, 7)),
        (8, 7, date(2026, 11, 23), date(2026, 8, 7)),
        (12, 31, date(2027, 1, 2), date(2026, 12, 31)),
        (1, 1, date(2026, 12, 31), date(2027, 1, 1)),
        (2, 29, date(2028, 3, 1), date(2028, 2, 29)),
        (2, 29, date(2026, 3, 1), date(2024, 2, 29)),  # no leap year beside it: the last one
        (2, 29, date(2027, 3, 1), date(2028, 2, 29)),
        (4, 31, date(2026, 5, 1), None),
        (0, 0, date(2026, 5, 1), None),
    ],
)
def test_a_day_without_a_year_is_the_nearest(
    month: int, day: int, near: date, meant: date | None
) -> None:
    assert resolve(month, day, near) == meant


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("page-2026-08-07.txt", date(2026, 8, 7)),
        ("2026_08_07.txt", date(2026, 8, 7)),
        ("hf20260807.txt", date(2026, 8, 7)),
        ("2026-13-40 2026-08-07", date(2026, 8, 7)),
        ("000_48a0d66eb2c74da9.txt", None),
        ("1970-01-01.txt", None),
        ("120260807.txt", None),
        ("2026-08.07.txt", None),
        ("papers.txt", None),
    ],
)
def test_the_name_of_a_file_may_tell_a_day(name: str, day: date | None) -> None:
    assert in_name(name) == day


@pytest.mark.parametrize(("word", "month"), [("Jan", 1), ("sept.", 9), ("DECEMBER", 12)])
def test_months_have_numbers(word: str, month: int) -> None:
    assert month_number(word) == month
