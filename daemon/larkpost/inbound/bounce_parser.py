"""Parses bounces: the result that a mail reports for an address (RFC 3464 and older forms)."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from enum import StrEnum
from html import unescape
from typing import TYPE_CHECKING

from larkpost.formats.mail.mail_parser import MailPart, decode, parse
from larkpost.text.normalize import shorten
from larkpost.transports.smtp_replies import DEAD, NOT_THEIRS

if TYPE_CHECKING:
    from email.message import Message

__all__ = [
    "BounceNews",
    "BounceReport",
    "parse",
    "parse_bounce",
]

_ENHANCED = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_PLAIN = re.compile(
    r"\b(?:no such (?:user|mailbox|address)|(?:user|mailbox|recipient) unknown)", re.IGNORECASE
)
# Of the message, not of the address: a paper with the words of an advertisement, which any source
# can list every day, would suspend all readers behind a spam filter.
_OF_MESSAGE = (*NOT_THEIRS, "5.6.")
# In the words of Exim and of Postfix, which breaks lines anywhere: the address was accepted before.
_AFTER_MESSAGE = re.compile(r"\b(?:after|reply\s+to)\s+end\s+of\s+data\b", re.IGNORECASE)
# Or nothing of the content was read: the sender is on a list, for example.
_BEFORE_MESSAGE = re.compile(
    r"\b(?:after|reply\s+to|receiving\s+the)\s+(?:initial|HELO|EHLO|LHLO|STARTTLS|AUTH"
    r"|MAIL\s+FROM|RCPT\s+TO|DATA\s+command)\b",
    re.IGNORECASE,
)
# With these a server refuses what it read; the rest of 5.7 are of senders (RFC 7372) and rights.
_OF_CONTENT = frozenset(("", "5.0.0", "5.7.0", "5.7.1"))
_LONGEST_TEXT = 300
_SEARCHED = 20_000  # characters of an old-fashioned bounce that are searched for its reason
# Limits for a line of an old-fashioned bounce: some of the library's patterns take time with the
# cube of a line's length, and of the number of its "<".
_LONGEST_LINE = 200
_MOST_BRACKETS = 4
_MOST_LINES = 500
_WIDE_SPACE = re.compile(r"[^\S\n]{9,}")


class BounceNews(StrEnum):
    """The result that a returned mail reports."""

    DEAD = "dead"  # there is no such address
    FAILED = "failed"  # not delivered, for any other reason
    REFUSED = "refused"  # for its content or by policy, which says nothing about the address
    WAITING = "waiting"  # delayed, or delivered: nothing to do
    NOTHING = "nothing"  # not a bounce at all


@dataclass(frozen=True, slots=True)
class BounceReport:
    """The result of a bounce, with the server's code and words.

    ``recipient`` is the address that the last server refused, in lower case; empty if unknown.
    ``unread``: the server refused the message before it had read any of it.
    """

    news: BounceNews
    code: str = ""
    text: str = ""
    recipient: str = ""
    unread: bool = False

    @property
    def is_of_content(self) -> bool:
        """Whether the content was refused, and not, as after a forwarding, its sender."""
        is_coded = self.code.startswith("5.6.") or self.code in _OF_CONTENT
        return self.news is BounceNews.REFUSED and is_coded and not self.unread


def parse_bounce(message: Message) -> BounceReport:
    """Parse what a mail to the return path reports about the address of the original message."""
    reports = list(_reports(message))
    if reports:
        order = list(BounceNews)
        text = plain_text(message)
        read = (_of_report(one, text) for one in reports)
        return min(read, key=lambda one: order.index(one.news))
    return _parse_old_styles(message)


def _reports(message: Message) -> list[Message]:
    """Return the fields for each recipient of a delivery status (RFC 3464, 2.1)."""
    return [
        block
        for part in message.walk()
        if part.get_content_type() in ("message/delivery-status", "message/global-delivery-status")
        and isinstance(blocks := part.get_payload(), list)
        for block in blocks
        if isinstance(block, MailPart) and ("Action" in block or "Status" in block)
    ]


def _of_report(block: Message, told_people: str) -> BounceReport:
    action = _field(block, "Action").lower()
    found = _ENHANCED.search(_field(block, "Status"))
    code = found[1] if found else ""
    text = _field(block, "Diagnostic-Code")
    if code in ("", "5.0.0") and (told := _ENHANCED.search(text)):
        code = told[1]  # Exim and others send 5.0.0 and give the reason in words only
    if action != "failed" and not (action == "" and code.startswith("5")):
        return BounceReport(BounceNews.WAITING, code, text)
    recipient = _field(block, "Final-Recipient").rpartition(";")[2].strip().lower()
    unread = _BEFORE_MESSAGE.search(told_people) is not None
    return BounceReport(_news_of_failure(code, told_people), code, text, recipient, unread)


def _news_of_failure(code: str, text: str) -> BounceNews:
    if code in DEAD:
        return BounceNews.DEAD
    of_message = code.startswith(_OF_MESSAGE)
    if of_message or (code in ("", "5.0.0") and _AFTER_MESSAGE.search(text)):
        return BounceNews.REFUSED
    return BounceNews.FAILED


def _field(block: Message, name: str) -> str:
    return shorten(str(block.get(name, "")), _LONGEST_TEXT).strip()


def _parse_old_styles(message: Message) -> BounceReport:
    """Parse the forms of qmail, Exim, Exchange and many more from before the standard."""
    from flufl.bounce import all_failures

    # Its readers fail on mails in no known form, each time with a trace in the log.
    logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)
    text = plain_text(message)
    try:
        _simplify(message)
        waiting, failed = all_failures(message)
    except Exception:  # the library fails on mails in none of the forms that it knows
        return BounceReport(BounceNews.NOTHING)
    if not failed:
        return BounceReport(BounceNews.WAITING if waiting else BounceNews.NOTHING)
    found = _ENHANCED.search(text)
    code = found[1] if found else ""
    is_dead = not code and _PLAIN.search(text)
    news = BounceNews.DEAD if is_dead else _news_of_failure(code, text)
    return BounceReport(news, code, shorten(text, _LONGEST_TEXT))


def _simplify(message: Message) -> None:
    """Reduce every text part to the few short, decoded lines that may give a bounce's reason."""
    left, lines_left = _SEARCHED, _MOST_LINES
    for part in message.walk():
        if part.is_multipart():
            continue
        content = part.get_payload(decode=True) if part.get_content_maintype() == "text" else b""
        text = content[:left].decode("ascii", "replace") if isinstance(content, bytes) else ""
        left -= len(text)
        lines = _WIDE_SPACE.sub(" " * 8, text).splitlines()[:lines_left]
        lines_left -= len(lines)
        del part["Content-Transfer-Encoding"]
        part.set_payload("\n".join(map(_short, lines)))


def _short(line: str) -> str:
    pieces = line[:_LONGEST_LINE].split("<", _MOST_BRACKETS + 1)
    return "<".join(pieces[: _MOST_BRACKETS + 1])


def plain_text(message: Message) -> str:
    """Return the first text of a mail, without tags if it is HTML only."""
    for kind in ("text/plain", "text/html"):
        for part in message.walk():
            content = part.get_payload(decode=True)
            if part.get_content_type() == kind and isinstance(content, bytes):
                text = decode(content, part.get_content_charset("utf-8"))[:_SEARCHED]
                return text if kind == "text/plain" else _without_tags(text)
    return ""


def _without_tags(html: str) -> str:
    quoted = re.split(r"<blockquote", html, maxsplit=1, flags=re.IGNORECASE)[0]
    # A "<" within a tag ends the tag; otherwise many of them would take quadratic time.
    lines = r"<(?:br|p|div|tr|li)\b[^<>]*>|</(?:p|div)>"
    broken = re.sub(lines, "\n", quoted, flags=re.IGNORECASE)
    return unescape(re.sub(r"<[^<>]*>", "", broken))
