"""A message in doubt is sent again with the same bytes, whatever has changed meanwhile."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.factories import NOW
from tests.helpers.mail.message_checks import SENDER, TOKENS, messages
from tests.helpers.mail.outbox_helpers import Killed, Mailbag, outbox, publish, smtp
from tests.helpers.mail.smtp_server import Fault, SmtpServer
from tests.helpers.polling import PATIENCE, until

from larkpost.db import papers, readers
from larkpost.db.engine import Store
from larkpost.db.outbox import deliveries
from larkpost.db.outbox import sent_messages as kept_messages
from larkpost.domain import Identifier, PaperRecord
from larkpost.errors import Busy, Deferred, Unanswered
from larkpost.mail import outbox_run
from larkpost.mail.deliver import DeliveryCounts, deliver
from larkpost.render import EditionRenderer
from larkpost.urls import UrlBuilder

if TYPE_CHECKING:
    from datetime import datetime

    from tests.helpers.mail.outbox_helpers import OpenTransport

    from larkpost.domain import Message, Reader
    from larkpost.interfaces import Renderer

LATER = NOW + timedelta(minutes=10)


def run(
    store: Store,
    open_transport: OpenTransport,
    now: datetime = NOW,
    renderer: Renderer | None = None,
) -> DeliveryCounts:
    return deliver(store, renderer or messages(), open_transport, now=now, holder="test")


def correct(store: Store, who: Reader) -> None:
    """Change the sources of a message: the reader's name, and a paper by a later dump."""
    draft = PaperRecord(
        title="Sparse routing in mixtures of experts",
        abstract="Corrected: nothing is known of routing, and experts still hide it.",
        identifiers=(Identifier("arxiv", "2608.00001"),),
        first_seen=LATER,
    )
    with store.begin() as connection:
        readers.update(connection, who.id, name="Countess of L.")
        papers.absorb(connection, [draft], now=LATER)


def kept(store: Store) -> set[int]:
    with store.read() as connection:
        return set(kept_messages.read(connection, outbox(store)))


def test_a_message_in_doubt_is_the_same_to_the_byte_after_a_correction(store: Store) -> None:
    who = publish(store, 2)

    with SmtpServer({"DOT": [Fault.CUT]}) as server:
        assert run(store, smtp(server)) == DeliveryCounts(sent=1, unknown=1)
        correct(store, who[0])
        assert run(store, smtp(server), LATER) == DeliveryCounts(sent=1)

        first, _, copy = server.arrived
        assert first.recipient == copy.recipient
        assert first.sender == copy.sender
        assert first.content == copy.content
        assert b"Countess" not in copy.content
    assert kept(store) == set()


def test_a_message_that_a_killed_process_had_begun_is_the_same_to_the_byte(store: Store) -> None:
    """Even where the next process has other settings, or is another version."""
    who = publish(store, 3)
    bag = Mailbag()

    def strike(message: Message) -> None:
        if message.recipient == who[1].address:
            bag.messages.append(message)
            raise Killed

    bag.before_each = strike
    with pytest.raises(Killed):
        run(store, bag.open_transport)
    correct(store, who[1])
    correct(store, who[2])
    bag.before_each = lambda _message: None
    other = EditionRenderer(
        UrlBuilder("https://moved.example", TOKENS), sender=SENDER, title="Another title"
    )
    assert run(store, bag.open_transport, LATER, other) == DeliveryCounts(sent=2)

    ours = [message for message in bag.messages if message.recipient == who[1].address]
    untried = [message for message in bag.messages if message.recipient == who[2].address]
    assert ours == [ours[0]] * 2
    assert b"moved.example" not in ours[1].content
    assert [b"moved.example" in message.content for message in untried] == [True]
    assert kept(store) == set()


def test_what_an_operator_sends_again_after_doubt_is_the_same_to_the_byte(store: Store) -> None:
    who = publish(store, 1)
    sent: list[Message] = []
    doubtful = Mailbag(reader1=Unanswered("no answer"))
    doubtful.before_each = sent.append
    run(store, doubtful.open_transport)
    run(store, doubtful.open_transport, LATER)
    correct(store, who[0])
    with store.begin() as connection:
        deliveries.reopen(connection, [outbox(store)[0].id], now=LATER)
    bag = Mailbag()

    assert run(store, bag.open_transport, LATER) == DeliveryCounts(sent=1)
    assert [*sent, *bag.messages] == [sent[0]] * 3


def test_a_message_that_was_only_put_off_is_made_of_what_is_known_now(store: Store) -> None:
    who = publish(store, 1)
    run(store, Mailbag(reader1=Deferred("450 4.2.0 greylisted")).open_transport)
    assert kept(store) == set()
    correct(store, who[0])
    bag = Mailbag()

    assert run(store, bag.open_transport, LATER) == DeliveryCounts(sent=1)
    assert b"Countess" in bag.messages[0].content


def test_a_message_in_doubt_to_an_address_that_has_changed_is_made_anew(store: Store) -> None:
    who = publish(store, 1)
    run(store, Mailbag(reader1=Unanswered("no answer")).open_transport)
    with store.begin() as connection:
        readers.update(connection, who[0].id, address="ada@example.net")
    bag = Mailbag()

    assert run(store, bag.open_transport, LATER) == DeliveryCounts(sent=1)
    assert bag.messages[0].recipient == "ada@example.net"
    assert b"reader1@example.org" not in bag.messages[0].content


def test_what_one_run_is_about_to_send_another_does_not_forget(store: Store) -> None:
    publish(store, 2)
    seen: list[set[int]] = []
    bag = Mailbag()

    def beside(_message: Message) -> None:
        with store.begin() as connection:
            kept_messages.sweep(connection)
        seen.append(kept(store))

    bag.before_each = beside
    run(store, bag.open_transport)

    first, second = (row.id for row in outbox(store))
    assert seen == [{first, second}, {second}]
    assert kept(store) == set()


def hold(url: str, over: threading.Event, seconds: float = PATIENCE) -> threading.Thread:
    """Lock the database, as another program would, until it is ``over``; returns once it is."""
    held = threading.Event()

    def lock() -> None:
        other = Store(url)
        with other.begin():
            held.set()
            over.wait(seconds)
        other.close()

    thread = threading.Thread(target=lock)
    thread.start()
    held.wait(PATIENCE)
    return thread


def test_an_answer_is_written_down_when_the_database_is_free_again(sqlite_url: str) -> None:
    """The lock is held for many times as long as the store is patient."""
    store = Store(sqlite_url, patience=0.05)
    publish(store, 3)
    bag = Mailbag()

    holding: list[threading.Thread] = []

    def lock(message: Message) -> None:
        if message.recipient.startswith("reader2@"):
            holding.append(hold(sqlite_url, threading.Event(), 1.0))

    bag.before_each = lock
    assert run(store, bag.open_transport) == DeliveryCounts(sent=3)
    holding[0].join()
    assert run(store, bag.open_transport, LATER) == DeliveryCounts()
    assert bag.recipients() == ["reader1", "reader2", "reader3"]
    store.close()


def test_an_answer_is_not_waited_with_for_longer_than_the_lease(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_run, "LEASE", timedelta(seconds=0.5))
    store = Store(sqlite_url, patience=0.05)
    publish(store, 1)
    holding: list[threading.Thread] = []
    bag = Mailbag()
    over = threading.Event()
    bag.before_each = lambda _message: holding.append(hold(sqlite_url, over))

    with pytest.raises(Busy):
        run(store, bag.open_transport)
    over.set()
    holding[0].join()
    store.close()


def test_the_lease_of_a_message_is_kept_up_while_the_server_thinks(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the next run would take it for one that a dead process left behind."""
    monkeypatch.setattr(outbox_run, "LEASE", timedelta(seconds=2))
    publish(store, 1)
    bag = Mailbag()

    def think(_message: Message) -> None:
        begun = outbox(store)[0].lease_until
        until(lambda: outbox(store)[0].lease_until != begun)

    bag.before_each = think
    assert run(store, bag.open_transport) == DeliveryCounts(sent=1)
