"""The statements that move a row of the outbox from one state to another."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Update,
    and_,
    bindparam,
    case,
    delete,
    or_,
    select,
    update,
)

from larkpost.db import schema
from larkpost.db.outbox.delivery_queue import in_states, of_kind
from larkpost.domain import DeliveryState, MessageKind, Status

WAITING = (DeliveryState.PLANNED, DeliveryState.DEFERRED, DeliveryState.UNKNOWN)
# These kinds are sent regardless of the reader's status.
TO_ANYBODY = (MessageKind.CONFIRMATION, MessageKind.OPERATOR_REPORT)
NO_LEASE: dict[str, None] = {"lease_until": None, "lease_owner": None}

_table = schema.delivery


# Built only once, because building them takes longer than running them for a message.


@cache
def begin() -> Update:
    """Mark a claimed message as being sent, if its reader may still get it."""
    reader = schema.reader.c
    wanted = select(reader.id).where(
        reader.id == _table.c.reader_id,
        reader.status == Status.ACTIVE.value,
        or_(reader.paused_until.is_(None), reader.paused_until <= bindparam("today")),
    )
    ours = (_table.c.id == bindparam("which"), _table.c.lease_owner == bindparam("whose"))
    return (
        update(_table)
        .where(*ours, in_states(*WAITING), or_(of_kind(*TO_ANYBODY), wanted.exists()))
        .values(
            state=DeliveryState.SENDING.value,
            attempts=_table.c.attempts + 1,
            lease_until=bindparam("until"),
        )
    )


@cache
def settle(state: DeliveryState, *, held: bool, again: bool) -> Update:
    """Record the outcome of a message; see ``deliveries.settle``."""
    values: dict[str, Any] = {
        "state": state.value,
        "last_response": bindparam("response"),
        **NO_LEASE,
    }
    which = _table.c.id == bindparam("which")
    if state is DeliveryState.SENT:
        sent = values | {"sent_at": bindparam("at")}
        return update(_table).where(which, _table.c.state != state.value).values(sent)
    sending = in_states(DeliveryState.SENDING)
    mine = and_(
        in_states(DeliveryState.SENDING, *WAITING), _table.c.lease_owner == bindparam("whose")
    )
    if again:
        values["next_attempt_at"] = bindparam("again")
    if state is DeliveryState.UNKNOWN:  # counts only if it was not in doubt already
        values["ambiguous_attempts"] = _table.c.ambiguous_attempts + case((sending, 1), else_=0)
    news = or_(mine if held else sending, in_states(DeliveryState.UNKNOWN))
    return update(_table).where(which, news).values(values)


def cancel(connection: Connection, which: ColumnElement[bool]) -> int:
    """Cancel messages; returns their number. Only the rows of editions stay."""
    gone = {"state": DeliveryState.CANCELLED.value, **NO_LEASE}
    edition = of_kind(MessageKind.EDITION)
    count = connection.execute(update(_table).where(which, edition).values(gone)).rowcount
    return count + connection.execute(delete(_table).where(which, ~edition)).rowcount


def drop_settled(connection: Connection, which: ColumnElement[bool]) -> None:
    """Delete settled rows that are not editions, with their stored messages.

    A confirmation has an address and links that open a reader's page, and is no longer needed.
    """
    done = in_states(DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.CANCELLED)
    connection.execute(delete(_table).where(which, ~of_kind(MessageKind.EDITION), done))
