"""Goes on after a clock that was ahead was set right: nothing waits for what it wrote."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from larkpost import logs
from larkpost.db import editions, readers
from larkpost.db.coordination import future_timestamps
from larkpost.domain import Edition, Reader
from larkpost.log_events import LogEvent
from larkpost.schedule import is_available, local_date, next_after, timetable_of

if TYPE_CHECKING:
    from larkpost.db.engine import Connection, Store

log = logs.get_logger(__name__)

# Before this program was written a clock is wrong itself: what it takes for the future is the past.
_EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
_SOON = timedelta(hours=1)  # slots nearer than this need not be looked at
_NEAR = 31  # days
_GRACE = timedelta(days=1)  # a clock may jump back by hours, and then that day is soon here


def recover_from_future(store: Store, *, now: datetime) -> bool:
    """Bring back every stored moment that lies further ahead than can be; tells whether one did.

    A machine whose clock says 2036 for a minute would else publish its readers' next editions, try
    letters again and count papers as new in 2036. Cheap where there is nothing to do; while a clock
    is behind, each call looks at every reader. A clock that
    says 1970, as one without a battery does after a start, changes nothing, and one that fell back
    by months no history: there it goes on right behind "now".
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
    """Give an edition of a day to come the newest day before today that has none, if one is near.

    Else that day would bring nothing when it comes, and the edition stand above all others till
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
    """Compute a reader's slot anew; today's is due at once if it brought no edition."""
    if not is_available(reader.zone):
        return False
    today = local_date(reader.zone, now)
    yesterday = today - timedelta(days=1)
    had = editions.on(connection, reader.id, today) is not None
    slot = next_after(
        timetable_of(reader), now - timedelta(days=1), last=today if had else yesterday
    )
    return slot != reader.next_slot and readers.advance(connection, reader, slot)
