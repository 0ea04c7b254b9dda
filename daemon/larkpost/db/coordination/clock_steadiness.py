"""Remembers since when the clock has run without a jump: nothing is old before that is long ago.

A computer without a battery can be years ahead, or months behind, until it has asked a time server.
While it was a hundred days ahead for twelve seconds, readers without mail were deleted as unused.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

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

    After days on which nothing ran it cannot be told whether the clock jumped, unless that is how
    the jobs run, such as once a week: after the second such gap of about the same length it is
    believed. It is believed before the first ``note``, too.
    """
    known = job_status.latest(connection).get(KIND)
    return known is None or _check(known, now).since <= now - STEADY_FOR


def note(store: Store, now: datetime) -> bool:
    """Record that a job runs at ``now``, once an hour; returns ``is_steady``."""
    with store.read() as connection:
        known = job_status.latest(connection).get(KIND)
    found = _Steadiness(_ALWAYS, timedelta(0)) if known is None else _check(known, now)
    if known is None or found.since == now or now - known.at >= _NOTED_EVERY:
        facts = {"since": found.since.isoformat(), "gap": found.gap.total_seconds()}
        with store.begin() as connection:
            job_status.record(connection, KIND, ok=True, now=now, **facts)
    return found.since <= now - STEADY_FOR


class _Steadiness(NamedTuple):
    """Since when the clock is steady, and how long nothing ran less than a day before, if so."""

    since: datetime
    gap: timedelta


def _check(known: JobStatus, now: datetime) -> _Steadiness:
    """Return what is known now; the clock is steady since ``now`` if it has just jumped."""
    since = datetime.fromisoformat(known.detail["since"])
    gap, step = timedelta(seconds=known.detail.get("gap", 0)), now - known.at
    if step < -_SET_BACK or since > now:
        return _Steadiness(now, timedelta(0))
    if step > LONGEST_GAP:
        return _Steadiness(since if step <= 2 * gap else now, step)
    return _Steadiness(since, gap if now - since < STEADY_FOR else timedelta(0))
