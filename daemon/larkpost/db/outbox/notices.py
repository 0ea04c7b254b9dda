"""Queues messages other than editions: confirmations, notices of empty days, reports."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, delete, func, insert, select, update

from larkpost.db import schema, upsert_statement
from larkpost.db.outbox.deliveries import new_row
from larkpost.db.outbox.delivery_queue import AMBIGUOUS_ATTEMPTS, in_states, of_kind
from larkpost.db.outbox.delivery_statements import NO_LEASE, WAITING
from larkpost.domain import Delivery, DeliveryState, MessageKind

_table = schema.delivery
_SHORT_LIVED = tuple(kind for kind in MessageKind if kind is not MessageKind.EDITION)
# The columns of a confirmation that starts again; it counts against its limits again.
_FIRST_ATTEMPT = (
    *("state", "day", "queued_at", "attempts", "ambiguous_attempts", "next_attempt_at"),
    *("reader_id", "message_id", "requeued_at"),
)


def ask(
    connection: Connection,
    address_key: str,
    payload: Mapping[str, Any],
    *,
    now: datetime,
    domain: str = "",
    place: datetime | None = None,
) -> None:
    """Queue a confirmation, replacing one for the same address that still waits.

    It gets the earlier of both places, ``now`` if none is given. One that may have arrived twice,
    and is no longer sent automatically, starts again. Known and unknown addresses use the same
    statement, so that its time reveals nothing.
    """
    statement = upsert_statement.insert(connection, _table).values(
        **new_row(MessageKind.CONFIRMATION, day=now.date(), now=now),
        address_key=address_key,
        payload=dict(payload),
        domain=domain or None,
        place=place or now,
    )
    new = statement.excluded
    better = case((new.place < _table.c.place, new.place), else_=_table.c.place)
    left = and_(in_states(DeliveryState.UNKNOWN), _table.c.ambiguous_attempts > AMBIGUOUS_ATTEMPTS)
    anew = {name: case((left, new[name]), else_=_table.c[name]) for name in _FIRST_ATTEMPT}
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["address_key"],
            set_={"payload": new.payload, "place": better, **anew},
        )
    )


def make_room(connection: Connection, domain: str, place: datetime, *, most: int) -> bool:
    """Return whether one more may wait for a domain at a place, if ``most`` may wait.

    If the queue is full, the one at the last place is deleted, unless that is before ``place``.
    """
    of_domain = _table.c.domain == domain
    count = select(func.count()).select_from(_table).where(of_domain)
    if connection.execute(count).scalar_one() < most:
        return True
    last = connection.execute(
        select(_table.c.id, _table.c.place)
        .where(of_domain)
        .order_by(_table.c.place.desc(), _table.c.id.desc())
        .limit(1)
    ).one_or_none()
    if last is None or last.place is None or last.place <= place:
        return False
    connection.execute(delete(_table).where(_table.c.id == last.id))
    return True


def assign(connection: Connection, delivery: Delivery, reader_id: int) -> None:
    """Set the reader of a confirmation; from then on it has been counted against its limits."""
    mine = update(_table).where(_table.c.id == delivery.id)
    connection.execute(mine.values(reader_id=reader_id))


def put_off_domain(
    connection: Connection, delivery: Delivery, until: datetime, now: datetime
) -> None:
    """Defer a claimed confirmation, and the others of its domain, until a time."""
    waits = {"next_attempt_at": until, **NO_LEASE}
    connection.execute(update(_table).where(_table.c.id == delivery.id).values(waits))
    connection.execute(
        update(_table)
        .where(
            _table.c.domain == delivery.domain,
            _table.c.next_attempt_at <= now,
            _table.c.reader_id.is_(None),
            _table.c.attempts == 0,
            _table.c.lease_owner.is_(None),
        )
        .values(next_attempt_at=until)
    )


def notify(
    connection: Connection, reader_id: int, payload: Mapping[str, Any], *, day: date, now: datetime
) -> None:
    """Queue a notice of an empty day to a reader, replacing an older waiting one."""
    older = (_table.c.reader_id == reader_id, of_kind(MessageKind.EMPTY_NOTICE))
    connection.execute(delete(_table).where(*older, in_states(*WAITING)))
    row = new_row(MessageKind.EMPTY_NOTICE, day=day, now=now)
    connection.execute(insert(_table).values(**row, reader_id=reader_id, payload=dict(payload)))


def report(connection: Connection, payload: Mapping[str, Any], *, now: datetime) -> None:
    """Queue a report to the operator, replacing an older waiting one."""
    older = of_kind(MessageKind.OPERATOR_REPORT)
    connection.execute(delete(_table).where(older, in_states(*WAITING)))
    row = new_row(MessageKind.OPERATOR_REPORT, day=now.date(), now=now)
    connection.execute(insert(_table).values(**row, payload=dict(payload)))


def forget(connection: Connection, delivery: Delivery) -> None:
    """Delete a message that is not an edition."""
    connection.execute(delete(_table).where(_table.c.id == delivery.id))


def forget_addressees(connection: Connection, address_keys: Collection[str]) -> None:
    """Delete the confirmations for these addresses."""
    connection.execute(delete(_table).where(_table.c.address_key.in_(address_keys)))


def drop_overdue(connection: Connection, now: datetime, lifetime: timedelta) -> int:
    """Delete messages, except editions, that could not be sent within their lifetime.

    Returns their number. They are obsolete, and no address is stored longer because a mail server
    is unavailable.
    """
    dropped = delete(_table).where(_is_overdue(now, lifetime), _table.c.lease_owner.is_(None))
    return connection.execute(dropped).rowcount


def any_overdue(connection: Connection, now: datetime, lifetime: timedelta) -> bool:
    """Return whether ``drop_overdue`` has anything to delete."""
    some = select(_table.c.id).where(_is_overdue(now, lifetime)).limit(1)
    return connection.execute(some).first() is not None


def _is_overdue(now: datetime, lifetime: timedelta) -> ColumnElement[bool]:
    since = func.coalesce(_table.c.requeued_at, _table.c.queued_at)
    return and_(of_kind(*_SHORT_LIVED), in_states(*WAITING), since <= now - lifetime)
