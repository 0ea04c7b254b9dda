"""Remembers since when the clock has run without a jump: nothing is old before that is long ago.

A computer without a battery can be years ahead, or months behind, until it has asked a time server.
While it was a hundred days ahead for twelve seconds, readers without mail were deleted as unused.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from larkpost.db.coordination import job_status

if TYPE_CHECKING:
    from larkpost.db.coordination.job_status import JobStatus
    from larkpost.db.engine import Connection, Store

KIND = "clock check"
STEADY_FOR = timedelta(days=1)  # a wrong clock is set within this time
LONGEST_GAP = timedelta(hours=36)  # between two runs: some run once a day, and a little late
_SET_BACK = timedelta(hours=1)  # clocks of machines that share a database may differ a little
_NOTED_EVERY = timedelta(hours=1)
_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


def is_steady(connection: Connection, now: datetime) -> bool:
    """Return whether the clock has not jumped for a day: only then the age of a row is believed.

    After days on which nothing ran it cannot be told whether the clock jumped. It is believed
    before the first ``note``.
    """
    known = job_status.latest(connection).get(KIND)
    return known is None or _steady_since(known, now) <= now - STEADY_FOR


def note(store: Store, now: datetime) -> bool:
    """Record that a job runs at ``now``, once an hour; returns ``is_steady``."""
    with store.read() as connection:
        known = job_status.latest(connection).get(KIND)
    since = _ALWAYS if known is None else _steady_since(known, now)
    if known is None or since == now or now - known.at >= _NOTED_EVERY:
        with store.begin() as connection:
            job_status.record(connection, KIND, ok=True, now=now, since=since.isoformat())
    return since <= now - STEADY_FOR


def _steady_since(known: JobStatus, now: datetime) -> datetime:
    """Return since when the clock is steady: ``now`` if it has just jumped."""
    since = datetime.fromisoformat(known.detail["since"])
    goes_on = -_SET_BACK <= now - known.at <= LONGEST_GAP
    return since if goes_on and since <= now else now
