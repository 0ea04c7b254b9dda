"""Processes one inbound mail: bounces are counted, replies are votes, some unsubscribe."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from larkpost import logs
from larkpost.db import editions, readers
from larkpost.db.coordination import rate_limits
from larkpost.db.outbox import deliveries
from larkpost.domain import Bounce, BounceKind, Edition, Reader
from larkpost.formats.mail.mail_parser import LARGEST, OutsizedMail
from larkpost.inbound.automatic_mail import is_automatic, is_reply_of_a_program
from larkpost.inbound.bounce_parser import BounceNews, parse, parse_bounce, plain_text
from larkpost.inbound.vote_replies import votes_in
from larkpost.log_events import LogEvent
from larkpost.readers import record_votes, subscriptions, suspension
from larkpost.urls import is_stamped, stamp

if TYPE_CHECKING:
    from email.message import Message

    from larkpost.db.engine import Store
    from larkpost.inbound.return_address import AddressTag, ReturnAddresses

log = logs.get_logger(__name__)

# A bounce that comes later than this is a replay, or of no use.
LATEST_BOUNCE = timedelta(days=30)
MOST_AN_HOUR = 60  # mails to one signed address: a person answers a letter a few times
_TO = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To", "Cc")


class InboundKind(StrEnum):
    """What a mail turned out to be."""

    SUSPENDED = "suspended"  # a bounce, and the one that was too much
    BOUNCED = "bounced"  # a bounce that counts against the address
    HARMLESS = "harmless"  # a delay, a receipt, a bounce that came too late
    AUTOMATIC = "automatic"  # a holiday answer, a challenge: nobody wrote it
    UNSUBSCRIBED = "unsubscribed"  # a mail to the address for that
    VOTED = "voted"  # an answer with thumbs in it
    UNREAD = "unread"  # by somebody, for somebody: no thumbs in it
    FOREIGN = "foreign"  # to none of our signed addresses: forged, or for somebody else
    DIGEST = "digest"  # papers of an allowed sender, read
    NO_DIGEST = "no digest"  # of an allowed sender, but there is no paper in it
    REFUSED = "refused"  # larger, longer or deeper than what a mail program sends


@dataclass(frozen=True, slots=True)
class InboundResult:
    """What became of a mail; ``votes`` is how many thumbs it held, ``why`` why it was refused.

    ``papers`` and ``new`` count the papers of a digest.
    """

    meaning: InboundKind
    votes: int = 0
    why: str = ""
    papers: int = 0
    new: int = 0


def receive(
    store: Store,
    mailboxes: ReturnAddresses,
    content: bytes,
    *,
    now: datetime,
    size: int | None = None,
) -> InboundResult:
    """Read one mail and do what it asks for; nothing is ever answered.

    Only the signed address that a mail came to makes it count: who it says that it is from, and
    whom it speaks of, anybody can write. The same mail twice changes nothing more. ``size`` is that
    of the whole mail in bytes, where ``content`` is its beginning. What no mail program sends is
    refused.
    """
    size = len(content) if size is None else size
    if size > LARGEST:
        return InboundResult(
            InboundKind.REFUSED, why=f"it has {size} bytes, and {LARGEST} are possible"
        )
    try:
        message = parse(content)
    except OutsizedMail as error:
        return InboundResult(InboundKind.REFUSED, why=str(error))
    tag = find_tag(mailboxes, message)
    if tag is None:
        return InboundResult(InboundKind.FOREIGN)
    if not _has_turn(store, tag, now):
        return InboundResult(
            InboundKind.REFUSED, why=f"over {MOST_AN_HOUR} mails an hour to its address"
        )
    if tag.purpose in ("bounce", "answer"):
        return _to_a_letter(store, tag, message, now)
    if tag.purpose == "notice" and tag.number == 0:
        return InboundResult(_from_the_operator(message))
    reader = _find_reader(store, tag)
    if reader is None:
        return InboundResult(InboundKind.FOREIGN)
    if tag.purpose == "unsubscribe":
        return InboundResult(_unsubscribe(store, reader, message, now))
    sent = datetime.combine(tag.sent or now.date(), time(), UTC)
    return InboundResult(_bounce(store, reader, sent, message, now))


def find_tag(mailboxes: ReturnAddresses, message: Message) -> AddressTag | None:
    """Find the signed address of ours that a mail came to; None where there is none."""
    return mailboxes.read("\n".join(str(v) for name in _TO for v in message.get_all(name, [])))


def _has_turn(store: Store, tag: AddressTag, now: datetime) -> bool:
    """Take a turn of a signed address; to unsubscribe there always is one."""
    if tag.purpose == "unsubscribe":
        return True
    key = f"mail to:{tag.purpose}:{tag.number}"
    with store.begin() as connection:
        return rate_limits.allow(
            connection, key, now=now, most=MOST_AN_HOUR, per=timedelta(hours=1)
        )


def _to_a_letter(store: Store, tag: AddressTag, message: Message, now: datetime) -> InboundResult:
    with store.read() as connection:
        edition = editions.get(connection, tag.number)
        former = readers.former(connection, [edition.reader.id]) if edition else ()
    if edition is None or not is_stamped(tag.stamp, edition.reader, former, tag.purpose):
        return InboundResult(InboundKind.FOREIGN)
    if tag.purpose == "answer":
        return _answer(store, edition, message, now)
    return InboundResult(_bounce(store, edition.reader, edition.published_at, message, now))


def _find_reader(store: Store, tag: AddressTag) -> Reader | None:
    with store.read() as connection:
        reader = readers.many(connection, [tag.number]).get(tag.number)
    return reader if reader is not None and stamp(reader) == tag.stamp else None


def _unsubscribe(store: Store, reader: Reader, message: Message, now: datetime) -> InboundKind:
    """End a subscription, as the link of the letter does; saying it twice changes nothing more.

    Mail programs, and services in their name, write such a mail by themselves, so that an
    automatic one counts. A bounce or a holiday answer does not: nobody pressed a button.
    """
    if parse_bounce(message).news is not BounceNews.NOTHING or is_reply_of_a_program(message):
        return InboundKind.AUTOMATIC
    subscriptions.leave(store, reader.id, now=now)
    log.info(LogEvent.READER_LEFT, reader=reader.uid)
    return InboundKind.UNSUBSCRIBED


def _from_the_operator(message: Message) -> InboundKind:
    """Say in the log that a letter to the operator came back: nobody else can be told."""
    returned = parse_bounce(message)
    if returned.news not in (BounceNews.DEAD, BounceNews.FAILED):
        return InboundKind.AUTOMATIC if is_automatic(message) else InboundKind.UNREAD
    log.warning(
        LogEvent.INBOUND_BOUNCED,
        code=returned.code,
        reason=returned.text,
    )
    return InboundKind.BOUNCED


def _bounce(
    store: Store, reader: Reader, sent: datetime, message: Message, now: datetime
) -> InboundKind:
    returned = parse_bounce(message)
    if returned.news is BounceNews.NOTHING:
        return InboundKind.AUTOMATIC if is_automatic(message) else InboundKind.UNREAD
    if returned.news is BounceNews.WAITING or now - sent > LATEST_BOUNCE:
        return InboundKind.HARMLESS
    kind = BounceKind.HARD if returned.news is BounceNews.DEAD else BounceKind.SOFT
    # Dated by its letter: a second report on the same letter adds nothing.
    bounce = Bounce(reader.id, sent, kind, returned.code, returned.text)
    with store.begin() as connection:
        suspended = suspension.count(connection, bounce, now=now)
    log.info(LogEvent.DELIVERY_BOUNCED, reader=reader.uid, kind=kind.value, code=returned.code)
    return InboundKind.SUSPENDED if suspended else InboundKind.BOUNCED


def _answer(store: Store, edition: Edition, message: Message, now: datetime) -> InboundResult:
    if is_automatic(message):
        return InboundResult(InboundKind.AUTOMATIC)
    with store.read() as connection:
        letter = deliveries.of_edition(connection, edition.id)
    threads = f"{message.get('References', '')} {message.get('In-Reply-To', '')}"
    if letter is None or not letter.message_id or letter.message_id not in threads:
        return InboundResult(InboundKind.UNREAD)
    papers = {pick.position: pick.paper.id for pick in edition.picks}
    votes = {
        papers[position]: thumb
        for position, thumb in votes_in(plain_text(message)).items()
        if position in papers
    }
    for paper, thumb in votes.items():
        record_votes.cast(store, edition.reader.id, paper, thumb, source="answer", now=now)
    return InboundResult(InboundKind.VOTED if votes else InboundKind.UNREAD, len(votes))
