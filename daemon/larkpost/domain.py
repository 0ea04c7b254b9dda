"""The value classes of Larkpost: papers, readers, votes, picks, editions, deliveries."""

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
    """A paper as read from a dump, before it is matched with the database.

    ``uid`` and ``updated`` are only set if another Larkpost exported the paper. ``private``: an
    older Larkpost exported it as a private paper. ``links`` are web addresses other than ``url``
    (project page, code); ``organisation`` is the laboratory or company that the page names;
    ``withdrawn``: its authors withdrew it. ``comment`` and ``journal_ref`` are arXiv's fields of
    these names; ``thumbnail`` is the address of a picture, which is never loaded. ``version`` is
    arXiv's version of title and abstract, if known. ``came_out``: the record announces a new
    version, or a new listing, of a paper that was out by that day; an unknown paper is stored with
    that day, and is not a candidate. ``unverified`` are the texts from a source that is no
    authority (``text.unverified``), and ``text_source`` is that source, such as ``source a-blog``.
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
    unverified: int = 0
    text_source: str = ""


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

    ``key`` is the unknown key of a JSON object, if it is about one.
    """

    line: int
    text: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class DumpDate:
    """The day of capture that a dump states."""

    day: date
    line: int


Record = PaperRecord | RejectedRecord | IngestWarning | DumpDate


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper in the database.

    ``first_seen`` is the time of its first dump (the day of capture), ``ingested_at`` the time this
    program read it; they differ when a dump is read late. ``uid`` never changes; ids of feed
    entries are made from it. ``owner_id``: the paper is private, this reader imported it, and
    nobody else sees it; None for a public paper. ``organisation`` is the laboratory or company that
    a page names, ``links`` are web addresses other than ``url`` (project page, code).
    ``withdrawn``: its authors withdrew it, so it is shown but no longer recommended. ``comment``
    and ``journal_ref`` are arXiv's fields of these names; ``thumbnail`` is the address of a
    picture, which is never loaded. ``version`` is arXiv's version of title and abstract, if a dump
    had it; ``text_seen`` is the time of the record with this text, None for ``first_seen``.
    ``unverified`` are the texts from a source that is no authority (``text.unverified``), and
    ``text_source`` is that source, such as ``source a-blog``; empty if unknown.
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
    unverified: int = 0
    text_source: str = ""

    @property
    def text(self) -> str:
        """The text that the ranking reads: title and abstract."""
        return f"{self.title}\n{self.abstract}"


PLACEHOLDER = "{title}"  # the placeholder for a paper's title in the address of a FindLink


@dataclass(frozen=True, slots=True)
class FindLink:
    """A site that searches for papers: its name, and an address with ``{title}`` in it."""

    name: str
    url: str


class Thumb(IntEnum):
    """A reader's judgement of a paper."""

    DOWN = -1
    UP = 1


class Status(StrEnum):
    """The status of a reader: only ``ACTIVE`` readers are sent anything."""

    PENDING = "pending"  # requested a subscription, has not confirmed
    ACTIVE = "active"
    PAUSED = "paused"
    SUSPENDED = "suspended"  # the address bounces
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Interest:
    """A named theme of one reader: words to start from, and its share of the picks.

    ``quota`` is a share: interests with quotas 5 and 5 fill half of the edition each. Every reader
    has at least one interest; the first, named ``main``, exists from the start.
    """

    id: int
    name: str
    words: tuple[str, ...] = ()
    quota: int = 1


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who gets an edition: by mail if there is an address, by feed in any case.

    ``send_time`` is local time in ``zone``; ``weekdays`` count from Monday = 0;
    ``papers_per_edition`` is the wanted number of picks; ``threshold`` the least probability of a
    thumbs-up that a pick must have; ``next_slot`` (UTC) the time the next edition is due, None if
    there is none; ``feed_key`` the secret in the feed's address, empty while the feed is switched
    off; ``page_link_version`` how often the link to their own page was renewed;
    ``notify_when_empty`` whether they get a mail on an empty day; ``merged_into`` the number of the
    reader that this one was merged into (only ``db.readers.former`` finds such readers);
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
    """A term and its contribution to a score, positive or negative."""

    term: str
    weight: float


@dataclass(frozen=True, slots=True)
class Pick:
    """A paper chosen for a reader, with the reasons computed from the model.

    ``position`` counts from 1. ``shown_terms`` are the words and phrases shown as the reason,
    chosen for their meaning; None for editions from before they existed. ``positive_terms`` are
    those that raised the score, strongest first, ``negative_terms`` those that lowered it; together
    with ``others`` (the sum of all other terms) and ``bias`` (the part that belongs to no term)
    they sum to the score (not stored with an edition). ``nearest`` is the liked paper most similar
    to this one (not stored either), ``similarity`` their similarity, None before the first thumb
    up; ``similar_paper`` is the same paper if it is similar enough to be a reason. ``matches`` says
    whether a word of the interest or a vote in it supports the paper (stored as the interest's
    name). ``probability`` is the calibrated chance of a thumbs-up; ``propensity`` the probability
    with which the paper got its place: below 1 for the last place if the edition may explore;
    ``explored`` is true if the draw did not choose the likeliest paper; ``pool`` counts the papers
    of the draw, 1 without a draw.
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
        """The probability to show: None before the first thumb up, when it is a guess."""
        # Editions from before similarities were stored named a liked paper whenever there was one.
        unknown = self.similarity is None and self.similar_paper is None
        return None if unknown else self.probability


@dataclass(frozen=True, slots=True)
class Edition:
    """The papers for one reader and local day. Once published its picks never change.

    ``catch_up_from`` is the local day after the previous edition if this one catches up.
    ``candidate_count`` papers could have been picked. ``note`` explains why an edition is short, or
    which fallback it used.
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
    """The state of a message; only replies of the mail server change it."""

    PLANNED = "planned"
    SENDING = "sending"  # leased by a worker
    SENT = "sent"
    DEFERRED = "deferred"  # to be tried again at ``next_attempt_at``
    FAILED = "failed"
    UNKNOWN = "unknown"  # the lease ended: may or may not have been sent
    CANCELLED = "cancelled"  # the reader left before it was sent


class MessageKind(StrEnum):
    """The kind of a message in the outbox; all kinds share states, retries and bounces."""

    EDITION = "edition"
    CONFIRMATION = "confirmation"  # to a new subscriber
    EMPTY_NOTICE = "empty_notice"  # to a reader on a day without papers
    OPERATOR_REPORT = "operator_report"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A row of the outbox: one message and its state.

    Only an edition has an ``edition_id``. ``reader_id`` is None for a report to the operator, and
    for a confirmation before its first attempt. ``payload`` is the JSON data of all other kinds;
    ``domain`` limits a confirmation. The message waits since ``queued_at``, or ``requeued_at``; it
    goes shorter since ``shortened_at``. ``ambiguous_attempts`` are those with unknown outcome.
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
    shortened_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A finished message, ready to send: ``content`` is RFC 5322 with CRLF line ends."""

    sender: str
    recipient: str
    message_id: str
    content: bytes = field(repr=False)


class BounceKind(StrEnum):
    """The kind of failure that a bounce reports for an address."""

    HARD = "hard"  # a permanent failure
    SOFT = "soft"  # a temporary failure


@dataclass(frozen=True, slots=True)
class Bounce:
    """A bounced message: its time, its code (``5.1.1``) and the server's words."""

    reader_id: int
    at: datetime
    kind: BounceKind
    code: str = ""
    text: str = ""
