"""Takes in mail that comes back: bounces count against an address, answers are votes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from larkpost import logs
from larkpost.domain import Bounce, BounceKind
from larkpost.flows import bouncing, feedback
from larkpost.flows.answers import votes_in
from larkpost.links import stamp
from larkpost.store import deliveries, editions
from larkpost.transports.returned import News, Returned, is_automatic, judged, parsed, plain_text

if TYPE_CHECKING:
    from datetime import datetime
    from email.message import Message

    from larkpost.domain import Edition
    from larkpost.mailboxes import Mailboxes, Tag
    from larkpost.store.engine import Store

log = logs.get_logger(__name__)

# A bounce that comes later than this is a replay, or of no use.
LATEST_BOUNCE = timedelta(days=30)
LARGEST = 1_000_000  # bytes of a mail that are read; bounces may carry the letter along
_TO = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To", "Cc")


class Meaning(StrEnum):
    """What a mail turned out to be."""

    SUSPENDED = "suspended"  # a bounce, and the one that was too much
    BOUNCED = "bounced"  # a bounce that counts against the address
    HARMLESS = "harmless"  # a delay, a receipt, a bounce that came too late
    AUTOMATIC = "automatic"  # a holiday answer, a challenge: nobody wrote it
    VOTED = "voted"  # an answer with thumbs in it
    UNREAD = "unread"  # by somebody, for somebody: no thumbs in it
    FOREIGN = "foreign"  # to none of our signed addresses: forged, or for somebody else


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a mail; ``votes`` is how many thumbs it held."""

    meaning: Meaning
    votes: int = 0


def receive(store: Store, mailboxes: Mailboxes, content: bytes, *, now: datetime) -> Receipt:
    """Read one mail and do what it asks for; nothing is ever answered.

    Only the signed address that a mail came to makes it count: who it says that it is from, and
    whom it speaks of, anybody can write. The same mail twice changes nothing more.
    """
    message = parsed(content[:LARGEST])
    tag = mailboxes.read("\n".join(str(v) for name in _TO for v in message.get_all(name, [])))
    edition = None if tag is None else _named(store, tag)
    if tag is None or edition is None:
        return Receipt(Meaning.FOREIGN)
    if tag.purpose == "bounce":
        return Receipt(_bounce(store, edition, message, now))
    return _answer(store, edition, message, now)


def _named(store: Store, tag: Tag) -> Edition | None:
    with store.read() as connection:
        edition = editions.get(connection, tag.edition_id)
    return edition if edition is not None and stamp(edition.reader) == tag.stamp else None


def _bounce(store: Store, edition: Edition, message: Message, now: datetime) -> Meaning:
    returned = judged(message)
    if returned.news is News.NOTHING:
        return Meaning.AUTOMATIC if is_automatic(message) else Meaning.UNREAD
    if returned.news is News.WAITING or now - edition.published_at > LATEST_BOUNCE:
        return Meaning.HARMLESS
    return _count(store, edition, returned, now)


def _count(store: Store, edition: Edition, returned: Returned, now: datetime) -> Meaning:
    kind = BounceKind.HARD if returned.news is News.DEAD else BounceKind.SOFT
    # Dated by its edition: a second report on the same letter adds nothing.
    bounce = Bounce(edition.reader.id, edition.published_at, kind, returned.code, returned.text)
    with store.begin() as connection:
        suspended = bouncing.count(connection, bounce, now=now)
    log.info("letter came back", reader=edition.reader.uid, kind=kind.value, code=returned.code)
    return Meaning.SUSPENDED if suspended else Meaning.BOUNCED


def _answer(store: Store, edition: Edition, message: Message, now: datetime) -> Receipt:
    if is_automatic(message):
        return Receipt(Meaning.AUTOMATIC)
    with store.read() as connection:
        letter = deliveries.of_edition(connection, edition.id)
    threads = f"{message.get('References', '')} {message.get('In-Reply-To', '')}"
    if letter is None or letter.message_id not in threads:
        return Receipt(Meaning.UNREAD)
    papers = {pick.position: pick.paper.id for pick in edition.picks}
    votes = {
        papers[position]: thumb
        for position, thumb in votes_in(plain_text(message)).items()
        if position in papers
    }
    for paper, thumb in votes.items():
        feedback.cast(store, edition.reader.id, paper, thumb, via="answer", now=now)
    return Receipt(Meaning.VOTED if votes else Meaning.UNREAD, len(votes))
