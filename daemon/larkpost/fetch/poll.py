"""One run of polling: requests the due sources one by one, and records the results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import SystemRandom
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from larkpost import logs
from larkpost.db import read_dumps
from larkpost.db.polling import polled_sources
from larkpost.errors import FetchProblem, LarkpostError, SourceFailure, TryAgainLater
from larkpost.fetch.configured import ConfiguredSources, compare_sources, save_changes
from larkpost.fetch.health import SourceProblem, find_emptiness, find_stop, note_answer
from larkpost.fetch.pages import PageAnswer, PagePoller
from larkpost.fetch.requests import interval_of, plan_requests
from larkpost.fetch.retry_after import back_off
from larkpost.interfaces import DumpFormat
from larkpost.log_events import LogEvent
from larkpost.masking import mask_text
from larkpost.settings.polled_sources import SourceKind

if TYPE_CHECKING:
    from larkpost.db.engine import Store
    from larkpost.db.polling.polled_sources import SourceState
    from larkpost.fetch.http_client import HttpClient
    from larkpost.fetch.page_request import BaseUrls
    from larkpost.ingest.ingest import IngestReport
    from larkpost.settings.polled_sources import PolledSource

log = logs.get_logger(__name__)

# After these problems further requests to the same source are useless.
_OF_THE_HOST = frozenset(
    {
        FetchProblem.UNREACHABLE,
        FetchProblem.PRIVATE_ADDRESS,
        FetchProblem.TLS,
        FetchProblem.TIMEOUT,
        FetchProblem.RATE_LIMITED,
    }
)
_MOST_FAULTS = 3  # of one source per run
_JITTER = 0.1
_LONGEST_SLEEP = timedelta(days=9)  # a later poll was planned before the clock was set back


_REST = timedelta(minutes=5)
# How long the other sources of a host wait after a 429: it may be the answer of one user's page, on
# a host that shows those of many, with a Retry-After of a day, once a day.
_LONGEST_REST_OF_HOST = timedelta(hours=1)

# Sources whose results could not be recorded (a full disk, a busy database), by database and name;
# otherwise they would be requested at every run.
_left: dict[tuple[str, str], datetime] = {}


@dataclass(frozen=True, slots=True)
class PollContext:
    """The dependencies of polling.

    ``configured`` reads the sources of the settings, ``draw`` is random.
    """

    store: Store
    dump_formats: Sequence[DumpFormat]
    configured: Callable[[], ConfiguredSources]
    client: HttpClient
    bases: BaseUrls
    keep: timedelta = timedelta(days=30)  # the lifetime of dumps without a new paper
    stopped: Callable[[], bool] = lambda: False
    draw: Callable[[], float] = SystemRandom().random


@dataclass(frozen=True, slots=True)
class PollResult:
    """The result of one source: its ingested dumps, and its problem, if any."""

    source: PolledSource
    reports: Sequence[IngestReport] = ()
    problem: SourceProblem | None = None

    @property
    def new(self) -> int:
        """The number of papers that were new in the database."""
        return sum(report.new for report in self.reports)


def list_due(context: PollContext, *, now: datetime) -> list[SourceState]:
    """List the due sources, longest due first, after applying changed settings."""
    configured = context.configured()
    with context.store.read() as connection:
        states = polled_sources.list_states(connection)
    if changes := compare_sources(states, configured, now=now):
        with context.store.begin() as connection:
            save_changes(connection, changes)
            states = polled_sources.list_states(connection)
    due = [state for state in states if _is_due(state, now)]
    return sorted(due, key=lambda state: state.next_poll_at)


def _is_due(state: SourceState, now: datetime) -> bool:
    return state.next_poll_at <= now or state.next_poll_at > now + _LONGEST_SLEEP


def poll_sources(
    context: PollContext,
    due: Sequence[SourceState],
    *,
    clock: Callable[[], datetime],
    moved: Callable[[], None] = lambda: None,
) -> list[PollResult]:
    """Request each due source; calls ``moved`` after each.

    An error in one does not stop the others. If a host answers that there are too many requests,
    all its sources wait.
    """
    results: list[PollResult] = []
    resting: set[str] = set()
    for state in due:
        host = _host_of(state, context.bases, clock())
        key = (context.store.name, state.source.name)
        left = _left.get(key, clock() - _REST)
        if context.stopped() or host in resting or timedelta(0) <= clock() - left < _REST:
            continue
        poll = SourcePoll(context, state, clock())
        result = poll.run()
        if result is None:
            _left[key] = clock()
        else:
            _left.pop(key, None)
            results.append(result)
            if result.problem and result.problem.problem is FetchProblem.RATE_LIMITED:
                resting.add(host)
                _put_off_host(context, host, poll.next_poll_at, clock())
        moved()
    if results:
        _prune_dumps(context, clock())
    return results


def _prune_dumps(context: PollContext, now: datetime) -> None:
    """Delete old dumps that had no new paper; lists whose votes change would pile up otherwise."""
    with context.store.begin() as connection:
        pruned = read_dumps.prune_polled(connection, now - context.keep)
    if pruned:
        log.info(LogEvent.DUMPS_PRUNED, count=pruned)


def _host_of(state: SourceState, bases: BaseUrls, now: datetime) -> str:
    requests = plan_requests(state.source, {}, bases, now=now)
    return urlsplit(requests[0].url).hostname or "" if requests else ""


def _put_off_host(context: PollContext, host: str, until: datetime, now: datetime) -> None:
    until = min(until, now + _LONGEST_REST_OF_HOST)
    with context.store.begin() as connection:
        states = polled_sources.list_states(connection)
        same = [one.source.name for one in states if _host_of(one, context.bases, now) == host]
        polled_sources.put_off(connection, same, until)


class SourcePoll:
    """The poll of one source."""

    def __init__(self, context: PollContext, state: SourceState, now: datetime) -> None:
        self.next_poll_at = state.next_poll_at
        self._context = context
        self._state = state
        self._now = now
        self._faults: list[SourceFailure] = []
        self._answers: list[PageAnswer] = []

    def run(self) -> PollResult | None:
        """Make all requests of the source, and record the result; None if deferred."""
        source = self._state.source
        with self._context.store.read() as connection:
            pages = polled_sources.pages(connection, source.name)
        requests = plan_requests(source, pages, self._context.bases, now=self._now)
        poller = PagePoller(self._context, source, pages, self._now)
        if source.kind is SourceKind.ARXIV:
            poller.note_missing_days(requests)
        try:
            for request in requests:
                if self._context.stopped() or self._is_hopeless():
                    break
                try:
                    self._answers.extend(poller.ask(request))
                except SourceFailure as fault:
                    self._faults.append(fault)
                except LarkpostError:  # ours: the database, the disk
                    raise
                except Exception as error:  # a bug that one answer triggers stops no other poll
                    log.exception(LogEvent.SOURCE_FAILED, source=source.name)
                    self._faults.append(_broken(error))
        except TryAgainLater as reason:  # another process is sending a request to the host
            log.info(LogEvent.SOURCE_DEFERRED, source=source.name, reason=str(reason))
            if not self._answers:
                return None
        if not self._answers and not self._faults and requests:
            return None  # the process is to end
        poller.forget_old_pages(requests)
        return self._close()

    def _is_hopeless(self) -> bool:
        of_host = any(fault.problem in _OF_THE_HOST for fault in self._faults)
        return of_host or len(self._faults) >= _MOST_FAULTS

    def _close(self) -> PollResult:
        state, interval = self._state, interval_of(self._state.source)
        if self._answers or not self._faults:
            state = note_answer(
                state,
                news=any(answer.news for answer in self._answers),
                papers=max((answer.papers for answer in self._answers), default=0),
                interval=interval,
                now=self._now,
            )
        problem = self._problem(state)
        is_failing = bool(self._faults) and (not self._answers or self._is_hopeless())
        failures = state.failures + 1 if is_failing else 0
        moved = next((answer.moved_to for answer in self._answers if answer.moved_to), "")
        self.next_poll_at = self._now + self._wait(failures, interval)
        after = replace(
            state,
            last_poll_at=self._now,
            next_poll_at=self.next_poll_at,
            failures=failures,
            moved_to=mask_text(moved) if self._answers else state.moved_to,
            problem=str(problem.problem) if problem else None,
            problem_text=problem.text if problem else "",
            problem_hint=problem.hint if problem else "",
            problem_since=_since(state, problem, self._now),
        )
        with self._context.store.begin() as connection:
            polled_sources.update_state(connection, after)
        self._log(after)
        reports = [answer.report for answer in self._answers if answer.report]
        return PollResult(state.source, reports, problem)

    def _problem(self, state: SourceState) -> SourceProblem | None:
        if self._faults:
            fault = self._faults[0]
            return SourceProblem(fault.problem, mask_text(str(fault)), mask_text(fault.hint))
        had = max((answer.had for answer in self._answers), default=0)
        return find_emptiness(state, had, now=self._now) or find_stop(state, now=self._now)

    def _wait(self, failures: int, interval: timedelta) -> timedelta:
        draw = self._context.draw()
        if not failures:
            return interval * (1 - _JITTER / 2 + _JITTER * draw)
        asked = max((fault.wait for fault in self._faults if fault.wait), default=timedelta(0))
        return max(back_off(failures, draw=draw), asked * (1 + _JITTER * draw))

    def _log(self, after: SourceState) -> None:
        before, name = self._state, after.source.name
        if after.problem and after.problem != before.problem:
            log.warning(LogEvent.SOURCE_FAILED, source=name, problem=after.problem_text)
        elif before.problem and not after.problem:
            log.info(LogEvent.SOURCE_RECOVERED, source=name)
        if after.moved_to and after.moved_to != before.moved_to:
            log.warning(LogEvent.SOURCE_MOVED, source=name, to=mask_text(after.moved_to))


def _broken(error: Exception) -> SourceFailure:
    return SourceFailure(
        f"reading its answer broke: {type(error).__name__}: {error}"[:500],
        problem=FetchProblem.SHAPE,
        hint="please report it; the source is polled again, later each time",
    )


def _since(state: SourceState, problem: SourceProblem | None, now: datetime) -> datetime | None:
    if problem is None:
        return None
    return state.problem_since if state.problem == str(problem.problem) else now
