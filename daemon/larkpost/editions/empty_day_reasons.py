"""Explains an empty day: the reasons why nobody got a paper, and what to try."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from larkpost.db import editions, papers, read_dumps, readers
from larkpost.db.coordination import job_status
from larkpost.db.polling import polled_sources
from larkpost.domain import Status
from larkpost.errors import FetchProblem
from larkpost.text.plurals import quantity

if TYPE_CHECKING:
    from larkpost.db.coordination.job_status import JobStatus
    from larkpost.db.engine import Connection
    from larkpost.db.polling.polled_sources import SourceState


class EmptyDay(StrEnum):
    """The reasons for an empty day."""

    NO_READER = "no-reader"
    NO_DUMP = "no-dump"
    KNOWN_DUMP = "known-dump"
    KNOWN_PAPERS = "known-papers"
    UNREADABLE_DUMP = "unreadable-dump"
    ALL_BELOW = "all-below"
    ALL_SEEN = "all-seen"
    NOT_PUBLISHED = "not-published"
    MAIL_REFUSED = "mail-refused"
    SOURCE_PROBLEM = "source-problem"


# Network problems are usually temporary: reported when a source has not answered for so long.
_PASSING = frozenset(
    {
        FetchProblem.UNREACHABLE,
        FetchProblem.TIMEOUT,
        FetchProblem.RATE_LIMITED,
        FetchProblem.HTTP_STATUS,
        FetchProblem.CUT,
        FetchProblem.TLS,
    }
)
_LONG_ENOUGH = timedelta(hours=6)


# Texts for readers do not mention files, other readers, or remedies for the operator.
_TO_A_READER = {
    EmptyDay.NO_DUMP: "there were no new papers",
    EmptyDay.KNOWN_DUMP: "the page with the papers had been read before",
    EmptyDay.KNOWN_PAPERS: "all papers in the page were known already",
    EmptyDay.UNREADABLE_DUMP: "the page with the papers could not be read",
    EmptyDay.ALL_BELOW: "all papers were below your lowest match",
    EmptyDay.ALL_SEEN: "you had seen all papers",
}


@dataclass(frozen=True, slots=True)
class EmptyDayReason:
    """The reason for an empty day, in words, and what to try."""

    kind: EmptyDay
    text: str
    hint: str


@dataclass(frozen=True, slots=True)
class DayFacts:
    """The facts at the time ``now``.

    ``readers`` counts the active ones, ``fresh`` the papers in the window. ``news`` is when a dump
    last had a new paper, ``out`` when an edition was last published. ``happened`` holds the latest
    event of each kind, ``publish`` with the outcomes of its whole day; ``sources`` are the polled
    ones.
    """

    now: datetime
    readers: int
    fresh: int
    news: datetime | None
    out: datetime | None
    happened: Mapping[str, JobStatus]
    sources: Sequence[SourceState] = ()

    @property
    def has_papers(self) -> bool:
        """Whether somebody got a paper this day (UTC)."""
        return self.out is not None and self.out.date() == self.now.date()

    @property
    def idle(self) -> JobStatus | None:
        """The last run of publishing, if it brought nobody a paper and nothing arrived since."""
        event = self.happened.get("publish")
        if event is None or event.detail.get("published") or self.has_papers:
            return None
        today = event.at.date() == self.now.date()
        return event if today or self.news is None or self.news <= event.at else None

    @property
    def none_since(self) -> bool:
        """Whether no paper has arrived since the last edition."""
        return self.out is not None and (self.news is None or self.news <= self.out)

    @property
    def nothing_new(self) -> bool:
        """Whether no paper is left to publish, or none has arrived since the last edition."""
        return not self.fresh or (self.idle is not None and self.none_since)


def explain_empty_day(
    connection: Connection, *, now: datetime, window: timedelta
) -> tuple[EmptyDayReason, ...]:
    """Return the reasons for an empty day; empty while readers get papers.

    ``window`` is how far back an edition looks for papers.
    """
    return tuple(reasons(_read_day(connection, now, window)))


def of_reader(connection: Connection, below: bool, *, now: datetime, window: timedelta) -> str:
    """Return a clause for one reader on why this slot brings them nothing.

    ``below`` is whether there were papers, all of them below their threshold.
    """
    if below:
        return _TO_A_READER[EmptyDay.ALL_BELOW]
    facts = _read_day(connection, now, window)
    if facts.fresh and (facts.has_papers or not facts.none_since):
        return _TO_A_READER[EmptyDay.ALL_SEEN]
    *_, last = _of_ingest(facts)  # an unreadable dump is a better reason than a missing one
    return _TO_A_READER[last.kind]


def _read_day(connection: Connection, now: datetime, window: timedelta) -> DayFacts:
    return DayFacts(
        now=now,
        readers=readers.count_by_status(connection)[Status.ACTIVE],
        fresh=papers.count_candidates(connection, at=now, window=window),
        news=read_dumps.last_news(connection),
        out=editions.last_out(connection),
        happened=job_status.latest(connection),
        sources=polled_sources.list_states(connection),
    )


def reasons(facts: DayFacts) -> Iterator[EmptyDayReason]:
    """Return the reasons for an empty day; failures are included even if others got papers."""
    if not facts.readers:
        yield EmptyDayReason(
            EmptyDay.NO_READER,
            "there is no active reader",
            "run larkpost reader add you@example.org",
        )
    if facts.nothing_new and not facts.has_papers:
        yield from _of_ingest(facts)
    if facts.idle is not None:
        yield from _of_publish(facts.idle, seen=not facts.nothing_new)
    yield from _of_faults(facts.happened)
    yield from _of_sources(facts)


def _of_ingest(facts: DayFacts) -> Iterator[EmptyDayReason]:
    event = facts.happened.get("ingest")
    if event is not None and facts.out is not None and event.at <= facts.out:
        event = None  # events before the last edition do not explain this day
    name = event.detail.get("name", "the last file") if event else ""
    if event is not None and event.detail.get("already"):
        yield EmptyDayReason(
            EmptyDay.KNOWN_DUMP,
            f"{name} is the same file as a dump that was read on {event.detail['already']}",
            "fetch a newer page, unless it was delivered twice",
        )
        return
    if event is not None and event.detail.get("papers") and not event.detail.get("new"):
        yield EmptyDayReason(
            EmptyDay.KNOWN_PAPERS,
            f"{name} had {no_new_papers(event.detail['papers'])}",
            "fetch a newer page, unless the day had no new papers",
        )
        return
    news = facts.news
    last = f"the last one was read on {news:%d %B %Y}" if news else "there has been none yet"
    yield EmptyDayReason(
        EmptyDay.NO_DUMP,
        f"no recent dump had a new paper; {last}",
        "save today's page into the inbox folder, or run larkpost ingest FILE",
    )
    if event is not None and not event.ok:
        yield EmptyDayReason(
            EmptyDay.UNREADABLE_DUMP,
            f"a dump was not recognised: {event.detail.get('problem', name)}",
            event.detail.get("hint")
            or "see the .why file beside it in the folder bad/, and docs/formats.md",
        )


def _of_sources(facts: DayFacts) -> Iterator[EmptyDayReason]:
    for state in facts.sources:
        silent = facts.now - (state.last_answer_at or state.added_at)
        if state.problem and (state.problem not in _PASSING or silent >= _LONG_ENOUGH):
            yield EmptyDayReason(
                EmptyDay.SOURCE_PROBLEM,
                f"the source {state.source.name} has a problem: {state.problem_text}",
                state.problem_hint or "run larkpost source check",
            )


def no_new_papers(count: int) -> str:
    """Return the reason for a dump of ``count`` papers without a new one."""
    return f"no new papers: {'the one in it was' if count == 1 else f'all {count} were'} known"


def _of_publish(event: JobStatus, *, seen: bool) -> Iterator[EmptyDayReason]:
    if below := event.detail.get("below_threshold"):
        yield EmptyDayReason(
            EmptyDay.ALL_BELOW,
            f"all papers were below the threshold of {quantity(below, 'reader')}",
            "run larkpost reader set EMAIL --threshold 0",
        )
    elif seen and (empty := event.detail.get("empty")):
        yield EmptyDayReason(
            EmptyDay.ALL_SEEN,
            f"{quantity(empty, 'reader')} had seen all papers",
            "read a new dump",
        )


def _of_faults(happened: Mapping[str, JobStatus]) -> Iterator[EmptyDayReason]:
    publish, tick, deliver = (happened.get(kind) for kind in ("publish", "tick", "deliver"))
    problem = publish.detail.get("problem") if publish is not None and not publish.ok else None
    if problem is None and tick is not None and not tick.ok:
        problem = tick.detail.get("publish")
    if problem is not None:
        yield EmptyDayReason(
            EmptyDay.NOT_PUBLISHED,
            f"publishing failed: {problem}",
            "see the log; publishing is tried again at every tick",
        )
    if deliver is not None and not deliver.ok:
        yield EmptyDayReason(
            EmptyDay.MAIL_REFUSED,
            f"the mail server did not accept emails: {deliver.detail.get('problem', '')}",
            deliver.detail.get("hint") or "run larkpost doctor; the emails are tried again",
        )
