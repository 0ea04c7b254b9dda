"""Tests confirmations and notices that fail or bounce: they are counted, and block no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.helpers.factories import DAY, NOW
from tests.helpers.mail.message_checks import MAILBOXES, RENDERER
from tests.helpers.mail.outbox_helpers import MINUTE, Mailbag, PlainRenderer
from tests.unit.inbound.test_bounce_parser import dsn, fields

from larkpost.db import readers
from larkpost.db.outbox import bounces, delivery_queue
from larkpost.db.outbox import notices as askings
from larkpost.domain import BounceKind, Status
from larkpost.errors import Deferred, Refused, Unanswered
from larkpost.inbound.process import InboundKind, receive
from larkpost.mail import confirmations
from larkpost.mail.deliver import deliver
from larkpost.mail.retry_policy import FIRST_TRY_AGAIN
from larkpost.readers import subscriptions

if TYPE_CHECKING:
    from datetime import datetime

    from larkpost.db.engine import Store
    from larkpost.domain import Reader
    from larkpost.interfaces import Renderer
    from larkpost.readers.subscriptions import Preferences

HOUR = 60 * MINUTE
HARD = dsn(fields("failed", "5.1.1", "550 5.1.1 no such user"))


def ask(store: Store, *names: str) -> None:
    for name in names:
        asking = confirmations.check_request(f"{name}@example.org", wishes())
        confirmations.ask(store, asking, now=NOW)


def wishes() -> Preferences:
    return subscriptions.check_preferences(
        {
            "zone": "UTC",
            "send_time": NOW.timetz().replace(tzinfo=None),
            "weekdays": frozenset({0}),
            "papers_per_edition": 3,
        }
    )


def answer(store: Store, bag: Mailbag, now: datetime = NOW, writer: Renderer = RENDERER) -> int:
    done = deliver(store, writer, bag.open_transport, now=now, holder="test", patient=True)
    return done.confirmations


def waiting(store: Store) -> int:
    with store.read() as connection:
        return delivery_queue.count_waiting(connection)


def reader_of(store: Store, name: str) -> Reader:
    with store.read() as connection:
        return readers.by_address(connection, f"{name}@example.org")


def test_a_message_that_cannot_be_made_holds_up_no_other_and_is_tried_again(store: Store) -> None:
    ask(store, "bad", "good", "better")
    bag = Mailbag()

    assert answer(store, bag, writer=PlainRenderer(hates="bad")) == 2
    assert bag.recipients() == ["good", "better"]
    assert answer(store, bag, NOW + FIRST_TRY_AGAIN + MINUTE, RENDERER) == 1
    assert bag.recipients()[-1] == "bad"


def test_wishes_that_cannot_be_read_hold_up_no_other(store: Store) -> None:
    with store.begin() as connection:
        askings.ask(connection, "damaged@example.org", {"size": "x"}, now=NOW)
    ask(store, "good")
    bag = Mailbag()

    assert answer(store, bag) == 1
    assert waiting(store) == 1
    answer(store, bag, NOW + 3 * DAY)  # and is given up in the end
    assert waiting(store) == 0


@pytest.mark.parametrize(
    "trouble",
    [
        Refused("550 5.1.1", nobody=True, code="5.1.1"),
        Deferred("451 4.7.1 greylisted"),
        RuntimeError("unforeseen"),
    ],
    ids=["refused", "greylisted", "unforeseen"],
)
def test_a_message_that_the_server_does_not_take_holds_up_no_other(
    store: Store, trouble: Exception
) -> None:
    ask(store, "bad", "good", "better")
    bag = Mailbag(bad=trouble)

    assert answer(store, bag) >= 2
    assert bag.recipients() == ["good", "better"]
    assert bag.tries.count("bad@example.org") == 1


def test_a_message_in_doubt_goes_once_more_and_not_for_two_days(store: Store) -> None:
    ask(store, "grace")
    bag = Mailbag(grace=Unanswered("no answer"))

    for hours in range(60):
        answer(store, bag, NOW + hours * HOUR)

    assert len(bag.tries) == 2


def test_a_greylisted_confirmation_goes_within_the_hour(store: Store) -> None:
    ask(store, "grace")
    bag = Mailbag(grace=Deferred("451 4.7.1 greylisted"))
    tried: list[int] = []
    for minutes in range(60):
        before = len(bag.tries)
        answer(store, bag, NOW + minutes * MINUTE)
        tried += [minutes] * (len(bag.tries) - before)

    # After 5, 10, 20 and 40 minutes, each at the first run after that.
    assert tried[:2] in ([0, 5], [0, 6])
    assert 4 <= len(tried) <= 5


def test_a_confirmation_has_a_signed_return_path_and_its_bounce_counts(store: Store) -> None:
    ask(store, "grace")
    bag = Mailbag()
    answer(store, bag)
    (message,) = bag.messages
    reader = reader_of(store, "grace")

    meaning = receive(store, MAILBOXES, f"To: {message.sender}\n".encode() + HARD, now=NOW).meaning

    assert message.sender.startswith("post+n")
    assert b"\r\nFrom: Larkpost <larkpost@example.org>" in b"\r\n" + message.content
    assert meaning is InboundKind.BOUNCED
    assert reader.status is Status.PENDING
    with store.read() as connection:
        (bounce,) = bounces.of(connection, reader.id)
    assert (bounce.kind, bounce.code) == (BounceKind.HARD, "5.1.1")


def test_who_confirms_after_all_has_an_address_that_works(store: Store) -> None:
    ask(store, "grace")
    bag = Mailbag()
    answer(store, bag)
    receive(store, MAILBOXES, f"To: {bag.messages[0].sender}\n".encode() + HARD, now=NOW)

    subscriptions.confirm(store, reader_of(store, "grace").id, now=NOW)

    with store.read() as connection:
        assert bounces.of(connection, reader_of(store, "grace").id) == []


def test_a_notice_to_a_dead_address_suspends_its_reader(store: Store) -> None:
    subscriptions.add(store, "grace@example.org", now=NOW)
    ask(store, "grace")
    bag = Mailbag()
    answer(store, bag)

    meaning = receive(store, MAILBOXES, f"To: {bag.messages[0].sender}\n".encode() + HARD, now=NOW)

    assert meaning.meaning is InboundKind.SUSPENDED
    assert reader_of(store, "grace").status is Status.SUSPENDED


def test_a_notice_refused_at_the_address_counts_as_a_message_does(store: Store) -> None:
    subscriptions.add(store, "grace@example.org", now=NOW)
    ask(store, "grace")

    answer(store, Mailbag(grace=Refused("550 no such user", nobody=True, code="5.1.1")))

    assert reader_of(store, "grace").status is Status.SUSPENDED


def test_a_bounce_of_a_notice_that_is_old_changes_nothing(store: Store) -> None:
    reader = subscriptions.add(store, "grace@example.org", now=NOW)
    path = MAILBOXES.notices(reader, NOW.date())

    late = receive(store, MAILBOXES, f"To: {path}\n".encode() + HARD, now=NOW + 40 * DAY)

    assert late.meaning is InboundKind.HARMLESS
    assert reader_of(store, "grace").status is Status.ACTIVE
