"""Removes unused readers without mail, and records the day of last use.

Requests for pages and feeds do not wait for a write: uses are collected in memory, and the next run
writes them, at most once per day and reader.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING

from larkpost import logs
from larkpost.db.usage import last_use
from larkpost.errors import UnknownReader
from larkpost.log_events import LogEvent
from larkpost.readers import subscriptions

if TYPE_CHECKING:
    from larkpost.db.engine import Store
    from larkpost.db.usage.last_use import ExpiryRule

MOST_AT_ONCE = 200  # removed per run; a later run continues
LOOK = timedelta(minutes=10)  # between two checks for readers to remove

log = logs.get_logger(__name__)


class LastUses:
    """The readers whose page or feed was used today; thread-safe.

    It holds only numbers of existing readers, so that a stranger cannot make it grow.
    """

    def __init__(self) -> None:
        self._day: date | None = None
        self._known: set[int] = set()  # of that day, including those already taken
        self._waiting: dict[int, date] = {}  # the day of each use
        self._looked: datetime | None = None
        self._lock = Lock()

    def note(self, reader_id: int, now: datetime) -> None:
        """Note a use of a reader's page or feed."""
        day = now.astimezone(UTC).date()
        with self._lock:
            if day != self._day:
                self._day, self._known = day, set()
            if reader_id not in self._known:
                self._known.add(reader_id)
                self._waiting[reader_id] = day

    def is_time_to_expire(self, now: datetime) -> bool:
        """Return whether it is time to check for readers to remove."""
        if self._looked is not None and timedelta(0) <= now - self._looked < LOOK:
            return False
        self._looked = now
        return True

    def expire_soon(self) -> None:
        """Let the next ``is_time_to_expire`` be true, because not all readers were removed."""
        self._looked = None

    def take(self) -> dict[int, date]:
        """Return the unwritten uses, each with its day, once."""
        with self._lock:
            taken, self._waiting = self._waiting, {}
        return taken

    def put_back(self, taken: dict[int, date]) -> None:
        """Return uses that could not be written, to be written later."""
        with self._lock:
            self._waiting = taken | self._waiting


def write_down(store: Store, collected: LastUses) -> None:
    """Write the uses to the database; raises its errors, and loses nothing."""
    taken = collected.take()
    try:
        for day in sorted(set(taken.values())):
            _write_day(store, [one for one, used in taken.items() if used == day], day)
    except Exception:
        collected.put_back(taken)
        raise


def _write_day(store: Store, reader_ids: list[int], day: date) -> None:
    with store.read() as connection:
        fresh = last_use.unwritten(connection, reader_ids, day)
    if fresh:
        with store.begin() as connection:
            last_use.write(connection, fresh, day)


def expire(
    store: Store,
    span: ExpiryRule,
    *,
    now: datetime,
    is_over: Callable[[], bool] = lambda: False,
) -> int:
    """Remove the readers without mail that were unused for so long; returns their number.

    At least one, then until ``is_over``: one with 5,000 papers takes half a second. Each is removed
    as by "delete everything"; readers made by the command line never are.
    """
    with store.read() as connection:
        ended = last_use.unused_readers(connection, span, now.astimezone(UTC).date())[:MOST_AT_ONCE]
    gone = 0
    for one in ended:
        if gone and is_over():
            break
        try:
            subscriptions.remove(store, one.reader_id, waits=False)
        except UnknownReader:  # they left meanwhile
            continue
        gone += 1
        log.info(LogEvent.READER_EXPIRED, reader=one.uid, last_used=str(one.last))
    return gone
