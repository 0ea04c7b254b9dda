"""Stops sending for a while after the mail server failed as a whole, across runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from larkpost.db.coordination import job_status
from larkpost.db.outbox import delivery_queue
from larkpost.errors import Deferred, LarkpostError
from larkpost.mail.retry_policy import LONGEST_REST, describe, rest

if TYPE_CHECKING:
    from larkpost.db.engine import Connection, Store

KIND = "deliver"
REMIND = timedelta(hours=1)  # how often a lasting fault is reported again
_REPORTED = "reported"  # when the outage was last reported, in the event's detail


@dataclass(frozen=True, slots=True)
class Outage:
    """Why no messages can go, until when none is tried, and how many ``messages`` wait.

    ``is_news`` is true unless it was reported within the last hour.
    """

    problem: str
    hint: str
    until: datetime
    messages: int
    is_news: bool


def _is_due(reported: str | None, began: datetime) -> bool:
    """Return whether an outage is to be reported that was last reported then, in ISO 8601."""
    if reported is None:
        return True
    return not timedelta(0) <= began - datetime.fromisoformat(reported) < REMIND


def report_outage(store: Store, *, began: datetime, now: datetime) -> Outage | None:
    """Return the fault that blocks all messages, and record that it was reported; None if none.

    An outage is news once at its start, and then once per hour, however often ticks call this;
    ``began`` is the start of the calling tick.
    """
    with store.begin() as connection:
        event = job_status.latest(connection).get(KIND)
        if event is None or not resting(connection, now):
            return None
        is_news = _is_due(event.detail.get(_REPORTED), began)
        if is_news:
            detail = {**event.detail, _REPORTED: began.isoformat()}
            job_status.record(connection, KIND, ok=False, now=event.at, **detail)
        messages = delivery_queue.count_waiting(connection)
        until = datetime.fromisoformat(event.detail["until"])
        return Outage(event.detail["problem"], event.detail["hint"], until, messages, is_news)


def resting(connection: Connection, now: datetime) -> bool:
    """Return whether sending pauses after a fault; ignored if the clock jumped."""
    event = job_status.latest(connection).get(KIND)
    if event is None or event.ok:
        return False
    until = datetime.fromisoformat(event.detail["until"])
    return now < until <= now + LONGEST_REST


def remember(
    connection: Connection,
    fault: LarkpostError | None,
    *,
    now: datetime,
    **counts: int,
) -> None:
    """Record whether the mail server works, or failed by ``fault`` and how long to pause.

    If messages went before the fault, the pause is that of a first fault.
    """
    if fault is None:
        job_status.record(connection, KIND, ok=True, now=now, **counts)
        return
    before = job_status.latest(connection).get(KIND)
    first = before is None or before.ok or counts.get("sent", 0) > 0
    failures = 1 if before is None or first else before.detail["failures"] + 1
    reported = {} if before is None or before.ok else before.detail
    kept = {_REPORTED: reported[_REPORTED]} if _REPORTED in reported else {}
    least = fault.rest if isinstance(fault, Deferred) else 0.0
    job_status.record(
        connection,
        KIND,
        ok=False,
        now=now,
        problem=describe(fault),
        hint=fault.hint,
        failures=failures,
        until=(now + rest(failures, least)).isoformat(),
        **counts,
        **kept,
    )
