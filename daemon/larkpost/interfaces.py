"""The protocols between the layers: dump format, renderer, transport.

All times are aware and in UTC. Nothing here does any work.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import BinaryIO, ClassVar, Literal, Protocol

from larkpost.domain import Edition, Message, Paper, Reader, Record, Thumb

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
