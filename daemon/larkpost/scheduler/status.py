"""Reads the status: counts, the latest jobs, waiting mail, and why a day is empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from larkpost.db import papers, read_dumps, readers, votes
from larkpost.db.coordination import job_status
from larkpost.db.outbox import deliveries
from larkpost.db.polling import polled_sources
from larkpost.db.usage import last_use
from larkpost.domain import DeliveryState, RejectedRecord, Status
from larkpost.editions.empty_day_reasons import EmptyDayReason, explain_empty_day
from larkpost.ingest.refused_files import Refusal, all_refusals, refusals_since
from larkpost.portability.records import name_of

if TYPE_CHECKING:
    from larkpost.db.coordination.job_status import JobStatus
    from larkpost.db.engine import Connection
    from larkpost.db.polling.polled_sources import SourceState
    from larkpost.db.read_dumps import Dump


MOST_UNDECIDED = 20  # listed by name
SEND_UNDECIDED = "larkpost deliveries --unknown --retry"


@dataclass(frozen=True, slots=True)
class AmbiguousDelivery:
    """A message that may or may not have arrived: its reader, its day, and the reason."""

    reader: str
    date: date
    reply: str


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The state at one moment; ``empty_day`` is empty while readers get papers.

    ``rejects`` are the first thousand unreadable records of the newest dump; ``refused`` are the
    files refused since that dump was read. ``undecided`` are messages that may have arrived, and
    that only ``SEND_UNDECIDED`` sends again. ``expiring`` counts the readers who are removed when
    unused. ``sources`` are the polled sources, by name.
    """

    papers: int
    votes: int
    readers: Mapping[Status, int]
    deliveries: Mapping[DeliveryState, int]
    newest_dump: Dump | None
    rejects: Sequence[RejectedRecord]
    refused: Sequence[Refusal]
    next_slot: datetime | None
    events: Mapping[str, JobStatus]
    empty_day: tuple[EmptyDayReason, ...]
    undecided: Sequence[AmbiguousDelivery] = ()
    expiring: int = 0
    sources: Sequence[SourceState] = ()


def read_status(connection: Connection, *, now: datetime, window: timedelta) -> StatusReport:
    """Read the current state; ``window`` is how far back an edition looks for papers."""
    happened = job_status.latest(connection)
    counts = readers.count_by_status(connection)
    newest = next(iter(read_dumps.latest(connection)), None)
    since = refusals_since(newest.read_at if newest else None, now)
    return StatusReport(
        papers=papers.count(connection),
        votes=votes.count(connection),
        readers=counts,
        deliveries=deliveries.counts(connection),
        newest_dump=newest,
        rejects=read_dumps.rejects(connection, newest.id) if newest else (),
        refused=all_refusals(happened, since),
        next_slot=readers.next_slot(connection),
        events=happened,
        empty_day=explain_empty_day(connection, now=now, window=window),
        undecided=_list_ambiguous(connection),
        expiring=last_use.count(connection),
        sources=polled_sources.list_states(connection),
    )


def _list_ambiguous(connection: Connection) -> list[AmbiguousDelivery]:
    rows = deliveries.ambiguous(connection, MOST_UNDECIDED)
    people = readers.many(connection, {row.reader_id for row in rows if row.reader_id})
    return [
        AmbiguousDelivery(
            name_of(people[row.reader_id]) if row.reader_id in people else str(row.kind),
            row.day,
            row.last_response,
        )
        for row in rows
    ]
