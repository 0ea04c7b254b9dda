"""Builds MIME messages (RFC 5322, 2045-2047, 6532) that no title or name can break."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from email.utils import format_datetime, parseaddr
from functools import lru_cache

from larkpost.errors import SettingsError, UsageError
from larkpost.text.email_address import spell_address
from larkpost.text.normalize import one_line, shorten

# "=_" cannot occur in quoted-printable text, so a fixed boundary is safe (RFC 2045 6.7, note).
BOUNDARY = "=_larkpost"
LONGEST_LINE = 76
LONGEST_PHRASE = 400
CACHED_HEADERS = 2048

_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@[a-z0-9-]+(?:\.[a-z0-9-]+)*")
_PLAIN_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
_WORD_BYTES = 45  # 60 characters in base64; with "=?utf-8?b?" and "?=" an encoded-word has 72


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A name and an address, as in From and To."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        """The part behind the @."""
        return self.address.rpartition("@")[2]


def sender_of(setting: str) -> Mailbox:
    """Read ``Larkpost <larkpost@example.org>``; raises SettingsError if it is not a mailbox."""
    name, address = parseaddr(one_line(setting))
    try:
        return Mailbox(name, check_address(address))
    except UsageError as error:
        raise SettingsError(
            f"mail.sender is not an email address: {one_line(setting)}",
            hint='write it like "Larkpost <larkpost@example.org>"',
        ) from error


def check_address(address: str) -> str:
    """Return an address fit for a header and an envelope; raises UsageError for an invalid one."""
    return address if _PLAIN_ADDRESS.fullmatch(address) else spell_address(address)


def message_id(uid: str, day: date, domain: str) -> str:
    """Make the Message-ID of a reader's edition, which is always the same.

    ``uid`` is the reader's, ``day`` the edition's local date, ``domain`` that of ``mail.sender``.
    It does not reveal the reader.
    """
    name = hashlib.blake2b(f"{uid} {day}".encode(), digest_size=16).hexdigest()
    return f"<{day:%Y%m%d}.{name}@{domain}>"


@lru_cache(CACHED_HEADERS)
def header(name: str, text: str) -> bytes:
    """Write an unstructured field such as Subject; hostile text stays text.

    Text outside ASCII, and text that somebody could take for an encoded-word, goes into
    encoded-words (RFC 2047): ``=?utf-8?q?a=0d=0aBcc:…?=`` must not become a line of its own
    when it is read and written again (CVE-2024-6923).
    """
    value = one_line(text)
    words = value.split(" ")
    if (
        value.isascii()
        and "=?" not in value
        and max(map(len, words)) < LONGEST_LINE - len(name) - 1
    ):
        return _fold(name, words)
    return _fold(name, _encode_words(value, name))


def mailbox_header(name: str, mailbox: Mailbox) -> bytes:
    """Write a From or To field; an address is never folded or encoded."""
    phrase = shorten(mailbox.name, LONGEST_PHRASE)
    address = f"<{mailbox.address}>" if phrase else mailbox.address
    return _fold(name, [*_phrase(phrase, name), address])


def list_header(name: str, phrase: str, identifier: str) -> bytes:
    """Write a List-Id field (RFC 2919)."""
    return _fold(name, [*_phrase(shorten(phrase, LONGEST_PHRASE), name), f"<{identifier}>"])


def link_header(name: str, *links: str) -> bytes:
    """Write addresses in angle brackets (RFC 2369), each whole on its line, however long."""
    return _fold(name, [f"<{link}>" for link in links], between=",")


@lru_cache(CACHED_HEADERS)
def date_header(moment: datetime) -> bytes:
    """Write the Date field; English names whatever the locale."""
    return f"Date: {format_datetime(moment)}\r\n".encode("ascii")


def own_headers(to: Mailbox, name: str, subject: str, moment: datetime) -> list[bytes]:
    """Write the headers of one message; ``name`` is its Message-ID, ``moment`` its date."""
    return [
        mailbox_header("To", to),
        header("Subject", subject),
        date_header(moment),
        f"Message-ID: {name}\r\n".encode("ascii"),
    ]


def leave_headers(link: str, address: str = "") -> list[bytes]:
    """Write the unsubscribe headers: an address for a single POST (RFC 8058 section 3.1).

    ``address`` takes a mail instead (RFC 2369 section 3.2); it comes second, because mail programs
    use the first one they can. Also marks the message as list mail.
    """
    mails = [f"mailto:{address}?subject=unsubscribe"] if address else []
    return [
        link_header("List-Unsubscribe", link, *mails),
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
        b"Precedence: bulk\r\n",  # RFC 3834 section 3.1.8: no standard, and widely understood
    ]


def list_headers(sender: Mailbox, title: str, archive: str) -> list[bytes]:
    """Write the list headers of a message."""
    return [
        list_header("List-Id", title, f"larkpost.{sender.domain}"),
        link_header("List-Archive", archive),
    ]


def same_in_all(sender: Mailbox, title: str, archive: str) -> bytes:
    """Write the headers that all messages of this sender share."""
    return b"".join(
        (
            mailbox_header("From", sender),
            *list_headers(sender, title, archive),
            f"Feedback-ID: edition:larkpost:{sender.domain}\r\n".encode("ascii"),
            b"Auto-Submitted: auto-generated\r\n",  # RFC 3834: holiday replies are unwanted
            MULTIPART,
        )
    )


def alternative(headers: Iterable[bytes], text: Iterable[bytes], html: Iterable[bytes]) -> bytes:
    """Join a multipart/alternative of two quoted-printable parts, the plainest first."""
    return b"".join((*headers, _TEXT, *text, _HTML, *html, _END))


def _part(subtype: str) -> bytes:
    return (
        f"\r\n--{BOUNDARY}\r\n"
        f'Content-Type: text/{subtype}; charset="utf-8"\r\n'
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    ).encode("ascii")


MULTIPART = (
    f'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="{BOUNDARY}"\r\n'
).encode("ascii")
_TEXT = _part("plain")
_HTML = _part("html")
_END = f"\r\n--{BOUNDARY}--\r\n".encode("ascii")


def _phrase(text: str, name: str) -> list[str]:
    if not text:
        return []
    words = text.split(" ")
    if "=?" in text or not text.isascii() or max(map(len, words)) > LONGEST_LINE - len(name) - 4:
        return _encode_words(text, name)
    return words if _PLAIN_PHRASE.fullmatch(text) else _quote(text).split(" ")


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _encode_words(text: str, name: str) -> list[str]:
    """Cut into encoded-words, never through a character; the first fits beside the field's name."""
    words, chunk = [], b""
    room = _WORD_BYTES - (len(name) + 1) * 3 // 4
    for character in text:
        more = character.encode()
        if len(chunk) + len(more) > room:
            words.append(chunk)
            chunk, room = b"", _WORD_BYTES
        chunk += more
    return [f"=?utf-8?b?{b64encode(word).decode('ascii')}?=" for word in (*words, chunk)]


def _fold(name: str, words: list[str], between: str = "") -> bytes:
    """Fold at the spaces between words only (RFC 5322 section 2.2.3)."""
    lines: list[str] = []
    line = f"{name}:"
    for word in words[:-1]:
        line = _add_word(lines, line, word + between)
    lines.append(_add_word(lines, line, words[-1] if words else ""))
    return ("\r\n".join(lines) + "\r\n").encode()


def _add_word(lines: list[str], line: str, word: str) -> str:
    if len(line) + 1 + len(word) <= LONGEST_LINE:
        return f"{line} {word}"
    if line.strip():
        lines.append(line)
    return f" {word}"
