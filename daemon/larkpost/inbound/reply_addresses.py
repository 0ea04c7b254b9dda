"""Gives messages their return path and their reply address."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from larkpost.text.normalize import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from larkpost.domain import Edition, Message
    from larkpost.inbound.return_address import ReturnAddresses
    from larkpost.interfaces import Renderer

HOW_TO_VOTE = "Vote by mail: answer with numbers and signs, such as 3 + 5 -"


class ReplyableRenderer:
    """A Renderer around another one, whose letters bounce to us and can be answered."""

    def __init__(self, renderer: Renderer, mailboxes: ReturnAddresses) -> None:
        self._renderer = renderer
        self._mailboxes = mailboxes

    def newsletter(self, editions: Sequence[Edition]) -> Iterator[Message]:
        """Make one letter an edition, in order."""
        told = [_telling(edition) for edition in editions]
        for edition, letter in zip(editions, self._renderer.newsletter(told), strict=True):
            answers = f"Reply-To: {self._mailboxes.answers(edition)}\r\n".encode()
            yield replace(
                letter,
                sender=self._mailboxes.bounces(edition),
                content=answers + letter.content,
            )


def _telling(edition: Edition) -> Edition:
    if not edition.picks:
        return edition
    return replace(edition, note=one_line(f"{edition.note} {HOW_TO_VOTE}").strip())
