"""Remembers how the road of letters was, from one run to the next, so that it can rest."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from larkpost.flows.posting import LONGEST_REST, rest, told
from larkpost.store import events

if TYPE_CHECKING:
    from larkpost.errors import Deferred
    from larkpost.store.engine import Connection

KIND = "deliver"


def resting(connection: Connection, now: datetime) -> bool:
    """Say whether the road is to be left alone after a fault; not heeded if the clock jumped."""
    event = events.latest(connection).get(KIND)
    if event is None or event.ok:
        return False
    until = datetime.fromisoformat(event.detail["until"])
    return now < until <= now + LONGEST_REST


def remember(
    connection: Connection, fault: Deferred | None, *, now: datetime, **counts: int
) -> None:
    """Write down how the road was: open, or closed by ``fault`` and for how long.

    Where letters went before it closed, it was open meanwhile, and rests as after a first fault.
    """
    if fault is None:
        events.record(connection, KIND, ok=True, now=now, **counts)
        return
    before = events.latest(connection).get(KIND)
    first = before is None or before.ok or counts.get("sent", 0) > 0
    failures = 1 if before is None or first else before.detail["failures"] + 1
    events.record(
        connection,
        KIND,
        ok=False,
        now=now,
        problem=told(fault),
        hint=fault.hint,
        failures=failures,
        until=(now + rest(failures, fault.rest)).isoformat(),
        **counts,
    )
