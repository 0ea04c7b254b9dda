"""The archive as a feed in documents (RFC 5005): the newest days, and a chain of months."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from larkpost.db import public_archive
from larkpost.editions.archive import (
    ArchivePage,
    DateSpan,
    SpanKind,
    latest,
    read_span,
    span_of,
    volume,
)
from larkpost.errors import UsageError

if TYPE_CHECKING:
    from larkpost.db.engine import Connection

# A link between documents: the relation, the month's name, and its page from 1 on.
Related = list[tuple[str, str, int]]


@dataclass(frozen=True, slots=True)
class ArchiveMonth:
    """A page of a month; the month is ``over`` once there are papers of a later one."""

    volume: ArchivePage
    over: bool
    related: Related


def open_month(connection: Connection, name: str, *, page: int, size: int) -> ArchiveMonth:
    """Open a page of ``2026-08``, counted from 1; raises UsageError if there is none."""
    span = read_span(name)
    opened = volume(connection, span, limit=size, offset=(page - 1) * size)
    if span.kind is not SpanKind.MONTH or not opened.papers:
        raise UsageError("there is no such page of a month")
    more = page * size < opened.total
    older = [("prev-archive", opened.previous.name, 1)] if opened.previous else []
    if opened.next is None:  # it still grows, so it must not be cached (RFC 5005 section 3)
        return ArchiveMonth(opened, False, [("next", span.name, page + 1)] * more + older)
    older = [("prev-archive", span.name, page + 1)] if more else older
    newer = [("next-archive", span.name, page - 1)] if page > 1 else []
    if page == 1 and public_archive.after(connection, opened.next.last):
        newer = [("next-archive", opened.next.name, _pages(connection, opened.next, size))]
    return ArchiveMonth(opened, True, [*older, *newer])


def before_today(connection: Connection, shown: int) -> Related:
    """Link from the ``shown`` newest papers to older documents.

    These are the newest complete month, and the current month if it has more papers than these.
    """
    running = latest(connection, SpanKind.MONTH)
    if running is None:
        return []
    rest = _count(connection, running) > shown
    day = public_archive.before(connection, running.first)
    older = [("prev-archive", span_of(SpanKind.MONTH, day).name, 1)] if day else []
    return [("next", running.name, 1)] * rest + older


def _pages(connection: Connection, span: DateSpan, size: int) -> int:
    return -(-_count(connection, span) // size)


def _count(connection: Connection, span: DateSpan) -> int:
    return sum(public_archive.per_day(connection, span.first, span.last).values())
