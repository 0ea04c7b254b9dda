"""Tests messages whose connection is cut, and killed runs (53, 54, 55, 56 of FAULTS)."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from tests.helpers.factories import DAY, NOW
from tests.helpers.mail.outbox_helpers import (
    MINUTE,
    Killed,
    Mailbag,
    outbox,
    publish,
    run,
    smtp,
    states,
)
from tests.helpers.mail.smtp_server import Fault, SmtpServer

from larkpost.errors import Unanswered
from larkpost.mail.deliver import DeliveryCounts
from larkpost.transports import smtp_session
from larkpost.transports.smtp_connection import SmtpConnection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from larkpost.db.engine import Store
    from larkpost.domain import Message
    from larkpost.interfaces import Transport


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_a_connection_cut_before_the_message_costs_one_retry_and_no_copy(
    store: Store, verb: str
) -> None:
    publish(store, 3)

    with SmtpServer({verb: [Fault.CUT]}) as server:
        assert run(store, smtp(server)) == DeliveryCounts(sent=2, deferred=1)
        assert run(store, smtp(server), NOW + 6 * MINUTE) == DeliveryCounts(sent=1)

        assert len({arrived.recipient for arrived in server.arrived}) == 3
        assert len(server.arrived) == 3


@pytest.mark.parametrize("limit", [10, 200], ids=["at its beginning", "further on"])
def test_a_connection_cut_in_the_middle_of_a_message_leaves_one_copy(
    store: Store, limit: int
) -> None:
    """Also a message so short that its dot is sent before the cut is noticed."""
    publish(store, 2)

    with SmtpServer({"BODY": [Fault.CUT]}, body_limit=limit) as server:
        first = run(store, smtp(server))
        second = run(store, smtp(server), NOW + 6 * MINUTE)

        assert first == DeliveryCounts(sent=1, deferred=1)
        assert second == DeliveryCounts(sent=1)
        assert len(server.arrived) == 2


def test_a_message_cut_in_its_middle_again_and_again_is_never_in_doubt(store: Store) -> None:
    publish(store, 1)
    now = NOW

    with SmtpServer({"BODY": [Fault.CUT] * 6}, body_limit=10) as server:
        for _ in range(6):
            assert run(store, smtp(server), now) == DeliveryCounts(deferred=1)
            (message,) = outbox(store)
            assert message.ambiguous_attempts == 0
            now = message.next_attempt_at + MINUTE

        assert run(store, smtp(server), now) == DeliveryCounts(sent=1)
        assert len(server.arrived) == 1


def test_a_message_whose_dot_nobody_read_is_not_in_doubt(store: Store) -> None:
    """The dot was out, and the server closed without having read it: TCP tells (RFC 1122)."""
    publish(store, 1)

    class Deaf(SmtpConnection):
        def interrupts(self, _seconds: float = 0.0) -> bool:
            return False

    with (
        SmtpServer({"BODY": [Fault.CUT]}, body_limit=10) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(smtp_session, "SmtpConnection", Deaf)
        assert run(store, smtp(server)) == DeliveryCounts(deferred=1)


def test_a_connection_cut_after_the_dot_costs_one_copy_under_the_same_name(store: Store) -> None:
    publish(store, 2)

    with SmtpServer({"DOT": [Fault.CUT]}) as server:
        assert run(store, smtp(server)) == DeliveryCounts(sent=1, unknown=1)
        assert states(store) == ["unknown", "sent"]
        assert "did not answer" in outbox(store)[0].last_response
        assert run(store, smtp(server), NOW + 6 * MINUTE) == DeliveryCounts(sent=1)

        first, _, copy = server.arrived
        assert first.recipient == copy.recipient == "reader1@example.org"
        assert first.content == copy.content
    assert states(store) == ["sent", "sent"]


def test_a_message_in_doubt_twice_is_left_to_the_operator(store: Store) -> None:
    publish(store, 1)
    bag = Mailbag(reader1=Unanswered("no answer"))

    assert run(store, bag.open_transport) == DeliveryCounts(unknown=1)
    assert run(store, bag.open_transport) == DeliveryCounts()
    assert run(store, bag.open_transport, NOW + 6 * MINUTE) == DeliveryCounts(unknown=1)
    assert run(store, bag.open_transport, NOW + 30 * DAY) == DeliveryCounts()
    assert len(bag.tries) == 2
    assert states(store) == ["unknown"]


def test_a_run_killed_again_and_again_leaves_one_message_in_doubt_each_time(store: Store) -> None:
    publish(store, 12)
    bag = Mailbag()
    now = NOW

    for crash in range(5):

        def strike(message: Message, crash: int = crash) -> None:
            if message.recipient.startswith(f"reader{2 * crash + 2}@"):
                raise Killed

        bag.before_each = strike
        with pytest.raises(Killed):
            run(store, bag.open_transport, now)
        assert states(store).count("sending") == 1
        now += 10 * MINUTE

    bag.before_each = lambda _message: None
    run(store, bag.open_transport, now)
    assert states(store) == ["sent"] * 12
    assert Counter(bag.recipients()) == {f"reader{n}": 1 for n in range(1, 13)}


def test_a_message_taken_but_not_recorded_comes_once_more_under_its_name(store: Store) -> None:
    """Killed between the server's 250 and the record of it."""
    publish(store, 3)
    bag = Mailbag()

    class Bag:
        def ready(self) -> None: ...

        def send(self, message: Message) -> None:
            bag.send(message)
            if message.recipient.startswith("reader2"):
                raise Killed

    @contextmanager
    def open_transport() -> Iterator[Transport]:
        yield Bag()

    with pytest.raises(Killed):
        run(store, open_transport)
    run(store, bag.open_transport, NOW + 10 * MINUTE)

    assert Counter(bag.recipients()) == {"reader1": 1, "reader2": 2, "reader3": 1}
    copies = [message for message in bag.messages if message.recipient.startswith("reader2")]
    assert copies[0] == copies[1]
