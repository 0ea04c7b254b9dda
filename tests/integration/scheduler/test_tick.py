"""Tests a tick: dumps become mail, however often it runs and whatever fails."""

from __future__ import annotations

import threading
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import time, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs
from tests.helpers.mail.smtp_server import SmtpServer
from tests.helpers.tick_helpers import (
    MORNING,
    NOW,
    SAMPLE,
    drop_sample,
    make_program,
    messages,
    reasons,
)

from larkpost.bootstrap import Program, build
from larkpost.db import editions
from larkpost.db.coordination import job_status
from larkpost.db.outbox.delivery_queue import BATCH
from larkpost.editions.empty_day_reasons import EmptyDay
from larkpost.editions.publish import PublishOutcome
from larkpost.errors import Busy
from larkpost.mail import confirmations
from larkpost.ranking import TextSpace
from larkpost.readers import subscriptions
from larkpost.scheduler.mutex import alone
from larkpost.scheduler.tick import edit, post, tick
from larkpost.settings import load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from larkpost.domain import Message
    from larkpost.interfaces import Transport


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Open a program on a home of its own."""
    return make_program(tmp_path)


def test_a_dump_in_the_inbox_is_a_message_in_the_morning(program: Program) -> None:
    subscriptions.add(program.store, "a@example.org", now=NOW)
    drop_sample(program)

    evening = tick(program.tick_context, now=NOW)
    morning = tick(program.tick_context, now=MORNING)

    assert [one.new for one in evening.taken] == [108]  # type: ignore[union-attr]  # none is bad
    assert morning.outcomes == {PublishOutcome.PUBLISHED: 1}
    assert morning.ledger.sent == 1
    assert len(messages(program)) == 1
    assert (program.places.done / SAMPLE).exists()
    assert reasons(program) == set()


def test_a_tick_fits_a_space_to_what_came_in_though_nobody_reads_here(program: Program) -> None:
    drop_sample(program)
    edit(program.tick_context, now=MORNING)
    first = program.spaces.newest(program.store, program.ranker)
    edit(program.tick_context, now=MORNING + timedelta(minutes=1))

    assert isinstance(first.space, TextSpace)
    assert first.space.papers == 108
    assert program.spaces.newest(program.store, program.ranker) is first


def test_another_tick_at_the_same_moment_changes_nothing(program: Program) -> None:
    subscriptions.add(program.store, "a@example.org", now=NOW)
    drop_sample(program)
    tick(program.tick_context, now=MORNING)

    again = tick(program.tick_context, now=MORNING)

    assert (again.taken, again.outcomes, again.ledger.sent) == ([], {}, 0)
    assert len(messages(program)) == 1


def test_only_one_process_ticks_at_a_time(program: Program) -> None:
    with alone(program.store, "tick"), pytest.raises(Busy, match="another tick is running"):
        tick(program.tick_context, now=MORNING)


def test_a_step_that_fails_is_reported_and_the_others_are_done(program: Program) -> None:
    subscriptions.add(program.store, "a@example.org", now=NOW)
    drop_sample(program)
    tick(program.tick_context, now=NOW)
    block_the_inbox(program)

    done = tick(program.tick_context, now=MORNING)

    assert set(done.troubles) == {"ingest"}
    assert done.ledger.sent == 1
    with program.store.read() as connection:
        assert not job_status.latest(connection)["tick"].ok


def block_the_inbox(program: Program) -> None:
    program.places.inbox.rename(program.places.inbox.with_name("moved"))
    program.places.inbox.write_text("a file where the inbox should be")


def test_an_inbox_that_is_no_folder_is_reported_once_an_hour_and_read_when_it_is_one(
    program: Program,
) -> None:
    block_the_inbox(program)

    with capture_logs() as log:
        for minutes in range(150):
            tick(program.tick_context, now=NOW + timedelta(minutes=minutes))

    told = [event for event in log if event["log_level"] == "error"]
    assert [event["problem"] for event in told] == [
        f"the inbox cannot be read: {program.places.inbox}: it is not a folder"
    ] * 3
    assert not any(event["exc_info"] for event in told)
    program.places.inbox.unlink()
    program.places.inbox.mkdir()
    drop_sample(program)
    assert len(tick(program.tick_context, now=MORNING).taken) == 1
    with program.store.read() as connection:
        assert job_status.latest(connection)["tick"].ok


def test_messages_on_a_slow_mail_server_hold_up_neither_the_inbox_nor_editions(
    program: Program,
) -> None:
    subscriptions.add(program.store, "early@example.org", now=NOW)
    late = subscriptions.add(program.store, "late@example.org", now=NOW, send_time=time(7))
    drop_sample(program)
    edit(program.tick_context, now=NOW)
    edit(program.tick_context, now=MORNING)
    on_its_way, go_on = threading.Event(), threading.Event()

    @contextmanager
    def slow() -> Iterator[Transport]:
        with program.open_transport() as open_transport:
            yield Slow(open_transport, on_its_way, go_on)

    works = replace(program.tick_context, open_transport=slow)
    posting = threading.Thread(target=post, args=(works,), kwargs={"now": MORNING})
    posting.start()
    try:
        assert on_its_way.wait(20)
        with pytest.raises(Busy, match="another post is running"):
            tick(program.tick_context, now=MORNING + timedelta(hours=1))
    finally:
        go_on.set()
        posting.join(20)

    with program.store.read() as connection:
        latest = editions.latest(connection, late.id)
    assert [edition.published_at for edition in latest] == [MORNING + timedelta(hours=1)]


@dataclass
class Slow:
    """A transport that reports when it gets a message, and waits for the test."""

    open_transport: Transport
    on_its_way: threading.Event
    go_on: threading.Event

    def ready(self) -> None:
        self.open_transport.ready()

    def send(self, message: Message) -> None:
        """Accept a message."""
        self.on_its_way.set()
        assert self.go_on.wait(20)
        self.open_transport.send(message)


def test_who_asks_to_subscribe_does_not_wait_for_all_messages(program: Program) -> None:
    for number in range(2 * BATCH + 1):
        subscriptions.add(program.store, f"reader{number}@example.org", now=NOW)
    drop_sample(program)
    edit(program.tick_context, now=NOW)
    edit(program.tick_context, now=MORNING)
    wishes = subscriptions.Preferences(
        zone="UTC", send_time=time(6), weekdays=frozenset({0}), papers_per_edition=3
    )
    bag: list[str] = []

    def send(message: Message) -> None:
        if not bag:
            confirmations.ask(
                program.store, confirmations.check_request("new@example.org", wishes), now=MORNING
            )
        bag.append(message.recipient)

    open_transport = nullcontext(SimpleNamespace(ready=lambda: None, send=send))
    done = post(replace(program.tick_context, open_transport=lambda: open_transport), now=MORNING)

    assert bag.index("new@example.org") <= BATCH
    assert done.ledger.sent == len(bag) > 2 * BATCH
    assert done.ledger.confirmations == 1


def test_the_post_gets_on_with_each_message_and_when_there_is_none(program: Program) -> None:
    moved: list[int] = []
    works = replace(program.tick_context, moved=lambda: moved.append(1))
    post(works, now=NOW)
    assert len(moved) == 1

    for number in range(3):
        subscriptions.add(program.store, f"reader{number}@example.org", now=NOW)
    drop_sample(program)
    edit(works, now=NOW)
    edit(works, now=MORNING)
    assert len(moved) == 1 + 1  # a shard of editions
    post(works, now=MORNING)
    assert len(moved) == 2 + 3 + 1


def test_the_post_does_not_get_on_while_messages_are_due_and_none_is_settled(
    program: Program,
) -> None:
    subscriptions.add(program.store, "a@example.org", now=NOW)
    drop_sample(program)
    edit(program.tick_context, now=NOW)
    edit(program.tick_context, now=MORNING)
    moved: list[int] = []

    def broken() -> AbstractContextManager[Transport]:
        raise RuntimeError("no server")

    works = replace(program.tick_context, open_transport=broken, moved=lambda: moved.append(1))
    done = post(works, now=MORNING)

    assert moved == []
    assert set(done.troubles) == {"deliver"}


def test_a_refused_login_is_tried_once_however_many_have_something_to_send(
    tmp_path: Path,
) -> None:
    with SmtpServer(extensions=("AUTH PLAIN",)) as server:
        login = {"smtp.security": "none", "smtp.username": "lark", "smtp.password": "wrong"}
        open_transport = {
            "mail.transport": "smtp",
            "smtp.host": "127.0.0.1",
            "smtp.port": server.port,
        }
        flags = {
            "inbox.stable_seconds": 0,
            "mail.admin_address": "boss@example.org",
            **login,
            **open_transport,
        }
        program = build(load(home=tmp_path / "home", flags=flags, environ={}))
        program.prepare()
        subscriptions.add(program.store, "a@example.org", now=NOW)  # has a message in the morning
        drop_sample(program)
        tick(program.tick_context, now=NOW)
        wishes = subscriptions.Preferences(
            zone="UTC", send_time=time(6), weekdays=frozenset({0}), papers_per_edition=3
        )
        asking = confirmations.check_request("new@example.org", wishes)
        confirmations.ask(program.store, asking, now=MORNING)

        troubles = [
            tick(program.tick_context, now=MORNING + timedelta(seconds=30 * n)).troubles
            for n in range(50)
        ]

        assert server.verbs().count("AUTH") == 1
    assert troubles == [{}] * 50
    assert EmptyDay.MAIL_REFUSED in reasons(program)
