"""The SMTP commands and the content of one message, given what the server can do: pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parseaddr

from larkpost.domain import Message
from larkpost.errors import Refused
from larkpost.transports.smtp_replies import SmtpStage

# RFC 5321, 4.1.2, extended for RFC 6531; no character that could end the path or start a parameter.
_MAILBOX = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^\s"<>@]+)@[^\s"<>@]+')
_LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class SmtpEnvelope:
    """The commands with the stage of each reply, and the content with its final dot."""

    commands: tuple[tuple[SmtpStage, bytes], ...]
    content: bytes


def seal(message: Message, extensions: Mapping[str, str]) -> SmtpEnvelope:
    """Make the commands (RFC 5321, 3.3) and the dot-stuffed content (4.5.2) of a message.

    ``extensions`` are the keywords of EHLO with their parameters. Raises Refused if the message
    needs something that the server does not support: its size, eight bits (RFC 6152), an address
    that is not ASCII (RFC 6531).
    """
    sender = parseaddr(message.sender)[1]
    parameters = _parameters(message, sender, extensions)
    return SmtpEnvelope(
        (
            (SmtpStage.SENDER, f"MAIL FROM:<{sender}>{parameters}\r\n".encode()),
            (SmtpStage.RECIPIENT, f"RCPT TO:<{message.recipient}>\r\n".encode()),
            (SmtpStage.CONTENT, b"DATA\r\n"),
        ),
        dot_stuff(message.content),
    )


def dot_stuff(content: bytes) -> bytes:
    """Double the dots that begin a line and add the final one; every line ends with CRLF.

    A bare CR or LF would be refused, or read as the end of the message by a lax server (SMTP
    smuggling, 2023).
    """
    ends = content.count(b"\r\n")
    if content.count(b"\n") != ends or content.count(b"\r") != ends:
        content = _LINE_END.sub(b"\r\n", content)
    content = content.replace(b"\r\n.", b"\r\n..")
    if content.startswith(b"."):
        content = b"." + content
    return content + (b".\r\n" if content.endswith(b"\r\n") else b"\r\n.\r\n")


def _parameters(message: Message, sender: str, extensions: Mapping[str, str]) -> str:
    _must_be_mailbox(message.recipient)
    if sender:  # the empty path is for messages that must not be answered
        _must_be_mailbox(sender)
    head = message.content.partition(b"\r\n\r\n")[0]
    international = not (sender.isascii() and message.recipient.isascii() and head.isascii())
    parameters = ""
    if "SIZE" in extensions:
        _must_fit(len(message.content), extensions["SIZE"])
        parameters += f" SIZE={len(message.content)}"
    if international:
        _must_offer("SMTPUTF8", extensions, "addresses beyond ASCII", message.recipient)
        parameters += " SMTPUTF8"
    if not message.content.isascii():
        _must_offer("8BITMIME", extensions, "8-bit messages", message.recipient)
        parameters += " BODY=8BITMIME"
    return parameters


def _must_be_mailbox(address: str) -> None:
    if not (address.isprintable() and _MAILBOX.fullmatch(address)):
        raise Refused(f"{address!r} is not an email address")


def _must_fit(size: int, limit: str) -> None:
    # Twenty digits at most, and 0 is no limit (RFC 1870, 4).
    if limit.isascii() and limit.isdigit() and len(limit) <= 20 and 0 < int(limit) < size:
        raise Refused(
            f"the message has {size} bytes, but the mail server accepts {limit}",
            hint="send fewer papers per edition: larkpost reader set EMAIL --size N",
        )


def _must_offer(extension: str, extensions: Mapping[str, str], what: str, recipient: str) -> None:
    if extension not in extensions:
        raise Refused(
            f"the mail server does not support {what} ({extension}), which {recipient} needs"
        )
