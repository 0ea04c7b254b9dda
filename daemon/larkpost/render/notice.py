"""Letters of a few plain lines: to whoever runs the program, and to a reader without a paper."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from larkpost.domain import Letter
from larkpost.errors import UsageError
from larkpost.render import message, words
from larkpost.render.quoted import segment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from larkpost.domain import Reader
    from larkpost.render.links import Links

_PLAIN = (
    b"MIME-Version: 1.0\r\n"
    b'Content-Type: text/plain; charset="utf-8"\r\n'
    b"Content-Transfer-Encoding: quoted-printable\r\n"
    b"Auto-Submitted: auto-generated\r\n\r\n"
)


def notice(
    sender: str,
    to: str,
    subject: str,
    lines: Sequence[str],
    moment: datetime,
    headers: Sequence[bytes] = (),
) -> Letter:
    """Write a few lines; the same notice of the same day has the same Message-ID.

    ``sender`` is the mailbox of ``mail.sender``, ``headers`` are whole fields besides the usual.
    Raises SettingsError where the sender is no mailbox, UsageError where ``to`` is no address.
    """
    mailbox = message.sender_of(sender)
    recipient = message.Mailbox("", message.checked(to))
    seed = f"{moment:%Y%m%d} {recipient.address} {subject}".encode()
    name = hashlib.blake2b(seed, digest_size=16).hexdigest()
    message_id = f"<notice.{moment:%Y%m%d}.{name}@{mailbox.domain}>"
    content = b"".join(
        (
            message.mailbox_header("From", mailbox),
            *message.own_headers(recipient, message_id, subject, moment),
            *headers,
            _PLAIN,
            *(segment(f"{line}\n") for line in lines),
        )
    )
    return Letter(mailbox.address, recipient.address, message_id, content)


@dataclass(frozen=True, slots=True)
class QuietLines:
    """Writes to readers whom a morning brought no paper; pure: the same again for the same day."""

    links: Links
    sender: str
    title: str

    def letter(self, reader: Reader, day: date, why: str, moment: datetime) -> Letter:
        """Tell in a line ``why``; raises UsageError for a reader without an address."""
        if reader.address is None:
            raise UsageError(f"reader {reader.uid} has no mail address")
        leave = self.links.leave(reader)
        when = words.date_in_words(day)
        lines = [
            f"No paper came on {when}: {why}.",
            "",
            f"You asked to be told; your page: {self.links.page(reader)}",
            f"Unsubscribe: {leave}",
        ]
        mailbox = message.sender_of(self.sender)
        headers = [
            *message.leave_headers(leave),
            *message.list_headers(mailbox, self.title, self.links.front()),
        ]
        subject = f"{self.title}: no paper on {when}"
        return notice(self.sender, reader.address, subject, lines, moment, headers)
