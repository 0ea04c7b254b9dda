"""Unsubscribing by mail: the address in List-Unsubscribe, through the Maildir."""

from __future__ import annotations

import email
import logging
from collections import Counter
from email import policy
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from tests.helpers.factories import NOW
from tests.helpers.mail.message_checks import MAILBOXES, RENDERER, TOKENS
from tests.helpers.mail.outbox_helpers import Mailbag, publish
from tests.unit.inbound.test_bounce_parser import dsn, fields

from larkpost.db import readers
from larkpost.db.outbox import deliveries
from larkpost.domain import DeliveryState, Status
from larkpost.inbound.maildir import collect
from larkpost.inbound.process import InboundKind, receive
from larkpost.inbound.reply_addresses import ReplyableRenderer
from larkpost.inbound.return_address import ReturnAddresses
from larkpost.log_events import LogEvent
from larkpost.mail.deliver import deliver
from larkpost.readers import returns, subscriptions
from larkpost.render import EditionRenderer
from larkpost.tokens import Tokens
from larkpost.urls import UrlBuilder

if TYPE_CHECKING:
    from pathlib import Path

    from larkpost.db.engine import Store
    from larkpost.domain import Message, Reader


def sent(store: Store) -> list[Message]:
    bag = Mailbag()
    deliver(
        store, ReplyableRenderer(RENDERER, MAILBOXES), bag.open_transport, now=NOW, holder="test"
    )
    return bag.messages


def addresses_for_leaving(newsletter: Message) -> list[str]:
    message = email.message_from_bytes(newsletter.content, policy=policy.default)
    return [one.strip(" <>") for one in message["List-Unsubscribe"].split(",")]


def mail_to_leave(newsletter: Message, more: str = "") -> bytes:
    """Write what a mail program sends by the address in the header."""
    link = urlsplit(addresses_for_leaving(newsletter)[1])
    subject = link.query.removeprefix("subject=")
    head = f"From: {newsletter.recipient}\nTo: {link.path}\nSubject: {subject}\n{more}"
    return f"{head}\nPlease.\n".encode()


def status_of(store: Store, reader: Reader) -> Status:
    with store.read() as connection:
        return readers.get(connection, reader.id).status


def test_the_link_stands_first_and_the_mail_address_beside_it(store: Store) -> None:
    publish(store, 1)
    (newsletter,) = sent(store)
    message = email.message_from_bytes(newsletter.content, policy=policy.default)
    link, mail = addresses_for_leaving(newsletter)
    head = newsletter.content.partition(b"\r\n\r\n")[0]

    assert link.startswith("https://papers.example.org/leave/")
    assert mail.startswith("mailto:post+u")
    assert mail.endswith("@example.org?subject=unsubscribe")
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Precedence"] == "bulk"
    assert max(map(len, head.split(b"\r\n"))) < 200  # RFC 5322, 2.1.1: at most 998


def test_without_an_address_for_returns_there_is_no_mailto(store: Store) -> None:
    publish(store, 1)
    bag = Mailbag()
    bare = EditionRenderer(
        UrlBuilder("https://papers.example.org", TOKENS), sender="a@b.example", title="L"
    )
    deliver(store, bare, bag.open_transport, now=NOW, holder="test")

    (link,) = addresses_for_leaving(bag.messages[0])
    assert link.startswith("https://papers.example.org/leave/")
    assert b"\r\nPrecedence: bulk\r\n" in bag.messages[0].content


def test_a_mail_to_the_address_unsubscribes_its_reader_and_nobody_else(
    store: Store, tmp_path: Path
) -> None:
    leaving, staying = publish(store, 2)
    messages = sent(store)
    publish(store, 2, NOW.date().replace(day=8))
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "1.a").write_bytes(mail_to_leave(messages[0]))

    tally = collect(store, MAILBOXES, tmp_path, now=NOW)

    assert tally == Counter({InboundKind.UNSUBSCRIBED: 1})
    assert [mail.name for mail in (tmp_path / "cur").iterdir()] == ["1.a:2,S"]
    assert status_of(store, leaving) is Status.LEFT
    assert status_of(store, staying) is Status.ACTIVE
    with store.read() as connection:
        states = [newsletter.state for newsletter in deliveries.of(connection, leaving.id)]
    assert states == [DeliveryState.SENT, DeliveryState.CANCELLED]


def test_saying_it_twice_or_by_a_program_is_as_good(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """Mail providers write such a mail in the name of who pressed their button."""
    caplog.set_level(logging.INFO)
    (reader,) = publish(store, 1)
    (newsletter,) = sent(store)
    mail = mail_to_leave(newsletter, "Auto-Submitted: auto-generated\nPrecedence: bulk\n")

    for _ in range(2):
        assert receive(store, MAILBOXES, mail, now=NOW).meaning is InboundKind.UNSUBSCRIBED

    assert status_of(store, reader) is Status.LEFT
    logged = [one for one in caplog.records if LogEvent.READER_LEFT in one.getMessage()]
    assert len(logged) == 1


@pytest.mark.parametrize(
    "mail",
    [
        dsn(fields("failed", "5.1.1", "550 5.1.1 no such user")),
        b"Subject: away\nAuto-Submitted: auto-replied\n\nBack on Monday.\n",
        b"Return-Path: <>\nSubject: failure\n\nSorry.\n",
    ],
    ids=["bounce", "holiday", "null sender"],
)
def test_what_nobody_wrote_does_not_unsubscribe(store: Store, mail: bytes) -> None:
    (reader,) = publish(store, 1)
    address = f"To: {MAILBOXES.unsubscribes(reader)}\n".encode()

    assert receive(store, MAILBOXES, address + mail, now=NOW).meaning is InboundKind.AUTOMATIC
    assert status_of(store, reader) is Status.ACTIVE


def test_a_forged_or_stale_address_unsubscribes_nobody(store: Store) -> None:
    (reader,) = publish(store, 1)
    strange = ReturnAddresses("post@example.org", Tokens([b"x" * 32])).unsubscribes(reader)
    stale = MAILBOXES.unsubscribes(reader)
    with store.begin() as connection:
        readers.remove(connection, reader.id)
    (newcomer,) = publish(store, 1)

    for address in (strange, stale, "post@example.org"):
        mail = f"To: {address}\nSubject: unsubscribe\n\n".encode()
        assert receive(store, MAILBOXES, mail, now=NOW).meaning is InboundKind.FOREIGN

    assert status_of(store, newcomer) is Status.ACTIVE


def test_to_unsubscribe_there_is_always_a_turn(store: Store) -> None:
    (reader,) = publish(store, 1)
    mail = f"To: {MAILBOXES.unsubscribes(reader)}\n\nbye\n".encode()

    meanings = {receive(store, MAILBOXES, mail, now=NOW).meaning for _ in range(70)}

    assert meanings == {InboundKind.UNSUBSCRIBED}


@pytest.mark.parametrize("paused", [False, True])
def test_a_mail_that_unsubscribes_and_a_link_that_returns_end_no_pause(
    store: Store, paused: bool
) -> None:
    (reader,) = publish(store, 1)
    if paused:
        subscriptions.change(store, reader.id, now=NOW, status="pause")
    mail = f"To: {MAILBOXES.unsubscribes(reader)}\n\nbye\n".encode()

    receive(store, MAILBOXES, mail, now=NOW)

    with store.begin() as connection:
        may_return = returns.take_return(connection, reader, NOW)
    assert may_return is not paused
