"""An unavailable mail server: every tick notices it, and reports it from time to time."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.mail.smtp_server import Fault, SmtpServer, always, free_port

from larkpost.bootstrap import Program, build
from larkpost.packaged_files import shipped_path
from larkpost.readers import subscriptions
from larkpost.scheduler.tick import tick
from larkpost.settings import load

if TYPE_CHECKING:
    from pathlib import Path

    from tests.helpers.mail.smtp_server import Answer

NOW = datetime(2026, 8, 7, 5, tzinfo=UTC)
MORNING = datetime(2026, 8, 8, 6, 0, 1, tzinfo=UTC)
SAMPLE = "000_48a0d66eb2c74da9.txt"


def morning_home(tmp_path: Path, port: int) -> Program:
    """Make a home whose only reader gets a message, sent to this port."""
    server = {"smtp.host": "127.0.0.1", "smtp.port": port, "smtp.security": "none"}
    flags = {"inbox.stable_seconds": 0, "mail.transport": "smtp", **server}
    program = build(load(home=tmp_path / "home", flags=flags, environ={}))
    program.prepare()
    subscriptions.add(program.store, "a@example.org", now=NOW)
    shutil.copyfile(shipped_path("seeds") / SAMPLE, program.places.inbox / SAMPLE)
    tick(program.tick_context, now=NOW)
    return program


@pytest.fixture
def dead_port() -> int:
    """Return a port on which nothing listens."""
    return free_port()


def test_a_dead_mail_server_is_news_once_and_then_once_an_hour(
    tmp_path: Path, dead_port: int
) -> None:
    program = morning_home(tmp_path, dead_port)

    outages = [
        tick(program.tick_context, now=MORNING + timedelta(minutes=10 * n)).outage
        for n in range(13)
    ]

    assert all(outage and outage.messages == 1 for outage in outages)
    assert [n for n, outage in enumerate(outages) if outage and outage.is_news] == [0, 6, 12]


@pytest.mark.parametrize(
    ("verb", "answer", "problem"),
    [
        ("MAIL", "530 5.7.0 must issue a STARTTLS command first", "530 5.7.0 must issue"),
        ("BANNER", Fault.CUT, ""),
        ("BANNER", "421 4.3.2 closed", "421 4.3.2 closed"),
    ],
)
def test_a_mail_server_that_takes_nothing_is_reported_until_it_takes_messages_again(
    tmp_path: Path, verb: str, answer: Answer, problem: str
) -> None:
    with SmtpServer({verb: always(answer)}) as server:
        program = morning_home(tmp_path, server.port)
        first = tick(program.tick_context, now=MORNING)
        resting = tick(program.tick_context, now=MORNING + timedelta(seconds=20))
        connections = server.connections
    assert first.outage is not None
    assert resting.outage is not None
    assert problem in first.outage.problem
    assert first.outage.until > MORNING
    assert (first.outage.is_news, resting.outage.is_news) == (True, False)
    assert (first.troubles, resting.ledger.deferred, connections) == ({}, 0, 1)

    with SmtpServer() as server:
        settings = program.settings.smtp.model_copy(update={"port": server.port})
        program.settings = program.settings.model_copy(update={"smtp": settings})
        again = tick(program.tick_context, now=MORNING + timedelta(hours=2))

    assert (again.outage, again.ledger.sent) == (None, 1)


def test_a_mail_server_that_fails_again_after_it_took_messages_is_news(
    tmp_path: Path, dead_port: int
) -> None:
    program = morning_home(tmp_path, dead_port)
    assert tick(program.tick_context, now=MORNING).outage
    settings = program.settings.smtp
    with SmtpServer() as server:
        program.settings = program.settings.model_copy(
            update={"smtp": settings.model_copy(update={"port": server.port})}
        )
        assert tick(program.tick_context, now=MORNING + timedelta(minutes=10)).ledger.sent == 1
    program.settings = program.settings.model_copy(update={"smtp": settings})
    subscriptions.add(program.store, "b@example.org", now=NOW)

    outage = tick(program.tick_context, now=MORNING + timedelta(minutes=20)).outage

    assert outage is not None
    assert outage.is_news
