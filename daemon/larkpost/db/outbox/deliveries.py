"""The rows of the outbox: claimed with a lease, and changed only by the outcome of sending."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, func, insert, or_, select, update

from larkpost.db import schema
from larkpost.db.coordination.leases import LONGEST
from larkpost.db.outbox import delivery_statements as statements
from larkpost.db.outbox.delivery_queue import (
    AMBIGUOUS_ATTEMPTS,
    confirmations_due,
    has_lapsed,
    in_states,
    next_due,
    of_kind,
)
from larkpost.db.outbox.delivery_statements import NO_LEASE, TO_ANYBODY, WAITING
from larkpost.db.value_batches import batches, write_among
from larkpost.domain import Delivery, DeliveryState, MessageKind, Status

LATEST_RETURN = timedelta(days=3)  # after sending; a later copy would be of no use

_table = schema.delivery


@dataclass(frozen=True, slots=True)
class PlannedDelivery:
    """An edition to be sent: its number, day, reader and Message-ID."""

    edition_id: int
    reader_id: int
    day: date
    message_id: str
    now: datetime


def plan(connection: Connection, messages: Sequence[PlannedDelivery]) -> None:
    """Put editions into the outbox."""
    rows = [
        new_row(MessageKind.EDITION, day=one.day, now=one.now)
        | {
            "edition_id": one.edition_id,
            "reader_id": one.reader_id,
            "message_id": one.message_id,
        }
        for one in messages
    ]
    if rows:
        connection.execute(insert(_table), rows)


def new_row(kind: MessageKind, *, day: date, now: datetime) -> dict[str, Any]:
    """Return the columns of a message that has not been tried."""
    return {
        "kind": kind.value,
        "state": DeliveryState.PLANNED.value,
        "day": day,
        "queued_at": now,
        "attempts": 0,
        "ambiguous_attempts": 0,
        "next_attempt_at": now,
        "last_response": "",
    }


def claim(
    connection: Connection,
    now: datetime,
    *,
    limit: int,
    lease: timedelta,
    holder: str,
    confirmations_only: bool = False,
) -> list[Delivery]:
    """Claim up to ``limit`` messages for the time of the lease, so that nobody else gets them.

    Their order is that of ``delivery_queue``. Messages to inactive readers are cancelled. An
    expired claim changes nothing: only ``begin`` marks a message as being sent. Raises ValueError
    for a lease over an hour.
    """
    until = _until(now, lease)
    claimed: list[Delivery] = []
    read = confirmations_due if confirmations_only else next_due
    lockable = (  # skips rows that other workers hold (PostgreSQL)
        select(_table.c.id, _table.c.kind, schema.reader.c.status)
        .join_from(_table, schema.reader, isouter=True)
        .with_for_update(of=_table, skip_locked=True)
    )
    while (room := limit - len(claimed)) > 0 and (
        rows := list(read(connection, lockable, now, room))
    ):
        wanted = [
            row.id
            for row in rows
            if MessageKind(row.kind) in TO_ANYBODY or row.status == Status.ACTIVE.value
        ]
        if gone := {row.id for row in rows} - set(wanted):
            statements.cancel(connection, _table.c.id.in_(gone))
        claimed += _reserve(connection, wanted, until, holder)
    return claimed


def begin(
    connection: Connection,
    delivery_id: int,
    holder: str,
    *,
    now: datetime,
    lease: timedelta,
    today: date | None = None,
) -> DeliveryState | None:
    """Mark a claimed message as being sent, just before sending; commit before sending it.

    Returns ``SENDING`` if we may send it; ``CANCELLED`` if its reader is no longer active, or on
    holiday ``today`` (their local date; else that of UTC), for editions and notices; None if
    another worker has claimed it since.
    """
    which = {"which": delivery_id, "whose": holder, "today": today or now.date()}
    if connection.execute(statements.begin(), which | {"until": _until(now, lease)}).rowcount == 1:
        return DeliveryState.SENDING
    return DeliveryState.CANCELLED if take_back(connection, delivery_id, holder) else None


def take_back(connection: Connection, delivery_id: int, holder: str) -> bool:
    """Cancel a claimed message that has not been begun; returns whether it was ours."""
    ours = and_(_table.c.id == delivery_id, _table.c.lease_owner == holder, in_states(*WAITING))
    return statements.cancel(connection, ours) > 0


def renew(
    connection: Connection, delivery_id: int, holder: str, *, now: datetime, lease: timedelta
) -> bool:
    """Renew the lease of a message being sent; returns whether it was still ours."""
    ours = (
        _table.c.id == delivery_id,
        _table.c.lease_owner == holder,
        in_states(DeliveryState.SENDING),
    )
    longer = update(_table).where(*ours).values(lease_until=_until(now, lease))
    return connection.execute(longer).rowcount == 1


def settle(
    connection: Connection,
    delivery_id: int,
    state: DeliveryState,
    *,
    kind: MessageKind = MessageKind.EDITION,
    response: str = "",
    next_attempt_at: datetime | None = None,
    now: datetime,
    holder: str | None = None,
) -> bool:
    """Record the outcome of a message; returns whether the row changed.

    ``SENT`` is a fact and always counts. Any other outcome counts only while the message is being
    sent, held by a given ``holder``, or in doubt. ``UNKNOWN`` after sending counts as an ambiguous
    attempt. ``DEFERRED`` needs ``next_attempt_at``. The row of an edition stays; a row of any other
    kind is deleted once it is settled.
    """
    if state is DeliveryState.DEFERRED and next_attempt_at is None:
        raise ValueError("a deferred message needs the time of its next attempt")
    values = {
        "which": delivery_id,
        "response": response,
        "whose": holder,
        "again": next_attempt_at,
        "at": now,
    }
    statement = statements.settle(state, held=holder is not None, again=next_attempt_at is not None)
    news = connection.execute(statement, values).rowcount == 1
    if kind is not MessageKind.EDITION:
        statements.drop_settled(connection, _table.c.id == delivery_id)
    return news


def put_back(
    connection: Connection,
    delivery_ids: Collection[int],
    holder: str,
    *,
    response: str = "",
    now: datetime | None = None,
) -> None:
    """Return messages that could not be tried to their previous state.

    One that had been begun is deferred, with ``response`` and without counting the attempt, because
    the server cannot have it. It is due ``now``, after those that are already due, so that it does
    not block others if the fault is its own.
    """
    mine = _table.c.lease_owner == holder
    begun = {
        "state": DeliveryState.DEFERRED.value,
        "attempts": _table.c.attempts - 1,
        "last_response": response,
        **({"next_attempt_at": now} if now else {}),
        **NO_LEASE,
    }
    waiting = update(_table).where(mine, in_states(*WAITING)).values(NO_LEASE)
    write_among(connection, waiting, _table.c.id, delivery_ids)
    sending = update(_table).where(mine, in_states(DeliveryState.SENDING)).values(begun)
    write_among(connection, sending, _table.c.id, delivery_ids)


def expire(connection: Connection, now: datetime) -> int:
    """Mark messages whose lease ended as in doubt: they may or may not have been sent.

    This includes messages with an impossibly late lease, from before the clock was set back.
    """
    lapsed = update(_table).where(in_states(DeliveryState.SENDING), has_lapsed(now))
    lapsed = lapsed.values(
        state=DeliveryState.UNKNOWN.value,
        ambiguous_attempts=_table.c.ambiguous_attempts + 1,
        next_attempt_at=now,
        **NO_LEASE,
    )
    return connection.execute(lapsed).rowcount


def reopen(connection: Connection, delivery_ids: Collection[int], *, now: datetime) -> int:
    """Requeue messages that failed or are in doubt, for the operator; returns their number.

    Their lifetime starts again, and no newer message replaces them.
    """
    settled = in_states(DeliveryState.FAILED, DeliveryState.UNKNOWN, DeliveryState.DEFERRED)
    requeued = update(_table).where(settled).values(_requeued(now))
    return write_among(connection, requeued, _table.c.id, delivery_ids)


def send_again_shorter(
    connection: Connection, edition_id: int, *, response: str, now: datetime
) -> bool:
    """Requeue an edition that a later mail server returned for its content, to go shorter.

    Once, and only some days after it was sent, or was in doubt: it arrived. Returns if it goes.
    """
    sent = (_table.c.edition_id == edition_id, in_states(DeliveryState.SENT, DeliveryState.UNKNOWN))
    at = func.coalesce(_table.c.sent_at, _table.c.requeued_at, _table.c.queued_at)
    again = {"shortened_at": now, "last_response": response, "attempts": 0, "ambiguous_attempts": 0}
    first = update(_table).where(*sent, _table.c.shortened_at.is_(None), at > now - LATEST_RETURN)
    requeued = first.values(_requeued(now) | again | NO_LEASE)
    return connection.execute(requeued).rowcount == 1


def _requeued(now: datetime) -> dict[str, Any]:
    return {"state": DeliveryState.DEFERRED.value, "next_attempt_at": now, "requeued_at": now}


def sent_as(delivery: Delivery) -> str | None:
    """Return the Message-ID of a delivery's next message; None before the first was built.

    A shorter one has its own: servers and ``transports.sent_log`` know that of the whole one.
    """
    name = delivery.message_id
    return name.replace("@", ".2@") if name and delivery.shortened_at else name


def message_ids(delivery: Delivery) -> set[str]:
    """Return the Message-IDs under which a delivery was sent, if it was."""
    return {name for name in (delivery.message_id, sent_as(delivery)) if name}


def cancel_for(connection: Connection, reader_id: int) -> int:
    """Cancel the editions and notices to a reader that are not being sent; returns their number.

    A confirmation is still sent, because it brings its reader the link to their page.
    """
    theirs = and_(_table.c.reader_id == reader_id, in_states(*WAITING))
    return statements.cancel(connection, and_(theirs, ~of_kind(*TO_ANYBODY)))


def get(connection: Connection, delivery_id: int) -> Delivery | None:
    """Read one row of the outbox."""
    row = connection.execute(select(_table).where(_table.c.id == delivery_id)).one_or_none()
    return None if row is None else _delivery(row)


def of_edition(connection: Connection, edition_id: int) -> Delivery | None:
    """Read the delivery of an edition, if there is one."""
    row = connection.execute(select(_table).where(_table.c.edition_id == edition_id)).one_or_none()
    return None if row is None else _delivery(row)


def of(connection: Connection, reader_id: int) -> list[Delivery]:
    """Read every delivery to a reader, in the order of planning."""
    theirs = select(_table).where(_table.c.reader_id == reader_id).order_by(_table.c.id)
    return [_delivery(row) for row in connection.execute(theirs)]


def by_state(
    connection: Connection, states: Collection[DeliveryState], limit: int = 100
) -> list[Delivery]:
    """List messages in these states, the latest day's first."""
    listed = select(_table).where(in_states(*states)).limit(limit)
    latest_first = listed.order_by(_table.c.day.desc(), _table.c.id.desc())
    return [_delivery(row) for row in connection.execute(latest_first)]


def ambiguous(connection: Connection, limit: int = 100) -> list[Delivery]:
    """List messages that may have arrived and wait for the operator, the latest day first."""
    listed = select(_table).where(
        in_states(DeliveryState.UNKNOWN), _table.c.ambiguous_attempts > AMBIGUOUS_ATTEMPTS
    )
    latest_first = listed.order_by(_table.c.day.desc(), _table.c.id.desc()).limit(limit)
    return [_delivery(row) for row in connection.execute(latest_first)]


def due(connection: Connection, now: datetime, *, limit: int | None = None) -> list[Delivery]:
    """List the messages that ``claim`` would return, in its order, without claiming them."""
    active = select(schema.reader.c.id).where(schema.reader.c.status == Status.ACTIVE.value)
    goes = or_(of_kind(*TO_ANYBODY), _table.c.reader_id.in_(active))
    return [_delivery(row) for row in next_due(connection, select(_table).where(goes), now, limit)]


def counts(connection: Connection) -> dict[DeliveryState, int]:
    """Count the messages in each state, including empty states."""
    column = _table.c.state
    rows = connection.execute(select(column, func.count()).group_by(column)).all()
    return dict.fromkeys(DeliveryState, 0) | {DeliveryState(state): n for state, n in rows}


def _reserve(
    connection: Connection, ids: Sequence[int], until: datetime, holder: str
) -> list[Delivery]:
    """Claim locked messages; returns them in the order of ``ids``."""
    taken = update(_table).values(lease_until=until, lease_owner=holder)
    found = {
        row.id: _delivery(row)
        for some in batches(ids)
        for row in connection.execute(taken.where(_table.c.id.in_(some)).returning(*_table.c))
    }
    return [found[delivery_id] for delivery_id in ids]


def _until(now: datetime, lease: timedelta) -> datetime:
    if lease > LONGEST:
        raise ValueError(f"a lease of {lease} is longer than {LONGEST}")
    return now + lease


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        id=row.id,
        kind=MessageKind(row.kind),
        state=DeliveryState(row.state),
        day=row.day,
        attempts=row.attempts,
        queued_at=row.queued_at,
        next_attempt_at=row.next_attempt_at,
        edition_id=row.edition_id,
        reader_id=row.reader_id,
        message_id=row.message_id,
        payload=row.payload or {},
        domain=row.domain or "",
        lease_until=row.lease_until,
        last_response=row.last_response,
        sent_at=row.sent_at,
        ambiguous_attempts=row.ambiguous_attempts,
        requeued_at=row.requeued_at,
        shortened_at=row.shortened_at,
    )
