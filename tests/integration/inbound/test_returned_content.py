"""Tests editions that a mail server accepts, and the next one returns for the words of a paper."""

from __future__ import annotations

import email
from email import policy
from typing import TYPE_CHECKING

import pytest
from tests.helpers.factories import DAY, NOW
from tests.helpers.mail.message_checks import RENDERER
from tests.helpers.mail.outbox_helpers import Mailbag, outbox
from tests.integration.inbound.test_maildir import POST, to
from tests.integration.mail.test_refused_content import (
    WORD,
    ContentFilter,
    publish,
    send,
    text_of,
)
from tests.unit.inbound.test_bounce_parser import dsn, fields

from larkpost.db import editions, readers, votes
from larkpost.domain import DeliveryState
from larkpost.errors import Unanswered
from larkpost.inbound.process import InboundKind, receive
from larkpost.mail.deliver import DeliveryCounts, deliver
from larkpost.readers import removal
from larkpost.transports.maildir import Maildir

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from larkpost.db.engine import Store
    from larkpost.domain import Edition

SPAM = "554 5.7.1 looks like spam"


@pytest.fixture
def relay() -> Iterator[ContentFilter]:
    """A mail server that takes every message."""
    with ContentFilter(word="no message has this") as running:
        yield running


def only_edition(store: Store) -> Edition:
    with store.read() as connection:
        (page,) = editions.get_many(connection, [1]).values()
    return page


def give_back(
    store: Store, status: str, words: str, *, recipient: str = "", now: datetime = NOW
) -> InboundKind:
    """Return the edition to its bounce address, as its reader's server refused it."""
    page = only_edition(store)
    block = fields("failed", status, words).replace(
        "a@b.example", recipient or str(page.reader.address).upper()
    )
    return receive(store, POST, to(POST.bounces(page), dsn(block)), now=now).meaning


def names_of(server: ContentFilter) -> list[str]:
    sent = (email.message_from_bytes(one, policy=policy.default) for one in server.taken)
    return [str(one["Message-ID"]) for one in sent]


@pytest.mark.parametrize(
    ("status", "words"), [("5.7.1", SPAM), ("5.6.0", "554 5.6.0 bad"), ("5.0.0", "554 5.7.0 no")]
)
def test_it_goes_again_once_without_the_paper_of_a_blog_as_a_message_of_its_own(
    store: Store, relay: ContentFilter, status: str, words: str
) -> None:
    publish(store, honest=2)
    assert send(store, relay) == DeliveryCounts(sent=1)

    kinds = [give_back(store, status, words)]
    assert send(store, relay) == DeliveryCounts(sent=1)
    kinds.append(give_back(store, status, words))

    assert kinds == [InboundKind.SHORTENED, InboundKind.HARMLESS]
    assert send(store, relay) == DeliveryCounts()
    assert [WORD in text_of(one) for one in relay.taken] == [True, False]
    first, second = names_of(relay)
    assert first != second
    (row,) = outbox(store)
    assert (row.state, row.message_id) == (DeliveryState.SENT, first)


def test_a_shorter_message_that_the_server_defers_goes_later_under_its_own_message_id(
    store: Store, relay: ContentFilter
) -> None:
    publish(store, honest=2)
    send(store, relay)
    give_back(store, "5.7.1", SPAM)
    relay.unsure = "451 4.3.0 later"
    send(store, relay)
    relay.unsure = "250 2.0.0 taken"

    assert send(store, relay, NOW + DAY / 2) == DeliveryCounts(sent=1)

    assert len(set(names_of(relay))) == len(relay.taken) == 2


def test_one_in_doubt_that_was_returned_does_not_go_again_as_it_was(
    store: Store, relay: ContentFilter
) -> None:
    publish(store, honest=2)
    with store.read() as connection:
        (reader,) = readers.all(connection)
    silent = Mailbag(**{str(reader.address).partition("@")[0]: Unanswered("no answer")})
    deliver(store, RENDERER, silent.open_transport, now=NOW, holder="test")
    assert [row.state for row in outbox(store)] == [DeliveryState.UNKNOWN]

    assert give_back(store, "5.7.1", SPAM) is InboundKind.SHORTENED

    assert send(store, relay) == DeliveryCounts(sent=1)
    assert [WORD in text_of(one) for one in relay.taken] == [False]
    assert send(store, relay, NOW + DAY) == DeliveryCounts()


@pytest.mark.parametrize(
    ("status", "words", "recipient", "honest", "hostile", "later"),
    [
        ("5.7.26", "550 5.7.26 unauthenticated", "", 2, True, 0),
        ("5.7.1", SPAM, "her-other-mailbox@example.net", 2, True, 0),
        ("5.7.1", SPAM, "", 2, False, 0),
        ("5.7.1", SPAM, "", 0, True, 0),
        ("5.7.1", SPAM, "", 2, True, 4),
    ],
)
def test_it_does_not_if_its_reader_may_have_it_or_nothing_is_left_out_or_left(
    store: Store,
    relay: ContentFilter,
    status: str,
    words: str,
    recipient: str,
    honest: int,
    hostile: bool,
    later: int,
) -> None:
    publish(store, honest=honest, hostile=hostile)
    send(store, relay)

    now = NOW + later * DAY
    kind = give_back(store, status, words, recipient=recipient, now=now)

    assert kind is InboundKind.HARMLESS
    assert send(store, relay, now) == DeliveryCounts()


@pytest.mark.parametrize("which", [0, 1])
def test_thumbs_in_replies_to_both_messages_count(
    store: Store, relay: ContentFilter, which: int
) -> None:
    publish(store, honest=2)
    send(store, relay)
    give_back(store, "5.7.1", SPAM)
    send(store, relay)
    reply = f"In-Reply-To: {names_of(relay)[which]}\n\n1 +\n".encode()

    page = only_edition(store)
    done = receive(store, POST, to(POST.answers(page), reply), now=NOW)

    assert done.meaning is InboundKind.VOTED
    with store.read() as connection:
        assert votes.thumbs(connection, page.reader.id).keys() == {page.picks[0].paper.id}


def test_both_messages_are_deleted_with_their_reader(store: Store, tmp_path: Path) -> None:
    publish(store, honest=2)
    folder = tmp_path / "outbox"
    for _ in range(2):
        deliver(store, RENDERER, lambda: Maildir(folder), now=NOW, holder="test")
        give_back(store, "5.7.1", SPAM)
    assert len(list(folder.glob("new/*"))) == 2

    removal.remove(store, 1, outbox=folder)

    assert list(folder.glob("new/*")) == []
