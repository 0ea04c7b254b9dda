"""The deliveries of the outbox: reserved under a lease and moved only by what became of each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    and_,
    bindparam,
    case,
    func,
    insert,
    or_,
    select,
    update,
)

from larkpost.db import schema
from larkpost.db.batches import batches
from larkpost.db.coordination.leases import LONGEST
from larkpost.db.outbox.delivery_queue import DOUBTS, has_lapsed, in_states, next_due
from larkpost.domain import Delivery, DeliveryState, Status

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date, datetime, timedelta

    from sqlalchemy import ColumnElement, Connection, Row, Update

_WAITING = (DeliveryState.PLANNED, DeliveryState.DEFERRED, DeliveryState.UNKNOWN)
_NOBODY: dict[str, None] = {"lease_until": None, "holder": None}  # has it any more
_table = schema.delivery


@dataclass(frozen=True, slots=True)
class PlannedDelivery:
    """A letter to be sent: of which edition and day, to whom, under which Message-ID."""

    edition_id: int
    reader_id: int
    day: date
    message_id: str
    now: datetime


def plan(connection: Connection, letters: Sequence[PlannedDelivery]) -> None:
    """Put letters into the outbox."""
    rows = [
        {
            "edition_id": letter.edition_id,
            "reader_id": letter.reader_id,
            "state": DeliveryState.PLANNED.value,
            "day": letter.day,
            "attempts": 0,
            "doubts": 0,
            "message_id": letter.message_id,
            "next_try": letter.now,
            "reply": "",
        }
        for letter in letters
    ]
    if rows:
        connection.execute(insert(_table), rows)


def claim(
    connection: Connection, now: datetime, *, limit: int, lease: timedelta, holder: str
) -> list[Delivery]:
    """Reserve up to ``limit`` letters for as long as the lease; nobody else gets them meanwhile.

    In the order of ``delivery_queue``: letters never tried and those whose next try has come, by
    the time they became due. What is for a reader who is not active is cancelled on the way. A
    reservation that lapses changes nothing: only ``begin`` says that a letter is on its way.
    Raises ValueError for a lease over an hour.
    """
    until = _until(now, lease)
    claimed: list[Delivery] = []
    lockable = (  # passing over what other workers hold (PostgreSQL)
        select(_table.c.id, _table.c.next_try, schema.reader.c.status)
        .join_from(_table, schema.reader)
        .with_for_update(of=_table, skip_locked=True)
    )
    while (room := limit - len(claimed)) > 0 and (
        rows := next_due(connection, lockable, now, room)
    ):
        wanted = [row.id for row in rows if row.status == Status.ACTIVE.value]
        _cancel(connection, _table.c.id.in_({row.id for row in rows} - set(wanted)))
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
    """Say just before sending that a reserved letter is on its way; commit before sending it.

    Gives ``SENDING`` when it is ours to send; ``CANCELLED`` when the reader is no longer active,
    or on holiday ``today`` (their local date; else that of UTC): then the letter is taken back;
    None when somebody else has had it since.
    """
    which = {"which": delivery_id, "whose": holder, "today": today or now.date()}
    if connection.execute(_beginning(), which | {"until": _until(now, lease)}).rowcount == 1:
        return DeliveryState.SENDING
    gone = _cancel(
        connection,
        and_(_table.c.id == delivery_id, _table.c.holder == holder, in_states(*_WAITING)),
    )
    return DeliveryState.CANCELLED if gone else None


def renew(
    connection: Connection, delivery_id: int, holder: str, *, now: datetime, lease: timedelta
) -> bool:
    """Lengthen the lease of a letter on its way; tells whether it still was ours."""
    ours = (_table.c.id == delivery_id, _table.c.holder == holder, in_states(DeliveryState.SENDING))
    longer = update(_table).where(*ours).values(lease_until=_until(now, lease))
    return connection.execute(longer).rowcount == 1


def settle(
    connection: Connection,
    delivery_id: int,
    state: DeliveryState,
    *,
    reply: str = "",
    next_try: datetime | None = None,
    now: datetime,
    holder: str | None = None,
) -> bool:
    """Write down what became of a letter; tells whether that was still news.

    ``SENT`` is a fact and always counts. Anything else counts only while the letter is being
    sent, or held by ``holder`` where one is given, or is in doubt. ``UNKNOWN`` after sending
    counts as a doubt. ``DEFERRED`` needs ``next_try``.
    """
    if state is DeliveryState.DEFERRED and next_try is None:
        raise ValueError("a deferred letter needs the time of its next try")
    values = {"which": delivery_id, "answer": reply, "whose": holder, "again": next_try}
    if state is DeliveryState.SENT:
        return connection.execute(_mark_sent(), values | {"at": now}).rowcount == 1
    statement = _settling(state, held=holder is not None, again=next_try is not None)
    return connection.execute(statement, values).rowcount == 1


def put_back(
    connection: Connection,
    delivery_ids: Collection[int],
    holder: str,
    *,
    reply: str = "",
    now: datetime | None = None,
) -> None:
    """Give letters back that could not be tried, through no fault of theirs: due as they were.

    One that had been begun is deferred, with ``reply`` and without counting the attempt: the
    server cannot have it. It is due ``now`` and so goes behind those that are due already: should
    the fault be its own after all, it stops no other.
    """
    mine = _table.c.holder == holder
    begun = {
        "state": DeliveryState.DEFERRED.value,
        "attempts": _table.c.attempts - 1,
        "reply": reply,
        **({"next_try": now} if now else {}),
        **_NOBODY,
    }
    for some in batches(delivery_ids):
        held = update(_table).where(_table.c.id.in_(some), mine)
        connection.execute(held.where(in_states(*_WAITING)).values(_NOBODY))
        connection.execute(held.where(in_states(DeliveryState.SENDING)).values(begun))


def expire(connection: Connection, now: datetime) -> int:
    """Put letters whose lease ran out in doubt: they may or may not have been sent.

    So too those whose lease ends later than any lease can: the clock has been set back.
    """
    doubted = update(_table).where(in_states(DeliveryState.SENDING), has_lapsed(now))
    doubted = doubted.values(
        state=DeliveryState.UNKNOWN.value,
        doubts=_table.c.doubts + 1,
        next_try=now,
        **_NOBODY,
    )
    return connection.execute(doubted).rowcount


def reopen(connection: Connection, delivery_ids: Collection[int], *, now: datetime) -> int:
    """Let an operator send letters again that failed or are in doubt; returns how many.

    Their time starts anew, and they give way to no newer letter.
    """
    settled = in_states(DeliveryState.FAILED, DeliveryState.UNKNOWN, DeliveryState.DEFERRED)
    again = {"state": DeliveryState.DEFERRED.value, "next_try": now, "reopened": now}
    return sum(
        connection.execute(
            update(_table).where(_table.c.id.in_(some), settled).values(again)
        ).rowcount
        for some in batches(delivery_ids)
    )


def cancel_for(connection: Connection, reader_id: int) -> int:
    """Take back every letter to a reader that is not on its way; returns how many."""
    return _cancel(connection, and_(_table.c.reader_id == reader_id, in_states(*_WAITING)))


def get(connection: Connection, delivery_id: int) -> Delivery | None:
    """Read one row of the outbox."""
    row = connection.execute(select(_table).where(_table.c.id == delivery_id)).one_or_none()
    return None if row is None else _delivery(row)


def of_edition(connection: Connection, edition_id: int) -> Delivery | None:
    """Read the letter of an edition, where there is one."""
    row = connection.execute(select(_table).where(_table.c.edition_id == edition_id)).one_or_none()
    return None if row is None else _delivery(row)


def of(connection: Connection, reader_id: int) -> list[Delivery]:
    """Read every letter to a reader, in the order in which they were planned."""
    theirs = select(_table).where(_table.c.reader_id == reader_id).order_by(_table.c.id)
    return [_delivery(row) for row in connection.execute(theirs)]


def by_state(
    connection: Connection, states: Collection[DeliveryState], limit: int = 100
) -> list[Delivery]:
    """List letters in these states, the latest day's first."""
    listed = (
        select(_table).where(in_states(*states)).order_by(_table.c.day.desc(), _table.c.id.desc())
    )
    return [_delivery(row) for row in connection.execute(listed.limit(limit))]


def ambiguous(connection: Connection, limit: int = 100) -> list[Delivery]:
    """List letters that may have arrived and are left to the operator, the latest day's first."""
    listed = select(_table).where(in_states(DeliveryState.UNKNOWN), _table.c.doubts > DOUBTS)
    latest_first = listed.order_by(_table.c.day.desc(), _table.c.id.desc()).limit(limit)
    return [_delivery(row) for row in connection.execute(latest_first)]


def due(connection: Connection, now: datetime, *, limit: int | None = None) -> list[Delivery]:
    """List the letters that ``claim`` would give, in its order; nothing is reserved."""
    active = _table.c.reader_id.in_(
        select(schema.reader.c.id).where(schema.reader.c.status == Status.ACTIVE.value)
    )
    return [
        _delivery(row) for row in next_due(connection, select(_table).where(active), now, limit)
    ]


def counts(connection: Connection) -> dict[DeliveryState, int]:
    """Count the letters in each state, those without any included."""
    column = _table.c.state
    rows = connection.execute(select(column, func.count()).group_by(column)).all()
    return dict.fromkeys(DeliveryState, 0) | {DeliveryState(state): n for state, n in rows}


def _reserve(
    connection: Connection, ids: Sequence[int], until: datetime, holder: str
) -> list[Delivery]:
    """Reserve locked letters; returns them in the order of ``ids``."""
    taken = update(_table).values(lease_until=until, holder=holder)
    found: dict[int, Delivery] = {}
    for some in batches(ids):
        statement = taken.where(_table.c.id.in_(some)).returning(*_table.c)
        found |= {row.id: _delivery(row) for row in connection.execute(statement)}
    return [found[delivery_id] for delivery_id in ids]


# Said once a letter: made once, which takes longer than running them.


@cache
def _beginning() -> Update:
    reader = schema.reader.c
    wanted = select(reader.id).where(
        reader.id == _table.c.reader_id,
        reader.status == Status.ACTIVE.value,
        or_(reader.paused_until.is_(None), reader.paused_until <= bindparam("today")),
    )
    ours = (_table.c.id == bindparam("which"), _table.c.holder == bindparam("whose"))
    return (
        update(_table)
        .where(*ours, in_states(*_WAITING), wanted.exists())
        .values(
            state=DeliveryState.SENDING.value,
            attempts=_table.c.attempts + 1,
            lease_until=bindparam("until"),
        )
    )


@cache
def _mark_sent() -> Update:
    done = {"state": DeliveryState.SENT.value, "sent_at": bindparam("at")}
    return (
        update(_table)
        .where(_table.c.id == bindparam("which"), _table.c.state != DeliveryState.SENT.value)
        .values(reply=bindparam("answer"), **done, **_NOBODY)
    )


@cache
def _settling(state: DeliveryState, *, held: bool, again: bool) -> Update:
    sending = in_states(DeliveryState.SENDING)
    mine = and_(in_states(DeliveryState.SENDING, *_WAITING), _table.c.holder == bindparam("whose"))
    values: dict[str, Any] = {"state": state.value, "reply": bindparam("answer"), **_NOBODY}
    if again:
        values["next_try"] = bindparam("again")
    if state is DeliveryState.UNKNOWN:  # a new doubt only where it was not in doubt already
        values["doubts"] = _table.c.doubts + case((sending, 1), else_=0)
    news = or_(mine if held else sending, in_states(DeliveryState.UNKNOWN))
    return update(_table).where(_table.c.id == bindparam("which"), news).values(values)


def _cancel(connection: Connection, which: ColumnElement[bool]) -> int:
    gone = {"state": DeliveryState.CANCELLED.value, **_NOBODY}
    return connection.execute(update(_table).where(which).values(gone)).rowcount


def _until(now: datetime, lease: timedelta) -> datetime:
    if lease > LONGEST:
        raise ValueError(f"a lease of {lease} is longer than {LONGEST}")
    return now + lease


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        id=row.id,
        edition_id=row.edition_id,
        reader_id=row.reader_id,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        message_id=row.message_id,
        next_try=row.next_try,
        lease_until=row.lease_until,
        reply=row.reply,
        sent_at=row.sent_at,
        doubts=row.doubts,
        reopened=row.reopened,
    )
