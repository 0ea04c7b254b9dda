"""Reads fields of a mail's header: their decoded text (RFC 2047), and the address in From."""

from __future__ import annotations

import re
from email.errors import HeaderParseError
from email.header import decode_header
from typing import TYPE_CHECKING

from larkpost.formats.mail.mail_parser import decode
from larkpost.text.normalize import shorten

if TYPE_CHECKING:
    from email.message import Message

_LONGEST = 2_000
# One mailbox (RFC 5322, 3.4) and nothing else. The parser of ``email`` accepts more than that, and
# differs from other programs.
_ADDRESS = r"[^\s<>()\[\]\\,;:@\"]+@[^\s<>()\[\]\\,;:@\"]+"
_MAILBOX = re.compile(
    rf"(?P<bare>{_ADDRESS})"
    rf"|(?:\"(?:[^\"\\]|\\.)*+\"|[^<>()@,;\"\\])*+<(?P<address>{_ADDRESS})>"
)
_SHOWN = 120


def header_text(message: Message, name: str) -> str:
    """Return the first field with a name as one line of text, shortened; empty if there is none."""
    raw = str(message.get(name, ""))[:_LONGEST]
    try:
        pieces = decode_header(raw)
    except (HeaderParseError, ValueError):
        return shorten(raw, _SHOWN)
    words = (
        piece if isinstance(piece, str) else decode(piece, charset or "utf-8")
        for piece, charset in pieces
    )
    return shorten("".join(words), _SHOWN)


def sender_address(message: Message) -> str:
    """Return the sender's address of a mail, in lower case; empty unless there is exactly one.

    Programs disagree about the sender of a mail with two From fields, or two addresses in one (RFC
    5322, 3.6: exactly one field; 3.6.2: several addresses need a Sender).
    """
    fields = message.get_all("From", [])
    if len(fields) != 1:
        return ""
    found = _MAILBOX.fullmatch(" ".join(str(fields[0]).split()))
    return (found["bare"] or found["address"]).lower() if found else ""
