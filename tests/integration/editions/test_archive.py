"""Tests the archive on both databases: days, weeks and months, with links between them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from larkpost.db import papers
from larkpost.domain import PaperRecord
from larkpost.editions.archive import (
    DateSpan,
    SpanKind,
    contents,
    latest,
    read_span,
    span_of,
    volume,
)
from larkpost.errors import UsageError

if TYPE_CHECKING:
    from larkpost.db.engine import Store

NOW = datetime(2026, 9, 1, tzinfo=UTC)
SEEN = (
    datetime(2026, 6, 30, tzinfo=UTC),
    datetime(2026, 8, 3, tzinfo=UTC),  # a Monday
    datetime(2026, 8, 9, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2026, 8, 10, tzinfo=UTC),
    datetime(2026, 8, 10, 6, tzinfo=UTC),
)


@pytest.fixture
def full(store: Store) -> Store:
    """Open a store with a paper of each of these moments."""
    drafts = [PaperRecord(f"Seen at number {n}", first_seen=seen) for n, seen in enumerate(SEEN)]
    with store.begin() as connection:
        papers.absorb(connection, drafts, now=NOW)
    return store


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("2026-08-07", date(2026, 8, 7), date(2026, 8, 7)),
        ("2026-08", date(2026, 8, 1), date(2026, 8, 31)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2026-W32", date(2026, 8, 3), date(2026, 8, 9)),
        ("2020-W53", date(2020, 12, 28), date(2021, 1, 3)),
        ("0001-01-01", date.min, date.min),
        ("9999-12", date(9999, 12, 1), date.max),
    ],
)
def test_a_span_is_read_by_its_name(name: str, first: date, last: date) -> None:
    span = read_span(name)

    assert (span.first, span.last) == (first, last)
    assert span.name == name


@pytest.mark.parametrize(
    "name",
    [
        *("", "2026", "2026-13", "2026-02-30", "2026-8-7", "0000-01", "٢٠٢٦-٠٨"),
        *("2021-W53", "2026-W54", "2026-W00"),  # weeks that the year has not
        "9999-W52",  # ends after the calendar does
    ],
)
def test_no_other_name_is_a_span(name: str) -> None:
    with pytest.raises(UsageError, match="no such"):
        read_span(name)


@pytest.mark.parametrize(
    ("name", "found", "previous", "following"),
    [
        ("2026-08-10", [4, 3], "2026-08-09", None),
        ("2026-08-09", [2], "2026-08-03", "2026-08-10"),
        ("2026-08-05", [], "2026-08-03", "2026-08-09"),
        ("2026-W32", [2, 1], "2026-W27", "2026-W33"),
        ("2026-08", [4, 3, 2, 1], "2026-06", None),
        ("2026-06", [0], None, "2026-08"),
    ],
)
def test_a_volume_holds_the_papers_of_its_days(
    full: Store, name: str, found: list[int], previous: str | None, following: str | None
) -> None:
    with full.read() as connection:
        opened = volume(connection, read_span(name), limit=10)

    assert [paper.title for paper in opened.papers] == [f"Seen at number {n}" for n in found]
    assert opened.total == len(found)
    assert (opened.previous and opened.previous.name) == previous
    assert (opened.next and opened.next.name) == following


def test_a_volume_counts_its_days_and_has_pages(full: Store) -> None:
    with full.read() as connection:
        opened = volume(connection, read_span("2026-08"), limit=2, offset=1)

    assert [paper.first_seen for paper in opened.papers] == [SEEN[3], SEEN[2]]
    assert opened.total == 4
    assert opened.days == {date(2026, 8, 3): 1, date(2026, 8, 9): 1, date(2026, 8, 10): 2}


def test_the_contents_list_what_is_not_empty(full: Store) -> None:
    with full.read() as connection:
        months = contents(connection, SpanKind.MONTH)
        newest = latest(connection, SpanKind.WEEK)

    assert {span.name: count for span, count in months.items()} == {"2026-08": 4, "2026-06": 1}
    assert newest == span_of(SpanKind.WEEK, date(2026, 8, 12))


def test_an_empty_archive_opens(store: Store) -> None:
    span = DateSpan(date.min, date.max, SpanKind.MONTH)

    with store.read() as connection:
        opened = volume(connection, span, limit=10)

        assert latest(connection, SpanKind.DAY) is None
        assert contents(connection, SpanKind.DAY) == {}
    assert (opened.papers, opened.total, opened.previous, opened.next) == ((), 0, None, None)
