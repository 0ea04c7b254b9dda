"""Which deliveries are next: new ones and due retries, by the time they became due."""

from __future__ import annotations

from datetime import timedelta
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, literal_column, or_, select

from larkpost.db import schema
from larkpost.db.coordination.leases import LONGEST
from larkpost.domain import DeliveryState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row, Select

# A letter that may have been sent is tried once more under its old Message-ID, by which the
# receiver can tell the copy; after a second doubt it is left to the operator.
DOUBTS = 1
# No retry is put off for longer: what waits until later than that was put off by a clock that was
# ahead, and is due.
LONGEST_WAIT = timedelta(hours=13)

_table = schema.delivery


def next_due(
    connection: Connection, rows: Select[Any], now: datetime, limit: int | None = None
) -> list[Row[Any]]:
    """Read the next letters by ``rows``, a select that has the column ``next_try``.

    New letters, the latest day's first, and retries that are due, each next to those that became
    due when it did: neither many new ones nor many retries keep the others waiting. It is a merge
    of two queues by their heads, so that reading on after a part of it gives the rest of it.
    """
    queues = (_new(connection, rows, now, limit), _retries(connection, rows, now, limit))
    return list(islice(merge(*queues, key=lambda row: row.next_try), limit))


def count_due(connection: Connection, now: datetime) -> int:
    """Count the letters that could be claimed."""
    counted = select(func.count()).select_from(_table).where(_is_free(now))
    # Two statements: in one, no index would serve, and all that were ever sent would be read.
    queues = (in_states(DeliveryState.PLANNED), _is_retry(now))
    return sum(connection.execute(counted.where(queue)).scalar_one() for queue in queues)


def count_waiting(connection: Connection) -> int:
    """Count the letters that go by themselves, now or later."""
    waiting = or_(in_states(DeliveryState.PLANNED, DeliveryState.DEFERRED), _goes_once_more())
    return connection.execute(select(func.count()).select_from(_table).where(waiting)).scalar_one()


def in_states(*states: DeliveryState) -> ColumnElement[bool]:
    """Spelt out, not bound: a list of parameters is written anew each time it is run."""
    return _table.c.state.in_([literal_column(f"'{state.value}'") for state in states])


def has_lapsed(now: datetime) -> ColumnElement[bool]:
    """Say whether a lease is over, or ends later than any can: the clock has been set back."""
    return or_(_table.c.lease_until <= now, _table.c.lease_until > now + LONGEST)


def _new(
    connection: Connection, rows: Select[Any], now: datetime, limit: int | None
) -> Iterator[Row[Any]]:
    """Read the letters never tried, day by day, each read off an index."""
    planned, day = in_states(DeliveryState.PLANNED), _table.c.day
    latest = connection.execute(select(func.max(day)).where(planned)).scalar()
    while latest is not None:
        theirs = rows.where(planned, day == latest, _is_free(now)).order_by(_table.c.id)
        yield from connection.execute(theirs.limit(limit)).all()
        earlier = select(func.max(day)).where(planned, day < latest)
        latest = connection.execute(earlier).scalar()


def _retries(
    connection: Connection, rows: Select[Any], now: datetime, limit: int | None
) -> Iterator[Row[Any]]:
    again = rows.where(_is_retry(now), _is_free(now)).order_by(_table.c.next_try, _table.c.id)
    yield from connection.execute(again.limit(limit)).all()


def _goes_once_more() -> ColumnElement[bool]:
    return and_(in_states(DeliveryState.UNKNOWN), _table.c.doubts <= DOUBTS)


def _is_retry(now: datetime) -> ColumnElement[bool]:
    due = or_(_table.c.next_try <= now, _table.c.next_try > now + LONGEST_WAIT)
    return and_(or_(in_states(DeliveryState.DEFERRED), _goes_once_more()), due)


def _is_free(now: datetime) -> ColumnElement[bool]:
    return or_(_table.c.lease_until.is_(None), has_lapsed(now))
