"""Deletes a reader completely: rows, messages in the home, and traces in the database file."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from larkpost import logs
from larkpost.db import readers
from larkpost.db.coordination import job_status
from larkpost.db.outbox import deliveries, notices
from larkpost.domain import Reader
from larkpost.log_events import LogEvent
from larkpost.text.email_address import address_key
from larkpost.transports.maildir import remove_messages

if TYPE_CHECKING:
    from larkpost.db.engine import Store

PATIENCE = 2.0  # seconds

log = logs.get_logger(__name__)


def _remove_messages(
    people: Sequence[Reader], sent: Collection[str], outbox: Path | None, returned: Path | None
) -> int:
    """Delete what is to, or about, somebody in both mail folders; gives how many stayed."""
    addresses = {who.address for who in people if who.address}
    stayed = remove_messages(outbox, message_ids=sent, addresses=addresses) if outbox else 0
    return stayed + (remove_messages(returned, addresses=addresses, whole=True) if returned else 0)


def remove(
    store: Store,
    reader_id: int,
    *,
    outbox: Path | None = None,
    returned: Path | None = None,
    patience: float = PATIENCE,
) -> None:
    """Delete a reader: address, interests, thumbs, private papers, editions, messages, notices.

    Readers merged into them are deleted as well. Not deleted: the operator's backups, exports and
    logs, and messages that were sent. Their data stay in the journal if others read for longer than
    ``patience`` seconds; the daemon then tries again at each run. Raises UnknownReader.
    """
    with store.begin() as connection:
        reader = readers.get(connection, reader_id)
        people = [reader, *readers.former(connection, [reader.id])]
        rows = [one for who in people for one in deliveries.of(connection, who.id)]
        sent = {name for one in rows for name in deliveries.message_ids(one)}
        readers.remove(connection, reader.id)
        notices.forget_addressees(connection, {name for who in people for name in _names(who)})
        texts = {text for who in people for text in _names(who)}
        job_status.redact(connection, texts, names={who.name for who in people})
    store.truncate_journal(patience)
    if stayed := _remove_messages(people, sent, outbox, returned):
        log.warning(LogEvent.READER_UNCLEARED, count=stayed)


def _names(reader: Reader) -> set[str]:
    """Return the names of a reader in rows without a foreign key to theirs."""
    address = {reader.address, address_key(reader.address)} if reader.address else set()
    return {reader.uid, *([reader.feed_key] if reader.feed_key else []), *address}
