"""Remembers how the road of letters was, from one run to the next, so that it can rest."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from larkpost.errors import Deferred
from larkpost.flows.posting import LONGEST_REST, rest, told
from larkpost.store import events

if TYPE_CHECKING:
    from larkpost.errors import LarkpostError
    from larkpost.store.engine import Connection

KIND = "deliver"


def resting(connection: Connection, now: datetime, kind: str = KIND) -> bool:
    """Say whether the road is to be left alone after a fault; not heeded if the clock jumped.

    ``kind`` is ``KIND`` for the road of all letters, another where one letter alone has to wait.
    """
    event = events.latest(connection).get(kind)
    if event is None or event.ok:
        return False
    until = datetime.fromisoformat(event.detail["until"])
    return now < until <= now + LONGEST_REST


def remember(
    connection: Connection,
    fault: LarkpostError | None,
    *,
    now: datetime,
    kind: str = KIND,
    **counts: int,
) -> None:
    """Write down how the road was: open, or closed by ``fault`` and for how long.

    Where letters went before it closed, it was open meanwhile, and rests as after a first fault.
    """
    if fault is None:
        events.record(connection, kind, ok=True, now=now, **counts)
        return
    before = events.latest(connection).get(kind)
    first = before is None or before.ok or counts.get("sent", 0) > 0
    failures = 1 if before is None or first else before.detail["failures"] + 1
    least = fault.rest if isinstance(fault, Deferred) else 0.0
    events.record(
        connection,
        kind,
        ok=False,
        now=now,
        problem=told(fault),
        hint=fault.hint,
        failures=failures,
        until=(now + rest(failures, least)).isoformat(),
        **counts,
    )
