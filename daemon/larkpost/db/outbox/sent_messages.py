"""Messages as sent, stored while it is unknown whether they arrived."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    delete,
    insert,
    or_,
    select,
    update,
)

from larkpost.db import schema
from larkpost.db.outbox.deliveries import sent_as
from larkpost.db.outbox.delivery_queue import AMBIGUOUS_ATTEMPTS, of_kind
from larkpost.db.value_batches import rows_among, write_among
from larkpost.domain import Delivery, DeliveryState, Message, MessageKind

_delivery = schema.delivery

# The first level has most of the effect: a fifth of the size in 0.2 ms.
_LEVEL = 1
_table = schema.sent_message


def name_messages(connection: Connection, messages: Mapping[int, Message]) -> None:
    """Store the Message-IDs of messages that had none before they were built."""
    named = (
        update(_delivery)
        .where(_delivery.c.id == bindparam("which"), _delivery.c.message_id.is_(None))
        .values(message_id=bindparam("name"))
    )
    names = [{"which": number, "name": one.message_id} for number, one in messages.items()]
    if names:
        connection.execute(named, names)


def keep(connection: Connection, messages: Mapping[int, Message]) -> None:
    """Store messages by the numbers of their deliveries; commit before sending the first of them.

    Replaces the bytes of an earlier try. A delivery that was deleted meanwhile, with its reader, is
    left out: it must not stop the others.
    """
    # Locked, so that it is not deleted before the end (PostgreSQL).
    there = select(_delivery.c.id).with_for_update(read=True, key_share=True)
    left = {row.id for row in rows_among(connection, there, _delivery.c.id, sorted(messages))}
    rows = [
        {
            "delivery_id": delivery_id,
            "sender": message.sender,
            "recipient": message.recipient,
            "content": zlib.compress(message.content, _LEVEL),
        }
        for delivery_id, message in messages.items()
        if delivery_id in left
    ]
    write_among(connection, delete(_table), _table.c.delivery_id, messages)
    if rows:
        connection.execute(insert(_table), rows)


def read(connection: Connection, rows: Iterable[Delivery]) -> dict[int, Message]:
    """Read the stored messages of deliveries; those without stored bytes are left out."""
    names = {one.id: sent_as(one) or "" for one in rows}
    return {
        row.delivery_id: Message(
            row.sender, row.recipient, names[row.delivery_id], zlib.decompress(row.content)
        )
        for row in rows_among(connection, select(_table), _table.c.delivery_id, names)
    }


def sweep(connection: Connection) -> int:
    """Delete the bytes of messages that are settled, or were never in doubt.

    Returns their number.
    """
    return connection.execute(delete(_table).where(_is_needless())).rowcount


def any_to_sweep(connection: Connection) -> bool:
    """Return whether ``sweep`` has anything to delete: a run that died leaves bytes behind."""
    needless = select(_table.c.delivery_id).where(_is_needless()).limit(1)
    return connection.execute(needless).first() is not None


def _is_needless() -> ColumnElement[bool]:
    waiting = (DeliveryState.PLANNED, DeliveryState.DEFERRED, DeliveryState.UNKNOWN)
    doubted = and_(
        _delivery.c.ambiguous_attempts > 0,
        _delivery.c.state.in_([state.value for state in waiting]),
        # The bytes of a confirmation are kept for only one more attempt.
        or_(of_kind(MessageKind.EDITION), _delivery.c.ambiguous_attempts <= AMBIGUOUS_ATTEMPTS),
    )
    needed = select(_delivery.c.id).where(
        _delivery.c.id == _table.c.delivery_id, or_(_delivery.c.lease_owner.is_not(None), doubted)
    )
    return ~needed.exists()
