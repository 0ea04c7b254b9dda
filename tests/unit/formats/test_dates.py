"""Tests days: the year of "Aug 7", and days in pages, metadata, addresses and file names."""

from __future__ import annotations

from datetime import date

import pytest

from larkpost.formats.dates import (
    PartialDay,
    captured_day,
    day_in_path,
    find_day,
    in_name,
    latest_before,
    month_number,
)


@pytest.mark.parametrize(
    ("month", "day", "bound", "meant"),
    [
        (8, 7, date(2026, 8, 7), date(2026, 8, 7)),
        (8, 7, date(2026, 11, 23), date(2026, 8, 7)),
        (3, 25, date(2026, 11, 26), date(2026, 3, 25)),  # though the next one is nearer
        (12, 31, date(2027, 1, 2), date(2026, 12, 31)),
        (12, 31, date(2026, 12, 30), date(2026, 12, 31)),  # one day of grace
        (12, 31, date(2026, 12, 29), date(2025, 12, 31)),
        (1, 1, date(2026, 12, 31), date(2027, 1, 1)),
        (1, 1, date(2026, 12, 30), date(2026, 1, 1)),
        (2, 29, date(2028, 3, 1), date(2028, 2, 29)),
        (2, 29, date(2028, 2, 28), date(2028, 2, 29)),
        (2, 29, date(2026, 3, 1), date(2024, 2, 29)),
        (2, 29, date(2027, 3, 1), date(2024, 2, 29)),  # though that of 2028 is nearer
        (2, 29, date(2103, 1, 1), date(2096, 2, 29)),  # 2100 is no leap year
        (4, 31, date(2026, 5, 1), None),
        (0, 0, date(2026, 5, 1), None),
    ],
)
def test_a_day_without_a_year_is_the_latest_that_is_not_younger_than_the_page(
    month: int, day: int, bound: date, meant: date | None
) -> None:
    assert latest_before(month, day, bound) == meant


@pytest.mark.parametrize(
    "text",
    [
        "2026-08-07",
        "2026/08/07",
        "2026/8/7",
        "2026.08.07",
        "07.08.2026",
        "7. 8. 2026",
        "7 August 2026",
        "7th August 2026",
        "7 Aug 2026",
        "the 7th of August, 2026",
        "August 7, 2026",
        "August 7th, 2026",
        "Aug. 7, 2026",
        "AUGUST 7 2026",
        "Friday, August 7, 2026",
        "Fri 7 Aug 2026",
        "Fri, 2026-08-07",
        "2026年8月7日",
        "2026年08月07日 星期五",
        "2026年8月7日\uff08金\uff09",
        "2026년 8월 7일",
        " 2026-08-07 ",
    ],
)
def test_a_line_may_be_a_whole_day(text: str) -> None:
    assert find_day(text) == PartialDay(8, 7, 2026)


@pytest.mark.parametrize(
    "text", ["Aug 7", "Aug. 7", "7 Aug", "August 7th", "7. August", "Friday, August 7", "8月7日"]
)
def test_a_line_may_be_a_day_without_its_year(text: str) -> None:
    assert find_day(text) == PartialDay(8, 7)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Today", date(2026, 8, 7)),
        ("yesterday", date(2026, 8, 6)),
        ("今天", date(2026, 8, 7)),
        ("Aug 8", date(2026, 8, 8)),
        ("Aug 9", date(2025, 8, 9)),
        ("Aug 9, 2026", date(2026, 8, 9)),
        ("Feb 30", None),
        ("Aug 7, 20260", None),
        ("99.99.2026", None),
    ],
)
def test_a_day_is_resolved_from_the_day_of_the_file(text: str, meant: date | None) -> None:
    found = find_day(text)

    assert found is not None
    assert found.resolve(date(2026, 8, 7)) == meant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "May",
        "August 2026",
        "7",
        "2026",
        "Aug 7: A Day in the Life of a Lantern",
        "On August 7, 2026",
        "2026-08-07 and later",
        "August 123",
        "1 May Day Models",
        "Today's papers",
        "3.5.2",
        "08/07/2026",
        "2026-08/07",
        "Mayor 7",
        "Aug 7 " * 10_000,
    ],
)
def test_a_line_with_other_words_is_no_day(text: str) -> None:
    assert find_day(text) is None


@pytest.mark.parametrize(
    "line",
    [
        "retrieved: 2026-10-02",
        "exported: '2026-10-02'",
        'captured: "2026-10-02T07:12:00Z"',
        "date: 2026-10-02",
        "date = 2026-10-02T09:00:00+02:00",
        "saved: 2026/10/02",
        "accessed: Oct 2, 2026",
        "Fetched: Fri, 02 Oct 2026 07:12:00 GMT",
        "Date: Fri, 02 Oct 2026 07:12:00 +0000 (UTC)",
        "crawled_at: 2026-10-02 07:12:00.123456+00:00",
        "downloaded-on: 2 October 2026",
        "Captured (UTC): 2026-10-02T07:12:00Z",
        "> **Captured (UTC):** 2026-10-02 07:12 UTC",
        "capture_time: 2026-10-02T07:12Z",
        "Retrieved on 2 October 2026",
        "Retrieved on 2 October 2026.",
        "Accessed October 2nd, 2026 at 7:12 PM",
        "Saved 2026-10-02 from https://huggingface.co/papers",
        "scraped_at: 2026-10-02T23:12:00",
        "- last accessed: 2026-10-02",
        "created: 2026-10-01T23:30:00-05:00",
        "timestamp: 2026-10-02 20:30:00 -0300",
        "exported: 2026-10-03T00:30:00+0200",
        "exported: 2026年10月2日",
    ],
)
def test_metadata_tell_the_day_of_capture_in_utc(line: str) -> None:
    assert captured_day(line) == date(2026, 10, 2)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "title: Daily Papers",
        "date:",
        "date: soon",
        "retrieved: Oct 2",
        "retrieved: 2026-13-45",
        "retrieved: 2026-10-02T99:99:99Z",
        "published: 2026-10-02",
        "2026-10-02",
        "update: 2026-10-02",
        "Dates: 2026-10-02",
        "Date: A Data Set of 2026-10-02",
        "Saved by the bell",
        "date" * 10_000,
        "date:" + " " * 10_000 + "2026-10-02",
    ],
)
def test_other_metadata_tell_no_day(line: str) -> None:
    assert captured_day(line) is None


@pytest.mark.parametrize(
    ("url", "day"),
    [
        ("/papers/date/2026-03-24", date(2026, 3, 24)),
        ("https://huggingface.co/papers/date/2026-03-24?x=1#top", date(2026, 3, 24)),
        ("[previous](https://hf-mirror.com/papers/date/2026-03-24)", date(2026, 3, 24)),
        ("/papers/date/2026-02-30", None),
        ("/papers/date/2026-03-245", None),
        ("/papers/week/2026-W13", None),
        ("/papers/2603.00324", None),
    ],
)
def test_the_address_of_a_daily_list_tells_its_day(url: str, day: date | None) -> None:
    assert day_in_path(url) == day


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
