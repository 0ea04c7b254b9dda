"""Counts bounces of an address, and suspends it when there are enough."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from larkpost.db import readers
from larkpost.db.outbox import bounces, deliveries
from larkpost.domain import Bounce, BounceKind, Status

if TYPE_CHECKING:
    from larkpost.db.engine import Connection


def count(connection: Connection, bounce: Bounce, *, now: datetime) -> bool:
    """Write a bounce down, the same one only once; tells whether it suspended the reader.

    One that says that there is no such address suspends at once, others by their score. What is
    planned for who is suspended is taken back.
    """
    who = bounce.reader_id
    if bounce not in bounces.of(connection, who):
        bounces.record(connection, bounce)
    hard = bounce.kind is BounceKind.HARD
    if not hard and bounces.score(connection, who, now) < bounces.LIMIT:
        return False
    if readers.get(connection, who).status is not Status.ACTIVE:
        return False
    readers.update(connection, who, status=Status.SUSPENDED, next_slot=None)
    deliveries.cancel_for(connection, who)
    return True
