"""Builds the messages of editions; one that cannot be built keeps no other from going."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from larkpost import logs
from larkpost.domain import Message
from larkpost.log_events import LogEvent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from larkpost.domain import Delivery, Edition, Pick
    from larkpost.interfaces import Renderer

log = logs.get_logger(__name__)


def build_messages(renderer: Renderer, pages: Sequence[Edition]) -> list[Message | Exception]:
    """Make a letter of each page, in order; one that cannot be made is its error."""
    letters: list[Message | Exception] = []
    try:
        # Not in one go: what was made before the press stumbled is good.
        for letter in renderer.newsletter(pages):
            letters.append(letter)  # noqa: PERF402 - see above
    except Exception:  # whose letter it was, the press cannot say: set the rest one by one
        letters += [_build_alone(renderer, page) for page in pages[len(letters) :]]
    return letters


def letters_of(
    renderer: Renderer, rows: Sequence[tuple[Delivery, Edition]], kept: Mapping[int, Message]
) -> dict[int, Message | Exception]:
    """Give the letter of each delivery, or why there is none, by the delivery's number.

    ``kept`` are letters as they went out before, whose bytes are not to change; but for a reader
    who has moved to another address the letter is made anew.
    """
    letters: dict[int, Message | Exception] = {
        row.id: kept[row.id]
        for row, page in rows
        if row.id in kept and kept[row.id].recipient == page.reader.address
    }
    rest = [(row, page) for row, page in rows if row.id not in letters]
    for (row, _), letter in zip(
        rest, build_messages(renderer, [page for _, page in rest]), strict=True
    ):
        if isinstance(letter, Message):
            letters[row.id] = under_its_name(letter, row.message_id)
        else:
            letters[row.id] = letter
    return letters


def under_its_name(letter: Message, message_id: str) -> Message:
    """Keep the Message-ID of the first try, by which receivers know a copy.

    It differs where ``mail.sender`` has moved to another domain since.
    """
    if letter.message_id == message_id:
        return letter
    content = letter.content.replace(letter.message_id.encode(), message_id.encode(), 1)
    return replace(letter, message_id=message_id, content=content)


def _build_alone(renderer: Renderer, page: Edition) -> Message | Exception:
    """Make one letter, if need be without the papers that cannot be set."""
    try:
        return next(iter(renderer.newsletter([page])))
    except Exception as error:
        good = tuple(pick for pick in page.picks if _can_be_set(renderer, page, pick))
        if not good or len(good) == len(page.picks):
            log.exception(LogEvent.MESSAGE_FAILED, reader=page.reader.uid, edition=str(page.date))
            return error
    return _build_alone(renderer, replace(page, picks=good))


def _can_be_set(renderer: Renderer, page: Edition, pick: Pick) -> bool:
    try:
        next(iter(renderer.newsletter([replace(page, picks=(pick,))])))
    except Exception:
        log.exception(
            LogEvent.PAPER_SKIPPED, paper=str(pick.paper.identifier), edition=str(page.date)
        )
        return False
    return True
