"""Tests messages that the mail server defers or refuses (51, 52 of FAULTS)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs
from tests.helpers.factories import DAY, NOW, TODAY
from tests.helpers.mail.outbox_helpers import (
    MINUTE,
    Mailbag,
    PlainRenderer,
    outbox,
    publish,
    run,
    smtp,
    states,
)
from tests.helpers.mail.smtp_server import SmtpServer, always, when

from larkpost.db import readers
from larkpost.db.coordination import job_status
from larkpost.db.outbox import bounces
from larkpost.domain import DeliveryState, Status
from larkpost.errors import Deferred
from larkpost.log_events import LogEvent
from larkpost.mail.deliver import DeliveryCounts, deliver

if TYPE_CHECKING:
    from larkpost.db.engine import Store


# Later (51).


@pytest.mark.parametrize("verb", ["RCPT", "DATA", "DOT"])
def test_a_greylisted_message_waits_and_the_others_go(store: Store, verb: str) -> None:
    publish(store, 3)

    with SmtpServer({verb: [None, "450 4.2.0 greylisted"]}) as server:
        assert run(store, smtp(server)) == DeliveryCounts(sent=2, deferred=1)
        waiting = outbox(store)[1]
        early = run(store, smtp(server), NOW + 4 * MINUTE)
        late = run(store, smtp(server), NOW + 6 * MINUTE)

        assert waiting.state is DeliveryState.DEFERRED
        assert "450 4.2.0 greylisted" in waiting.last_response
        assert NOW + 5 * MINUTE <= waiting.next_attempt_at <= NOW + 6 * MINUTE
        assert (early, late) == (DeliveryCounts(), DeliveryCounts(sent=1))
        assert Counter(arrived.recipient for arrived in server.taken) == {
            "reader1@example.org": 1,
            "reader2@example.org": 1,
            "reader3@example.org": 1,
        }


def test_a_message_that_is_put_off_for_five_days_is_reported_and_given_up(store: Store) -> None:
    publish(store, 1)
    bag = Mailbag(reader1=Deferred("450 4.2.0 greylisted"))

    tries = 0
    now = NOW
    while outbox(store)[0].state is not DeliveryState.FAILED:
        run(store, bag.open_transport, now)
        tries += 1
        now = outbox(store)[0].next_attempt_at

    assert 30 < tries < 60
    assert "given up after 5 days: 450 4.2.0 greylisted" in outbox(store)[0].last_response
    assert run(store, bag.open_transport, NOW + 30 * DAY) == DeliveryCounts()


def test_a_message_whose_mail_server_was_unavailable_for_days_is_not_given_up_at_its_first_try(
    store: Store,
) -> None:
    publish(store, 1)
    shut = Mailbag(reader1=Deferred("closed", server_fault=True))
    for days in range(6):
        run(store, shut.open_transport, NOW + days * DAY)
    busy = Mailbag(reader1=Deferred("450 4.2.0 greylisted"))

    first = run(store, busy.open_transport, NOW + 6 * DAY)
    waiting = outbox(store)[0].next_attempt_at
    second = run(store, busy.open_transport, waiting)

    assert (first, second) == (DeliveryCounts(deferred=1), DeliveryCounts(failed=1))
    assert "given up" in outbox(store)[0].last_response


# Never (52).


def test_a_dead_address_suspends_its_reader_and_nobody_else(store: Store) -> None:
    publish(store, 3)

    with SmtpServer({"RCPT": when("reader2@", "550 5.1.1 no such user")}) as server:
        assert run(store, smtp(server)) == DeliveryCounts(sent=2, failed=1)
        assert run(store, smtp(server), NOW + DAY) == DeliveryCounts()

    with store.read() as connection:
        status = [reader.status for reader in readers.all(connection)]
    assert status == [Status.ACTIVE, Status.SUSPENDED, Status.ACTIVE]
    assert states(store) == ["sent", "failed", "sent"]


@pytest.mark.parametrize(
    ("verb", "answer"),
    [
        ("RCPT", "550 5.1.0 sender rejected"),
        ("RCPT", "550 5.7.1 not today"),
        ("RCPT", "550 no"),
        ("RCPT", "552 5.2.2 mailbox full"),
        ("DATA", "554 5.6.0 no"),
        ("DOT", "554 5.7.1 looks like spam"),
    ],
)
def test_a_refusal_that_is_not_about_the_address_suspends_nobody(
    store: Store, verb: str, answer: str
) -> None:
    publish(store, 2)

    with SmtpServer({verb: [answer]}) as server:
        assert run(store, smtp(server)) == DeliveryCounts(sent=1, failed=1)

    with store.read() as connection:
        assert len(readers.all(connection, Status.ACTIVE)) == 2
    assert answer in outbox(store)[0].last_response


@pytest.mark.parametrize(
    ("answer", "days"),
    [("552 5.2.2 mailbox full", 5), ("550 no", 5), ("554 5.7.1 relay access denied", None)],
)
def test_an_address_that_refuses_its_messages_day_after_day_suspends_its_reader(
    store: Store, answer: str, days: int | None
) -> None:
    """As by bounces of a server that accepts first; refusals by policy do not count."""
    active: list[bool] = []
    with SmtpServer({"RCPT": always(answer)}) as server:
        for ahead in range(8):
            who = publish(store, 1, TODAY + ahead * DAY, NOW + ahead * DAY)
            run(store, smtp(server), NOW + ahead * DAY)
            with store.read() as connection:
                active.append(readers.get(connection, who[0].id).status is Status.ACTIVE)

    with store.read() as connection:
        codes = {bounce.code for bounce in bounces.of(connection, who[0].id)}
    assert active == [days is None or ahead < days - 1 for ahead in range(8)]
    assert codes <= {"5.2.2", ""}


# The log names readers by uid: mail servers repeat the address that they refuse.


@pytest.mark.parametrize(
    ("verb", "reply"),
    [
        ("RCPT", "550 5.1.1 <Reader1@Example.org>: Recipient address rejected"),
        ("RCPT", "450 4.2.0 <reader1@example.org>: greylisted"),
        ("DOT", "554 5.7.1 no mail for reader1@example.org"),
    ],
)
def test_the_address_that_a_server_repeats_is_not_logged(
    store: Store, verb: str, reply: str
) -> None:
    publish(store, 1)

    with SmtpServer({verb: always(reply)}) as server, capture_logs() as logs:
        run(store, smtp(server))

    assert reply.partition(" ")[0] in str(logs)
    assert "reader1@example.org" not in str(logs).lower()
    assert "reader1@example.org" in outbox(store)[0].last_response.lower()


def test_nor_is_it_logged_when_sending_pauses_for_what_a_server_said(store: Store) -> None:
    publish(store, 3)

    with (
        SmtpServer({"RCPT": lambda line: f"452 4.5.3 too many, not {line}"}) as server,
        capture_logs() as logs,
    ):
        run(store, smtp(server))

    (paused,) = [line for line in logs if "messages in a row failed" in str(line)]
    assert "452 4.5.3 too many" in str(paused)
    assert "@" not in str(paused)
    with store.read() as connection:
        assert "@" not in str(job_status.latest(connection)["deliver"].detail)


@pytest.mark.parametrize(
    "reply",
    [
        "530 5.7.0 <Reader1@Example.org>: Must issue a STARTTLS command first",
        "550 5.1.8 reader1@example.org: sender address rejected",
    ],
)
def test_nor_is_it_logged_when_a_server_refuses_all_messages_and_names_it(
    store: Store, reply: str
) -> None:
    publish(store, 1)

    with SmtpServer({"RCPT": always(reply)}) as server, capture_logs() as logs:
        run(store, smtp(server))

    (paused,) = [line for line in logs if line["event"] == LogEvent.MAIL_SERVER_FAILED]
    assert reply[:9] in paused["problem"]
    assert "reader1@" not in str(logs).lower()
    with store.read() as connection:
        assert "reader1@" not in str(job_status.latest(connection)["deliver"].detail).lower()


def test_nor_is_it_logged_when_a_message_to_it_cannot_be_made(store: Store) -> None:
    publish(store, 1)

    with capture_logs() as logs:
        deliver(
            store,
            PlainRenderer(hates="reader1"),
            Mailbag().open_transport,
            now=NOW,
            holder="test",
        )

    (waits,) = [line for line in logs if line["event"] == LogEvent.DELIVERY_DEFERRED]
    assert "cannot set the paper of ***" in waits["last_response"]
