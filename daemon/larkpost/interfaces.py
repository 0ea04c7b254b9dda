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
        """Return whether this format can read a file, from its first 64 KiB; never raises."""
        ...

    def read(self, dump: BinaryIO, near: date) -> Iterator[Record]:
        """Yield the day of capture, then the records in the order of the file.

        ``near`` is a day close to the capture: a date without a year means the closest one. Raises
        UnreadableDump if it contains no record; the message describes the file.
        """
        ...


@dataclass(frozen=True, slots=True)
class Evidence:
    """The training data of one interest of a reader: thumbs with their times, words to start from.

    ``papers``, ``thumbs``, ``at`` and ``shown_at`` are parallel, oldest vote first. ``shown_at`` is
    when an edition showed the paper, None if none did; it is empty if editions are unknown.
    ``passed`` are papers that an edition showed and that got no thumb, although the reader gave
    thumbs to other papers of that edition; ``passed_at`` is when each was shown, oldest first.
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
    """Renders messages; pure: equal editions result in equal bytes, with dates from the edition."""

    def newsletter(self, editions: Sequence[Edition]) -> Iterator[Message]:
        """Render one message per edition, in order; parts shared by readers are rendered once."""
        ...

    def notice(self, reader: Reader, asked: datetime) -> Message:
        """Render a confirmation for a pending reader; for any other one, the link to their page."""
        ...

    def empty_notice(self, reader: Reader, day: date, why: str, moment: datetime) -> Message:
        """Render the notice that ``day`` has no paper, and ``why``; dated ``moment``."""
        ...

    def report(self, to: str, subject: str, lines: Sequence[str], moment: datetime) -> Message:
        """Render a report to the operator; equal reports of one day have one Message-ID."""
        ...


class Transport(Protocol):
    """An open connection that takes messages."""

    def ready(self) -> None:
        """Return when a message can go: connected, logged in, and within the rate limit.

        This may take long, so it is called before a message is begun. Raises Deferred.
        """
        ...

    def send(self, message: Message) -> None:
        """Return when the server accepted the message.

        Raises Deferred (retry later), Refused (never for this address) or Unanswered (outcome
        unknown).
        """
        ...
