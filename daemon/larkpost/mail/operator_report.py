"""Reports to the operator by mail: why a day is empty, and that the mail server is down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from larkpost.db import readers
from larkpost.db.coordination import job_status
from larkpost.db.outbox import notices
from larkpost.editions.empty_day_reasons import EmptyDay, EmptyDayReason, explain_empty_day
from larkpost.mail import circuit_breaker
from larkpost.text.plurals import capitalise, sentence

if TYPE_CHECKING:
    from larkpost.db.coordination.job_status import JobStatus
    from larkpost.db.engine import Connection, Store

KIND = "operator_report"
_OF_READERS = frozenset({EmptyDay.ALL_BELOW, EmptyDay.ALL_SEEN})
_FAULTS = frozenset({EmptyDay.MAIL_REFUSED, EmptyDay.SOURCE_PROBLEM})  # papers may have come


def queue_report(store: Store, *, now: datetime, window: timedelta) -> Sequence[EmptyDayReason]:
    """Queue a report to the operator on why this day is empty; at most once per day (UTC).

    Nothing is reported before the first editions of the day were due, nor while sending pauses. It
    replaces a waiting report of an earlier day. Returns the text of the report.
    """
    with store.read() as connection:
        reasons = _untold(connection, now, window)
    if not reasons:
        return ()
    payload = {
        "subject": _subject(reasons[0]),
        "lines": _sentences(reasons),
    }
    with store.begin() as connection:
        notices.report(connection, payload, now=now)
        kinds = [str(reason.kind) for reason in reasons]
        job_status.record(connection, KIND, ok=True, now=now, reasons=kinds)
    return reasons


def record_failure(connection: Connection, problem: str, *, now: datetime) -> None:
    """Record that a report could not be sent, because mail cannot report it."""
    hint = "check the address of the setting mail.admin_address"
    job_status.record(connection, KIND, ok=False, now=now, problem=problem, hint=hint)


def _subject(first: EmptyDayReason) -> str:
    """Write the subject of a report by its first reason: faults come after empty days."""
    occasion = "there is a problem" if first.kind in _FAULTS else "no papers today"
    return f"{occasion}: {first.text}"


def _sentences(reasons: Sequence[EmptyDayReason]) -> list[str]:
    """Return whole sentences: the reason, and the remedy."""
    told = [
        f"{sentence(capitalise(reason.text))} What to try: {sentence(reason.hint)}"
        for reason in reasons
    ]
    return [
        "Nobody got papers today, or there is a problem. The reasons:",
        *told,
        (
            "Run larkpost status on the machine of this site to see more. This email goes to the "
            "address of the setting mail.admin_address, once per day at most."
        ),
    ]


def _untold(connection: Connection, now: datetime, window: timedelta) -> Sequence[EmptyDayReason]:
    happened = job_status.latest(connection)
    told = happened.get(KIND)
    if told is not None and told.at.date() == now.date():
        return ()
    if circuit_breaker.resting(connection, now):
        return ()
    # The operator knows that nobody has subscribed yet.
    reasons = [
        reason
        for reason in explain_empty_day(connection, now=now, window=window)
        if reason.kind is not EmptyDay.NO_READER
    ]
    if not _was_due(happened, now):
        return [reason for reason in reasons if reason.kind is EmptyDay.NOT_PUBLISHED]
    slot = readers.next_slot(connection)
    if slot is not None and slot.date() == now.date():  # others may get papers later in the day
        return [reason for reason in reasons if reason.kind not in _OF_READERS]
    return reasons


def _was_due(happened: Mapping[str, JobStatus], now: datetime) -> bool:
    published = happened.get("publish")
    return published is not None and published.at.date() == now.date()
