"""Tests greylisting servers: each recipient waits alone, and gets mail soon after the delay."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.factories import DAY, NOW, TODAY
from tests.helpers.mail.greylisting import Greylist
from tests.helpers.mail.outbox_helpers import MINUTE, PlainRenderer, outbox, publish, states

from larkpost.db import readers
from larkpost.db.coordination import job_status
from larkpost.db.engine import Store
from larkpost.inbound.reply_addresses import ReplyableRenderer
from larkpost.inbound.return_address import ReturnAddresses
from larkpost.mail.deliver import DeliveryCounts, deliver
from larkpost.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from larkpost.domain import Reader

RENDERER = ReplyableRenderer(
    PlainRenderer(), ReturnAddresses("post@paper.example", Tokens([b"k" * 32]))
)
TICK = 5 * MINUTE
HOUR = timedelta(hours=1)


def add_readers(store: Store, domain: str, count: int) -> list[Reader]:
    with store.begin() as connection:
        return [
            readers.add(connection, address=f"reader{n}@{domain}", now=NOW, next_slot=NOW)
            for n in range(count)
        ]


def tick(store: Store, server: Greylist, now: datetime) -> DeliveryCounts:
    server.now = now
    return deliver(store, RENDERER, server.open_transport, now=now, holder="test", patient=True)


def delivered_late(server: Greylist) -> list[tuple[str, timedelta]]:
    """Return who got a message more than an hour after the server would have accepted it."""
    waits = (
        (recipient, when - server.open_from[sender, recipient])
        for when, sender, recipient in server.taken
        if (sender, recipient) in server.open_from
    )
    return [(recipient, wait) for recipient, wait in waits if wait > HOUR]


def live_through(server: Greylist, store: Store, readers_: tuple[int, int]) -> None:
    """Publish on three days and tick for two hours each; ``readers_`` are grey and plain."""
    grey, plain = readers_
    for day in range(3):
        morning = NOW + day * DAY
        publish(store, 0, TODAY + day * DAY, morning)
        assert tick(store, server, morning) == DeliveryCounts(sent=plain, deferred=grey)
        for ticks in range(1, 25):
            tick(store, server, morning + ticks * TICK)


def test_three_hundred_greylisted_readers_get_their_messages_of_three_days_within_the_hour(
    sqlite_store: Store,
) -> None:
    add_readers(sqlite_store, "grey.example", 300)
    add_readers(sqlite_store, "plain.example", 20)

    with Greylist("grey.example", NOW) as server:
        live_through(server, sqlite_store, (300, 20))

    assert len({(sender, recipient) for _, sender, recipient in server.taken}) == 3 * 320
    assert len(server.taken) == 3 * 320
    assert delivered_late(server) == []
    assert max(server.tries.values()) <= 3 * 7
    assert set(states(sqlite_store)) == {"sent"}


@pytest.mark.parametrize(
    ("answer", "after_the_message"),
    [
        ("450 4.2.0 greylisted", False),
        ("451 4.3.0 temporary failure", False),
        ("451 try again later", False),
        ("421 4.7.0 try again later", False),
        ("451 4.7.1 greylisted", True),  # rspamd
    ],
)
def test_one_domain_that_greylists_holds_up_no_other(
    store: Store, answer: str, after_the_message: bool
) -> None:
    add_readers(store, "grey.example", 8)
    add_readers(store, "plain.example", 4)

    with Greylist("grey.example", NOW, answer, after_the_message) as server:
        live_through(server, store, (8, 4))

    assert len(server.taken) == 3 * 12
    assert delivered_late(server) == []
    assert events_ok(store)


def test_the_outbox_says_when_a_greylisted_message_goes_next(store: Store) -> None:
    add_readers(store, "grey.example", 1)
    publish(store, 0)

    with Greylist("grey.example", NOW) as server:
        tick(store, server, NOW)

    (message,) = outbox(store)
    assert message.last_response.endswith("at RCPT TO")
    assert 5 * MINUTE <= message.next_attempt_at - NOW <= 15 * MINUTE


def events_ok(store: Store) -> bool:
    with store.read() as connection:
        return job_status.latest(connection)["deliver"].ok


@pytest.fixture
def sqlite_store(sqlite_url: str) -> Iterator[Store]:
    """Open a store on SQLite only: this tests the order of messages, for a minute."""
    with closing(Store(sqlite_url)) as opened:
        yield opened
