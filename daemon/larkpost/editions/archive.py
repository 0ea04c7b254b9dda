"""Pages of the archive: papers by day, week or month, with the previous and next spans."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from larkpost.db import public_archive
from larkpost.domain import Paper
from larkpost.errors import UsageError

if TYPE_CHECKING:
    from larkpost.db.engine import Connection

_NAME = re.compile(r"([0-9]{4})-(?:W([0-9]{2})|([0-9]{2})(?:-([0-9]{2}))?)")

_LAST_WEEK = date.max - timedelta(days=date.max.weekday())  # it extends beyond the calendar


class SpanKind(StrEnum):
    """How long a span is."""

    DAY = "day"
    WEEK = "week"  # of ISO 8601: from Monday on
    MONTH = "month"


@dataclass(frozen=True, slots=True, order=True)
class DateSpan:
    """Some days in a row, in UTC: ``first`` to ``last``, both included."""

    first: date
    last: date
    kind: SpanKind

    @property
    def name(self) -> str:
        """The form that ``read_span`` reads: ``2026-08-07``, ``2026-W32`` or ``2026-08``."""
        match self.kind:
            case SpanKind.DAY:
                return self.first.isoformat()
            case SpanKind.WEEK:
                year, week, _ = self.first.isocalendar()
                return f"{year:04}-W{week:02}"
            case SpanKind.MONTH:
                return self.first.isoformat()[:7]


@dataclass(frozen=True, slots=True)
class ArchivePage:
    """A page of the archive: papers of a span, newest first, out of ``total``.

    ``days`` counts the papers per day; ``previous`` and ``next`` are the
    nearest spans of the same kind that are not empty.
    """

    span: DateSpan
    papers: tuple[Paper, ...]
    total: int
    days: Mapping[date, int]
    previous: DateSpan | None
    next: DateSpan | None


def span_of(kind: SpanKind, day: date) -> DateSpan:
    """The day, week or month in which a day lies; the calendar's last week is cut at its end."""
    match kind:
        case SpanKind.DAY:
            return DateSpan(day, day, kind)
        case SpanKind.WEEK:
            first = day - timedelta(days=day.weekday())
            return DateSpan(first, first + min(timedelta(days=6), date.max - first), kind)
        case SpanKind.MONTH:
            last = monthrange(day.year, day.month)[1]
            return DateSpan(day.replace(day=1), day.replace(day=last), kind)


def read_span(name: str) -> DateSpan:
    """Read ``2026-08-07``, ``2026-W32`` or ``2026-08``; raises UsageError.

    A week that extends beyond the end of the calendar, in 9999, is refused.
    """
    match = _NAME.fullmatch(name)
    try:
        span = _read(*match.groups()) if match else None
    except (ValueError, OverflowError):
        span = None
    if span is not None and (span.kind is SpanKind.MONTH or span.first < _LAST_WEEK):
        return span
    raise UsageError(
        "there is no such day, week or month", hint="write it like 2026-08-07, 2026-W32 or 2026-08"
    )


def _read(year: str, week: str | None, month: str, day: str | None) -> DateSpan:
    if week is not None:
        return span_of(SpanKind.WEEK, date.fromisocalendar(int(year), int(week), 1))
    if day is not None:
        return span_of(SpanKind.DAY, date(int(year), int(month), int(day)))
    return span_of(SpanKind.MONTH, date(int(year), int(month), 1))


def volume(connection: Connection, span: DateSpan, *, limit: int, offset: int = 0) -> ArchivePage:
    """Open the archive at a span."""
    days = public_archive.per_day(connection, span.first, span.last)
    found = public_archive.between(connection, span.first, span.last, limit=limit, offset=offset)
    earlier = public_archive.before(connection, span.first)
    later = public_archive.after(connection, span.last)
    return ArchivePage(
        span=span,
        papers=tuple(found),
        total=sum(days.values()),
        days=days,
        previous=span_of(span.kind, earlier) if earlier else None,
        next=span_of(span.kind, later) if later else None,
    )


def latest(connection: Connection, kind: SpanKind) -> DateSpan | None:
    """The newest span that is not empty; None if there are no papers."""
    day = public_archive.latest(connection)
    return span_of(kind, day) if day else None


def contents(connection: Connection, kind: SpanKind) -> dict[DateSpan, int]:
    """Every non-empty span with the number of its papers, newest first."""
    counted: dict[DateSpan, int] = {}
    for day, count in reversed(public_archive.per_day(connection).items()):
        span = span_of(kind, day)
        counted[span] = counted.get(span, 0) + count
    return counted
