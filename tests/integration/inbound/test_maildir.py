"""Tests bounces: hard, soft, forged, automatic; through the pipe and the Maildir."""

from __future__ import annotations

import os
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.factories import DAY, NOW, TODAY
from tests.helpers.mail.outbox_helpers import Mailbag, PlainRenderer, publish
from tests.unit.inbound.test_bounce_parser import QMAIL, dsn, fields

from larkpost.db import editions, readers
from larkpost.db.outbox import bounces, deliveries, delivery_queue
from larkpost.domain import BounceKind, DeliveryState, Status
from larkpost.inbound.maildir import collect
from larkpost.inbound.process import InboundKind, InboundResult, receive
from larkpost.inbound.reply_addresses import ReplyableRenderer
from larkpost.inbound.return_address import ReturnAddresses
from larkpost.mail.deliver import deliver
from larkpost.readers import subscriptions
from larkpost.tokens import Tokens

if TYPE_CHECKING:
    from datetime import date, datetime
    from pathlib import Path

    from larkpost.db.engine import Store
    from larkpost.domain import Edition, Reader

POST = ReturnAddresses("post@paper.example", Tokens([b"k" * 32]))
HARD = dsn(fields("failed", "5.1.1", "550 5.1.1 no such user"))
SOFT = dsn(fields("failed", "5.2.2", "552 5.2.2 mailbox full"))
VACATION = b"Subject: away\nAuto-Submitted: auto-replied\n\nBack on Monday.\n"


def edition_of(store: Store, reader: Reader, day: date = TODAY) -> Edition:
    with store.read() as connection:
        found = editions.on(connection, reader.id, day)
    assert found is not None
    return found


def to(address: str, mail: bytes) -> bytes:
    return f"Delivered-To: {address}\n".encode() + mail


def take(store: Store, mail: bytes, now: datetime = NOW) -> InboundKind:
    return receive(store, POST, mail, now=now).meaning


def status_of(store: Store, reader: Reader) -> Status:
    with store.read() as connection:
        return readers.get(connection, reader.id).status


def bounce_of(store: Store, reader: Reader, mail: bytes, day: date = TODAY) -> bytes:
    return to(POST.bounces(edition_of(store, reader, day)), mail)


def test_a_spam_filter_that_refuses_a_message_a_day_suspends_nobody(store: Store) -> None:
    (reader,) = publish(store, 1)
    refused = dsn(fields("failed", "5.7.1", "554 5.7.1 looks like spam"))

    for day in range(7):
        mail = bounce_of(store, reader, refused)
        assert take(store, mail, NOW + day * DAY) is InboundKind.HARMLESS

    assert status_of(store, reader) is Status.ACTIVE
    with store.read() as connection:
        assert bounces.of(connection, reader.id) == []


def test_the_return_path_of_each_message_is_its_own_and_genuine(store: Store) -> None:
    who = publish(store, 2)
    bag = Mailbag()

    deliver(
        store, ReplyableRenderer(PlainRenderer(), POST), bag.open_transport, now=NOW, holder="test"
    )

    for message, reader in zip(bag.messages, who, strict=True):
        tag = POST.read(message.sender)
        assert tag is not None
        assert (tag.purpose, tag.number) == ("bounce", edition_of(store, reader).id)
        assert message.content.startswith(b"Reply-To: post+v")
    assert len({message.sender for message in bag.messages}) == 2


def test_a_hard_bounce_suspends_its_reader_and_takes_back_what_is_planned(store: Store) -> None:
    who = publish(store, 2)

    assert take(store, bounce_of(store, who[0], HARD)) is InboundKind.SUSPENDED

    assert [status_of(store, reader) for reader in who] == [Status.SUSPENDED, Status.ACTIVE]
    with store.read() as connection:
        (bounce,) = bounces.of(connection, who[0].id)
        counts = deliveries.counts(connection)
    assert (bounce.kind, bounce.code) == (BounceKind.HARD, "5.1.1")
    assert counts[DeliveryState.CANCELLED] == 1


def test_a_soft_bounce_suspends_nobody_and_the_same_twice_counts_once(store: Store) -> None:
    (reader,) = publish(store, 1)

    for _ in range(2):
        assert take(store, bounce_of(store, reader, SOFT)) is InboundKind.BOUNCED

    assert status_of(store, reader) is Status.ACTIVE
    with store.read() as connection:
        assert len(bounces.of(connection, reader.id)) == 1


def test_one_message_is_returned_once_whatever_words_somebody_sends(store: Store) -> None:
    """Whoever has its return path could otherwise fill the database, sixty times an hour."""
    (reader,) = publish(store, 1)

    for number in range(5):
        mail = dsn(fields("failed", "4.2.2", f"452 4.2.2 mailbox full, attempt {number}"))
        assert take(store, bounce_of(store, reader, mail)) is InboundKind.BOUNCED

    with store.read() as connection:
        (kept,) = bounces.of(connection, reader.id)
    assert kept.text == "smtp; 452 4.2.2 mailbox full, attempt 0"


def test_soft_bounces_day_after_day_suspend_and_a_month_apart_do_not(store: Store) -> None:
    rare, daily = publish(store, 2, TODAY - 9 * DAY, NOW - 9 * DAY)
    for ago in range(8, -1, -1):
        publish(store, 2, TODAY - ago * DAY, NOW - ago * DAY)

    meanings = [
        take(store, bounce_of(store, daily, SOFT, TODAY - ago * DAY), NOW - ago * DAY)
        for ago in range(9, -1, -1)
    ]
    take(store, bounce_of(store, rare, SOFT, TODAY - 9 * DAY), NOW - 9 * DAY)
    take(store, bounce_of(store, rare, SOFT), NOW)

    assert meanings.index(InboundKind.SUSPENDED) == 4
    assert status_of(store, daily) is Status.SUSPENDED
    assert status_of(store, rare) is Status.ACTIVE


@pytest.mark.parametrize(
    "mail",
    [
        dsn(fields("delayed", "4.4.1")),
        dsn(fields("delivered", "2.0.0")),
        VACATION,
        b"Subject: Are you human?\n\nhttps://challenge.example/\n",
    ],
)
def test_delays_receipts_holidays_and_challenges_change_nothing(store: Store, mail: bytes) -> None:
    (reader,) = publish(store, 1)

    meaning = take(store, bounce_of(store, reader, mail))

    assert meaning in (InboundKind.HARMLESS, InboundKind.AUTOMATIC, InboundKind.UNREAD)
    assert status_of(store, reader) is Status.ACTIVE
    with store.read() as connection:
        assert bounces.of(connection, reader.id) == []


def test_a_forged_bounce_changes_nothing(store: Store) -> None:
    (reader,) = publish(store, 1)
    page = edition_of(store, reader)
    strange = ReturnAddresses("post@paper.example", Tokens([b"x" * 32]))

    for address in (
        "post@paper.example",
        strange.bounces(page),
        POST.answers(page).replace("+v", "+b"),
        str(reader.address),
    ):
        assert take(store, to(address, HARD)) is InboundKind.FOREIGN

    assert status_of(store, reader) is Status.ACTIVE


def test_a_bounce_of_a_reader_who_is_gone_does_not_hit_the_next_one(store: Store) -> None:
    (reader,) = publish(store, 1)
    mail = bounce_of(store, reader, HARD)
    with store.begin() as connection:
        readers.remove(connection, reader.id)
    (newcomer,) = publish(store, 1)

    assert take(store, mail) is InboundKind.FOREIGN
    assert status_of(store, newcomer) is Status.ACTIVE


def test_a_bounce_replayed_months_later_changes_nothing(store: Store) -> None:
    (reader,) = publish(store, 1)

    assert take(store, bounce_of(store, reader, HARD), NOW + 31 * DAY) is InboundKind.HARMLESS
    assert status_of(store, reader) is Status.ACTIVE


def test_a_bounce_from_before_there_was_a_standard_counts(store: Store) -> None:
    (reader,) = publish(store, 1)

    assert take(store, bounce_of(store, reader, QMAIL % b"no mailbox (#5.1.1)")) is (
        InboundKind.SUSPENDED
    )


def test_who_is_resumed_or_moves_begins_with_a_clean_slate(store: Store) -> None:
    resumed, moved = publish(store, 2)
    take(store, bounce_of(store, resumed, HARD))
    take(store, bounce_of(store, moved, SOFT))

    subscriptions.resume(store, resumed.id, now=NOW)
    subscriptions.change(store, moved.id, address="new@example.org", now=NOW)

    assert status_of(store, resumed) is Status.ACTIVE
    with store.read() as connection:
        assert bounces.score(connection, resumed.id, NOW) == 0
        assert bounces.score(connection, moved.id, NOW) == 0


def test_who_has_left_stays_gone_whatever_bounces(store: Store) -> None:
    (reader,) = publish(store, 1)
    mail = bounce_of(store, reader, HARD)
    with store.begin() as connection:
        readers.update(connection, reader.id, status=Status.LEFT)

    assert take(store, mail) is InboundKind.BOUNCED
    assert status_of(store, reader) is Status.LEFT


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    for part in ("tmp", "new", "cur"):
        (tmp_path / "returns" / part).mkdir(parents=True)
    return tmp_path / "returns"


def test_a_maildir_is_emptied_and_what_is_for_people_stays_unread(
    store: Store, maildir: Path
) -> None:
    who = publish(store, 2)
    (maildir / "new" / "1.a").write_bytes(bounce_of(store, who[0], HARD))
    (maildir / "new" / "2.b").write_bytes(bounce_of(store, who[1], VACATION))
    (maildir / "new" / "3.c").write_bytes(b"To: post@paper.example\n\nHello there!\n")

    tally = collect(store, POST, maildir, now=NOW)
    again = collect(store, POST, maildir, now=NOW)

    assert tally == Counter(
        {InboundKind.SUSPENDED: 1, InboundKind.AUTOMATIC: 1, InboundKind.FOREIGN: 1}
    )
    assert not again
    assert sorted(mail.name for mail in (maildir / "cur").iterdir()) == [
        "1.a:2,S",
        "2.b:2,S",
        "3.c:2,",
    ]


def test_what_is_no_mail_in_a_maildir_stops_nothing(store: Store, maildir: Path) -> None:
    (reader,) = publish(store, 1)
    (maildir / "new" / "1.link").symlink_to("/etc/hostname")
    os.mkfifo(maildir / "new" / "2.pipe")
    (maildir / "new" / "3.noise").write_bytes(os.urandom(5000))
    (maildir / "new" / "4.nested").write_bytes(
        bounce_of(store, reader, b"Content-Type: multipart/x; boundary=b\n\n" + b"--b\n" * 5000)
    )
    (maildir / "new" / "5.good").write_bytes(bounce_of(store, reader, HARD))

    tally = collect(store, POST, maildir, now=NOW)

    assert tally[InboundKind.SUSPENDED] == 1
    assert tally.total() == 5
    assert not any((maildir / "new").iterdir())


def test_a_link_in_a_maildir_is_not_followed(store: Store, maildir: Path, tmp_path: Path) -> None:
    """Whoever may write to the folder may not have us read what only we can read."""
    (reader,) = publish(store, 1)
    (tmp_path / "elsewhere").write_bytes(bounce_of(store, reader, HARD))
    (maildir / "new" / "1.link").symlink_to(tmp_path / "elsewhere")

    assert collect(store, POST, maildir, now=NOW) == Counter({InboundKind.FOREIGN: 1})
    assert status_of(store, reader) is Status.ACTIVE


def test_there_need_not_be_a_maildir(store: Store, tmp_path: Path) -> None:
    assert not collect(store, POST, tmp_path / "nowhere", now=NOW)


def test_nothing_that_comes_back_is_ever_answered(store: Store) -> None:
    """No inbound mail ever plans a message."""
    (reader,) = publish(store, 1)
    bag = Mailbag()
    deliver(store, PlainRenderer(), bag.open_transport, now=NOW, holder="test")
    page = edition_of(store, reader)

    for mail in (SOFT, VACATION, b"Subject: hello\n\nWho are you?\n"):
        for address in (POST.bounces(page), POST.answers(page), "post@paper.example"):
            assert receive(store, POST, to(address, mail), now=NOW) != InboundResult(
                InboundKind.VOTED
            )

    with store.read() as connection:
        assert delivery_queue.count_due(connection, NOW + timedelta(days=9)) == 0
    assert len(bag.messages) == 1
