"""Unsubscribes by a newsletter's link or address, and lets a link bring a reader back, rarely.

Newsletters are forwarded, and have these links: whoever holds one could otherwise subscribe a
reader again each time they leave, or end their pause by unsubscribing them and coming back.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from larkpost.db.coordination import rate_limits
from larkpost.domain import Reader, Status
from larkpost.readers import subscriptions
from larkpost.schedule import local_date

if TYPE_CHECKING:
    from larkpost.db.engine import Connection, Store

RETURNS_EVERY = timedelta(days=30)  # once by the link of a newsletter, and any time on one's page


def leave_by_newsletter(store: Store, reader: Reader, *, now: datetime) -> Reader:
    """Unsubscribe a reader; one in a pause, or whose address bounces, does not return by link."""
    if _is_away(reader, now):
        with store.begin() as connection:
            take_return(connection, reader, now)
    return subscriptions.change(store, reader.id, now=now, status="leave")


def take_return(connection: Connection, reader: Reader, now: datetime) -> bool:
    """Use up the one time in ``RETURNS_EVERY`` that a link brings a reader back; False if it is."""
    return rate_limits.allow(connection, f"return:{reader.uid}", now=now, most=1, per=RETURNS_EVERY)


def _is_away(reader: Reader, now: datetime) -> bool:
    """Return whether a reader gets nothing now; the day on which a holiday ended stays stored."""
    until = reader.paused_until
    on_holiday = until is not None and local_date(reader.zone, now) < until
    return on_holiday or reader.status in {Status.PAUSED, Status.SUSPENDED}
