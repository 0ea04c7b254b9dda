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
from larkpost.domain import Bounce, BounceKind, Edition, MessageKind, Reader, Status
from larkpost.formats.mail.mail_parser import LARGEST, OutsizedMail
from larkpost.inbound.automatic_mail import is_automatic, is_reply_of_a_program
from larkpost.inbound.bounce_parser import (
    BounceNews,
    BounceReport,
    parse,
    parse_bounce,
    plain_text,
)
from larkpost.inbound.vote_replies import votes_in
from larkpost.log_events import LogEvent
from larkpost.readers import record_votes, returns, suspension
from larkpost.render.email.without_unverified import without_unverified
from larkpost.urls import is_stamped, stamp

if TYPE_CHECKING:
    from email.message import Message

    from larkpost.db.engine import Store
    from larkpost.inbound.return_address import AddressTag, ReturnAddresses

log = logs.get_logger(__name__)

# A bounce that is older than this is a replay, or useless.
LATEST_BOUNCE = timedelta(days=30)
MOST_AN_HOUR = 60  # mails to one signed address: a person replies to a message a few times
_TO = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To", "Cc")


class InboundKind(StrEnum):
    """The kind of an inbound mail."""

    SUSPENDED = "suspended"  # a bounce that suspended its reader
    BOUNCED = "bounced"  # a bounce that counts against the address
    HARMLESS = "harmless"  # a delay, a receipt, an old bounce
    SHORTENED = "shortened"  # a bounce for the content: its edition goes again, shorter
    AUTOMATIC = "automatic"  # a holiday reply, a challenge: written by a program
    UNSUBSCRIBED = "unsubscribed"  # a mail to the unsubscribe address
    VOTED = "voted"  # a reply with thumbs in it
    UNREAD = "unread"  # a personal mail without thumbs
    FOREIGN = "foreign"  # not to one of our signed addresses: forged, or for somebody else
    DIGEST = "digest"  # a digest from an allowed sender, ingested
    NO_DIGEST = "no digest"  # from an allowed sender, but without a paper
    REFUSED = "refused"  # beyond the limits of real mail programs


@dataclass(frozen=True, slots=True)
class InboundResult:
    """The result for a mail; ``votes`` counts its thumbs, ``why`` is the reason of a refusal.

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
    """Read one mail and act on it; no mail is ever answered.

    Only the signed address that a mail was sent to makes it count, because anybody can write any
    sender and any text. The same mail twice changes nothing more. ``size`` is that of the whole
    mail in bytes; ``content`` is its beginning. Mail beyond the limits of real mail programs is
    refused.
    """
    try:
        message = parse(content)
    except OutsizedMail as error:
        return _refuse(str(error))
    whole = len(content) if size is None else size
    return receive_parsed(store, mailboxes, message, now=now, size=whole)


def _refuse(why: str) -> InboundResult:
    return InboundResult(InboundKind.REFUSED, why=why)


def receive_parsed(
    store: Store, mailboxes: ReturnAddresses, message: Message, *, now: datetime, size: int
) -> InboundResult:
    """Do the same with a mail that is parsed already; ``size`` is that of the whole mail."""
    if size > LARGEST:
        return _refuse(f"it has {size} bytes, and {LARGEST} are possible")
    tag = find_tag(mailboxes, message)
    if tag is None:
        return InboundResult(InboundKind.FOREIGN)
    if not _has_turn(store, tag, now):
        return _refuse(f"over {MOST_AN_HOUR} mails an hour to its address")
    if tag.purpose in ("bounce", "answer"):
        return _receive_about_edition(store, tag, message, now)
    if tag.purpose == "notice" and tag.number == 0:
        return InboundResult(_from_the_operator(message))
    reader = _find_reader(store, tag)
    if reader is None:
        return InboundResult(InboundKind.FOREIGN)
    if tag.purpose == "unsubscribe":
        return InboundResult(_unsubscribe(store, reader, message, now))
    sent = datetime.combine(tag.sent or now.date(), time(), UTC)
    return InboundResult(_bounce(store, reader, sent, message, parse_bounce(message), now))


def find_tag(mailboxes: ReturnAddresses, message: Message) -> AddressTag | None:
    """Find the signed address that a mail was sent to; None if there is none."""
    return mailboxes.read("\n".join(str(v) for name in _TO for v in message.get_all(name, [])))


def _has_turn(store: Store, tag: AddressTag, now: datetime) -> bool:
    """Count a mail against the limit of its signed address; unsubscribing has no limit."""
    if tag.purpose == "unsubscribe":
        return True
    key = f"mail to:{tag.purpose}:{tag.number}"
    with store.begin() as connection:
        return rate_limits.allow(
            connection, key, now=now, most=MOST_AN_HOUR, per=timedelta(hours=1)
        )


def _receive_about_edition(
    store: Store, tag: AddressTag, message: Message, now: datetime
) -> InboundResult:
    with store.read() as connection:
        edition = editions.get(connection, tag.number)
        former = readers.former(connection, [edition.reader.id]) if edition else ()
    if edition is None or not is_stamped(tag.stamp, edition.reader, former, tag.purpose):
        return InboundResult(InboundKind.FOREIGN)
    if tag.purpose == "answer":
        return _answer(store, edition, message, now)
    returned = parse_bounce(message)
    kind = _bounce(store, edition.reader, edition.published_at, message, returned, now)
    if kind is InboundKind.HARMLESS and _goes_shorter(store, edition, returned, now):
        kind = InboundKind.SHORTENED
    return InboundResult(kind)


def _goes_shorter(store: Store, edition: Edition, returned: BounceReport, now: datetime) -> bool:
    """Send an edition again without what unverified sources may have put into it.

    Only if the server of its reader's own address refused the content: where a mailbox forwards,
    the reader has the edition although the next server refused it. Anybody with the bounce address
    can bring about one copy of an edition.
    """
    is_theirs = returned.recipient == (edition.reader.address or "").lower() != ""
    if not (is_theirs and returned.is_of_content) or without_unverified(edition) is None:
        return False
    response = f"returned: {returned.text}"
    with store.begin() as connection:
        goes = deliveries.send_again_shorter(connection, edition.id, response=response, now=now)
    if goes:
        facts = {"reader": edition.reader.uid, "edition": str(edition.date)}
        kind, code = MessageKind.EDITION.value, returned.code
        log.warning(LogEvent.MESSAGE_SHORTENED, kind=kind, **facts, last_response=code)
    return goes


def _find_reader(store: Store, tag: AddressTag) -> Reader | None:
    with store.read() as connection:
        reader = readers.many(connection, [tag.number]).get(tag.number)
    return reader if reader is not None and stamp(reader) == tag.stamp else None


def _unsubscribe(store: Store, reader: Reader, message: Message, now: datetime) -> InboundKind:
    """End a subscription, as the unsubscribe link does; a second mail changes nothing more.

    Mail programs and their services send such a mail automatically, so an automatic one counts. A
    bounce or a holiday reply does not: nobody clicked a button.
    """
    if parse_bounce(message).news is not BounceNews.NOTHING or is_reply_of_a_program(message):
        return InboundKind.AUTOMATIC
    if reader.status is Status.LEFT:  # no line in the log for each of a thousand such mails
        return InboundKind.UNSUBSCRIBED
    returns.leave_by_newsletter(store, reader, now=now)
    log.info(LogEvent.READER_LEFT, reader=reader.uid)
    return InboundKind.UNSUBSCRIBED


def _from_the_operator(message: Message) -> InboundKind:
    """Log that a message to the operator bounced: nobody else can be informed."""
    returned = parse_bounce(message)
    if returned.news in (BounceNews.WAITING, BounceNews.NOTHING):
        return InboundKind.AUTOMATIC if is_automatic(message) else InboundKind.UNREAD
    log.warning(
        LogEvent.INBOUND_BOUNCED,
        code=returned.code,
        reason=returned.text,
    )
    return InboundKind.BOUNCED


def _bounce(
    store: Store,
    reader: Reader,
    sent: datetime,
    message: Message,
    returned: BounceReport,
    now: datetime,
) -> InboundKind:
    if returned.news is BounceNews.NOTHING:
        return InboundKind.AUTOMATIC if is_automatic(message) else InboundKind.UNREAD
    harmless = returned.news in (BounceNews.REFUSED, BounceNews.WAITING)
    if harmless or now - sent > LATEST_BOUNCE:
        return InboundKind.HARMLESS
    kind = BounceKind.HARD if returned.news is BounceNews.DEAD else BounceKind.SOFT
    # Dated by its message: a second bounce of the same message adds nothing.
    bounce = Bounce(reader.id, sent, kind, returned.code, returned.text)
    with store.begin() as connection:
        suspended = suspension.count(connection, bounce, now=now)
    log.info(LogEvent.DELIVERY_BOUNCED, reader=reader.uid, kind=kind.value, code=returned.code)
    return InboundKind.SUSPENDED if suspended else InboundKind.BOUNCED


def _answer(store: Store, edition: Edition, message: Message, now: datetime) -> InboundResult:
    if is_automatic(message):
        return InboundResult(InboundKind.AUTOMATIC)
    if record_votes.is_late(edition, now):
        return InboundResult(InboundKind.UNREAD)
    with store.read() as connection:
        delivery = deliveries.of_edition(connection, edition.id)
    threads = f"{message.get('References', '')} {message.get('In-Reply-To', '')}"
    if delivery is None or all(n not in threads for n in deliveries.message_ids(delivery)):
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
