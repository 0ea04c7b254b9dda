"""A tick: what lies in the inbox becomes mail, however often one ticks, and whatever breaks."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.smtp_server import SmtpServer

from larkpost.domain import DeliveryState
from larkpost.errors import Busy
from larkpost.flows import membership, notices
from larkpost.flows.alone import alone
from larkpost.flows.publish import Outcome
from larkpost.flows.status import Quiet, standing
from larkpost.flows.tick import tick
from larkpost.program import Program, build
from larkpost.resources import shipped
from larkpost.settings import load
from larkpost.store import deliveries, events

if TYPE_CHECKING:
    from pathlib import Path

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


def reasons(program: Program) -> set[Quiet]:
    with program.store.read() as connection:
        now_stands = standing(connection, now=MORNING, window=program.window)
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
    program.places.inbox.rename(program.places.inbox.with_name("moved"))
    program.places.inbox.write_text("a file where the inbox should be")

    done = tick(program.works, now=MORNING)

    assert set(done.troubles) == {"ingest"}
    assert done.ledger.sent == 1
    with program.store.read() as connection:
        assert not events.latest(connection)["tick"].ok


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


def test_a_quiet_morning_says_that_the_dump_was_known(program: Program) -> None:
    membership.add(program.store, "a@example.org", now=NOW)
    for _ in range(2):
        drop_sample(program)
        tick(program.works, now=NOW)

    assert reasons(program) == {Quiet.KNOWN_DUMP}


def test_a_quiet_morning_says_that_nothing_was_recognised(program: Program) -> None:
    membership.add(program.store, "a@example.org", now=NOW)
    (program.places.inbox / "page.txt").write_bytes(b"%PDF-1.7 not a page at all")

    tick(program.works, now=NOW)

    assert reasons(program) == {Quiet.NO_DUMP, Quiet.UNREADABLE_DUMP}
    assert (program.places.bad / "page.txt").exists()


def test_a_quiet_morning_says_that_all_was_below_the_threshold(program: Program) -> None:
    membership.add(program.store, "a@example.org", now=NOW, threshold=0.99)
    drop_sample(program)

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
