"""Tests limits of what a visitor can log: lines per minute, and characters."""

from __future__ import annotations

import contextvars
import io
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from larkpost import log_limits, logs
from larkpost.log_events import LogEvent
from larkpost.log_limits import LINES, MOST_CHARACTERS, MOST_KINDS, LineLimit, limit_lines

if TYPE_CHECKING:
    from collections.abc import Iterator


class Seconds:
    """A clock that is fixed until it is set."""

    now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Seconds:
    clock = Seconds()
    limit = LineLimit(clock)
    monkeypatch.setattr(log_limits, "line_limit", limit)
    monkeypatch.setattr(logs, "line_limit", limit)
    return clock


@pytest.fixture
def log(clock: Seconds) -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    logs.configure("info", "json", stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(log: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_a_flood_of_one_kind_is_cut_and_counted(log: io.StringIO, clock: Seconds) -> None:
    logger = logs.get_logger("larkpost.web")
    with limit_lines():
        for number in range(500):
            logger.warning(LogEvent.PAGE_REFUSED, error=f"problem {number}")
        clock.now += 61
        logger.warning(LogEvent.PAGE_REFUSED, error="again")

    said = lines(log)
    assert len(said) == LINES + 1
    assert said[-1]["left_out_before"] == 500 - LINES


def test_what_was_left_out_is_told_when_nothing_comes_any_more(
    log: io.StringIO, clock: Seconds
) -> None:
    with limit_lines():
        for _ in range(50):
            logs.get_logger("larkpost.web").warning(LogEvent.PAGE_FAILED)
    logs.tell_left_out()
    before = len(lines(log))
    clock.now += 61
    logs.tell_left_out()
    logs.tell_left_out()

    assert before == LINES
    assert [line["event"] for line in lines(log)[before:]] == [LogEvent.LINES_SUPPRESSED]
    assert lines(log)[-1]["count"] == 50 - LINES
    assert lines(log)[-1]["like"] == LogEvent.PAGE_FAILED


def test_a_flood_of_one_kind_leaves_room_for_others(log: io.StringIO) -> None:
    with limit_lines():
        for _ in range(100):
            logs.get_logger("larkpost.web").warning(LogEvent.PAGE_REFUSED)
        logs.get_logger("larkpost.web").warning(LogEvent.PAGE_FAILED)
        logs.get_logger("larkpost.other").warning(LogEvent.PAGE_REFUSED)

    assert len(lines(log)) == LINES + 2


def test_libraries_that_log_what_visitors_send_are_limited_by_logger(
    log: io.StringIO, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("uvicorn"), "propagate", True)  # as the daemon has it
    for name in ("uvicorn.error", "python_multipart.multipart", "asyncio"):
        caplog.set_level("WARNING", logger=name)  # servers of other tests may have set another
        for number in range(100):
            logging.getLogger(name).warning("Did not find %r", number)
            logging.getLogger(name).warning(f"made of what came: {number}")

    assert len(lines(log)) == 3 * LINES


def test_the_daemon_s_own_lines_are_not_limited(log: io.StringIO) -> None:
    with limit_lines():
        pass
    for _ in range(100):
        logs.get_logger("larkpost.serve").warning(LogEvent.JOB_FAILED)

    assert len(lines(log)) == 100


def test_events_that_are_never_the_same_are_of_a_bounded_number(log: io.StringIO) -> None:
    logger: Any = logs.get_logger("larkpost.web")  # no event of ours: those are of a fixed list
    with limit_lines():
        for number in range(3 * MOST_KINDS):
            logger.warning(f"event {number}")

    assert len(lines(log)) == MOST_KINDS + LINES


def test_a_thread_of_a_request_is_limited_as_well(log: io.StringIO) -> None:
    with limit_lines():
        context = contextvars.copy_context()
    for _ in range(100):
        context.run(logs.get_logger("larkpost.editions").warning, LogEvent.PAPER_SKIPPED)

    assert len(lines(log)) == LINES


@pytest.mark.parametrize("format", ["json", "console"])
@pytest.mark.usefixtures("log")
def test_a_long_fact_is_cut(format: str) -> None:  # noqa: A002 - of the log
    stream = io.StringIO()
    logs.configure("info", format, stream)  # type: ignore[arg-type]  # one of two
    error = ValueError("x" * 1_000_000)
    logs.get_logger("larkpost.web").error(LogEvent.PAGE_FAILED, exc_info=error, page="y" * 100_000)

    (line,) = stream.getvalue().splitlines()
    assert len(line) < 4 * MOST_CHARACTERS
    assert f"{1_000_000 + len('ValueError: ') - MOST_CHARACTERS} characters more" in line
