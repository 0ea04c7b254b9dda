"""Decides whose mails are read as digests: by From, and by the checks of our own mail server."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from larkpost.formats.mail.header_fields import sender_address
from larkpost.text.normalize import shorten

if TYPE_CHECKING:
    from email.message import Message

_RESULT = re.compile(
    r"\s*(?P<method>[a-z][a-z0-9-]*)\s*(?:/\s*\d+\s*)?=\s*(?P<result>[a-z]+)\b", re.IGNORECASE
)
_PROPERTY = re.compile(r"\b(?P<name>[a-z]+\.[a-z0-9-]+)\s*=\s*(?P<value>[^\s;]+)", re.IGNORECASE)
_PLAIN = frozenset(string.ascii_letters + string.digits + ".@-_+")
# The property of a result that names the proven domain (RFC 8601, 2.7; for DMARC RFC 7489, 11.2).
_PROVES = {"dkim": ("header.d", "header.i"), "spf": ("smtp.mailfrom",), "dmarc": ("header.from",)}
_SHOWN = 120


@dataclass(frozen=True, slots=True)
class DigestSenders:
    """The allowed senders.

    ``allowed`` holds addresses, and domains as ``@example.org``. ``authserv_id`` is the name under
    which our mail server writes its results (RFC 8601); empty if it writes none: then anybody can
    send in an allowed name.
    """

    allowed: Sequence[str]
    authserv_id: str = ""

    def refusal(self, message: Message) -> str:
        """Return why a mail is not from an allowed sender; empty if it is."""
        address = sender_address(message)
        domain = address.rpartition("@")[2]
        if not address:
            return "it has not exactly one sender in From"
        if not self.entry_of(message):
            return f"{shorten(address, _SHOWN)} is none of inbound.digest_senders"
        if self.authserv_id and not any(
            _is_aligned(proven, domain) for proven in _proven_domains(message, self.authserv_id)
        ):
            who = shorten(address, _SHOWN)
            return f"{self.authserv_id} does not say that {who} sent it (DKIM, SPF or DMARC)"
        return ""

    def entry_of(self, message: Message) -> str:
        """Return the entry of ``allowed`` that a sender matches; empty if there is none."""
        address = sender_address(message)
        entries = (address, f"@{address.rpartition('@')[2]}")
        return next((entry for entry in entries if entry in self.allowed), "")

    def is_from_arxiv(self, message: Message) -> bool:
        """Return whether an allowed mail is arXiv's own, as our mail server has checked."""
        domain = sender_address(message).rpartition("@")[2]
        return bool(self.authserv_id) and (domain == "arxiv.org" or domain.endswith(".arxiv.org"))


def _proven_domains(message: Message, authserv_id: str) -> Iterator[str]:
    """Yield the domains that passed, by the first field that our own server wrote.

    Only the first counts: servers add theirs on top, and fields below may be the sender's own.
    """
    for field in message.get_all("Authentication-Results", []):
        server, *results = _without_comments(str(field)).split(";")
        if server.strip().partition(" ")[0].casefold() == authserv_id.casefold():
            for result in results:
                yield from _passed(result)
            return


def _without_comments(text: str) -> str:
    """Remove comments, and all but letters from quoted strings (RFC 5322, 3.2.2, 3.2.4).

    The sender of a mail chooses some of these strings: a ``;`` in one of them must not end a
    result.
    """
    plain: list[str] = []
    depth, quoted, escaped = 0, False, False
    for character in text:
        if escaped or (character == "\\" and (quoted or depth)):
            escaped = not escaped
        elif character == '"' and not depth:
            quoted = not quoted
        elif character in "()" and not quoted:
            depth = max(depth + (1 if character == "(" else -1), 0)
            plain.append(" ")
        elif not depth:
            plain.append(character if not quoted or character in _PLAIN else "_")
    return " ".join("".join(plain).split())


def _passed(result: str) -> Iterator[str]:
    match = _RESULT.match(result)
    if match is None or match["result"].lower() != "pass":
        return
    proves = _PROVES.get(match["method"].lower(), ())
    for found in _PROPERTY.finditer(result):
        if found["name"].lower() in proves:
            yield found["value"].rpartition("@")[2].lower().rstrip(".")


def _is_aligned(proven: str, sender: str) -> bool:
    """Whether two domains belong together: the same, or one below the other (RFC 7489, 3.1)."""
    if proven == sender:
        return bool(proven)
    short, long = sorted((proven, sender), key=len)
    return "." in short and long.endswith(f".{short}")
