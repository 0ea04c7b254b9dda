"""Ingests the papers of digests and alerts that arrive as mail, from allowed senders only."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from larkpost import logs
from larkpost.errors import UnreadableDump
from larkpost.formats.mail.header_fields import header_text, sender_address
from larkpost.formats.mail.mail_dump import MailDump
from larkpost.inbound.process import InboundKind, InboundResult
from larkpost.ingest.dump_limits import MOST_NEW_MAILED, OF_AUTHORITIES, OF_OTHERS, GrowthLimit
from larkpost.ingest.ingest import ingest
from larkpost.ingest.refused_files import Refusal, remember_mail_refusal
from larkpost.log_events import LogEvent

if TYPE_CHECKING:
    from email.message import Message

    from larkpost.db.engine import Store
    from larkpost.inbound.digest_senders import DigestSenders

log = logs.get_logger(__name__)

LARGEST_DIGEST = 5_000_000  # bytes of a digest; journals embed pictures
# The header fields that identify a mail. The others describe its path, and differ in each copy. No
# space before the colon: "From : x" would look like the first line of a mail folder.
_SHARED_FIELD = re.compile(
    rb"(?:from|date|subject|message-id|mime-version|content-[a-z-]+):", re.IGNORECASE
)
_END_OF_HEADER = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True, slots=True)
class DigestMail:
    """The senders of digests, and the Maildir in which they arrive beside the returned mail."""

    senders: DigestSenders
    folder: Path | None = None

    def receive(
        self, store: Store, content: bytes, message: Message, *, size: int, now: datetime
    ) -> InboundResult | None:
        """Ingest the papers of a mail; None, with nothing done, if its sender is not allowed.

        ``message`` is the parsed beginning of ``content``.
        A mail is read once: another copy of it, or the same after a crash, changes nothing. A mail
        from an allowed sender without any paper is reported like a refused file, and left unread.
        Raises Busy and StoreError if the database cannot be written.
        """
        if why := self.senders.refusal(message):
            log.info(LogEvent.DIGEST_IGNORED, reason=why)
            return None
        subject = header_text(message, "Subject") or "mail without a subject"
        if size > LARGEST_DIGEST:
            why = f"it has {size} bytes, and {LARGEST_DIGEST} are possible"
            return InboundResult(InboundKind.REFUSED, why=why)
        verified = self.senders.is_from_arxiv(message)
        growth = None if verified else self._growth_limit(message)
        if growth and (flood := growth.describe_excess(store, now)):
            return InboundResult(InboundKind.REFUSED, why=f"{flood} in mails of this sender")
        try:
            report = ingest(
                store,
                (MailDump(),),
                None,
                stream=BytesIO(essential_mail(content)),
                name=subject,
                dump_format=MailDump.name,
                limits=replace(OF_OTHERS, source=growth.account) if growth else OF_AUTHORITIES,
                growth=growth,
                now=now,
            )
        except UnreadableDump as error:
            _tell_refusal(store, subject, error, now)
            return InboundResult(InboundKind.NO_DIGEST, why=str(error))
        sender = sender_address(message)
        log.info(LogEvent.DIGEST_INGESTED, sender=sender, papers=report.papers, new=report.new)
        return InboundResult(InboundKind.DIGEST, papers=report.papers, new=report.new)

    def _growth_limit(self, message: Message) -> GrowthLimit:
        """Return the limit of an allowed sender: of one address, or of one allowed domain."""
        return GrowthLimit(f"mail {self.senders.entry_of(message)}", MOST_NEW_MAILED)


def _tell_refusal(store: Store, subject: str, error: UnreadableDump, now: datetime) -> None:
    log.warning(LogEvent.DIGEST_REJECTED, name=subject, reason=str(error))
    with store.begin() as connection:
        remember_mail_refusal(connection, Refusal(subject, str(error), error.hint, "", now), now)


def essential_mail(content: bytes) -> bytes:
    """Reduce the header to the fields that all copies of a mail share."""
    end = _END_OF_HEADER.search(content)
    header = content[: end.start()] if end else content
    kept: list[bytes] = []
    keeps = False
    for line in header.splitlines(keepends=True):
        if line[:1] not in (b" ", b"\t"):
            keeps = _SHARED_FIELD.match(line) is not None
        if keeps:
            kept.append(line.rstrip(b"\r\n"))
    return b"\n".join(kept) + b"\n\n" + (content[end.end() :] if end else b"")
