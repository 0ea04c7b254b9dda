"""Runs the daemon's jobs periodically, each in its own thread, under a watchdog."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

from apscheduler.jobstores.base import JobLookupError  # type: ignore[import-untyped]  # as below
from apscheduler.schedulers import background  # type: ignore[import-untyped]  # it ships no types
from apscheduler.triggers.base import BaseTrigger  # type: ignore[import-untyped]  # as above

from larkpost import logs
from larkpost.errors import Busy, LarkpostError
from larkpost.log_events import LogEvent
from larkpost.mail.circuit_breaker import REMIND
from larkpost.web import Heartbeat

Work = Callable[[Callable[[], None]], object]

# Supervisors kill after ten seconds: this much is for the jobs, the rest for open requests.
ROUNDS_SECONDS = 4.0
CLOCK_SECONDS = 5.0
LOOK_SECONDS = 30.0
LOOKS = 10  # in a row, so that a clock that jumps or a machine that slept ends nothing
LAST_WORDS_SECONDS = 12.0

# How long a job may run without progress. The reply to one message may take ten times
# ``smtp.timeout``, which is ten minutes (RFC 5321, 4.5.3.2.6).
A_TICK = timedelta(minutes=5)
A_MESSAGE = timedelta(minutes=15)
A_SOURCE = timedelta(minutes=30)  # with the fourteen days of a daily list, each a separate request

_log = logs.get_logger("larkpost.serve")


def make_heartbeats(seconds: float) -> dict[str, Heartbeat]:
    """Make the heartbeats of the three jobs, which run every so many ``seconds`` from now on."""
    period, now = timedelta(seconds=seconds), _now()
    patience = {"tick": A_TICK, "post": A_MESSAGE, "poll": A_SOURCE}
    return {name: Heartbeat(period, now, longest) for name, longest in patience.items()}


@contextmanager
def run_jobs(
    context: Mapping[str, Work],
    pulses: Mapping[str, Heartbeat],
    finish: Callable[[float], None] = lambda _seconds: None,
) -> Iterator[None]:
    """Run each job now and once per period of its heartbeat; at the end, wait a little.

    Times are in UTC; late runs are made up for by one, never skipped, never doubled. A job gets a
    callback to report progress; the jobs after it then run at once, because there may be work for
    them. ``finish`` waits at most so many seconds for what they left to other threads.
    """
    scheduler = background.BackgroundScheduler(
        timezone=UTC,
        # A job never runs twice at a time. The scheduler counts a run for a moment after its end,
        # and would drop the next one if it comes in this moment.
        job_defaults={"coalesce": True, "max_instances": 2, "misfire_grace_time": None},
    )
    turns = [_JobLoop(name, work, pulses[name], scheduler) for name, work in context.items()]
    for place, turn in enumerate(turns):
        turn.after = turns[place + 1 :]
        trigger = _PeriodFromNow(turn.pulse.period)
        scheduler.add_job(turn, trigger, next_run_time=_now(), id=turn.name)
    scheduler.start()
    ended = threading.Event()
    watcher = threading.Thread(target=_watch_clock, args=(turns, ended), name="clock", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        scheduler.shutdown(wait=False)
        until = time.monotonic() + ROUNDS_SECONDS
        for turn in turns:
            turn.idle.wait(max(0.0, until - time.monotonic()))
        finish(max(0.0, until - time.monotonic()))


class _PeriodFromNow(BaseTrigger):  # type: ignore[misc]  # as above: it has no types
    """Has a job run one period from now, whenever it ran before.

    The interval trigger of the library lists every run between the last one and now: after the
    clock of a machine without a battery was set, from 1970 on, gigabytes of them.
    """

    def __init__(self, period: timedelta) -> None:
        self._period = period

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """Return the time of the next run; the first is at once."""
        return now if previous is None else now + self._period


def _watch_clock(turns: Sequence[_JobLoop], ended: threading.Event) -> None:
    """Run every job at once if the clock was set back: its next time could be years away."""
    ahead = _now().timestamp() - time.monotonic()
    while not ended.wait(CLOCK_SECONDS):
        before, ahead = ahead, _now().timestamp() - time.monotonic()
        if ahead < before - CLOCK_SECONDS:
            _log.warning(LogEvent.CLOCK_REVERSED, seconds=round(before - ahead))
            for turn in turns:
                turn.pulse.restart(_now())
                turn.hurry()


class _JobLoop:
    """One job, and the state of its runs."""

    def __init__(
        self, name: str, work: Work, pulse: Heartbeat, scheduler: background.BackgroundScheduler
    ) -> None:
        self.name = name
        self.pulse = pulse
        self.after: Sequence[_JobLoop] = ()
        self.idle = threading.Event()
        self.idle.set()
        self._guard = threading.Lock()  # guards ``idle`` and the time of the next run
        self._work = work
        self._scheduler = scheduler
        self._logged: tuple[str, datetime] | None = None  # the last error that was logged, and when

    def __call__(self) -> None:
        """Run once, unless running already; catches every error."""
        with self._guard:
            if not self.idle.is_set():
                return
            self.idle.clear()
            self._come_next(None)  # the next run starts after this one, however long it takes
        began = _now()
        self.pulse.begin(began)
        try:
            self._work(lambda: self.pulse.move(_now()))
        except Busy as busy:
            _log.info(LogEvent.JOB_SKIPPED, job=self.name, reason=str(busy))
        except Exception as error:
            self._tell(error, began)
        else:
            self._logged = None
        finally:
            self.pulse.end(_now())
            following = () if self.pulse.failed else self.after
            with self._guard:
                self._come_next(max(_now(), min(began, _now()) + self.pulse.period))
                self.idle.set()
        for other in following:
            other.hurry()

    def _tell(self, error: Exception, now: datetime) -> None:
        """Log the error of a run when it is new, and then hourly: a disk may stay full for long."""
        what = f"{type(error).__name__}: {error}"
        if (
            self._logged
            and self._logged[0] == what
            and timedelta(0) <= now - self._logged[1] < REMIND
        ):
            return
        self._logged = (what, now)
        if isinstance(error, LarkpostError):
            _log.error(LogEvent.JOB_FAILED, job=self.name, problem=str(error), hint=error.hint)
        else:
            _log.error(LogEvent.JOB_FAILED, job=self.name, exc_info=error)

    def hurry(self) -> None:
        """Run at once, if no run is in progress."""
        with self._guard:
            if self.idle.is_set():
                self._come_next(_now())

    def _come_next(self, moment: datetime | None) -> None:
        with suppress(JobLookupError):  # at the end
            self._scheduler.modify_job(self.name, next_run_time=moment)


class Watchdog:
    """Ends the process when a job makes no progress, so that its supervisor restarts it.

    A failed run is no reason: feeds are still served, and a new start would fail as well.
    ``give_up`` is called to shut down cleanly, but is given little time.
    """

    def __init__(self, pulses: Mapping[str, Heartbeat], *, give_up: Callable[[], None]) -> None:
        self.gave_up = False
        self._pulses = pulses
        self._give_up = give_up

    @contextmanager
    def over(self) -> Iterator[None]:
        """Watch from a thread inside the context."""
        done = threading.Event()
        watcher = threading.Thread(target=self._look, args=(done,), name="watch", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()

    def _look(self, done: threading.Event) -> None:
        in_a_row = 0
        while not done.wait(LOOK_SECONDS):
            stuck = [name for name, pulse in self._pulses.items() if pulse.is_stuck(_now())]
            in_a_row = in_a_row + 1 if stuck else 0
            if in_a_row < LOOKS:
                continue
            _log.error(LogEvent.JOB_HUNG, jobs=stuck)
            self.gave_up = True
            self._give_up()
            if not done.wait(LAST_WORDS_SECONDS):
                os._exit(1)
            return


def _now() -> datetime:
    return datetime.now(UTC)
