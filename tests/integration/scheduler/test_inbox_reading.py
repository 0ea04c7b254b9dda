"""A large dump in the inbox is read beside the ticks: editions do not wait for it."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.polling import PATIENCE, until
from tests.helpers.tick_helpers import MORNING, NOW, SAMPLE, drop_sample, make_program

from larkpost.editions.publish import PublishOutcome
from larkpost.ingest.inbox import RejectedFile, sweep
from larkpost.readers import subscriptions
from larkpost.scheduler import tick as ticks
from larkpost.scheduler.inbox_reading import InboxReading
from larkpost.scheduler.tick import edit, tick

if TYPE_CHECKING:
    from pathlib import Path

    from larkpost.bootstrap import Program
    from larkpost.ingest.inbox import Taken

SOON = 0.01  # seconds that a tick waits for the inbox


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return make_program(tmp_path)


def test_an_edition_does_not_wait_for_a_dump_that_takes_long(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscriptions.add(program.store, "a@example.org", now=NOW)
    drop_sample(program)
    tick(program.tick_context, now=NOW)
    begun, go_on = threading.Event(), threading.Event()
    taken: list[Taken] = [RejectedFile("a.txt", "it is too dull", moved=True)]

    def slow(*_args: object, **_named: object) -> list[Taken]:
        begun.set()
        assert go_on.wait(PATIENCE)
        return taken

    monkeypatch.setattr(ticks, "sweep", slow)
    reading = InboxReading(SOON)
    context = replace(program.tick_context, reading=reading)

    first = edit(context, now=MORNING)
    assert begun.wait(PATIENCE)
    assert (first.outcomes, first.taken) == ({PublishOutcome.PUBLISHED: 1}, [])

    assert edit(context, now=MORNING + timedelta(minutes=1)).taken == []  # not read twice at once
    go_on.set()
    until(lambda: not reading.is_going_on)
    assert edit(context, now=MORNING + timedelta(minutes=2)).taken == taken


def test_a_tick_waits_a_little_so_that_new_papers_are_in_its_editions(program: Program) -> None:
    subscriptions.add(program.store, "a@example.org", now=NOW)
    drop_sample(program)

    done = edit(replace(program.tick_context, reading=InboxReading(PATIENCE)), now=MORNING)

    assert [one.new for one in done.taken] == [108]  # type: ignore[union-attr]  # none is bad
    assert done.outcomes == {PublishOutcome.PUBLISHED: 1}


def test_an_error_of_the_reading_is_raised_once() -> None:
    reading = InboxReading(PATIENCE)

    def fail() -> list[Taken]:
        raise OSError("no such folder")

    with pytest.raises(OSError, match="no such folder"):
        reading.read(fail)
    assert reading.read(list) == []


def test_a_dump_is_left_in_the_middle_when_the_daemon_stops(program: Program) -> None:
    drop_sample(program)
    asked: list[int] = []

    def stopped() -> bool:  # true from the second question on: within the file
        asked.append(1)
        return len(asked) > 1

    places = program.places
    taken = sweep(
        program.store, program.dump_formats, places, stable_seconds=0, now=NOW, stopped=stopped
    )

    assert taken == []
    assert (places.inbox / SAMPLE).exists()
    again = sweep(program.store, program.dump_formats, places, stable_seconds=0, now=NOW)
    assert [one.new for one in again] == [108]  # type: ignore[union-attr]  # none is bad
