"""Removes readers without mail whom nobody uses, and notes to the day who is used.

Whoever asks for a page or a feed waits for no write: what was used is collected in memory, and the
next round writes it down, at most once a day for each reader.
"""

from __future__ import annotations

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

MOST_AT_ONCE = 200  # removed in a round, so that letters do not wait; a later round goes on
LOOK = timedelta(minutes=10)  # between two looks for readers who may go

log = logs.get_logger(__name__)


class LastUses:
    """The readers whose page or feed was asked for today; safe to share between threads.

    It holds numbers of readers who are there, so that a stranger cannot make it grow.
    """

    def __init__(self) -> None:
        self._day: date | None = None
        self._known: set[int] = set()  # of that day, also those that were taken
        self._waiting: dict[int, date] = {}  # the day of each use
        self._looked: datetime | None = None
        self._lock = Lock()

    def note(self, reader_id: int, now: datetime) -> None:
        """Remember that a reader was used."""
        day = now.astimezone(UTC).date()
        with self._lock:
            if day != self._day:
                self._day, self._known = day, set()
            if reader_id not in self._known:
                self._known.add(reader_id)
                self._waiting[reader_id] = day

    def is_time_to_expire(self, now: datetime) -> bool:
        """Say whether the last look for readers who may go is long ago, or none was."""
        if self._looked is not None and timedelta(0) <= now - self._looked < LOOK:
            return False
        self._looked = now
        return True

    def take(self) -> dict[int, date]:
        """Give whom nobody has written down yet, each with the day, once."""
        with self._lock:
            taken, self._waiting = self._waiting, {}
        return taken

    def put_back(self, taken: dict[int, date]) -> None:
        """Have them written down later, where it could not be done now."""
        with self._lock:
            self._waiting = taken | self._waiting


def write_down(store: Store, collected: LastUses) -> None:
    """Write who was used into the store; raises what the store raises, and loses nothing."""
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


def expire(store: Store, span: ExpiryRule, *, now: datetime) -> int:
    """Remove the readers without mail whom nobody has used for so long; returns how many went.

    Each goes as by "delete everything", and those who came by the command line never do.
    """
    with store.read() as connection:
        ended = last_use.unused_readers(connection, span, now.astimezone(UTC).date())[:MOST_AT_ONCE]
    gone = 0
    for one in ended:
        try:
            subscriptions.remove(store, one.reader_id)
        except UnknownReader:  # they went by themselves meanwhile
            continue
        gone += 1
        log.info(LogEvent.READER_EXPIRED, reader=one.uid, last_used=str(one.last))
    return gone
