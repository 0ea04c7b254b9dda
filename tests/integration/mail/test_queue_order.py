"""The order of the one queue: confirmations, today's messages, then retries by their due time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update
from tests.helpers.factories import DAY, NOW, TODAY
from tests.helpers.mail.every_kind import ask, queue, send
from tests.helpers.mail.message_checks import thousand
from tests.helpers.mail.outbox_helpers import MINUTE, Mailbag, PlainRenderer, publish, run

from larkpost.db import schema
from larkpost.db.outbox import delivery_queue
from larkpost.db.outbox.delivery_queue import BATCH
from larkpost.domain import MessageKind
from larkpost.errors import Deferred, Unanswered
from larkpost.mail import deliver as deliver_module
from larkpost.mail.deliver import would_go

if TYPE_CHECKING:
    from larkpost.db.engine import Store
    from larkpost.domain import Message

EDITIONS = 1_000


def test_confirmations_go_first_then_todays_messages_then_retries(store: Store) -> None:
    publish(store, 2, TODAY - DAY, NOW - 20 * 60 * MINUTE)
    busy = Mailbag(reader1=Deferred("451 later"), reader2=Deferred("451 later"))
    send(store, busy.open_transport, NOW - 20 * 60 * MINUTE)
    publish(store, 2)
    queue(store, MessageKind.OPERATOR_REPORT)
    ask(store, "new@example.org")
    bag = Mailbag()

    assert [row.kind.value for row in would_go(store, now=NOW)] == [
        "confirmation", "edition", "edition", "operator_report", "edition", "edition",
    ]  # fmt: skip
    send(store, bag.open_transport, renderer=PlainRenderer())

    assert bag.recipients() == ["new", "reader1", "reader2", "boss", "reader1", "reader2"]
    yesterday = str(TODAY - DAY)
    assert [yesterday in one.message_id for one in bag.messages] == [False] * 4 + [True] * 2


def test_messages_to_readers_who_do_not_count_go_last_new_ones_and_retries(store: Store) -> None:
    """Anybody can confirm hundreds of mailboxes: their messages delay nobody else's."""
    first, *_ = publish(store, 3)
    change = update(schema.reader).where(schema.reader.c.id == first.id).values(counts_from=None)
    with store.begin() as connection:
        connection.execute(change)
    later = Deferred("451 later")
    bag = Mailbag(reader1=later, reader2=later, reader3=later)

    send(store, bag.open_transport, renderer=PlainRenderer())
    send(store, bag.open_transport, NOW + 20 * MINUTE, renderer=PlainRenderer())

    assert bag.tries == [f"reader{n}@example.org" for n in (2, 3, 1, 2, 3, 1)]


def test_a_confirmation_that_is_tried_again_goes_before_editions_too(store: Store) -> None:
    ask(store, "new@example.org")
    send(store, Mailbag(new=Deferred("451 greylisted")).open_transport)
    publish(store, 2, now=NOW + 6 * MINUTE)
    bag = Mailbag()

    send(store, bag.open_transport, NOW + 6 * MINUTE)

    assert bag.recipients()[0] == "new"


@pytest.mark.parametrize("fault", [Deferred("451 greylisted"), Unanswered("no answer")])
def test_a_confirmation_that_is_over_a_limit_or_not_due_holds_up_nothing(
    store: Store, fault: Exception
) -> None:
    for number in range(70):  # sixty an hour go to a domain
        ask(store, f"new{number}@example.org", number)
    publish(store, 3)
    bag = Mailbag(new0=fault)

    counts = send(store, bag.open_transport, renderer=PlainRenderer())

    assert counts.confirmations == 59
    assert bag.recipients()[-3:] == ["reader1", "reader2", "reader3"]


def test_a_confirmation_asked_for_among_a_thousand_editions_goes_within_a_batch(
    store: Store,
) -> None:
    """However fast they go: what is claimed next begins with it."""
    thousand(store, EDITIONS)
    bag = Mailbag()

    def ask_in_the_middle(_message: Message) -> None:
        if len(bag.tries) == EDITIONS // 2:
            ask(store, "new@example.org")

    bag.before_each = ask_in_the_middle
    counts = send(store, bag.open_transport, renderer=PlainRenderer())

    assert (counts.sent, counts.confirmations) == (EDITIONS + 1, 1)
    assert EDITIONS // 2 < bag.recipients().index("new") <= EDITIONS // 2 + BATCH
    assert len(set(bag.tries)) == EDITIONS + 1


def test_a_confirmation_asked_for_among_a_thousand_slow_editions_is_the_next_message(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where each message takes as long as a run waits between two looks, it waits for one."""
    monkeypatch.setattr(deliver_module, "LOOK_SECONDS", 0.0)
    thousand(store, 150)
    bag = Mailbag()

    def ask_meanwhile(_message: Message) -> None:
        if len(bag.tries) in (5, 120):
            ask(store, f"new{len(bag.tries)}@example.org", len(bag.tries))

    bag.before_each = ask_meanwhile
    counts = send(store, bag.open_transport, renderer=PlainRenderer())

    assert (bag.recipients().index("new5"), bag.recipients().index("new120")) == (6, 121)
    assert counts.sent == len(bag.messages) == len(set(bag.tries)) == 152


def test_a_mail_server_that_closes_over_a_confirmation_leaves_the_editions_as_they_were(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver_module, "LOOK_SECONDS", 0.0)
    thousand(store, 10)
    closed, bag = Mailbag(new=Deferred("away", server_fault=True)), Mailbag()

    def ask_meanwhile(_message: Message) -> None:
        if len(closed.tries) == 2:
            ask(store, "new@example.org")

    closed.before_each = ask_meanwhile
    send(store, closed.open_transport, renderer=PlainRenderer())
    with store.read() as connection:
        assert delivery_queue.count_due(connection, NOW + MINUTE) == 8
    send(store, bag.open_transport, NOW + 2 * MINUTE, renderer=PlainRenderer())

    assert len(closed.messages) == 3
    assert len(bag.messages) == 8
    assert bag.recipients()[0] == "new"


def test_a_fifth_of_each_batch_is_for_retries_while_there_are_more_new_messages(
    store: Store,
) -> None:
    thousand(store, 160)
    busy = Mailbag(**{f"reader{number}": Deferred("451 later") for number in range(40)})
    run(store, busy.open_transport, limit=40)

    order = [row.attempts > 0 for row in would_go(store, now=NOW + 60 * MINUTE)]

    assert order == [False] * 80 + [True] * 20 + [False] * 40 + [True] * 20
