"""A letter of a few plain lines, from the program to whoever runs it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from larkpost.domain import Letter
from larkpost.render import message
from larkpost.render.quoted import segment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_PLAIN = (
    b"MIME-Version: 1.0\r\n"
    b'Content-Type: text/plain; charset="utf-8"\r\n'
    b"Content-Transfer-Encoding: quoted-printable\r\n"
    b"Auto-Submitted: auto-generated\r\n\r\n"
)


def notice(sender: str, to: str, subject: str, lines: Sequence[str], moment: datetime) -> Letter:
    """Write to the operator; the same notice of the same day has the same Message-ID.

    ``sender`` is the mailbox of ``mail.sender``. Raises SettingsError where it is none, UsageError
    where ``to`` is no address.
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
            _PLAIN,
            *(segment(f"{line}\n") for line in lines),
        )
    )
    return Letter(mailbox.address, recipient.address, message_id, content)
