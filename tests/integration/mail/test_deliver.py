"""Messages from the outbox to a mail server: ordinary days, and messages that cannot be built."""

from __future__ import annotations

import email
import threading
from collections import Counter
from datetime import timedelta
from email import policy
from typing import TYPE_CHECKING

import pytest
from tests.helpers.factories import DAY, NOW, TODAY, add_papers, add_readers, picks_of
from tests.helpers.mail.outbox_helpers import (
    Mailbag,
    PlainRenderer,
    name_of,
    outbox,
    publish,
    run,
    smtp,
    states,
)
from tests.helpers.mail.smtp_server import SmtpServer

from larkpost.db import editions, readers
from larkpost.domain import Message, Status
from larkpost.errors import Deferred
from larkpost.mail.deliver import DeliveryCounts, deliver
from larkpost.render import EditionRenderer
from larkpost.tokens import Tokens
from larkpost.urls import UrlBuilder

if TYPE_CHECKING:
    from larkpost.db.engine import Store
    from larkpost.domain import Edition


# The ordinary day.


def test_each_reader_gets_one_message_with_the_bytes_of_the_press(store: Store) -> None:
    who = publish(store, 3)

    with SmtpServer() as server:
        ledger = run(store, smtp(server))
        again = run(store, smtp(server), NOW + DAY)

        assert ledger == DeliveryCounts(sent=3)
        assert again == DeliveryCounts()
        assert [arrived.recipient for arrived in server.taken] == [r.address for r in who]
        with store.read() as connection:
            pages = [editions.on(connection, reader.id, TODAY) for reader in who]
        messages = PlainRenderer().newsletter([page for page in pages if page])
        assert [arrived.content for arrived in server.taken] == [x.content for x in messages]
        assert server.connections == 1
    assert states(store) == ["sent"] * 3


def test_the_newsletter_of_the_press_arrives_whole_and_without_a_defect(store: Store) -> None:
    who = publish(store, 2)
    renderer = EditionRenderer(
        UrlBuilder("https://paper.example", Tokens([b"k" * 32])),
        sender="Larkpost <post@example.org>",
        title="Larkpost",
    )

    with SmtpServer(extensions=("SIZE 200000", "PIPELINING")) as server:
        ledger = deliver(store, renderer, smtp(server), now=NOW, holder="test")

        assert ledger == DeliveryCounts(sent=2)
        with store.read() as connection:
            pages = editions.get_many(connection, [row.edition_id or 0 for row in outbox(store)])
        messages = {x.recipient: x.content for x in renderer.newsletter(list(pages.values()))}
        for arrived, reader in zip(server.taken, who, strict=True):
            message = email.message_from_bytes(arrived.content, policy=policy.default)
            assert message["Message-ID"] == name_of(reader, TODAY)
            assert [part.defects for part in message.walk()] == [[], [], []]
            own = messages[arrived.recipient].splitlines()
            kept = arrived.content.splitlines()
            assert [line for line in kept if not line.startswith(b"Message-ID:")] == [
                line for line in own if not line.startswith(b"Message-ID:")
            ]


def test_the_mail_server_is_not_opened_when_there_is_nothing_to_send(store: Store) -> None:
    bag = Mailbag()

    assert run(store, bag.open_transport) == DeliveryCounts()
    assert bag.opened == 0


def test_a_limit_is_the_number_of_newsnewsletters_of_a_run(store: Store) -> None:
    publish(store, 3)
    bag = Mailbag()

    assert run(store, bag.open_transport, limit=2) == DeliveryCounts(sent=2)
    assert states(store) == ["sent", "sent", "planned"]
    assert run(store, bag.open_transport, limit=2) == DeliveryCounts(sent=1)


def test_progress_is_reported_after_each_message(store: Store) -> None:
    publish(store, 3)
    told: list[tuple[int, int]] = []

    run(store, Mailbag().open_transport, progress=lambda done, total: told.append((done, total)))

    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_message_is_settled_before_the_next_one_is_begun(store: Store) -> None:
    publish(store, 3)
    seen: list[list[str]] = []
    bag = Mailbag()
    bag.before_each = lambda _message: seen.append(states(store))

    run(store, bag.open_transport)

    assert [found.count("sending") for found in seen] == [1, 1, 1]
    assert [found.count("sent") for found in seen] == [0, 1, 2]


def test_todays_messages_go_before_retries_that_are_due(store: Store) -> None:
    publish(store, 2, TODAY - 2 * DAY, NOW - timedelta(hours=23))
    busy = Mailbag(reader1=Deferred("450"), reader2=Deferred("450"))
    run(store, busy.open_transport, NOW - timedelta(hours=23))
    publish(store, 2)
    bag = Mailbag()

    run(store, bag.open_transport)

    assert [mailed.message_id.partition("@")[0][-10:] for mailed in bag.messages] == [
        "2026-08-07",
        "2026-08-07",
        "2026-08-05",
        "2026-08-05",
    ]


def test_the_message_id_of_the_first_try_is_kept_when_the_senders_domain_has_moved(
    store: Store,
) -> None:
    with store.begin() as connection:
        reader = add_readers(connection, 1)[0]
        editions.publish(
            connection,
            reader=reader,
            date=TODAY,
            picks=picks_of(add_papers(connection, 1)),
            now=NOW,
            next_slot=None,
            message_id="<as.planned@old.example>",
        )
    bag = Mailbag()

    run(store, bag.open_transport)

    assert bag.messages[0].message_id == "<as.planned@old.example>"
    assert b"Message-ID: <as.planned@old.example>\r\n" in bag.messages[0].content
    assert b"@example.org>\r\n" not in bag.messages[0].content


# What cannot be made (59, 61 of FAULTS).


@pytest.mark.parametrize("whole_batches", [True, False])
def test_an_edition_that_cannot_be_set_stops_no_other(store: Store, whole_batches: bool) -> None:
    publish(store, 3)
    bag = Mailbag()
    renderer = PlainRenderer(hates="reader2@", whole_batches=whole_batches)

    ledger = deliver(store, renderer, bag.open_transport, now=NOW, holder="test")

    assert ledger == DeliveryCounts(sent=2, deferred=1)
    assert bag.recipients() == ["reader1", "reader3"]
    assert "ValueError: cannot set the paper of reader2" in outbox(store)[1].last_response


def test_one_hostile_edition_among_a_hundred_costs_no_other_its_message(store: Store) -> None:
    publish(store, 130)
    bag = Mailbag()
    renderer = PlainRenderer(hates="reader77@", whole_batches=False)

    ledger = deliver(store, renderer, bag.open_transport, now=NOW, holder="test")

    assert ledger == DeliveryCounts(sent=129, deferred=1)
    assert len(set(bag.recipients())) == 129
    assert bag.opened == 1


def test_a_paper_that_cannot_be_set_is_left_out_and_the_message_goes(store: Store) -> None:
    publish(store, 2)
    bag = Mailbag()

    class Picky(PlainRenderer):
        def _message(self, edition: Edition) -> Message:
            if any("Glaciers" in pick.paper.title for pick in edition.picks):
                raise ValueError("no ice today")
            return super()._message(edition)

    ledger = deliver(store, Picky(), bag.open_transport, now=NOW, holder="test")

    assert ledger == DeliveryCounts(sent=2)
    assert all(b"Sparse routing" in mailed.content for mailed in bag.messages)
    assert not any(b"Glaciers" in mailed.content for mailed in bag.messages)


def test_an_unforeseen_error_of_the_mail_server_stops_no_other_message(store: Store) -> None:
    publish(store, 3)
    bag = Mailbag(reader2=ZeroDivisionError("oh"))

    assert run(store, bag.open_transport) == DeliveryCounts(sent=2, unknown=1)
    assert "ZeroDivisionError: oh" in outbox(store)[1].last_response


def test_a_message_too_large_for_the_server_fails_alone_and_says_so(store: Store) -> None:
    publish(store, 1)

    with SmtpServer(extensions=("SIZE 10",)) as server:
        assert run(store, smtp(server)) == DeliveryCounts(failed=1)
    assert "the mail server accepts 10" in outbox(store)[0].last_response
    with store.read() as connection:
        assert readers.all(connection, Status.ACTIVE)


def test_an_address_beyond_ascii_fails_alone_where_the_server_cannot_write_it(
    store: Store,
) -> None:
    with store.begin() as connection:
        add_readers(connection, 1)
        readers.add(connection, address="strauß@example.org", now=NOW, next_slot=NOW)
    publish(store, 2)

    with SmtpServer() as server:
        assert run(store, smtp(server)) == DeliveryCounts(sent=1, failed=1)
    assert "SMTPUTF8" in outbox(store)[1].last_response


# Two processes at once, and stopping (37, 55, 62, 87 of FAULTS).


def test_two_runs_at_once_send_each_message_once(store: Store) -> None:
    publish(store, 12)
    bags = [Mailbag(), Mailbag()]

    def one(number: int) -> None:
        deliver(
            store, PlainRenderer(), bags[number].open_transport, now=NOW, holder=f"run {number}"
        )

    threads = [threading.Thread(target=one, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    everything = bags[0].recipients() + bags[1].recipients()
    assert Counter(everything) == {f"reader{n}": 1 for n in range(1, 13)}


def test_a_run_told_to_stop_finishes_its_message_and_leaves_the_rest(store: Store) -> None:
    publish(store, 5)
    bag = Mailbag()

    ledger = run(store, bag.open_transport, stopped=lambda: len(bag.messages) == 2)

    assert ledger == DeliveryCounts(sent=2)
    assert states(store) == ["sent", "sent", "planned", "planned", "planned"]
