"""Builds messages of every kind; one that cannot be built does not stop the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from larkpost import logs
from larkpost.db.outbox import deliveries
from larkpost.domain import (
    Delivery,
    Edition,
    Message,
    MessageKind,
    Pick,
    Reader,
)
from larkpost.interfaces import Renderer
from larkpost.log_events import LogEvent
from larkpost.render.email.without_unverified import without_unverified

log = logs.get_logger(__name__)


def build_messages(renderer: Renderer, pages: Sequence[Edition]) -> list[Message | Exception]:
    """Build a message for each page, in order; one that cannot be built becomes its error."""
    built: list[Message | Exception] = []
    try:
        # Not in one go: the messages built before the renderer failed are good.
        for message in renderer.newsletter(pages):
            built.append(message)  # noqa: PERF402 - see above
    except Exception:  # the renderer cannot say which one failed: build the rest one by one
        built += [_build_alone(renderer, page) for page in pages[len(built) :]]
    return built


def edition_messages(
    renderer: Renderer, rows: Sequence[tuple[Delivery, Edition]], kept: Mapping[int, Message]
) -> dict[int, Message | Exception]:
    """Return the message of each edition, or the error, by the delivery's number.

    ``kept`` are stored messages whose bytes must not change; only for a reader with a new address
    is the message built again.
    """
    messages: dict[int, Message | Exception] = {
        row.id: kept[row.id] for row, page in rows if _still_good(kept, row, page.reader.address)
    }
    rest = [(row, page) for row, page in rows if row.id not in messages]
    for (row, _), message in zip(
        rest, build_messages(renderer, [page for _, page in rest]), strict=True
    ):
        messages[row.id] = _named(message, row)
    return messages


def shorter_message(renderer: Renderer, page: Edition, message: Message) -> Message | None:
    """Build the message of an edition again ``without_unverified``; None if that is the same.

    Also None if it cannot be built.
    """
    shorter = without_unverified(page)
    if shorter is None:
        return None
    built = _build_alone(renderer, shorter)
    return under_its_name(built, message.message_id) if isinstance(built, Message) else None


def notice_message(
    renderer: Renderer,
    delivery: Delivery,
    recipient: Reader | str,
    kept: Mapping[int, Message],
) -> Message | Exception:
    """Return a message of another kind, or the error; to a reader, or to the operator."""
    address = recipient if isinstance(recipient, str) else recipient.address
    if _still_good(kept, delivery, address):
        return kept[delivery.id]
    try:
        return _named(_build_notice(renderer, delivery, recipient), delivery)
    except Exception as error:
        log.exception(LogEvent.MESSAGE_FAILED, kind=delivery.kind.value, delivery=delivery.id)
        return error


def _build_notice(renderer: Renderer, delivery: Delivery, recipient: Reader | str) -> Message:
    payload, moment = delivery.payload, delivery.queued_at
    if isinstance(recipient, str):
        return renderer.report(recipient, payload["subject"], payload["lines"], moment)
    if delivery.kind is MessageKind.CONFIRMATION:
        return renderer.notice(recipient, moment)
    return renderer.empty_notice(recipient, delivery.day, payload["why"], moment)


def _still_good(kept: Mapping[int, Message], delivery: Delivery, address: str | None) -> bool:
    return delivery.id in kept and kept[delivery.id].recipient == address


def _named(message: Message | Exception, delivery: Delivery) -> Message | Exception:
    name = deliveries.sent_as(delivery)
    if isinstance(message, Exception) or name is None:
        return message
    return under_its_name(message, name)


def under_its_name(message: Message, message_id: str) -> Message:
    """Keep the Message-ID of the first try, by which receivers recognise a copy.

    It differs if ``mail.sender`` has moved to another domain since.
    """
    if message.message_id == message_id:
        return message
    content = message.content.replace(message.message_id.encode(), message_id.encode(), 1)
    return replace(message, message_id=message_id, content=content)


def _build_alone(renderer: Renderer, page: Edition) -> Message | Exception:
    """Build one message, if need be without the papers that cannot be rendered."""
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
