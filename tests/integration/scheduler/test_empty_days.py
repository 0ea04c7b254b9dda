"""A tick reports why a day is empty."""

from __future__ import annotations

from datetime import time, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.tick_helpers import MORNING, NOW, drop_sample, make_program, messages, reasons

from larkpost.bootstrap import Program, build
from larkpost.db import readers
from larkpost.db.outbox import deliveries
from larkpost.domain import DeliveryState, Thumb
from larkpost.editions.empty_day_reasons import EmptyDay
from larkpost.readers import subscriptions
from larkpost.readers.record_votes import cast
from larkpost.scheduler.status import read_status
from larkpost.scheduler.tick import tick
from larkpost.settings import load

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Open a program on a home of its own."""
    return make_program(tmp_path)


def test_an_empty_day_says_that_no_dump_came(program: Program) -> None:
    assert reasons(program) == {EmptyDay.NO_READER, EmptyDay.NO_DUMP}


def test_days_without_a_dump_and_with_a_known_one_are_reported_once_all_is_read(
    program: Program,
) -> None:
    subscriptions.add(program.store, "a@example.org", now=NOW, papers_per_edition=100)
    drop_sample(program)
    for days in range(2):  # 100 papers, then 8
        tick(program.tick_context, now=MORNING + timedelta(days=days))
        assert reasons(program, MORNING + timedelta(days=days)) == set()

    third, fourth = (MORNING + timedelta(days=days) for days in (2, 3))
    tick(program.tick_context, now=third)
    assert reasons(program, third) == {EmptyDay.NO_DUMP}
    drop_sample(program)
    tick(program.tick_context, now=fourth)
    assert reasons(program, fourth) == {EmptyDay.KNOWN_DUMP}


def test_a_dump_that_comes_twice_makes_no_day_empty_that_brings_papers(
    program: Program,
) -> None:
    subscriptions.add(program.store, "a@example.org", now=NOW)
    for _ in range(2):
        drop_sample(program)
        tick(program.tick_context, now=NOW)
    assert reasons(program) == set()

    assert tick(program.tick_context, now=MORNING).ledger.sent == 1
    assert reasons(program) == set()


def test_one_file_that_is_no_dump_makes_no_day_empty_that_brings_papers(
    program: Program,
) -> None:
    subscriptions.add(program.store, "a@example.org", now=NOW)
    drop_sample(program)
    tick(program.tick_context, now=NOW)
    (program.places.inbox / "page.txt").write_bytes(b"hello\nworld\n" * 45)

    tick(program.tick_context, now=MORNING)

    assert reasons(program) == set()


def test_a_file_in_which_nothing_is_recognised_is_reported_with_the_number_of_its_lines(
    program: Program,
) -> None:
    subscriptions.add(program.store, "a@example.org", now=NOW)
    (program.places.inbox / "page.txt").write_bytes(b"hello\nworld\n" * 45 + b"!")

    tick(program.tick_context, now=MORNING)

    with program.store.read() as connection:
        told = read_status(connection, now=MORNING, window=program.window).empty_day
    assert "(0 records in 91 lines)" in told[-1].text


@pytest.mark.parametrize("hours", [(5, 6), (6, 5)])
def test_a_day_that_brings_some_readers_papers_is_not_empty(
    tmp_path: Path, hours: tuple[int, int]
) -> None:
    flags = {"inbox.stable_seconds": 0, "mail.admin_address": "boss@example.org"}
    program = build(load(home=tmp_path / "home", flags=flags, environ={}))
    program.prepare()
    happy, picky = (time(hour) for hour in hours)
    subscriptions.add(program.store, "a@example.org", now=NOW, send_time=happy)
    subscriptions.add(program.store, "b@example.org", now=NOW, send_time=picky, threshold=0.99)
    drop_sample(program)
    for hour in range(4, 12):
        tick(program.tick_context, now=MORNING.replace(hour=hour))

    assert reasons(program, MORNING.replace(hour=12)) == set()
    assert not [message for message in messages(program) if b"boss@" in message.read_bytes()]


def test_a_day_on_which_publishing_fails_is_reported(tmp_path: Path) -> None:
    flags = {"inbox.stable_seconds": 0, "mail.admin_address": "boss@example.org"}
    program = build(load(home=tmp_path / "home", flags=flags, environ={}))
    program.prepare()
    lost = subscriptions.add(program.store, "a@example.org", now=NOW)
    with program.store.begin() as connection:
        readers.update(connection, lost.id, zone="Atlantis/Capital")

    done = tick(program.tick_context, now=MORNING)

    assert set(done.troubles) == {"publish"}
    assert EmptyDay.NOT_PUBLISHED in reasons(program)
    (receipt,) = messages(program)
    assert b"Publishing failed" in receipt.read_bytes()


def test_an_empty_day_says_that_nothing_was_recognised(program: Program) -> None:
    subscriptions.add(program.store, "a@example.org", now=NOW)
    (program.places.inbox / "page.txt").write_bytes(b"%PDF-1.7 not a page at all")

    tick(program.tick_context, now=NOW)

    assert reasons(program) == {EmptyDay.NO_DUMP, EmptyDay.UNREADABLE_DUMP}
    assert (program.places.bad / "page.txt").exists()


def test_an_empty_day_says_that_all_was_below_the_threshold(program: Program) -> None:
    reader = subscriptions.add(program.store, "a@example.org", now=NOW, threshold=0.99)
    drop_sample(program)
    tick(program.tick_context, now=NOW)
    cast(program.store, reader.id, 1, Thumb.UP, source="test", now=NOW)

    tick(program.tick_context, now=MORNING)

    assert reasons(program) == {EmptyDay.ALL_BELOW}
    with program.store.read() as connection:
        assert deliveries.counts(connection)[DeliveryState.PLANNED] == 0


def test_an_empty_day_says_that_the_mail_server_did_not_take_messages(tmp_path: Path) -> None:
    closed = {"mail.transport": "smtp", "smtp.host": "127.0.0.1", "smtp.port": 1}
    flags = {"inbox.stable_seconds": 0, "smtp.security": "none", **closed}
    program = build(load(home=tmp_path / "home", flags=flags, environ={}))
    program.prepare()
    subscriptions.add(program.store, "a@example.org", now=NOW)
    drop_sample(program)

    tick(program.tick_context, now=MORNING)

    assert reasons(program) == {EmptyDay.MAIL_REFUSED}
    with program.store.read() as connection:
        assert deliveries.counts(connection)[DeliveryState.DEFERRED] == 1
