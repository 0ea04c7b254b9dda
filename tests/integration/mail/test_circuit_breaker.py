"""A mail server that is unavailable or defers, and its messages (57, 58, 63 of FAULTS)."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs
from tests.helpers.factories import DAY, NOW, TODAY
from tests.helpers.mail.outbox_helpers import MINUTE, Mailbag, outbox, publish, run, smtp, states
from tests.helpers.mail.smtp_server import Answer, Fault, SmtpServer, always, when

from larkpost.db import readers
from larkpost.db.coordination import job_status
from larkpost.db.outbox import deliveries
from larkpost.domain import DeliveryState, Status
from larkpost.errors import Deferred, Refused
from larkpost.mail.deliver import DeliveryCounts, would_go
from larkpost.readers import subscriptions
from larkpost.settings.model import SmtpSettings
from larkpost.transports.smtp import Relay

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from larkpost.db.engine import Store
    from larkpost.interfaces import Transport


def closed(store: Store) -> job_status.JobStatus:
    with store.read() as connection:
        return job_status.latest(connection)["deliver"]


# A server that is tired of us.


def test_a_server_tired_after_three_messages_gets_the_rest_over_a_new_connection(
    store: Store,
) -> None:
    publish(store, 5)

    with SmtpServer({"MAIL": [None, None, None, "421 4.7.0 enough"]}) as server:
        assert run(store, smtp(server)) == DeliveryCounts(sent=5)
        assert server.connections == 2
        assert [arrived.recipient[:7] for arrived in server.taken] == [
            f"reader{n}" for n in range(1, 6)
        ]


def test_a_rate_limit_puts_off_what_is_over_it(store: Store) -> None:
    publish(store, 5)
    limit = [None, None, *["450 4.7.1 too fast"] * 3]

    with SmtpServer({"RCPT": limit}) as server:
        assert run(store, smtp(server)) == DeliveryCounts(sent=2, deferred=3)
        assert closed(store).ok
        assert run(store, smtp(server), NOW + 6 * MINUTE) == DeliveryCounts(sent=3)
        assert len(server.taken) == 5


def test_too_many_recipients_over_one_connection_go_over_the_next(store: Store) -> None:
    """RFC 5321, 4.5.3.1.10: the rest comes in another transaction."""
    publish(store, 5)

    with SmtpServer({"RCPT": [None, None, "452 4.5.3 too many recipients"]}) as server:
        assert run(store, smtp(server)) == DeliveryCounts(sent=5)
        assert server.connections == 2


def test_a_refusal_for_one_recipient_that_stops_sending_keeps_no_other_from_it(
    store: Store,
) -> None:
    """A reply about all, such as 5.1.8, may concern one message: it is not first each time."""
    publish(store, 6)
    answer = when("reader1@", "553 5.1.8 sender refused")

    with SmtpServer({"RCPT": answer}) as server:
        first = run(store, smtp(server), patient=True)
        second = run(store, smtp(server), NOW + 2 * MINUTE, patient=True)

        assert (first, second) == (DeliveryCounts(deferred=1), DeliveryCounts(sent=5, deferred=1))
        assert len(server.taken) == 5


@pytest.mark.parametrize(
    ("verb", "answer"),
    [
        ("MAIL", "452 4.3.1 insufficient system storage"),
        ("MAIL", "450 try later"),
        ("MAIL", "450 4.7.1 too fast"),
        ("RCPT", "452 4.5.3 too many recipients"),
        ("MAIL", "421 4.7.0 too fast"),
        ("DATA", "451 4.3.0 queue full"),
        ("DOT", "452 4.3.1 no room"),
    ],
)
def test_a_server_that_is_tired_of_us_three_times_in_a_row_is_left_alone(
    store: Store, verb: str, answer: str
) -> None:
    publish(store, 8)

    with SmtpServer({verb: always(answer)}) as server:
        first = run(store, smtp(server), patient=True)
        soon = run(store, smtp(server), NOW + MINUTE / 2, patient=True)

        assert (first, soon) == (DeliveryCounts(deferred=3), DeliveryCounts())
        assert server.verbs().count("MAIL") == 3
    assert states(store).count("planned") == 5
    assert answer in closed(store).detail["problem"]
    assert "smtp.per_second" in closed(store).detail["hint"]


@pytest.mark.parametrize(
    "answers",
    [
        ["450 4.2.0 greylisted"],
        ["451 4.7.1 greylisted"],
        ["451 4.3.0 try later"],
        ["421 4.7.0 try later"],  # and hangs up
        ["450 4.7.1 a", None, "451 4.3.0 b"],
    ],
)
def test_a_server_that_greylists_single_readers_gets_the_other_messages(
    store: Store, answers: list[Answer]
) -> None:
    publish(store, 12)

    with SmtpServer({"RCPT": answers * 12}) as server:
        ledger = run(store, smtp(server))

        assert server.verbs().count("RCPT") == 12
    assert ledger.deferred == sum(answer is not None for answer in (answers * 12)[:12])
    assert closed(store).ok


def test_a_mail_server_that_took_messages_before_it_closed_does_not_rest_longer_and_longer(
    store: Store,
) -> None:
    """A server that accepts five messages per minute gets five per minute."""
    publish(store, 20)
    now = NOW
    taken: list[int] = []
    while states(store).count("planned"):
        with SmtpServer({"MAIL": [*[None] * 5, *["451 4.7.1 too fast"] * 99]}) as server:
            run(store, smtp(server), now, patient=True)
            taken.append(len(server.taken))
        now += 2 * MINUTE

    assert taken == [5, 5, 4]  # and three are deferred each time


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.CUT])
def test_a_mail_server_that_breaks_three_times_in_a_row_is_left_alone(
    store: Store, fault: Fault
) -> None:
    publish(store, 8)

    with SmtpServer({"MAIL": always(fault)}) as server:
        ledger = run(store, smtp(server, timeout=0.5))

        assert ledger == DeliveryCounts(deferred=3)
        assert server.connections == 3
    assert states(store).count("planned") == 5


# Faults of the server.


def test_a_refused_login_is_tried_once_and_reported_once(store: Store) -> None:
    publish(store, 5)

    with SmtpServer(extensions=("AUTH PLAIN",)) as server:
        settings = SmtpSettings(
            host="127.0.0.1",
            port=server.port,
            security="none",
            username="lark",
            password=SecretStr("no"),
        )
        first = run(store, lambda: Relay(settings), patient=True)
        for minutes in range(1, 29):
            assert run(store, lambda: Relay(settings), NOW + minutes * MINUTE, patient=True) == (
                DeliveryCounts()
            )

        assert first == DeliveryCounts(deferred=1)
        assert server.verbs().count("AUTH") == 1
        assert server.arrived == []
    assert "535 5.7.8 wrong password" in closed(store).detail["problem"]
    assert "smtp.password" in closed(store).detail["hint"]


def test_a_failed_mail_server_costs_the_messages_nothing(store: Store) -> None:
    publish(store, 3)

    with SmtpServer({"BANNER": ["421 4.3.2 full"]}) as server:
        assert run(store, smtp(server)) == DeliveryCounts(deferred=1)
        assert not closed(store).ok
        assert run(store, smtp(server)) == DeliveryCounts(sent=3)
        assert closed(store).ok
        assert len(server.taken) == 3


def test_a_person_need_not_wait_for_the_mail_server_to_have_rested(store: Store) -> None:
    publish(store, 1)
    shut = Mailbag(reader1=Deferred("closed", server_fault=True))
    run(store, shut.open_transport)
    bag = Mailbag()

    assert run(store, bag.open_transport, NOW + MINUTE / 2, patient=True) == DeliveryCounts()
    assert run(store, bag.open_transport, NOW + MINUTE / 2) == DeliveryCounts(sent=1)


def test_sending_pauses_longer_while_it_stays_closed(store: Store) -> None:
    publish(store, 1)
    shut = Mailbag(reader1=Deferred("closed", server_fault=True))

    for minute in range(60):
        run(store, shut.open_transport, NOW + minute * MINUTE, patient=True)

    assert 5 <= len(shut.tries) <= 7  # at 0, 1, 3, 7, 15, 31 minutes
    assert closed(store).detail["failures"] == len(shut.tries)


def test_a_clock_set_back_does_not_keep_sending_paused(store: Store) -> None:
    publish(store, 1, now=NOW - 9 * DAY)
    shut = Mailbag(reader1=Deferred("closed", server_fault=True))
    run(store, shut.open_transport, NOW)
    bag = Mailbag()

    assert run(store, bag.open_transport, NOW - 2 * DAY, patient=True) == DeliveryCounts(sent=1)


def test_after_three_days_without_a_mail_server_each_reader_gets_todays_message_only(
    store: Store,
) -> None:
    shut = Mailbag(
        reader1=Deferred("closed", server_fault=True), reader2=Deferred("closed", server_fault=True)
    )
    for days in (3, 2, 1, 0):
        publish(store, 2, TODAY - days * DAY, NOW - days * DAY)
        run(store, shut.open_transport, NOW - days * DAY)
    bag = Mailbag()

    ledger = run(store, bag.open_transport, NOW + MINUTE)

    assert ledger.sent == 2
    assert Counter(states(store)) == {"sent": 2, "cancelled": 6}
    assert sorted(bag.recipients()) == ["reader1", "reader2"]
    assert all("2026-08-07" in message.message_id for message in bag.messages)
    assert sum(d.last_response.startswith("replaced by the edition of") for d in outbox(store)) == 6


def test_what_an_operator_sends_again_gives_way_to_nothing_and_has_its_time_anew(
    store: Store,
) -> None:
    publish(store, 1, TODAY - 6 * DAY, NOW - 6 * DAY)
    run(store, Mailbag(reader1=Refused("554 spam")).open_transport, NOW - 6 * DAY)
    publish(store, 1)
    run(store, Mailbag().open_transport)
    with store.begin() as connection:
        failed = deliveries.by_state(connection, [DeliveryState.FAILED])
        deliveries.reopen(connection, [row.id for row in failed], now=NOW + MINUTE)

    first = run(store, Mailbag(reader1=Deferred("450")).open_transport, NOW + MINUTE)
    waiting = outbox(store)[0].next_attempt_at
    second = run(store, Mailbag().open_transport, waiting)

    assert (first, second) == (DeliveryCounts(deferred=1), DeliveryCounts(sent=1))
    assert NOW + 6 * MINUTE <= waiting <= NOW + 7 * MINUTE
    assert states(store) == ["sent", "sent"]


def test_what_would_go_is_what_goes(store: Store) -> None:
    """Neither messages replaced by newer ones, nor messages that their reader no longer wants."""
    for days in (3, 2, 0):
        who = publish(store, 6, TODAY - days * DAY, NOW - days * DAY)
    with store.begin() as connection:
        readers.update(connection, who[0].id, paused_until=TODAY + DAY)
        readers.update(connection, who[1].id, paused_until=TODAY)
        readers.update(connection, who[2].id, status=Status.PAUSED)
        readers.update(connection, who[3].id, address=None)
    bag = Mailbag()

    listed = [row.message_id for row in would_go(store, now=NOW)]
    first = [row.message_id for row in would_go(store, now=NOW, limit=2)]
    run(store, bag.open_transport)

    assert listed == [message.message_id for message in bag.messages]
    assert len(listed) == 3
    assert first == listed[:2]


def test_an_old_message_goes_where_there_is_no_newer_one(store: Store) -> None:
    publish(store, 1)
    bag = Mailbag()

    assert run(store, bag.open_transport, NOW + 3 * DAY) == DeliveryCounts(sent=1)


def test_a_mail_server_that_cannot_be_opened_leaves_the_outbox_as_it_was(store: Store) -> None:
    publish(store, 2)

    def nowhere() -> AbstractContextManager[Transport]:
        raise Deferred("no server", server_fault=True)

    with pytest.raises(Deferred):
        run(store, nowhere)
    assert states(store) == ["planned", "planned"]


# Told to stop.


def server_settings(server: SmtpServer) -> SmtpSettings:
    return SmtpSettings(host="127.0.0.1", port=server.port, security="none", timeout=60)


@pytest.mark.parametrize("verb", ["EHLO", "MAIL", "RCPT"])
def test_to_be_told_to_stop_is_no_fault_of_the_mail_server(store: Store, verb: str) -> None:
    publish(store, 2)
    stop = threading.Event()

    def hang(_line: str) -> Answer:
        stop.set()
        return Fault.HANG

    with SmtpServer({verb: hang}) as server, capture_logs() as logs:
        relay = Relay(server_settings(server), stopped=stop.is_set)
        run(store, lambda: relay, stopped=stop.is_set)

    assert [line for line in logs if line["log_level"] in ("warning", "error")] == []
    with store.read() as connection:
        assert "deliver" not in job_status.latest(connection)
    with SmtpServer() as server:  # nothing rests: the messages go at the next start
        assert run(store, smtp(server), NOW + MINUTE / 2, patient=True).sent == 2


@pytest.mark.parametrize("name", ["until", "failures", f"{NOW + MINUTE:%Y-%m-%dT%H}"])
def test_a_reader_who_deletes_everything_while_sending_rests_keeps_no_mail(
    store: Store, name: str
) -> None:
    publish(store, 1)
    down = Mailbag(reader1=Deferred("the server is away", server_fault=True))
    run(store, down.open_transport)
    gone = subscriptions.add(store, None, now=NOW, name=name)

    subscriptions.remove(store, gone.id)

    run(store, down.open_transport, NOW + 2 * MINUTE, patient=True)
    sent = run(store, Mailbag().open_transport, NOW + 10 * MINUTE, patient=True)
    assert sent == DeliveryCounts(sent=1)
