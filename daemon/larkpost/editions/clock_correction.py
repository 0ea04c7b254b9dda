"""Repairs what a clock that was ahead left: future dates, and Message-IDs that are in use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from larkpost import logs
from larkpost.db import editions, readers
from larkpost.db.coordination import future_timestamps
from larkpost.domain import Edition, Reader
from larkpost.log_events import LogEvent
from larkpost.render.email.mime import message_id
from larkpost.schedule import is_available, local_date, next_after, timetable_of

if TYPE_CHECKING:
    from larkpost.db.editions import PreparedEdition
    from larkpost.db.engine import Connection, Store

log = logs.get_logger(__name__)

# A clock from before this program was written is wrong: dates in its future may be right.
_EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
_SOON = timedelta(hours=1)  # slots nearer than this need not be looked at
_NEAR = 31  # days
_GRACE = timedelta(days=1)  # a clock may jump back by hours, and then that day comes soon


def recover_from_future(store: Store, *, now: datetime) -> bool:
    """Correct every stored time that is impossibly far ahead; returns whether there was one.

    Otherwise a machine whose clock says 2036 for a minute would publish its readers' next editions,
    retry messages and count papers as new in 2036. Cheap if there is nothing to do; while a clock
    is behind, each call looks at every reader. A clock that says 1970, as without a battery after a
    start, changes nothing. A clock that is behind, or fell back by months, changes no history.
    """
    if now < _EARLIEST:
        return False
    with store.read() as connection:
        if not future_timestamps.is_any(connection, now):
            return False
    with store.begin() as connection:
        history = not future_timestamps.history_goes_on(connection, now)
        changed = future_timestamps.bring_back(connection, now, history=history)
        ahead = editions.future(connection, now) if history else []
        dated = sum(_redate(connection, one, now) for one in ahead)
        late = readers.due_after(connection, now + _SOON)
        moved = sum(_bring_slot_back(connection, reader, now) for reader in late)
    if moved or changed:
        log.warning(LogEvent.CLOCK_CORRECTED, slots=moved, editions=dated, rows=changed)
    return bool(moved or changed)


def _redate(connection: Connection, edition: Edition, now: datetime) -> bool:
    """Move an edition of a future day to the newest free day before today, if one is near.

    Otherwise that day would have no edition when it comes, and the edition would stay on top until
    then.
    """
    today = local_date(edition.reader.zone, now)
    if edition.date <= today + _GRACE:
        return False
    days = (today - timedelta(days=n) for n in range(1, _NEAR))
    taken = {one.date for one in editions.latest(connection, edition.reader.id, limit=2 * _NEAR)}
    free = next((day for day in days if day not in taken), None)
    if free is None:
        return False
    editions.redate(connection, edition.id, free)
    return True


def _bring_slot_back(connection: Connection, reader: Reader, now: datetime) -> bool:
    """Compute a reader's slot again; today's is due at once if it had no edition."""
    if not is_available(reader.zone):
        return False
    today = local_date(reader.zone, now)
    yesterday = today - timedelta(days=1)
    latest = editions.latest_days(connection, reader.id, 2 * _NEAR)
    had = any(one.date == today for one in latest)
    slot = next_after(
        timetable_of(reader), now - timedelta(days=1), last=today if had else yesterday
    )
    return slot != reader.next_slot and readers.advance(connection, reader, slot)


def replace_message_ids(
    connection: Connection, prepared: Sequence[PreparedEdition], domain: str
) -> Sequence[PreparedEdition]:
    """Give messages new Message-IDs if theirs are in use.

    That of a day is in use if its edition was published while the clock was ahead, and the next one
    if the clock was ahead again.
    """
    found, tried = list(prepared), 0
    while used := _find_used(connection, found):
        tried += 1
        again = "again" if tried == 1 else f"again {tried}"
        found = [
            replace(one, message_id=message_id(f"{one.reader.uid} {again}", one.day, domain))
            if one.message_id in used
            else one
            for one in found
        ]
    return found


def _find_used(connection: Connection, prepared: Sequence[PreparedEdition]) -> set[str]:
    return editions.find_used_message_ids(connection, [str(one.message_id) for one in prepared])
