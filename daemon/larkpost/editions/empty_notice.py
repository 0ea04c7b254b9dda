"""Decides which readers get a notice of an empty day."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from larkpost.db import editions
from larkpost.db.coordination import rate_limits
from larkpost.db.outbox import notices
from larkpost.domain import Reader, Status
from larkpost.schedule import local_date

if TYPE_CHECKING:
    from larkpost.db.engine import Connection

# Longer than a local day, so that a slot moved to a later hour does not repeat a day's notice.
A_DAY = timedelta(days=2)


def wants_notice(reader: Reader, now: datetime) -> bool:
    """Whether a reader gets notices on empty days: requested, with an address, and sent mail."""
    until = reader.paused_until
    away = until is not None and until > local_date(reader.zone, now)
    going = reader.status is Status.ACTIVE and not away
    return reader.notify_when_empty and reader.address is not None and going


def owe(connection: Connection, reader: Reader, day: date, why: str, *, now: datetime) -> None:
    """Queue a notice that ``day`` is empty, once per day; the next tick sends it."""
    if rate_limits.allow(connection, f"quiet:{reader.uid}:{day}", now=now, most=1, per=A_DAY):
        notices.notify(connection, reader.id, {"why": why}, day=day, now=now)


def is_wanted(connection: Connection, reader: Reader, day: date, now: datetime) -> bool:
    """Return whether a notice is still wanted, and the day is still without a paper."""
    return wants_notice(reader, now) and not editions.on(connection, reader.id, day)
