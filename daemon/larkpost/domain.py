"""The plain values of Larkpost: papers, readers, votes, picks, editions, deliveries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import IntEnum, StrEnum
from typing import Any

Day = date  # for classes in which ``date`` is a field


@dataclass(frozen=True, slots=True, order=True)
class Identifier:
    """One name of a paper, written ``scheme:value`` (``arxiv:2508.13426``, ``doi:10.1000/182``)."""

    scheme: str
    value: str

    def __str__(self) -> str:
        return f"{self.scheme}:{self.value}"


@dataclass(frozen=True, slots=True)
class PaperRecord:
    """A paper as a dump tells it, before it is known whether the store has it already.

    ``uid`` and ``updated`` are only there where another Larkpost exported the paper. ``private``:
    an older Larkpost exported it, where only readers had brought it. ``links`` are further web
    addresses (project page, code) beside ``url``; ``organisation`` is the laboratory or company
    that the page names; ``withdrawn``: its authors took it back. ``comment`` and ``journal_ref``
    are what arXiv calls so; ``thumbnail`` is the address of a picture, which is never loaded.
    ``version`` is arXiv's of title and
    abstract, where it is told. ``came_out``: the record announces a new
    version, or a new listing, of a paper that was out by that day; a paper that is not known yet is
    kept as one of that day, and is no candidate.
    """

    title: str
    abstract: str = ""
    identifiers: tuple[Identifier, ...] = ()
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    published: date | None = None
    first_seen: datetime | None = None
    ingested_at: datetime | None = None
    updated: datetime | None = None
    url: str | None = None
    upvotes: int | None = None
    line: int = 0
    uid: str | None = None
    private: bool = False
    organisation: str | None = None
    links: tuple[str, ...] = ()
    withdrawn: bool = False
    keywords: tuple[str, ...] = ()
    comment: str | None = None
    journal_ref: str | None = None
    thumbnail: str | None = None
    version: int | None = None
    came_out: date | None = None


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """A record of a dump that could not be read; ``line`` counts from 1, 0 is the whole file.

    ``cut``: the file ends within it.
    """

    line: int
    reason: str
    text: str = ""
    cut: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class IngestWarning:
    """Something odd about a dump that cost no record; ``line`` 0 is the whole file.

    ``key`` is the key of a JSON object that nobody knows, where it is about one.
    """

    line: int
    text: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class DumpDate:
    """The day on which a dump says that it was taken."""

    day: date
    line: int


Record = PaperRecord | RejectedRecord | IngestWarning | DumpDate


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper in the store.

    ``first_seen`` is the moment the paper showed up in the stream (a dump's day of capture),
    ``ingested_at`` the moment this program read it; they differ when a dump is read late.
    ``uid`` never changes and is what feed entries are named after. ``owner_id``: the paper is
    private, this reader brought it, and nobody else sees it; None for a paper that anybody may
    see. ``organisation`` is the laboratory or company that a page names, ``links`` further web
    addresses (project page, code) beside ``url``. ``withdrawn``: its authors took it back, so it is
    shown but no longer recommended. ``comment`` and ``journal_ref`` are what arXiv calls so;
    ``thumbnail`` is the address of a picture, which is never loaded. ``version`` is arXiv's
    of title and abstract, where a dump told it; ``text_seen`` when the record that they come from
    was seen, None for ``first_seen``.
    """

    id: int
    uid: str
    identifier: Identifier
    title: str
    abstract: str
    first_seen: datetime
    ingested_at: datetime
    updated: datetime
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    published: date | None = None
    url: str | None = None
    upvotes: int | None = None
    owner_id: int | None = None
    organisation: str | None = None
    links: tuple[str, ...] = ()
    withdrawn: bool = False
    keywords: tuple[str, ...] = ()
    comment: str | None = None
    journal_ref: str | None = None
    thumbnail: str | None = None
    version: int | None = None
    text_seen: datetime | None = None

    @property
    def text(self) -> str:
        """What the ranking reads: title and abstract."""
        return f"{self.title}\n{self.abstract}"


PLACEHOLDER = "{title}"  # stands for a paper's title in the address of a FindLink


@dataclass(frozen=True, slots=True)
class FindLink:
    """A site on which papers are looked for: its name, and an address with ``{title}`` in it."""

    name: str
    url: str


class Thumb(IntEnum):
    """A reader's judgement of a paper."""

    DOWN = -1
    UP = 1


class Status(StrEnum):
    """Where a reader stands: only ``ACTIVE`` readers are sent anything."""

    PENDING = "pending"  # asked to subscribe, has not confirmed
    ACTIVE = "active"
    PAUSED = "paused"
    SUSPENDED = "suspended"  # the address bounces
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Interest:
    """A named theme of one reader: words to start from, and how many picks it may fill.

    ``quota`` is a share: interests with quotas 5 and 5 fill half of the edition each. Every
    reader has at least one interest; the first, named ``main``, is there from the beginning.
    """

    id: int
    name: str
    words: tuple[str, ...] = ()
    quota: int = 1


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who gets an edition: by mail if there is an address, by feed in any case.

    ``send_time`` is local time in ``zone``; ``weekdays`` count from Monday = 0;
    ``papers_per_edition`` is the number of picks wished for; ``threshold`` the least probability
    of a thumbs-up that a pick must have; ``next_slot`` (UTC) the moment the next edition is due,
    ``None`` while none is;
    ``feed_key`` the secret in the feed's address, empty while the feed is switched off;
    ``page_link_version`` how often the link to their own page was made anew;
    ``notify_when_empty`` whether they get a mail on an empty day; ``merged_into`` the number of the
    reader for whom this one is only a former name, found by ``db.readers.former`` alone;
    ``offer_declined`` when they last declined an interest that was offered to them.
    """

    id: int
    uid: str
    address: str | None
    name: str
    status: Status
    zone: str
    send_time: time
    weekdays: frozenset[int]
    papers_per_edition: int
    feed_key: str
    created: datetime
    interests: tuple[Interest, ...]
    threshold: float = 0.0
    weekly: bool = False
    paused_until: date | None = None
    next_slot: datetime | None = None
    page_link_version: int = 0
    notify_when_empty: bool = False
    merged_into: int | None = None
    offer_declined: datetime | None = None


@dataclass(frozen=True, slots=True)
class Vote:
    """A thumb of a reader on a paper; the last one wins."""

    reader_id: int
    paper_id: int
    thumb: Thumb
    at: datetime
    source: str
    interest_id: int | None = None


@dataclass(frozen=True, slots=True)
class TermWeight:
    """A term and what it added to (or, below zero, took from) a score."""

    term: str
    weight: float


@dataclass(frozen=True, slots=True)
class Pick:
    """A paper chosen for a reader, with the reasons that the model itself gives.

    ``position`` counts from 1. ``shown_terms`` are the words and phrases shown as the reason,
    chosen for what they say; None where an edition was published before they were.
    ``positive_terms`` are those that raised the score, strongest first, ``negative_terms`` those
    that lowered it; with ``others``, what all other terms add, and ``bias``, what no term carries,
    they sum to the score (not kept with an edition). ``nearest`` is the liked paper nearest to this
    one (not kept either), ``similarity`` how alike they are, None before the first thumb up;
    ``similar_paper`` is the same paper where it is near enough to be a reason. ``matches`` says
    whether a word of the interest or a vote in it speaks for the paper (it is kept as the
    interest's name).
    ``probability`` is the calibrated chance of a thumbs-up; ``propensity`` the probability
    with which the paper got its place: below 1 for the last one where the edition may explore;
    ``explored`` where the lot gave it to another paper than the likeliest; ``pool`` counts the
    papers that the lot could have given it to, 1 where there was none.
    """

    paper: Paper
    position: int
    score: float
    probability: float
    positive_terms: tuple[TermWeight, ...] = ()
    negative_terms: tuple[TermWeight, ...] = ()
    others: float = 0.0
    bias: float = 0.0
    shown_terms: tuple[str, ...] | None = None
    similar_paper: Paper | None = None
    nearest: Paper | None = None
    similarity: float | None = None
    matches: bool = True
    interest_id: int | None = None
    interest: str = ""
    explored: bool = False
    propensity: float = 1.0
    pool: int = 1

    @property
    def shown_probability(self) -> float | None:
        """The chance as it may be shown: None before the first thumb up, when it is a guess."""
        # Editions from before similarities were kept named a liked paper whenever there was one.
        unknown = self.similarity is None and self.similar_paper is None
        return None if unknown else self.probability


@dataclass(frozen=True, slots=True)
class Edition:
    """One reader's paper of one local day. Once published its picks stay as they are.

    ``catch_up_from`` is the local day after the previous edition where this one catches up.
    ``candidate_count`` papers could have been picked.
    ``note`` says in words why an edition is short, or what it fell back to.
    """

    id: int
    reader: Reader
    date: Day
    published_at: datetime
    picks: tuple[Pick, ...]
    catch_up_from: Day | None = None
    note: str = ""
    candidate_count: int = 0


class DeliveryState(StrEnum):
    """The life of one message; moved only by what the mail server said."""

    PLANNED = "planned"
    SENDING = "sending"  # leased by a worker
    SENT = "sent"
    DEFERRED = "deferred"  # to be tried again at ``next_attempt_at``
    FAILED = "failed"
    UNKNOWN = "unknown"  # the lease ran out: may or may not have been sent
    CANCELLED = "cancelled"  # the reader left before it was sent


class MessageKind(StrEnum):
    """What a message of the outbox is; all kinds share its states, retries and bounces."""

    EDITION = "edition"
    CONFIRMATION = "confirmation"  # to whoever asked to subscribe
    EMPTY_NOTICE = "empty_notice"  # to a reader whom a day brought nothing
    OPERATOR_REPORT = "operator_report"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A row of the outbox: one message, and how far it has come.

    Only an edition has an ``edition_id``. ``reader_id`` is None for a report to the operator, and
    for a confirmation before its first attempt. ``payload`` is what any other kind is made of, as
    JSON has it; ``domain`` is the one by which a confirmation is limited, if any. The message
    waits since ``queued_at``. ``ambiguous_attempts`` counts the attempts of which nobody knows how
    they ended; ``requeued_at`` is when an operator last wanted the message sent again.
    """

    id: int
    kind: MessageKind
    state: DeliveryState
    day: date
    attempts: int
    queued_at: datetime
    next_attempt_at: datetime
    edition_id: int | None = None
    reader_id: int | None = None
    message_id: str | None = None
    payload: Mapping[str, Any] = field(default_factory=dict, repr=False)
    domain: str = ""
    lease_until: datetime | None = None
    last_response: str = ""
    sent_at: datetime | None = None
    ambiguous_attempts: int = 0
    requeued_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A finished message, ready for the wire: ``content`` is RFC 5322 with CRLF line ends."""

    sender: str
    recipient: str
    message_id: str
    content: bytes = field(repr=False)


class BounceKind(StrEnum):
    """What a mail that came back tells about an address."""

    HARD = "hard"  # it will never take a letter
    SOFT = "soft"  # it would not take this one now


@dataclass(frozen=True, slots=True)
class Bounce:
    """A letter that came back: when, with which code (``5.1.1``), in the server's words."""

    reader_id: int
    at: datetime
    kind: BounceKind
    code: str = ""
    text: str = ""
