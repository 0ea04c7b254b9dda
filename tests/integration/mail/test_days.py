"""Tests one edition per local day, whatever the clock, dumps and backups do; by whole ticks."""

from __future__ import annotations

import email
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from email import policy
from typing import TYPE_CHECKING

import pytest
from tests.helpers.mail.smtp_server import SmtpServer

from larkpost.bootstrap import Program, build
from larkpost.db import editions, papers
from larkpost.db.outbox import deliveries
from larkpost.domain import DeliveryState
from larkpost.inbound.process import InboundKind
from larkpost.packaged_files import shipped_path
from larkpost.readers import subscriptions
from larkpost.scheduler.tick import tick
from larkpost.settings import load

if TYPE_CHECKING:
    from email.message import EmailMessage
    from pathlib import Path

    from larkpost.domain import Reader

SAMPLE = "000_48a0d66eb2c74da9.txt"  # captured on 7 August
EVENING = datetime(2026, 8, 7, 18, tzinfo=UTC)
MORNING = datetime(2026, 8, 8, 6, 0, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return started(tmp_path)


def started(folder: Path, flags: dict[str, object] | None = None) -> Program:
    flags = {"inbox.stable_seconds": 0} | (flags or {})
    program = build(load(home=folder / "home", flags=flags, environ={}))
    program.prepare()
    return program


def over(server: SmtpServer) -> dict[str, object]:
    smtp = {"smtp.host": "127.0.0.1", "smtp.port": server.port, "smtp.security": "none"}
    return {"mail.transport": "smtp"} | smtp


def drop_sample(program: Program) -> None:
    shutil.copyfile(shipped_path("seeds") / SAMPLE, program.places.inbox / SAMPLE)


def subscribe(program: Program) -> Reader:
    return subscriptions.add(program.store, "ann@example.org", now=EVENING - 3 * DAY)


def messages(program: Program) -> list[EmailMessage]:
    """What is in the mail folder, in the order of the days."""
    found = [
        email.message_from_bytes(mail.read_bytes(), policy=policy.default)
        for mail in program.places.maildir.glob("new/*")
    ]
    return sorted(found, key=lambda newsletter: newsletter["Message-ID"])


def days(program: Program, reader: Reader) -> list[date]:
    with program.store.read() as connection:
        return sorted(one.date for one in editions.latest(connection, reader.id, limit=99))


def test_a_clock_that_jumps_back_and_forth_brings_no_day_twice(program: Program) -> None:
    reader = subscribe(program)
    drop_sample(program)
    tick(program.tick_context, now=EVENING)

    for moment in (MORNING, MORNING - DAY, MORNING - 56 * 365 * DAY, MORNING, MORNING - DAY / 2):
        tick(program.tick_context, now=moment)

    assert days(program, reader).count(MORNING.date()) == 1
    assert len(messages(program)) == len(days(program, reader))


def test_nine_days_asleep_bring_one_message_that_says_what_it_makes_up_for(
    program: Program,
) -> None:
    subscribe(program)
    drop_sample(program)
    tick(program.tick_context, now=EVENING - 3 * DAY)

    tick(program.tick_context, now=MORNING + 6 * DAY)

    (newsletter,) = messages(program)
    text = newsletter.get_body(("plain",))
    assert text is not None
    assert "A catch-up edition: the best papers since Wednesday, 5 August." in text.get_content()


def test_a_dump_that_comes_after_the_hour_is_in_the_next_edition(program: Program) -> None:
    reader = subscribe(program)
    tick(program.tick_context, now=MORNING)
    drop_sample(program)

    tick(program.tick_context, now=MORNING + timedelta(hours=1))
    assert messages(program) == []
    tick(program.tick_context, now=MORNING + DAY)

    assert days(program, reader) == [(MORNING + DAY).date()]
    assert len(messages(program)) == 1


def test_no_paper_comes_twice_over_the_days(program: Program) -> None:
    reader = subscribe(program)
    drop_sample(program)
    for ahead in range(4):
        tick(program.tick_context, now=MORNING + ahead * DAY)

    with program.store.read() as connection:
        pages = editions.latest(connection, reader.id, limit=9)
    papers = [pick.paper.id for page in pages for pick in page.picks]
    assert len(papers) == 40
    assert len(set(papers)) == 40


def test_a_holiday_brings_nothing_and_ends_on_its_day(program: Program) -> None:
    reader = subscribe(program)
    drop_sample(program)
    tick(program.tick_context, now=EVENING)
    subscriptions.change(
        program.store, reader.id, until=date(2026, 8, 11), now=EVENING, status="pause"
    )
    before = days(program, reader)

    for ahead in range(5):
        tick(program.tick_context, now=MORNING + ahead * DAY)

    assert [day for day in days(program, reader) if day not in before] == [
        date(2026, 8, 11),
        date(2026, 8, 12),
    ]


def test_a_weekly_paper_comes_once_a_week(program: Program) -> None:
    reader = subscribe(program)
    subscriptions.change(program.store, reader.id, weekly=True, now=EVENING - 3 * DAY)
    drop_sample(program)

    for ahead in range(-3, 6):
        tick(program.tick_context, now=MORNING + ahead * DAY)

    assert days(program, reader) == [date(2026, 8, 10)]  # the Monday


def save(program: Program, backup: Path) -> None:
    """Copy the database as docs/operating.md says."""
    with closing(sqlite3.connect(program.places.data / "larkpost.db")) as there:
        there.execute("VACUUM INTO ?", (str(backup),))


def restore(program: Program, backup: Path) -> None:
    """Put the copy in place, and read the dumps since then again, as docs/operating.md says."""
    program.store.close()
    for name in ("larkpost.db-wal", "larkpost.db-shm"):
        (program.places.data / name).unlink(missing_ok=True)
    shutil.copyfile(backup, program.places.data / "larkpost.db")
    for dump in program.places.done.iterdir():
        dump.rename(program.places.inbox / dump.name)


def test_after_a_backup_is_restored_no_message_comes_twice(tmp_path: Path) -> None:
    """The edition is published again under the same Message-ID, by which the copy is known."""
    with SmtpServer() as server:
        flags = over(server)
        program = started(tmp_path, flags)
        subscribe(program)
        save(program, tmp_path / "backup.db")
        drop_sample(program)
        tick(program.tick_context, now=EVENING)
        tick(program.tick_context, now=MORNING)
        before = [newsletter.recipient for newsletter in server.arrived]
        restore(program, tmp_path / "backup.db")

        program = started(tmp_path, flags)
        subscriptions.add(program.store, "bob@example.org", now=EVENING)  # nobody wrote to him yet
        tick(program.tick_context, now=MORNING + timedelta(minutes=5))

    assert before == ["ann@example.org"] * 2  # of the day she came, and of the next
    assert [newsletter.recipient for newsletter in server.arrived] == [*before, "bob@example.org"]
    with program.store.read() as connection:
        assert papers.count(connection) == 108
        assert deliveries.counts(connection)[DeliveryState.SENT] == 2


def test_after_a_backup_is_restored_no_message_lands_twice_in_the_folder(
    program: Program, tmp_path: Path
) -> None:
    """Not even where its owner has thrown the first one away."""
    subscribe(program)
    drop_sample(program)
    tick(program.tick_context, now=EVENING)
    save(program, tmp_path / "backup.db")
    tick(program.tick_context, now=MORNING)
    restore(program, tmp_path / "backup.db")
    assert len(messages(program)) == 2
    for newsletter in program.places.maildir.glob("new/*"):
        newsletter.unlink()

    tick(started(tmp_path).tick_context, now=MORNING + timedelta(minutes=5))

    assert messages(program) == []


def test_the_tick_reads_what_came_back_and_writes_to_the_operator(tmp_path: Path) -> None:
    flags = {"inbound.address": "post@example.org", "mail.admin_address": "boss@example.org"}
    program = build(load(home=tmp_path / "home", flags=flags, environ={}))
    program.prepare()
    reader = subscribe(program)
    new = program.inbound_folder / "new"
    new.mkdir(parents=True)
    (new / "1.x").write_bytes(b"To: post@example.org\n\nhello\n")

    done = tick(program.tick_context, now=MORNING)
    again = tick(program.tick_context, now=MORNING)

    assert done.returned == {InboundKind.FOREIGN: 1}
    assert (done.troubles, again.troubles, again.returned) == ({}, {}, {})
    (newsletter,) = messages(program)
    assert newsletter["To"] == "boss@example.org"
    assert "no recent dump" in newsletter["Subject"]
    assert days(program, reader) == []
