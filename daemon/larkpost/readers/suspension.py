"""Counts bounces of an address, and suspends its reader when there are enough."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from larkpost.db import readers
from larkpost.db.outbox import bounces, deliveries
from larkpost.domain import Bounce, BounceKind, Status

if TYPE_CHECKING:
    from larkpost.db.engine import Connection


def count(connection: Connection, bounce: Bounce, *, now: datetime) -> bool:
    """Record a bounce once; returns whether it suspended the reader.

    Of one message one bounce of each kind is kept, because its words are those of whoever sends it.
    An answer "no such address" suspends at once, other bounces by their score. Planned messages of
    a suspended reader are cancelled. A bounce of a reader who was removed meanwhile is dropped.
    """
    who = bounce.reader_id
    if not readers.many(connection, [who]):
        return False
    if not bounces.is_known(connection, bounce):
        bounces.record(connection, bounce)
    hard = bounce.kind is BounceKind.HARD
    if not hard and bounces.score(connection, who, now) < bounces.LIMIT:
        return False
    if readers.get(connection, who).status is not Status.ACTIVE:
        return False
    readers.update(connection, who, status=Status.SUSPENDED, next_slot=None)
    deliveries.cancel_for(connection, who)
    return True
