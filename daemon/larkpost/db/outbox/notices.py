"""Queues the messages that are no editions: confirmations, notices of empty days, reports."""

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
# What a confirmation that begins anew is told by; it is counted against its limits again.
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
    """Queue a confirmation, in place of one for the same address that still waits.

    It waits at the better of both places, ``now`` where none is given. One that may have arrived
    twice, and goes no more by itself, begins anew. One statement whatever is known of the address,
    so that its time tells nothing.
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
    """Tell whether one more may wait for a domain at a place, where ``most`` may wait.

    Where as many do, the one at the last place goes, unless that is before ``place``.
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
    """Say whose a confirmation is; from then on it has been counted against its limits."""
    mine = update(_table).where(_table.c.id == delivery.id)
    connection.execute(mine.values(reader_id=reader_id))


def put_off_domain(
    connection: Connection, delivery: Delivery, until: datetime, now: datetime
) -> None:
    """Let a confirmation that was claimed wait until then, and the others of its domain, too."""
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
    """Queue a notice of an empty day to a reader, in place of an older one that has not gone."""
    older = (_table.c.reader_id == reader_id, of_kind(MessageKind.EMPTY_NOTICE))
    connection.execute(delete(_table).where(*older, in_states(*WAITING)))
    row = new_row(MessageKind.EMPTY_NOTICE, day=day, now=now)
    connection.execute(insert(_table).values(**row, reader_id=reader_id, payload=dict(payload)))


def report(connection: Connection, payload: Mapping[str, Any], *, now: datetime) -> None:
    """Queue a report to the operator, in place of an older one that has not gone."""
    older = of_kind(MessageKind.OPERATOR_REPORT)
    connection.execute(delete(_table).where(older, in_states(*WAITING)))
    row = new_row(MessageKind.OPERATOR_REPORT, day=now.date(), now=now)
    connection.execute(insert(_table).values(**row, payload=dict(payload)))


def forget(connection: Connection, delivery: Delivery) -> None:
    """Be done with a message that is no edition."""
    connection.execute(delete(_table).where(_table.c.id == delivery.id))


def forget_addressees(connection: Connection, address_keys: Collection[str]) -> None:
    """Drop the confirmations that these addresses asked for."""
    connection.execute(delete(_table).where(_table.c.address_key.in_(address_keys)))


def drop_overdue(connection: Connection, now: datetime, lifetime: timedelta) -> int:
    """Drop what is no edition and could not be sent within its lifetime; returns how many.

    It says nothing any more, and nobody's address stays for longer because a mail server is away.
    """
    dropped = delete(_table).where(_is_overdue(now, lifetime), _table.c.lease_owner.is_(None))
    return connection.execute(dropped).rowcount


def any_overdue(connection: Connection, now: datetime, lifetime: timedelta) -> bool:
    """Say whether there is something for ``drop_overdue``."""
    some = select(_table.c.id).where(_is_overdue(now, lifetime)).limit(1)
    return connection.execute(some).first() is not None


def _is_overdue(now: datetime, lifetime: timedelta) -> ColumnElement[bool]:
    since = func.coalesce(_table.c.requeued_at, _table.c.queued_at)
    return and_(of_kind(*_SHORT_LIVED), in_states(*WAITING), since <= now - lifetime)
