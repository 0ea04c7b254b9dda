"""Parses SMTP replies, and decides what each means for the message; pure functions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

# RFC 3463: no such mailbox, no such domain, moved away, null MX (RFC 7505); 2.1 is disabled. In a
# reply or in a bounce, only these mean a dead address: 5.1.0 is used for anything, 5.1.7 and 5.1.8
# concern the sender.
DEAD = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.4.4"})
# RFC 3463: class, subject, detail.
_MAIL_SYSTEM = "4.3."
TOO_MANY = "4.5.3"  # recipients; with one recipient per message, messages per connection
# Of the server, the protocol and its policy: they say nothing about an address.
NOT_THEIRS = ("5.3.", "5.5.", "5.7.")
_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?:\s+|$)")


class SmtpStage(StrEnum):
    """The stage of the conversation at which a reply came; the value is its name for people."""

    GREETING = "at its greeting"
    HELLO = "at EHLO"
    STARTTLS = "at STARTTLS"
    LOGIN = "at the login"
    SENDER = "at MAIL FROM"
    RECIPIENT = "at RCPT TO"
    CONTENT = "at DATA"
    END = "after the message"


class ReplyMeaning(StrEnum):
    """The meaning of a reply."""

    TAKEN = "taken"
    LATER = "later"
    TIRED = "tired"  # retry, for a reason of the server's, not the message's
    NEVER = "never"  # this message
    UNWELCOME = "unwelcome"  # the message is refused, for a reason of the address
    NOBODY = "nobody"  # there is no such address
    SERVER_FAULT = "server fault"  # all messages fail: the server's fault, or our login or sender


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply: code, enhanced code ("" without one), and the text of each line."""

    code: int
    enhanced: str = ""
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        text = " ".join(self.lines)
        return " ".join(part for part in (str(self.code), self.enhanced, text) if part)


def reply_of(code: int, lines: list[str]) -> Reply:
    """Parse the enhanced code (RFC 2034) from the lines of a reply."""
    enhanced = ""
    texts = []
    for line in lines:
        found = _ENHANCED.match(line)
        if found and found[1] == str(code)[0]:
            enhanced = enhanced or ".".join(found.groups())
            texts.append(line[found.end() :].strip())
        else:
            texts.append(line.strip())
    return Reply(code, enhanced, tuple(texts))


def classify(code: int, enhanced: str = "", stage: SmtpStage = SmtpStage.RECIPIENT) -> ReplyMeaning:
    """Decide from a reply and its stage what it means for the message.

    RFC 5321, 4.2.1 and 4.2.3; RFC 3463 for the enhanced codes. 421 closes the connection and says
    nothing about the message. A refusal before a recipient was named concerns everybody (except for
    the size). A refusal at RCPT TO concerns the address: it is dead, or the refusal counts against
    it as a bounce would. Codes about the server's system, protocol and policy are excepted: with a
    misconfigured relay they would count against every reader.

    A 4xx after a recipient was named concerns that recipient alone, as in Postfix: greylisting
    sends 450 4.2.0, 451 4.7.1, 451 4.3.0 and more at RCPT TO, and filters such as rspamd send 451
    4.7.1 after the message. Only 4.3.x (no space and the like) at DATA and later, and 4.5.3 (too
    many recipients) for a single recipient, concern the server.
    """
    if 200 <= code < 300 or (code == 354 and stage is SmtpStage.CONTENT):
        return ReplyMeaning.TAKEN
    if code == 421 or not 400 <= code < 600:
        return ReplyMeaning.SERVER_FAULT
    if stage in (SmtpStage.GREETING, SmtpStage.HELLO, SmtpStage.STARTTLS, SmtpStage.LOGIN):
        return ReplyMeaning.SERVER_FAULT
    if code < 500:
        return ReplyMeaning.TIRED if _is_of_the_server(enhanced, stage) else ReplyMeaning.LATER
    return _refusal(code, enhanced, stage)


def _is_of_the_server(enhanced: str, stage: SmtpStage) -> bool:
    """Return whether the next message would get the same 4xx."""
    if stage is SmtpStage.SENDER or enhanced == TOO_MANY:
        return True
    return stage is not SmtpStage.RECIPIENT and enhanced.startswith(_MAIL_SYSTEM)


def _refusal(code: int, enhanced: str, stage: SmtpStage) -> ReplyMeaning:
    too_large = code == 552 or enhanced in ("5.2.3", "5.3.4")
    if stage is SmtpStage.SENDER:
        return ReplyMeaning.NEVER if too_large else ReplyMeaning.SERVER_FAULT
    # "Authentication required" and similar, RFC 4954; "bad sender's address", RFC 3463.
    if code in (530, 534, 535, 538) or enhanced in ("5.1.7", "5.1.8"):
        return ReplyMeaning.SERVER_FAULT
    if stage is SmtpStage.RECIPIENT and enhanced in DEAD:
        return ReplyMeaning.NOBODY
    if stage is SmtpStage.RECIPIENT and not enhanced.startswith(NOT_THEIRS):
        return ReplyMeaning.UNWELCOME
    return ReplyMeaning.NEVER
