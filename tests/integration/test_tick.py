"""A tick: what lies in the inbox becomes mail, however often one ticks, and whatever breaks."""

from __future__ import annotations

import shutil
import threading
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs
from tests.smtp_server import SmtpServer

from larkpost.domain import DeliveryState, Thumb
from larkpost.errors import Busy
from larkpost.flows import membership, notices
from larkpost.flows.alone import alone
from larkpost.flows.feedback import cast
from larkpost.flows.publish import Outcome
from larkpost.flows.quiet import Quiet
from larkpost.flows.status import standing
from larkpost.flows.tick import A_TURN, edit, post, tick
from larkpost.program import Program, build
from larkpost.ranking import TextSpace
from larkpost.resources import shipped
from larkpost.settings import load
from larkpost.store import deliveries, editions, events, readers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from larkpost.domain import Letter
    from larkpost.seams import Transport

NOW = datetime(2026, 8, 7, 5, tzinfo=UTC)
MORNING = datetime(2026, 8, 8, 6, 0, 1, tzinfo=UTC)
SAMPLE = "000_48a0d66eb2c74da9.txt"


@pytest.fixture
def program(tmp_path: Path) -> Program:
    program = build(load(home=tmp_path / "home", flags={"inbox.settle_seconds": 0}, environ={}))
    program.prepare()
    return program


def drop_sample(program: Program) -> None:
    shutil.copyfile(shipped("seeds") / SAMPLE, program.places.inbox / SAMPLE)


def reasons(program: Program, now: datetime = MORNING) -> set[Quiet]:
    with program.store.read() as connection:
        now_stands = standing(connection, now=now, window=program.window)
    return {reason.kind for reason in now_stands.quiet}


def letters(program: Program) -> list[Path]:
    return [path for path in program.places.maildir.rglob("*") if path.is_file()]


def test_a_dump_in_the_inbox_is_a_letter_in_the_morning(program: Program) -> None:
    membership.add(program.store, "a@example.org", now=NOW)
    drop_sample(program)

    evening = tick(program.works, now=NOW)
    morning = tick(program.works, now=MORNING)

    assert [one.new for one in evening.taken] == [108]  # type: ignore[union-attr]  # none is bad
    assert morning.outcomes == {Outcome.PUBLISHED: 1}
    assert morning.ledger.sent == 1
    assert len(letters(program)) == 1
    assert (program.places.done / SAMPLE).exists()
    assert reasons(program) == set()


def test_a_tick_fits_a_space_to_what_came_in_though_nobody_reads_here(program: Program) -> None:
    drop_sample(program)
    edit(program.works, now=MORNING)
    first = program.spaces.newest(program.store, program.ranker)
    edit(program.works, now=MORNING + timedelta(minutes=1))

    assert isinstance(first.space, TextSpace)
    assert first.space.papers == 108
    assert program.spaces.newest(program.store, program.ranker) is first


def test_another_tick_at_the_same_moment_changes_nothing(program: Program) -> None:
    membership.add(program.store, "a@example.org", now=NOW)
    drop_sample(program)
    tick(program.works, now=MORNING)

    again = tick(program.works, now=MORNING)

    assert (again.taken, again.outcomes, again.ledger.sent) == ([], {}, 0)
    assert len(letters(program)) == 1


def test_only_one_process_ticks_at_a_time(program: Program) -> None:
    with alone(program.store, "tick"), pytest.raises(Busy, match="tick is at work"):
        tick(program.works, now=MORNING)


def test_a_step_that_fails_is_told_and_the_others_are_done(program: Program) -> None:
    membership.add(program.store, "a@example.org", now=NOW)
    drop_sample(program)
    tick(program.works, now=NOW)
    block_the_inbox(program)

    done = tick(program.works, now=MORNING)

    assert set(done.troubles) == {"ingest"}
    assert done.ledger.sent == 1
    with program.store.read() as connection:
        assert not events.latest(connection)["tick"].ok


def block_the_inbox(program: Program) -> None:
    program.places.inbox.rename(program.places.inbox.with_name("moved"))
    program.places.inbox.write_text("a file where the inbox should be")


def test_an_inbox_that_is_no_folder_is_told_once_an_hour_and_read_when_it_is_one(
    program: Program,
) -> None:
    block_the_inbox(program)

    with capture_logs() as log:
        for minutes in range(150):
            tick(program.works, now=NOW + timedelta(minutes=minutes))

    told = [event for event in log if event["log_level"] == "error"]
    assert [event["problem"] for event in told] == [
        f"the inbox cannot be read: {program.places.inbox}: it is no folder"
    ] * 3
    assert not any(event["exc_info"] for event in told)
    program.places.inbox.unlink()
    program.places.inbox.mkdir()
    drop_sample(program)
    assert len(tick(program.works, now=MORNING).taken) == 1
    with program.store.read() as connection:
        assert events.latest(connection)["tick"].ok


def test_letters_on_a_slow_road_hold_up_neither_the_inbox_nor_editions(program: Program) -> None:
    membership.add(program.store, "early@example.org", now=NOW)
    late = membership.add(program.store, "late@example.org", now=NOW, at=time(7))
    drop_sample(program)
    edit(program.works, now=NOW)
    edit(program.works, now=MORNING)
    on_its_way, go_on = threading.Event(), threading.Event()

    @contextmanager
    def slow() -> Iterator[Transport]:
        with program.road() as road:
            yield Slow(road, on_its_way, go_on)

    works = replace(program.works, road=slow)
    posting = threading.Thread(target=post, args=(works,), kwargs={"now": MORNING})
    posting.start()
    try:
        assert on_its_way.wait(20)
        with pytest.raises(Busy, match="post is at work"):
            tick(program.works, now=MORNING + timedelta(hours=1))
    finally:
        go_on.set()
        posting.join(20)

    with program.store.read() as connection:
        latest = editions.latest(connection, late.id)
    assert [edition.published_at for edition in latest] == [MORNING + timedelta(hours=1)]


@dataclass
class Slow:
    """A road that says when a letter is on it, and waits to be told to go on."""

    road: Transport
    on_its_way: threading.Event
    go_on: threading.Event

    def ready(self) -> None:
        self.road.ready()

    def send(self, letter: Letter) -> None:
        """Take a letter."""
        self.on_its_way.set()
        assert self.go_on.wait(20)
        self.road.send(letter)


def test_who_asks_to_subscribe_does_not_wait_for_all_letters(program: Program) -> None:
    for number in range(A_TURN + 1):
        membership.add(program.store, f"reader{number}@example.org", now=NOW)
    drop_sample(program)
    edit(program.works, now=NOW)
    edit(program.works, now=MORNING)
    wishes = membership.Wishes(zone="UTC", at=time(6), days=frozenset({0}), size=3)
    bag: list[str] = []

    def send(letter: Letter) -> None:
        if not bag:
            notices.ask(program.store, notices.asked("new@example.org", wishes), now=MORNING)
        bag.append(letter.recipient)

    road = nullcontext(SimpleNamespace(ready=lambda: None, send=send))
    done = post(replace(program.works, road=lambda: road), now=MORNING)

    assert bag.index("new@example.org") == A_TURN
    assert done.ledger.sent == A_TURN + 1
    assert done.answered == 1


def test_the_post_gets_on_with_each_letter_and_when_there_is_none(program: Program) -> None:
    moved: list[int] = []
    works = replace(program.works, moved=lambda: moved.append(1))
    post(works, now=NOW)
    assert len(moved) == 1

    for number in range(3):
        membership.add(program.store, f"reader{number}@example.org", now=NOW)
    drop_sample(program)
    edit(works, now=NOW)
    edit(works, now=MORNING)
    post(works, now=MORNING)
    assert len(moved) == 1 + 3 + 1


def test_the_post_does_not_get_on_while_letters_are_due_and_none_is_settled(
    program: Program,
) -> None:
    membership.add(program.store, "a@example.org", now=NOW)
    drop_sample(program)
    edit(program.works, now=NOW)
    edit(program.works, now=MORNING)
    moved: list[int] = []

    def broken() -> AbstractContextManager[Transport]:
        raise RuntimeError("no road")

    works = replace(program.works, road=broken, moved=lambda: moved.append(1))
    done = post(works, now=MORNING)

    assert moved == []
    assert set(done.troubles) == {"deliver"}


def test_a_refused_login_is_tried_once_however_many_have_something_to_send(
    tmp_path: Path,
) -> None:
    with SmtpServer(extensions=("AUTH PLAIN",)) as server:
        login = {"smtp.security": "none", "smtp.username": "lark", "smtp.password": "wrong"}
        road = {"mail.transport": "smtp", "smtp.host": "127.0.0.1", "smtp.port": server.port}
        flags = {"inbox.settle_seconds": 0, "mail.operator": "boss@example.org", **login, **road}
        program = build(load(home=tmp_path / "home", flags=flags, environ={}))
        program.prepare()
        membership.add(program.store, "a@example.org", now=NOW)  # has a letter in the morning
        drop_sample(program)
        tick(program.works, now=NOW)
        wishes = membership.Wishes(zone="UTC", at=time(6), days=frozenset({0}), size=3)
        notices.ask(program.store, notices.asked("new@example.org", wishes), now=MORNING)

        troubles = [
            tick(program.works, now=MORNING + timedelta(seconds=30 * n)).troubles for n in range(50)
        ]

        assert server.verbs().count("AUTH") == 1
    assert troubles == [{}] * 50
    assert Quiet.MAIL_REFUSED in reasons(program)


def test_a_quiet_morning_says_that_no_dump_came(program: Program) -> None:
    assert reasons(program) == {Quiet.NO_READER, Quiet.NO_DUMP}


def test_mornings_without_a_dump_and_with_a_known_one_are_told_once_all_is_read(
    program: Program,
) -> None:
    membership.add(program.store, "a@example.org", now=NOW, size=100)
    drop_sample(program)
    for days in range(2):  # 100 papers, then 8
        tick(program.works, now=MORNING + timedelta(days=days))
        assert reasons(program, MORNING + timedelta(days=days)) == set()

    third, fourth = (MORNING + timedelta(days=days) for days in (2, 3))
    tick(program.works, now=third)
    assert reasons(program, third) == {Quiet.NO_DUMP}
    drop_sample(program)
    tick(program.works, now=fourth)
    assert reasons(program, fourth) == {Quiet.KNOWN_DUMP}


def test_a_dump_that_comes_twice_makes_no_morning_quiet_that_brings_papers(
    program: Program,
) -> None:
    membership.add(program.store, "a@example.org", now=NOW)
    for _ in range(2):
        drop_sample(program)
        tick(program.works, now=NOW)
    assert reasons(program) == set()

    assert tick(program.works, now=MORNING).ledger.sent == 1
    assert reasons(program) == set()


def test_one_file_that_is_no_dump_makes_no_morning_quiet_that_brings_papers(
    program: Program,
) -> None:
    membership.add(program.store, "a@example.org", now=NOW)
    drop_sample(program)
    tick(program.works, now=NOW)
    (program.places.inbox / "page.txt").write_bytes(b"hello\nworld\n" * 45)

    tick(program.works, now=MORNING)

    assert reasons(program) == set()


def test_a_file_in_which_nothing_is_recognised_is_told_with_the_number_of_its_lines(
    program: Program,
) -> None:
    membership.add(program.store, "a@example.org", now=NOW)
    (program.places.inbox / "page.txt").write_bytes(b"hello\nworld\n" * 45 + b"!")

    tick(program.works, now=MORNING)

    with program.store.read() as connection:
        told = standing(connection, now=MORNING, window=program.window).quiet
    assert "(0 records in 91 lines)" in told[-1].text


@pytest.mark.parametrize("hours", [(5, 6), (6, 5)])
def test_a_morning_that_brings_some_readers_papers_is_no_quiet_one(
    tmp_path: Path, hours: tuple[int, int]
) -> None:
    flags = {"inbox.settle_seconds": 0, "mail.operator": "boss@example.org"}
    program = build(load(home=tmp_path / "home", flags=flags, environ={}))
    program.prepare()
    happy, picky = (time(hour) for hour in hours)
    membership.add(program.store, "a@example.org", now=NOW, at=happy)
    membership.add(program.store, "b@example.org", now=NOW, at=picky, threshold=0.99)
    drop_sample(program)
    for hour in range(4, 12):
        tick(program.works, now=MORNING.replace(hour=hour))

    assert reasons(program, MORNING.replace(hour=12)) == set()
    assert not [letter for letter in letters(program) if b"boss@" in letter.read_bytes()]


def test_a_morning_on_which_publishing_fails_is_told(tmp_path: Path) -> None:
    flags = {"inbox.settle_seconds": 0, "mail.operator": "boss@example.org"}
    program = build(load(home=tmp_path / "home", flags=flags, environ={}))
    program.prepare()
    lost = membership.add(program.store, "a@example.org", now=NOW)
    with program.store.begin() as connection:
        readers.update(connection, lost.id, zone="Atlantis/Capital")

    done = tick(program.works, now=MORNING)

    assert set(done.troubles) == {"publish"}
    assert Quiet.NOT_PUBLISHED in reasons(program)
    (receipt,) = letters(program)
    assert b"Publishing failed" in receipt.read_bytes()


def test_a_quiet_morning_says_that_nothing_was_recognised(program: Program) -> None:
    membership.add(program.store, "a@example.org", now=NOW)
    (program.places.inbox / "page.txt").write_bytes(b"%PDF-1.7 not a page at all")

    tick(program.works, now=NOW)

    assert reasons(program) == {Quiet.NO_DUMP, Quiet.UNREADABLE_DUMP}
    assert (program.places.bad / "page.txt").exists()


def test_a_quiet_morning_says_that_all_was_below_the_threshold(program: Program) -> None:
    reader = membership.add(program.store, "a@example.org", now=NOW, threshold=0.99)
    drop_sample(program)
    tick(program.works, now=NOW)
    cast(program.store, reader.id, 1, Thumb.UP, via="test", now=NOW)

    tick(program.works, now=MORNING)

    assert reasons(program) == {Quiet.ALL_BELOW}
    with program.store.read() as connection:
        assert deliveries.counts(connection)[DeliveryState.PLANNED] == 0


def test_a_quiet_morning_says_that_the_mail_server_did_not_take_letters(tmp_path: Path) -> None:
    closed = {"mail.transport": "smtp", "smtp.host": "127.0.0.1", "smtp.port": 1}
    flags = {"inbox.settle_seconds": 0, "smtp.security": "none", **closed}
    program = build(load(home=tmp_path / "home", flags=flags, environ={}))
    program.prepare()
    membership.add(program.store, "a@example.org", now=NOW)
    drop_sample(program)

    tick(program.works, now=MORNING)

    assert reasons(program) == {Quiet.MAIL_REFUSED}
    with program.store.read() as connection:
        assert deliveries.counts(connection)[DeliveryState.DEFERRED] == 1
