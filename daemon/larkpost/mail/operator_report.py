"""Reports to the operator by mail: why a day is empty, and that the mail server is down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from larkpost import logs
from larkpost.db import readers
from larkpost.db.coordination import job_status
from larkpost.editions.diagnostics import EmptyDay, explain_empty_day
from larkpost.errors import Deferred, LarkpostError
from larkpost.log_events import LogEvent
from larkpost.mail import circuit_breaker
from larkpost.mail.retry_policy import describe as told_in_words
from larkpost.text.plurals import capitalise, sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime, timedelta

    from larkpost.db.coordination.job_status import JobStatus
    from larkpost.db.engine import Connection, Store
    from larkpost.domain import Message
    from larkpost.editions.diagnostics import EmptyDayReason
    from larkpost.interfaces import Transport

log = logs.get_logger(__name__)

KIND = "receipt"
_OF_READERS = frozenset({EmptyDay.ALL_BELOW, EmptyDay.ALL_SEEN})


class ReportWriter(Protocol):
    """Writes a letter to the operator: to whom, on what, its paragraphs, and its date."""

    def __call__(self, to: str, subject: str, lines: Sequence[str], moment: datetime, /) -> Message:
        """Make it; the same one of the same day has the same Message-ID."""
        ...


@dataclass(frozen=True, slots=True)
class OperatorAddress:
    """Who is told, a plain address, and what writes the letter."""

    operator: str
    report: ReportWriter


def tell(
    store: Store,
    road: Callable[[], AbstractContextManager[Transport]],
    operator: OperatorAddress,
    *,
    now: datetime,
    window: timedelta,
) -> Sequence[EmptyDayReason]:
    """Write to the operator why this morning was quiet; at most once a day (UTC).

    Nothing is told before the first editions of the day were due, nor while the road rests. A
    receipt that could not go is tried again, later each time. Gives what was told.
    """
    with store.read() as connection:
        reasons = _untold(connection, now, window)
    if not reasons:
        return ()
    subject = f"a quiet morning: {reasons[0].text}"
    try:
        letter = operator.report(operator.operator, subject, _sentences(reasons), now)
        with road() as transport:
            transport.send(letter)
    except LarkpostError as fault:
        _put_off(store, fault, now)
        return ()
    with store.begin() as connection:
        kinds = [str(reason.kind) for reason in reasons]
        job_status.record(connection, KIND, ok=True, now=now, told=kinds)
    return reasons


def _sentences(reasons: Sequence[EmptyDayReason]) -> list[str]:
    """Say in whole sentences why, and what can be done about it."""
    told = [
        f"{sentence(capitalise(reason.text))} What you can do: {sentence(reason.hint)}"
        for reason in reasons
    ]
    return [
        "This morning brought papers to nobody, or something does not work. This is why:",
        *told,
        (
            "On the machine of this site, larkpost status tells more. This letter comes to the "
            "address of the setting mail.admin_address, once a day at most."
        ),
    ]


def _put_off(store: Store, fault: LarkpostError, now: datetime) -> None:
    """Let the whole road rest where the fault is the road's, else this letter alone."""
    if isinstance(fault, Deferred) and fault.stopped:
        return
    log.warning(LogEvent.REPORT_DEFERRED, reason=told_in_words(fault))
    whole = isinstance(fault, Deferred) and fault.whole_road
    with store.begin() as connection:
        circuit_breaker.remember(
            connection, fault, now=now, kind=circuit_breaker.KIND if whole else KIND
        )


def _untold(connection: Connection, now: datetime, window: timedelta) -> Sequence[EmptyDayReason]:
    happened = job_status.latest(connection)
    told = happened.get(KIND)
    if told is not None and told.ok and told.at.date() == now.date():
        return ()
    if circuit_breaker.resting(connection, now) or circuit_breaker.resting(connection, now, KIND):
        return ()
    # Whoever asks for receipts knows that nobody subscribes yet.
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
