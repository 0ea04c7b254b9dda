"""Records the day on which pages and feeds were last used, and finds expired readers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, case, func, or_, select, update

from larkpost.db import schema
from larkpost.db.value_batches import rows_among, write_among

_reader, _vote = schema.reader, schema.vote


@dataclass(frozen=True, slots=True)
class ExpiryRule:
    """The days without use after which a reader is removed.

    ``unused`` applies to readers who never came back. 0 days mean never.
    """

    days: int
    unused: int


@dataclass(frozen=True, slots=True)
class Expiring:
    """A reader who can expire: whether they ever came back, and the last use.

    ``last`` includes the day of signing up, and thumbs if no use was noted; ``noted`` is what
    ``write`` wrote.
    """

    reader_id: int
    uid: str
    used: bool
    last: date
    noted: date | None = None

    def end(self, span: ExpiryRule) -> date | None:
        """Return the first day on which they may be removed; None for never."""
        days = span.days if self.used else span.unused
        return self.last + timedelta(days=days) if days else None


def unwritten(connection: Connection, reader_ids: Collection[int], day: date) -> list[int]:
    """Choose the readers who can expire and whose use on that day is not yet recorded."""
    lacking = select(_reader.c.id).where(
        _reader.c.expires, or_(_reader.c.last_used.is_(None), _reader.c.last_used < day)
    )
    return [row.id for row in rows_among(connection, lacking, _reader.c.id, reader_ids)]


def write(connection: Connection, reader_ids: Collection[int], day: date) -> None:
    """Record a day as the last use of these readers."""
    write_among(connection, update(_reader).values(last_used=day), _reader.c.id, reader_ids)


def of(connection: Connection, reader_ids: Collection[int]) -> dict[int, Expiring]:
    """Return the last use of each of these readers; those who cannot expire are left out."""
    rows = rows_among(connection, _expiring(), _reader.c.id, reader_ids)
    return {row.id: _read(row) for row in rows}


def unused_readers(connection: Connection, span: ExpiryRule, day: date) -> list[Expiring]:
    """List the readers unused for ``span``, as of ``day``."""
    shortest = min((days for days in (span.days, span.unused) if days), default=0)
    if not shortest:
        return []
    reader, before = _reader.c, day - timedelta(days=shortest)
    unused = or_(reader.last_used.is_(None), reader.last_used <= before)
    found = map(_read, connection.execute(_expiring().where(unused)))
    return [one for one in found if (end := one.end(span)) is not None and end <= day]


def count(connection: Connection) -> int:
    """Count the readers who can expire."""
    return connection.execute(select(func.count()).where(_reader.c.expires)).scalar_one()


def _expiring() -> Select[Any]:
    """Read the readers who can expire: they used the subscribe form, and have no address.

    Thumbs are read only if no use was noted; otherwise a reader with many could delay a run.
    """
    latest = select(func.max(_vote.c.at)).where(_vote.c.reader_id == _reader.c.id).scalar_subquery()
    voted = case((_reader.c.last_used.is_(None), latest)).label("voted")
    columns = (_reader.c.id, _reader.c.uid, _reader.c.created, _reader.c.last_used, voted)
    expiring = select(*columns).where(_reader.c.expires, _reader.c.address.is_(None))
    return expiring.order_by(_reader.c.id)


def _read(row: Row[Any]) -> Expiring:
    days = [_day(row.created), row.last_used, row.voted and _day(row.voted)]
    known = [day for day in days if day]
    return Expiring(row.id, row.uid, len(known) > 1, max(known), row.last_used)


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()
