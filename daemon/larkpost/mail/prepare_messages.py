"""Prepares claimed rows of the outbox for sending: the recipient and the message of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from larkpost import logs
from larkpost.db import editions, readers
from larkpost.db.outbox import sent_messages
from larkpost.db.outbox.delivery_statements import TO_ANYBODY
from larkpost.domain import Delivery, Message, MessageKind, Reader
from larkpost.errors import StoreError, TryAgainLater
from larkpost.interfaces import Renderer
from larkpost.log_events import LogEvent
from larkpost.mail import confirmations
from larkpost.mail.message_builder import edition_messages, notice_message, shorter_message
from larkpost.mail.outbox_run import NOBODY, OutboxItem
from larkpost.render.email.without_unverified import without_unverified

if TYPE_CHECKING:
    from larkpost.db.engine import Connection, Store

log = logs.get_logger(__name__)


class MessagePreparation:
    """Builds the messages of claimed rows.

    ``per_domain`` confirmations go to a domain per hour; ``operator`` is the address for reports.
    """

    def __init__(self, store: Store, renderer: Renderer, per_domain: int, operator: str) -> None:
        self._store = store
        self._renderer = renderer
        self._per_domain = per_domain
        self._operator = operator

    def prepare(self, batch: Sequence[Delivery], now: datetime) -> list[OutboxItem]:
        """Return the items of a batch in its order.

        Confirmations over a limit are left out: they wait, or are deleted. A message that cannot be
        built is represented by its error.
        """
        admitted = {
            row.id: self._admit(row, now) for row in batch if row.kind is MessageKind.CONFIRMATION
        }
        rows = [row for row in batch if row.id not in admitted]
        with self._store.read() as connection:
            items = {one.delivery.id: one for one in with_readers(connection, rows)}
            doubted = [row for row in batch if row.ambiguous_attempts]
            kept = sent_messages.read(connection, doubted)
        items |= {number: item for number, item in admitted.items() if item is not None}
        return self._with_messages([items[row.id] for row in batch if row.id in items], kept)

    def without_unverified(self, item: OutboxItem) -> OutboxItem | None:
        """Build an edition's message as ``message_builder.shorter_message``; None for others."""
        if item.page is None or not isinstance(item.message, Message):
            return None
        shorter = shorter_message(self._renderer, item.page, item.message)
        return None if shorter is None else replace(item, message=shorter)

    def _admit(self, delivery: Delivery, now: datetime) -> OutboxItem | None:
        """Return the reader of a confirmation; None if it does not go now."""
        try:
            reader = confirmations.admit(
                self._store, delivery, now=now, per_domain=self._per_domain
            )
        except (StoreError, TryAgainLater):
            raise
        except Exception as error:  # one damaged row must not stop the others
            log.exception(LogEvent.MESSAGE_FAILED, kind=delivery.kind.value, delivery=delivery.id)
            return OutboxItem(delivery, error)
        return None if reader is None else OutboxItem(delivery, reader=reader)

    def _with_messages(
        self, items: Sequence[OutboxItem], kept: Mapping[int, Message]
    ) -> list[OutboxItem]:
        pages = [(one.delivery, one.page) for one in items if one.page and one.page.reader.address]
        made = edition_messages(self._renderer, pages, kept)
        made |= {
            one.delivery.id: notice_message(self._renderer, one.delivery, recipient, kept)
            for one in items
            if one.message is NOBODY and (recipient := self._recipient(one))
        }
        return [replace(one, message=made.get(one.delivery.id, one.message)) for one in items]

    def _recipient(self, item: OutboxItem) -> Reader | str | None:
        """Return the recipient of a message that is not an edition, if there is an address."""
        if item.delivery.kind is MessageKind.OPERATOR_REPORT:
            return self._operator or None
        return item.reader if item.page is None and item.reader and item.reader.address else None


def with_readers(connection: Connection, rows: Sequence[Delivery]) -> list[OutboxItem]:
    """Join each row with its edition and reader; rows without one of them are left out.

    An edition that a mail server returned for its content goes without what may be the reason.
    """
    pages = editions.get_many(connection, [row.edition_id for row in rows if row.edition_id])
    wanted = {row.reader_id for row in rows if row.edition_id is None and row.reader_id}
    people = readers.many(connection, wanted)
    items = []
    for row in rows:
        page = pages.get(row.edition_id) if row.edition_id else None
        if page and row.shortened_at:
            page = without_unverified(page) or page
        reader = page.reader if page else people.get(row.reader_id or 0)
        if page or reader or row.kind in TO_ANYBODY:
            items.append(OutboxItem(row, reader=reader, page=page))
    return items
