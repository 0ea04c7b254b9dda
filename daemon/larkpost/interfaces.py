"""The protocols between the layers: dump format, ranker, renderer, transport.

All times are aware and in UTC. Nothing here does any work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, ClassVar, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from datetime import date, datetime

    from larkpost.domain import Edition, Message, Paper, Pick, Reader, Record, Thumb

FeedFormat = Literal["rss", "atom", "json"]


class DumpFormat(Protocol):
    """One dump format."""

    name: ClassVar[str]

    def recognises(self, head: bytes, filename: str) -> bool:
        """Say from the first 64 KiB whether this format can read the file; never raises."""
        ...

    def read(self, dump: BinaryIO, near: date) -> Iterator[Record]:
        """Yield the records in order of the file, and the day of capture before the first of them.

        ``near`` is a day near which the dump was taken: a date without a year means the nearest.
        Raises UnreadableDump when nothing in it is a record, saying what the file seems to be.
        """
        ...


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one interest of one reader has told us: thumbs with their times, words to start from.

    ``papers``, ``thumbs`` and ``at`` run side by side, oldest vote first, and ``shown_at`` beside
    them: when an edition showed the paper, None where none did; empty where nothing is known of
    editions. ``passed`` are papers that an edition showed and that got no thumb though the reader
    was there, which is known by thumbs on other papers of the edition; ``passed_at`` is when each
    was shown, the oldest first.
    """

    reader_id: int
    interest_id: int
    papers: Sequence[Paper] = ()
    thumbs: Sequence[Thumb] = ()
    at: Sequence[datetime] = ()
    words: Sequence[str] = ()
    passed: Sequence[Paper] = ()
    passed_at: Sequence[datetime] = ()
    shown_at: Sequence[datetime | None] = ()


class Space(Protocol):
    """The fitted TF-IDF space of a corpus; a cache that can be made again at any time."""

    def to_bytes(self) -> bytes:
        """Arrays with a format number, never a pickle."""
        ...


class Taste(Protocol):
    """What an interest likes, in a space; a cache that can be made again at any time."""

    @property
    def interest_id(self) -> int:
        """Whose it is."""
        ...


class Ranker(Protocol):
    """Learns tastes and ranks papers; pure (no database, no clock) and batch first."""

    def fit(self, corpus: Iterable[Paper], *, libraries: Sequence[Collection[int]] = ()) -> Space:
        """Fit the space; an empty corpus gives a space in which recency alone ranks.

        ``libraries`` are the ids of the papers that each of many readers likes, if any.
        """
        ...

    def learn(
        self, space: Space, evidence: Sequence[Evidence], *, now: datetime
    ) -> Sequence[Taste]:
        """One taste for each evidence, in order; no votes and one-sided votes are welcome."""
        ...

    def rank(
        self,
        space: Space,
        tastes: Sequence[Taste],
        candidates: Sequence[Paper],
        limit: int,
        *,
        excluded: Sequence[Collection[int]] = (),
    ) -> list[list[Pick]]:
        """The best ``limit`` candidates of each taste, best first, ties by date then id.

        ``excluded`` holds, beside each taste, the ids of papers it must not be given.
        """
        ...

    def similar(
        self, space: Space, paper: Paper, among: Sequence[Paper], limit: int
    ) -> list[tuple[Paper, float]]:
        """The ``limit`` papers of ``among`` closest to this one, with closeness above 0 up to 1.

        The closest first, ties by date then id; never the paper itself.
        """
        ...

    def space_from(self, body: bytes) -> Space | None:
        """Read a kept space; None where it is damaged or of another format."""
        ...


class Renderer(Protocol):
    """Pure: the same edition gives the same bytes; dates come from the edition, never from now."""

    def newsletter(self, editions: Sequence[Edition]) -> Iterator[Message]:
        """One letter an edition, in order; parts that readers share are rendered once."""
        ...

    def notice(self, reader: Reader, asked: datetime) -> Message:
        """Ask a pending reader to confirm; show any other the way to their page."""
        ...

    def empty_notice(self, reader: Reader, day: date, why: str, moment: datetime) -> Message:
        """Tell a reader that ``day`` brought no paper, and ``why``; dated ``moment``."""
        ...

    def report(self, to: str, subject: str, lines: Sequence[str], moment: datetime) -> Message:
        """Write to the operator; the same report of the same day has the same Message-ID."""
        ...

    def feed(
        self,
        editions: Sequence[Edition],
        format: FeedFormat,  # noqa: A002 - the word of RSS, Atom and JSON Feed for what they are
        *,
        reader: Reader | None = None,
    ) -> bytes:
        """The feed of one reader: the picks of these editions, newest edition first.

        ``reader`` is needed where there is no edition yet.
        """
        ...


class Transport(Protocol):
    """An open road to a mail server."""

    def ready(self) -> None:
        """Return when a letter can go: called, and logged in, and not too soon after the last.

        That may take its time, so that it comes before a letter is begun. Raises Deferred.
        """
        ...

    def send(self, letter: Message) -> None:
        """Return when the server took the letter.

        Raises Deferred (later), Refused (never for this address) or Unanswered (nobody knows).
        """
        ...
