"""Tests the daemon's jobs: each runs once at a time, and the daemon ends if one hangs."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from apscheduler.schedulers.background import BackgroundScheduler  # type: ignore[import-untyped]  # no types
from tests.helpers.polling import PATIENCE, until

from larkpost.errors import Busy
from larkpost.serve import jobs
from larkpost.web import Heartbeat

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from apscheduler.job import Job  # type: ignore[import-untyped]  # as above


def pulse(seconds: float = 0.05, patience: float = 60) -> Heartbeat:
    return Heartbeat(timedelta(seconds=seconds), datetime.now(UTC), timedelta(seconds=patience))


def test_rounds_come_again_and_again_and_never_two_of_a_kind_at_a_time() -> None:
    at_work = threading.Lock()
    ended: list[bool] = []

    def tick(_moved: Callable[[], None]) -> None:
        alone = at_work.acquire(blocking=False)
        time.sleep(0.12)  # longer than the period
        ended.append(alone)
        at_work.release()

    with jobs.run_jobs({"tick": tick}, {"tick": pulse()}):
        until(lambda: len(ended) >= 4)

    assert all(ended)
    assert not at_work.locked()


def test_a_round_that_hangs_holds_up_no_other() -> None:
    go_on = threading.Event()
    ticks: list[int] = []
    works = {"post": lambda _moved: go_on.wait(PATIENCE), "tick": lambda _moved: ticks.append(1)}
    pulses = {"post": pulse(), "tick": pulse()}

    with jobs.run_jobs(works, pulses):
        until(lambda: len(ticks) >= 3)
        assert pulses["post"].running is not None
        go_on.set()


def test_the_post_follows_a_tick_that_got_on_at_once(caplog: pytest.LogCaptureFixture) -> None:
    told: list[str] = []

    def tick(moved: Callable[[], None]) -> None:
        until(lambda: bool(told))  # the first post was there before
        told.append("tick")
        moved()

    works: dict[str, jobs.Work] = {"tick": tick, "post": lambda _moved: told.append("post")}
    with jobs.run_jobs(works, {"tick": pulse(3600), "post": pulse(3600)}):
        until(lambda: len(told) >= 3)

    assert told == ["post", "tick", "post"]
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_a_round_that_takes_long_comes_again_without_a_word(
    caplog: pytest.LogCaptureFixture,
) -> None:
    turns: list[int] = []

    def tick(_moved: Callable[[], None]) -> None:
        time.sleep(0.3)  # six periods
        turns.append(1)

    with jobs.run_jobs({"tick": tick}, {"tick": pulse()}):
        until(lambda: len(turns) >= 2)

    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_a_round_that_somebody_else_does_is_no_failure() -> None:
    turns: list[int] = []

    def tick(_moved: Callable[[], None]) -> None:
        turns.append(1)
        raise Busy("another process is running the tick")

    beat = pulse()
    with jobs.run_jobs({"tick": tick}, {"tick": beat}):
        until(lambda: len(turns) >= 2)

    assert beat.beat is None
    assert beat.running is None
    assert not beat.is_stuck(datetime.now(UTC))


def given_up(
    work: jobs.Work, patience: float, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> bool:
    """Watch a job that reports every 50 ms for ``seconds``; returns whether it was ended."""
    monkeypatch.setattr(jobs, "LOOK_SECONDS", 0.02)
    over = threading.Event()
    pulses = {"tick": pulse(patience=patience)}
    watch = jobs.Watchdog(pulses, give_up=over.set)
    with watch.over(), jobs.run_jobs({"tick": work}, pulses):
        over.wait(seconds)
    return watch.gave_up


def test_a_round_that_hangs_is_given_up_and_one_that_fails_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(_moved: Callable[[], None]) -> None:
        raise RuntimeError("the tick fails")

    def gets_on(moved: Callable[[], None]) -> None:
        for _ in range(50):
            time.sleep(0.1)
            moved()

    assert given_up(lambda _moved: time.sleep(3), 0.1, PATIENCE, monkeypatch)
    # A machine that is busy may hold a thread up for a second.
    assert not given_up(fails, 4, 4.5, monkeypatch)
    assert not given_up(gets_on, 4, 4.5, monkeypatch)


def test_rounds_that_come_no_more_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "LOOK_SECONDS", 0.02)
    over = threading.Event()
    watch = jobs.Watchdog({"tick": pulse(patience=0.1)}, give_up=over.set)

    with watch.over():  # and no scheduler
        assert over.wait(PATIENCE)

    assert watch.gave_up


def test_rounds_go_on_when_a_clock_that_was_years_ahead_is_set_right(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ahead = [timedelta(days=3650)]
    ticks: list[datetime] = []
    monkeypatch.setattr(jobs, "_now", lambda: datetime.now(UTC) + ahead[0])
    monkeypatch.setattr(jobs, "CLOCK_SECONDS", 0.05)
    watched = pulse()

    def tick(moved: Callable[[], None]) -> None:
        ticks.append(jobs._now())
        moved()

    with jobs.run_jobs({"tick": tick}, {"tick": watched}):
        ahead[0] = timedelta()
        until(lambda: len(ticks) >= 3)

    assert watched.beat is not None
    assert watched.beat <= datetime.now(UTC)


def test_no_run_is_listed_for_each_period_of_the_years_by_which_a_clock_is_set_forward(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A machine without a battery begins in 1970; the library lists all runs that were missed."""
    added: list[Job] = []

    class Recorder(BackgroundScheduler):  # type: ignore[misc]  # it has no types
        def add_job(self, *args: object, **named: object) -> Job:
            added.append(super().add_job(*args, **named))
            return added[-1]

    monkeypatch.setattr("apscheduler.schedulers.background.BackgroundScheduler", Recorder)
    with jobs.run_jobs({"tick": lambda _moved: None}, {"tick": pulse()}):
        now = datetime.now(UTC)

        following = added[0].trigger.get_next_fire_time(datetime(1970, 1, 1, tzinfo=UTC), now)

    assert following == now + pulse().period
