"""Stores bounces, and computes the bounce score of an address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, insert, select

from larkpost.db import schema
from larkpost.domain import Bounce, BounceKind, Status

# At this score an address is suspended: one hard bounce, or five days in a row of soft ones.
LIMIT = 1.0
WEIGHTS: Mapping[BounceKind, float] = {BounceKind.HARD: 1.0, BounceKind.SOFT: 0.25}
HALF_LIFE = timedelta(days=30)
KEEP_FOR = 12 * HALF_LIFE  # a year: then a bounce has a four-thousandth of its weight

_LONGEST_CODE = 20
_LONGEST_TEXT = 1_000
_table = schema.bounce


def record(connection: Connection, bounce: Bounce) -> None:
    """Record a bounce."""
    values = {
        "reader_id": bounce.reader_id,
        "at": bounce.at,
        "kind": bounce.kind.value,
        "code": bounce.code[:_LONGEST_CODE],
        "text": bounce.text[:_LONGEST_TEXT],
    }
    connection.execute(insert(_table).values(values))


def of(connection: Connection, reader_id: int) -> list[Bounce]:
    """Read the bounces of a reader, oldest first."""
    theirs = (
        select(_table).where(_table.c.reader_id == reader_id).order_by(_table.c.at, _table.c.id)
    )
    return [_bounce(row) for row in connection.execute(theirs)]


def is_known(connection: Connection, bounce: Bounce) -> bool:
    """Return whether a bounce of this kind and time was recorded, whatever its words."""
    same = select(_table.c.id).where(
        _table.c.reader_id == bounce.reader_id,
        _table.c.at == bounce.at,
        _table.c.kind == bounce.kind.value,
    )
    return connection.execute(same.limit(1)).first() is not None


def score(connection: Connection, reader_id: int, now: datetime) -> float:
    """Return the bounce score of a reader's address; at ``LIMIT`` and above, suspend it."""
    return weigh(of(connection, reader_id), now)


def weigh(bounces: Iterable[Bounce], now: datetime) -> float:
    """Add up bounces: 1 for a hard, 0.25 for a soft one, each halved for every 30 days of age.

    Only the worst of a day (UTC) counts, as in Mailman: one fault may bounce many messages. Future
    times count as now.
    """
    by_day: dict[date, float] = {}
    for bounce in bounces:
        age = max(timedelta(), now - bounce.at) / HALF_LIFE
        day = bounce.at.astimezone(UTC).date()
        by_day[day] = max(by_day.get(day, 0.0), WEIGHTS[bounce.kind] * 0.5**age)
    return sum(by_day.values())


def forgive(connection: Connection, reader_id: int) -> int:
    """Delete the bounces of a reader: the address changed, or works again."""
    return connection.execute(delete(_table).where(_table.c.reader_id == reader_id)).rowcount


def latest(connection: Connection, reader_id: int) -> Bounce | None:
    """Read the last bounce of a reader."""
    return next(reversed(of(connection, reader_id)), None)


def prune(connection: Connection, now: datetime) -> int:
    """Delete bounces too old to count; returns their number.

    The bounces of suspended readers stay, for the operator.
    """
    return connection.execute(delete(_table).where(_is_old(now))).rowcount


def any_old(connection: Connection, now: datetime) -> bool:
    """Return whether ``prune`` has anything to delete."""
    old = select(_table.c.id).where(_is_old(now)).limit(1)
    return connection.execute(old).first() is not None


def _is_old(now: datetime) -> ColumnElement[bool]:
    reader = schema.reader.c
    suspended = select(reader.id).where(reader.status == Status.SUSPENDED.value)
    return and_(_table.c.at < now - KEEP_FOR, _table.c.reader_id.not_in(suspended))


def _bounce(row: Row[Any]) -> Bounce:
    return Bounce(row.reader_id, row.at, BounceKind(row.kind), row.code, row.text)
