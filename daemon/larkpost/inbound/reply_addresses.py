"""Adds the return path and the reply address to messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING

from larkpost.domain import Edition, Message, Reader
from larkpost.interfaces import Renderer
from larkpost.text.normalize import one_line

if TYPE_CHECKING:
    from larkpost.inbound.return_address import ReturnAddresses

HOW_TO_VOTE = "Vote by email: reply with numbers and signs, such as 3 + 5 -"


class ReplyableRenderer:
    """Wraps a renderer: its editions get a return path of ours and a reply address."""

    def __init__(self, renderer: Renderer, mailboxes: ReturnAddresses) -> None:
        self._renderer = renderer
        self._mailboxes = mailboxes

    def newsletter(self, editions: Sequence[Edition]) -> Iterator[Message]:
        """Make one message per edition, in order."""
        told = [_telling(edition) for edition in editions]
        for edition, message in zip(editions, self._renderer.newsletter(told), strict=True):
            answers = f"Reply-To: {self._mailboxes.answers(edition)}\r\n".encode()
            yield replace(
                message,
                sender=self._mailboxes.bounces(edition),
                content=answers + message.content,
            )

    def notice(self, reader: Reader, asked: datetime) -> Message:
        """Make a confirmation with its own return path."""
        return self._renderer.notice(reader, asked)

    def empty_notice(self, reader: Reader, day: date, why: str, moment: datetime) -> Message:
        """Make the notice of an empty day with its own return path."""
        return self._renderer.empty_notice(reader, day, why, moment)

    def report(self, to: str, subject: str, lines: Sequence[str], moment: datetime) -> Message:
        """Make a report to the operator with its own return path."""
        return self._renderer.report(to, subject, lines, moment)


def _telling(edition: Edition) -> Edition:
    if not edition.picks:
        return edition
    return replace(edition, note=one_line(f"{edition.note} {HOW_TO_VOTE}").strip())
