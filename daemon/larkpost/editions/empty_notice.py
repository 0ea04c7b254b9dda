"""Which readers want a notice of an empty day, and have not got it yet."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from larkpost.db import editions, readers
from larkpost.db.coordination import rate_limits
from larkpost.db.outbox import notices
from larkpost.domain import Status
from larkpost.errors import UnknownReader
from larkpost.schedule import local_date

if TYPE_CHECKING:
    from datetime import datetime

    from larkpost.db.engine import Connection
    from larkpost.db.outbox.notices import QueuedNotice
    from larkpost.domain import Reader

# Longer than a local day is, so that a slot moved to a later hour tells of no day again.
A_DAY = timedelta(days=2)


def wants_notice(reader: Reader, now: datetime) -> bool:
    """Whether a reader is told of quiet mornings: asked for it, has an address, is sent things."""
    until = reader.paused_until
    away = until is not None and until > local_date(reader.zone, now)
    going = reader.status is Status.ACTIVE and not away
    return reader.notify_when_empty and reader.address is not None and going


def owe(connection: Connection, reader: Reader, day: date, why: str, *, now: datetime) -> None:
    """Have the reader told by the next tick that ``day`` brought nothing, once for each day."""
    if rate_limits.allow(connection, f"quiet:{reader.uid}:{day}", now=now, most=1, per=A_DAY):
        what = {"day": day.isoformat(), "why": why}
        notices.tell(connection, reader.uid, what, now=now)


def addressee(connection: Connection, notice: QueuedNotice, now: datetime) -> Reader | None:
    """Find the reader to tell; None where that is not wished any more, or a paper came after all.

    Then the line is forgotten.
    """
    try:
        reader = readers.by_uid(connection, notice.address)
    except UnknownReader:
        reader = None
    if (
        reader is not None
        and wants_notice(reader, now)
        and not editions.on(connection, reader.id, day_of(notice))
    ):
        return reader
    notices.forget(connection, notice)
    return None


def day_of(notice: QueuedNotice) -> date:
    """The local day that brought nothing."""
    return date.fromisoformat(notice.wishes["day"])
