"""The report to the operator: one line says why a day brought no papers."""

from __future__ import annotations

import email
from datetime import timedelta
from email import policy
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs
from tests.helpers.factories import DAY, NOW, add_papers, add_readers
from tests.helpers.mail.message_checks import MAILBOXES, RENDERER
from tests.helpers.mail.outbox_helpers import Mailbag
from tests.unit.inbound.test_bounce_parser import dsn, fields

from larkpost.db import readers
from larkpost.db.coordination import job_status
from larkpost.db.polling import polled_sources
from larkpost.db.polling.polled_sources import SourceState
from larkpost.errors import Deferred, Refused
from larkpost.inbound.process import InboundKind, receive
from larkpost.mail import circuit_breaker
from larkpost.mail.deliver import deliver
from larkpost.mail.operator_report import queue_report
from larkpost.settings.polled_sources import PolledSource

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from larkpost.db.engine import Store
    from larkpost.editions.empty_day_reasons import EmptyDayReason

WEEK = timedelta(days=7)


def morning(store: Store, *, now: datetime = NOW, papers: bool = True, **outcomes: int) -> None:
    """Record that the editions of a day were due, with these outcomes."""
    with store.begin() as connection:
        for reader in add_readers(connection, 1):
            readers.advance(connection, reader, now + DAY)
        if papers:
            add_papers(connection, 2)
        job_status.record(connection, "publish", ok=True, now=now, **outcomes)


def event(store: Store, kind: str, *, ok: bool, **detail: Any) -> None:
    with store.begin() as connection:
        job_status.record(connection, kind, ok=ok, now=NOW, **detail)


def told(store: Store, bag: Mailbag, now: datetime = NOW) -> Sequence[EmptyDayReason]:
    """Queue the report and send what is due; returns what is told from now on."""
    reasons = queue_report(store, now=now, window=WEEK)
    send(store, bag, now)
    return reasons


def send(store: Store, bag: Mailbag, now: datetime = NOW) -> None:
    deliver(
        store,
        RENDERER,
        bag.open_transport,
        now=now,
        holder="test",
        patient=True,
        operator="boss@example.org",
    )


def test_no_dump_is_reported(store: Store) -> None:
    morning(store, papers=False, empty=1)
    bag = Mailbag()

    assert [str(reason.kind) for reason in told(store, bag)] == ["no-dump"]
    message = email.message_from_bytes(bag.messages[0].content, policy=policy.default)
    assert message["To"] == "boss@example.org"
    assert message["Subject"].startswith(
        "Larkpost at papers.example.org: no papers today: no recent dump had a new paper"
    )
    assert message["Auto-Submitted"] == "auto-generated"
    for kind in ("plain", "html"):
        part = message.get_body((kind,))
        assert part
        text = " ".join(part.get_content().split())
        assert "No recent dump had a new paper" in text
        assert "larkpost ingest FILE." in text
        assert "papers.example.org" in text
    assert not message.defects


def test_a_message_to_the_operator_that_comes_back_is_reported_in_the_log(store: Store) -> None:
    morning(store, papers=False, empty=1)
    bag = Mailbag()
    told(store, bag)
    path = bag.messages[0].sender

    with capture_logs() as logs:
        dead = dsn(fields("failed", "5.1.1", "550 5.1.1 no such user"))
        meaning = receive(store, MAILBOXES, f"To: {path}\n".encode() + dead, now=NOW).meaning

    assert path.startswith("post+n")
    assert meaning is InboundKind.BOUNCED
    assert [(log["event"], log["code"]) for log in logs] == [("inbound.bounced", "5.1.1")]


@pytest.mark.parametrize(
    ("kind", "ok", "detail", "reasons"),
    [
        ("ingest", True, {"name": "a.txt", "already": "2026-08-06"}, ["known-dump"]),
        ("ingest", True, {"name": "a.txt", "papers": 30, "new": 0}, ["known-papers"]),
        (
            "ingest",
            False,
            {"name": "a.txt", "problem": "0 records in 90 lines"},
            ["no-dump", "unreadable-dump"],
        ),
        (
            "deliver",
            False,
            {"problem": "535 no", "until": NOW.isoformat()},
            ["no-dump", "mail-refused"],
        ),
    ],
)
def test_a_dump_seen_before_an_unreadable_one_and_a_failed_mail_server_are_reported(
    store: Store, kind: str, ok: bool, detail: dict[str, object], reasons: list[str]
) -> None:
    morning(store, papers=False, empty=1)
    event(store, kind, ok=ok, **detail)

    assert [str(one.kind) for one in told(store, Mailbag())] == reasons


def test_that_all_is_below_the_threshold_is_reported(store: Store) -> None:
    morning(store, below_threshold=1)

    assert [str(one.kind) for one in told(store, Mailbag())] == ["all-below"]


def test_a_day_with_papers_needs_no_report(store: Store) -> None:
    morning(store, published=1)
    bag = Mailbag()

    assert told(store, bag) == ()
    assert bag.opened == 0


def test_a_report_comes_once_a_day_and_not_before_the_editions(store: Store) -> None:
    bag = Mailbag()
    assert told(store, bag) == ()

    morning(store, papers=False, empty=1)
    for minutes in (0, 1, 600):
        told(store, bag, NOW + timedelta(minutes=minutes))
    told(store, bag, NOW + DAY)
    event(store, "publish", ok=True, empty=1)

    assert len(bag.messages) == 1


@pytest.mark.parametrize(
    ("fault", "tries"), [(Deferred("closed", server_fault=True), 4), (Deferred("greylisted"), 1)]
)
def test_a_report_that_cannot_go_now_waits_as_every_message_does(
    store: Store, fault: Exception, tries: int
) -> None:
    morning(store, papers=False, empty=1)
    closed, bag = Mailbag(boss=fault), Mailbag()

    for seconds in range(0, 270, 30):
        told(store, closed, NOW + timedelta(seconds=seconds))
    told(store, bag, NOW + timedelta(minutes=20))

    assert len(closed.tries) <= tries  # it pauses for 1, 2 and 4 minutes; a report for 5
    assert bag.recipients() == ["boss"]


def test_a_report_that_is_refused_is_reported_in_the_status_and_not_tried_again(
    store: Store,
) -> None:
    morning(store, papers=False, quiet=1)
    refused, bag = Mailbag(boss=Refused("550 no such user", nobody=True)), Mailbag()

    told(store, refused)
    told(store, bag, NOW + timedelta(hours=6))

    assert bag.messages == []
    with store.read() as connection:
        event = job_status.latest(connection)["operator_report"]
    assert (event.ok, event.detail["problem"]) == (False, "550 no such user")
    told(store, bag, NOW + DAY)
    assert bag.recipients() == []  # nothing was due on that day


def test_a_report_that_was_not_sent_gives_way_to_that_of_the_next_day(store: Store) -> None:
    morning(store, papers=False, quiet=1)
    told(store, Mailbag(boss=Deferred("greylisted")))
    with store.begin() as connection:
        job_status.record(connection, "publish", ok=True, now=NOW + DAY, quiet=1)
        for reader in readers.all(connection):
            readers.advance(connection, reader, NOW + 2 * DAY)
    bag = Mailbag()

    told(store, bag, NOW + DAY)

    assert bag.recipients() == ["boss"]
    assert b"8 August 2026" in bag.messages[0].content


def test_a_mail_server_that_is_down_for_a_report_is_down_for_editions(store: Store) -> None:
    morning(store, papers=False, empty=1)
    told(store, Mailbag(boss=Deferred("535 no", server_fault=True, rest=1800)))

    with store.read() as connection:
        assert circuit_breaker.resting(connection, NOW + timedelta(minutes=29))
        assert not circuit_breaker.resting(connection, NOW + timedelta(minutes=31))


def source(store: Store, problem: str, *, answered: timedelta) -> None:
    """Make a source that has a problem, and last responded so long ago."""
    state = SourceState(
        PolledSource("cs.CL", "arxiv:cs.CL"), NOW - WEEK, NOW, last_answer_at=NOW - answered,
        problem=problem, problem_text="it answers, but nothing comes", problem_since=NOW - answered,
    )  # fmt: skip
    with store.begin() as connection:
        polled_sources.save(connection, state)


@pytest.mark.parametrize(
    ("problem", "hours", "is_told"),
    [
        ("stopped", 0, True),
        ("shape", 0, True),
        ("unreachable", 2, False),
        ("unreachable", 7, True),
        ("rate-limited", 5, False),
    ],
)
def test_a_source_that_is_not_well_is_reported_at_once_unless_it_may_pass(
    store: Store, problem: str, hours: int, is_told: bool
) -> None:
    morning(store, published=1)
    source(store, problem, answered=timedelta(hours=hours))
    bag = Mailbag()

    kinds = [str(reason.kind) for reason in told(store, bag)]

    assert ("source-problem" in kinds) is is_told
    assert any(b"cs.CL" in newsletter.content for newsletter in bag.messages) is is_told
