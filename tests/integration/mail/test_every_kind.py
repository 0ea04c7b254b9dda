"""The rules shared by every kind of message: greylisting, doubt, bounces, stored bytes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.factories import DAY, NOW
from tests.helpers.mail.every_kind import KINDS, ask, later, queue, rows, send, stored_messages
from tests.helpers.mail.greylisting import Greylist
from tests.helpers.mail.message_checks import MAILBOXES, RENDERER, messages
from tests.helpers.mail.outbox_helpers import MINUTE, Mailbag
from tests.unit.inbound.test_bounce_parser import dsn, fields

from larkpost.db import readers
from larkpost.db.coordination import job_status
from larkpost.db.outbox import bounces
from larkpost.db.usage.last_use import ExpiryRule
from larkpost.domain import BounceKind, DeliveryState, MessageKind, Status
from larkpost.errors import Deferred, Refused, Unanswered
from larkpost.inbound.process import InboundKind, receive
from larkpost.inbound.reply_addresses import ReplyableRenderer
from larkpost.mail import circuit_breaker
from larkpost.mail.deliver import DeliveryCounts
from larkpost.mail.sending_hold import retry
from larkpost.readers import subscriptions
from larkpost.readers.expiry import LastUses
from larkpost.scheduler.housekeeping import clean_up

if TYPE_CHECKING:
    from larkpost.db.engine import Store
    from larkpost.domain import Bounce

TO_READERS = [kind for kind in KINDS if kind is not MessageKind.OPERATOR_REPORT]
NOBODY = Refused("550 5.1.1 no such user", nobody=True, code="5.1.1")
DEAD = dsn(fields("failed", "5.1.1", "550 5.1.1 no such user"))


def name(address: str) -> str:
    return address.partition("@")[0]


def bounces_of(store: Store, address: str) -> list[Bounce]:
    with store.read() as connection:
        return bounces.of(connection, readers.by_address(connection, address).id)


def status_of(store: Store, address: str) -> Status:
    with store.read() as connection:
        return readers.by_address(connection, address).status


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("after_the_message", [False, True], ids=["at-rcpt", "after-the-message"])
def test_a_greylisted_message_comes_once_and_within_the_hour_after_the_delay(
    store: Store, kind: MessageKind, after_the_message: bool
) -> None:
    to = queue(store, kind, 3, domain="grey.example")

    with Greylist("grey.example", NOW, after_the_message=after_the_message) as server:
        for ticks in range(25):
            server.now = NOW + ticks * 5 * MINUTE
            send(store, server.open_transport, server.now, domain="grey.example")

        assert sorted(recipient for _, _, recipient in server.taken) == sorted(to)
        for when, sender, recipient in server.taken:
            assert when - server.open_from[sender, recipient] <= timedelta(hours=1)
        assert max(server.tries.values()) <= 7


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_greylisted_is_not_kept_as_bytes(store: Store, kind: MessageKind) -> None:
    (address,) = queue(store, kind)

    counts = send(store, Mailbag(**{name(address): Deferred("451 greylisted")}).open_transport)

    assert counts == DeliveryCounts(deferred=1)
    assert stored_messages(store) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_in_doubt_goes_once_more_and_is_the_same_to_the_byte(
    store: Store, kind: MessageKind
) -> None:
    (address,) = queue(store, kind)
    first = Mailbag(**{name(address): Unanswered("no answer")})
    first.before_each = first.messages.append
    assert send(store, first.open_transport) == DeliveryCounts(unknown=1)
    if kind is not MessageKind.OPERATOR_REPORT:
        with store.begin() as connection:
            who = readers.by_address(connection, address)
            readers.update(connection, who.id, name="Countess of L.")
    bag = Mailbag()

    assert send(store, bag.open_transport, later(1), renderer=messages()) == DeliveryCounts(sent=1)
    assert bag.messages == first.messages
    assert send(store, bag.open_transport, later(2)) == DeliveryCounts()


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_in_doubt_twice_goes_no_more(store: Store, kind: MessageKind) -> None:
    (address,) = queue(store, kind)
    bag = Mailbag(**{name(address): Unanswered("no answer")})

    for number in range(20):
        send(store, bag.open_transport, later(number))

    assert bag.tries == [address] * 2
    # It is left to the operator, but the links of what is no edition are kept no longer.
    assert rows(store) == [(kind.value, "unknown")]
    assert stored_messages(store) == int(kind is MessageKind.EDITION)
    (again,) = retry(store, [DeliveryState.UNKNOWN], limit=9, now=later(20))
    assert again.hold is None
    assert send(store, Mailbag().open_transport, later(20)) == DeliveryCounts(sent=1)


def test_who_asks_again_after_two_confirmations_in_doubt_is_sent_another(store: Store) -> None:
    ask(store, "grace@example.org")
    bag = Mailbag(grace=Unanswered("no answer"))
    for number in range(4):
        send(store, bag.open_transport, later(number))

    ask(store, "grace@example.org", now=later(9))
    good = Mailbag()
    send(store, good.open_transport, later(9))

    assert good.recipients() == ["grace"]
    assert rows(store) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_of_the_mail_server_is_remembered_for_all_and_costs_the_message_nothing(
    store: Store, kind: MessageKind
) -> None:
    (address,) = queue(store, kind)
    closed, bag = Mailbag(**{name(address): Deferred("away", server_fault=True)}), Mailbag()

    assert send(store, closed.open_transport) == DeliveryCounts(deferred=1)
    assert send(store, closed.open_transport, NOW + timedelta(seconds=30)) == DeliveryCounts()
    with store.read() as connection:
        assert circuit_breaker.resting(connection, NOW + timedelta(seconds=30))

    assert send(store, bag.open_transport, NOW + 2 * MINUTE) == DeliveryCounts(sent=1)
    assert closed.opened == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_refused_message_is_not_tried_again(store: Store, kind: MessageKind) -> None:
    (address,) = queue(store, kind)

    assert send(store, Mailbag(**{name(address): NOBODY}).open_transport) == DeliveryCounts(
        failed=1
    )
    bag = Mailbag()
    for number in range(1, 10):
        send(store, bag.open_transport, later(number))

    assert bag.tries == []
    assert stored_messages(store) == 0


@pytest.mark.parametrize("kind", TO_READERS)
def test_a_dead_address_counts_against_its_reader_by_every_kind(
    store: Store, kind: MessageKind
) -> None:
    if kind is MessageKind.CONFIRMATION:  # who is a reader already is shown the way to their page
        subscriptions.add(store, "new0@example.org", now=NOW)
    (address,) = queue(store, kind)

    send(store, Mailbag(**{name(address): NOBODY}).open_transport)

    assert status_of(store, address) is Status.SUSPENDED
    (bounce,) = bounces_of(store, address)
    assert (bounce.kind, bounce.code) == (BounceKind.HARD, "5.1.1")


@pytest.mark.parametrize("kind", TO_READERS)
def test_a_refusal_for_now_weighs_the_same_by_every_kind(store: Store, kind: MessageKind) -> None:
    if kind is MessageKind.CONFIRMATION:
        subscriptions.add(store, "new0@example.org", now=NOW)
    (address,) = queue(store, kind)
    full = Refused("552 5.2.2 mailbox full", unwelcome=True, code="5.2.2")

    send(store, Mailbag(**{name(address): full}).open_transport)

    assert status_of(store, address) is Status.ACTIVE
    (bounce,) = bounces_of(store, address)
    assert (bounce.kind, bounce.code) == (BounceKind.SOFT, "5.2.2")


@pytest.mark.parametrize("kind", KINDS)
def test_mail_that_comes_back_is_counted_by_every_kind(store: Store, kind: MessageKind) -> None:
    if kind is MessageKind.CONFIRMATION:
        subscriptions.add(store, "new0@example.org", now=NOW)
    (address,) = queue(store, kind)
    bag = Mailbag()
    send(store, bag.open_transport, renderer=ReplyableRenderer(RENDERER, MAILBOXES))

    meaning = receive(
        store, MAILBOXES, f"To: {bag.messages[0].sender}\n".encode() + DEAD, now=NOW
    ).meaning

    if kind is MessageKind.OPERATOR_REPORT:
        assert meaning is InboundKind.BOUNCED
    else:
        assert meaning is InboundKind.SUSPENDED
        assert len(bounces_of(store, address)) == 1


def test_a_report_that_is_refused_is_reported_by_the_status(store: Store) -> None:
    queue(store, MessageKind.OPERATOR_REPORT)

    send(store, Mailbag(boss=NOBODY).open_transport)

    with store.read() as connection:
        told = job_status.latest(connection)["operator_report"]
    assert not told.ok
    assert told.detail["problem"] == "550 5.1.1 no such user"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not MessageKind.EDITION])
def test_what_says_nothing_any_more_is_given_up_after_two_days_without_a_mail_server(
    store: Store, kind: MessageKind
) -> None:
    """Nobody's address stays because a mail server is away."""
    queue(store, kind)
    for days, left in ((0, 1), (1, 1), (2, 0)):
        clean_up(store, LastUses(), ExpiryRule(0, 0), now=NOW + days * DAY)
        assert len(rows(store)) == left


def test_of_a_confirmation_nothing_stays_but_the_reader_it_was_for(store: Store) -> None:
    ask(store, "grace@example.org")

    assert send(store, Mailbag().open_transport).confirmations == 1

    assert (rows(store), stored_messages(store)) == ([], 0)
    assert status_of(store, "grace@example.org") is Status.PENDING


def test_what_is_kept_of_a_confirmation_on_its_way_goes_with_its_answer(store: Store) -> None:
    ask(store, "grace@example.org")
    seen: list[tuple[list[tuple[str, str]], int]] = []
    bag = Mailbag()
    bag.before_each = lambda _message: seen.append((rows(store), stored_messages(store)))

    send(store, bag.open_transport)

    assert seen == [([("confirmation", "sending")], 1)]
    assert (rows(store), stored_messages(store)) == ([], 0)


def test_a_confirmation_of_a_reader_who_is_removed_goes_no_more(store: Store) -> None:
    ask(store, "grace@example.org")
    send(store, Mailbag(grace=Deferred("451 greylisted")).open_transport)
    with store.read() as connection:
        grace = readers.by_address(connection, "grace@example.org")
    subscriptions.remove(store, grace.id)
    bag = Mailbag()

    send(store, bag.open_transport, later(1))

    assert (bag.tries, rows(store)) == ([], [])
