"""Reads mails as dumps: digests, listings of arXiv, alerts, tables of contents, MHTML, mbox.

A mail contains its text twice or more; the kind of mail decides which part is read: the text of
arXiv's listings and of Hugging Face's digest, the HTML of alerts, whose links identify the papers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO, ClassVar

from larkpost.domain import DumpDate, IngestWarning, PaperRecord, Record
from larkpost.errors import UnreadableDump
from larkpost.formats.dates import GRACE, day_of
from larkpost.formats.decoding import decode as decode_dump
from larkpost.formats.huggingface import HuggingFacePage, is_papers_page
from larkpost.formats.mail.arxiv_listing import ArxivListing, is_empty_listing
from larkpost.formats.mail.header_fields import header_text
from larkpost.formats.mail.mail_parser import MailPart, OutsizedMail, PagePart, decode, parse
from larkpost.formats.paper_lists.html_page import page_records
from larkpost.formats.paper_lists.link_list import LinkList
from larkpost.interfaces import DumpFormat
from larkpost.text.mail_dates import read_mail_date

if TYPE_CHECKING:
    from email.message import Message


LARGEST_MAIL = 16 * 1024 * 1024  # bytes of one mail, or of the beginning of a saved page
MOST_MAILS = 1_000  # of a folder; a digest per working day for four years
_MOST_FAILURES = 20  # mails without papers that are reported one by one
# Of all texts of a mail that are not a listing, HTML first: bytes, tags and lines. The cost of an
# attempt depends on them all, and a mail has any number of parts.
_MOST_TRIED = 1_000_000
_MOST_TAGS = 50_000
_MOST_LINES = 10_000
_MOST_DIGEST_LINES = 100_000  # of all plain texts; the longest listings have a fifth
_MOST_TEXTS = 20  # parts with text that are read
_HEAD = 64 * 1024
_HEADERS = r"\A(?:From [^\n]*\n)?(?:[\w-]{1,70}:[^\n]*\n(?:[ \t][^\n]*\n)*+)*?"
_MAIL = re.compile(
    rf"{_HEADERS}(?:(?:MIME-Version|Content-Type|Message-ID|Received|Return-Path|Delivered-To"
    r"|DKIM-Signature|X-Mailer|Snapshot-Content-Location):|From: [\"<]*Saved by )",
    re.IGNORECASE,
)
_PAGE = re.compile(
    rf"{_HEADERS}(?:Snapshot-Content-Location:|From: [\"<]*Saved by )", re.IGNORECASE
)
# The line between two mails: address, weekday, date and time, perhaps with a zone (RFC 4155,
# appendix A). Thunderbird writes "-" for the address.
_ENVELOPE_LINE = (
    rb"From \S{1,320}[ \t]{1,9}(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?[ \t]"
    rb"[^\r\n]{0,30}\d\d:\d\d[^\r\n]{0,60}\r?"
)
_ENVELOPE = re.compile(_ENVELOPE_LINE)
_NEXT_MAIL = re.compile(rb"\n\r?\n" + _ENVELOPE_LINE + rb"\n")
_BEGINNING = 16 * 1024
_HINT = (
    "save the text of the mail as a file and ingest that; docs/formats.md says which mails are read"
)
_SPLIT_HINT = "save each digest as a file of its own"


class MailDump:
    """A mail as it is sent (``.eml``), a page saved as a mail (``.mhtml``), or a mail folder."""

    name: ClassVar[str] = "mail"

    def recognises(self, head: bytes, filename: str) -> bool:  # noqa: ARG002 - by content alone
        """Look for fields of a mail's header at the top."""
        return _MAIL.match(_start(head)) is not None

    def read(self, dump: BinaryIO, near: date) -> Iterator[Record]:
        """Yield the papers of each mail in order, after the day on which it was sent.

        Raises UnreadableDump if no mail contains a paper, and for a folder of too many mails.
        """
        taken = failed = 0
        first: UnreadableDump | None = None
        for number, content in enumerate(_mails(dump), 1):
            try:
                records = mail_records(content, near)
            except UnreadableDump as error:
                # Without its traceback, which would keep the mail in memory.
                first = first or UnreadableDump(str(error), hint=error.hint)
                failed += 1
                if failed <= _MOST_FAILURES:
                    yield IngestWarning(0, f"mail {number}: {error}")
                continue
            taken += 1
            yield from records
        if first and not taken:
            raise first
        if failed > _MOST_FAILURES:
            yield IngestWarning(0, f"{failed - _MOST_FAILURES} more mails without papers")


def _start(head: bytes) -> str:
    text = decode_dump(head[:_BEGINNING]).replace("\r\n", "\n").replace("\r", "\n")
    return text.lstrip("\ufeff\u200b \t\n")


def _mails(dump: BinaryIO) -> Iterator[bytes]:
    """Yield each mail of a folder in one file, or the only mail of the file.

    Raises UnreadableDump over the limits.
    """
    content = dump.read(LARGEST_MAIL)
    if not content.startswith(b"From "):
        yield content
        return
    parts = _split_folder(content)
    if len(parts) > MOST_MAILS:
        raise UnreadableDump(f"it is a folder of more than {MOST_MAILS:,} mails", hint=_SPLIT_HINT)
    yield from (part.lstrip(b"\r\n") for part in parts)
    if dump.read(1):
        raise UnreadableDump(
            f"it is a folder of mails of more than {LARGEST_MAIL >> 20} MiB", hint=_SPLIT_HINT
        )


def _split_folder(content: bytes) -> list[bytes]:
    """Split a folder of mails (mbox, RFC 4155), at one mail more than are read.

    A line "From ..." begins a mail only if it is an envelope with a date, after an empty line:
    others are text, or the first line of one mail.
    """
    first, _, rest = content.partition(b"\n")
    if not _ENVELOPE.fullmatch(first):
        return [rest]
    return _NEXT_MAIL.split(b"\n" + rest, maxsplit=MOST_MAILS)


def _day_sent(message: Message, near: date) -> date | None:
    """Read the day on which a mail was sent; None if it is in the future."""
    day = _sent(message)
    return None if day is not None and day > near + GRACE else day


def mail_records(content: bytes, near: date) -> list[Record]:
    """Read the records of one mail, its day first; ``near`` is the latest day.

    Raises UnreadableDump if it contains no paper, or exceeds the limits of real mail.
    """
    saved = _PAGE.match(_start(content)) is not None
    if len(content) >= LARGEST_MAIL and not saved:
        raise UnreadableDump(f"it is a mail of more than {LARGEST_MAIL >> 20} MiB", hint=_HINT)
    factory = PagePart if saved else MailPart
    try:
        message = parse(content, most=LARGEST_MAIL, factory=factory)
    except OutsizedMail as error:
        raise UnreadableDump(
            f"it is not an email that a program would send: {error}", hint=_HINT
        ) from error
    day = _day_sent(message, near)
    records = _saved_page(message, near) if saved else _digest(message, min(day or near, near))
    if day is None:
        return records
    return [DumpDate(day, 1), *(one for one in records if not isinstance(one, DumpDate))]


def _sent(message: Message) -> date | None:
    """Read the day in UTC on which a mail was written."""
    moment = read_mail_date(str(message.get("Date", "")))
    if moment is None:
        return None
    try:
        day = moment.astimezone(UTC).date() if moment.tzinfo else moment.date()
    except OverflowError:  # a zone before the year 1
        return None
    return day_of(day.year, day.month, day.day)


def _saved_page(message: Message, near: date) -> list[Record]:
    """Read a saved page: its main text is the first part in HTML (RFC 2557, 5)."""
    for part in message.walk():
        if part.get_content_type() in ("text/html", "application/xhtml+xml"):
            base = str(message.get("Snapshot-Content-Location") or part.get("Content-Location", ""))
            charset = part.get_content_charset("")
            return page_records(_content(part), near, charset=charset, base=base.strip())
    raise UnreadableDump(
        "it is a saved web page (MHTML) without its text",
        hint="save it again, or select all of it in a browser, copy it, and save that as text",
    )


def _digest(message: Message, near: date) -> list[Record]:
    plain, pages = _texts(message)
    for text in plain:
        if is_empty_listing(text):
            return list(ArxivListing().read(BytesIO(text), near))
        if records := _listing_or_digest(text, near):
            return records
    for read in _attempts(plain, pages, near):
        if records := read():
            return records
    subject = header_text(message, "Subject") or "without a subject"
    raise UnreadableDump(f"it is a mail (“{subject}”), and there is no paper in it", hint=_HINT)


def _attempts(
    plain: Sequence[bytes], pages: Sequence[Message], near: date
) -> Iterator[Callable[[], list[Record]]]:
    """Yield the ways to read texts of an unknown kind, up to a total length."""
    budget = _TextBudget()
    for part in pages:
        text = budget.take(_content(part), b"<")
        charset = part.get_content_charset("")
        yield partial(_papers, partial(page_records, text, near, charset=charset))
    for text in plain:
        some = budget.take(text, b"\n")
        for dump_format in (LinkList(), HuggingFacePage()):
            yield partial(_try, dump_format, some, near)


class _TextBudget:
    """What may still be read of a mail: bytes, tags and lines."""

    def __init__(self) -> None:
        self._bytes = _MOST_TRIED
        self._pieces = {b"<": _MOST_TAGS, b"\n": _MOST_LINES}

    def take(self, text: bytes, mark: bytes) -> bytes:
        """Return the beginning of a text that is left in the budget of its kind."""
        pieces = text[: self._bytes].split(mark, self._pieces[mark])
        some = mark.join(pieces[: self._pieces[mark]])
        self._bytes -= len(some)
        self._pieces[mark] -= min(len(pieces), self._pieces[mark])
        return some


def _texts(message: Message) -> tuple[list[bytes], list[Message]]:
    """Return a mail's plain texts in UTF-8, and its parts in HTML, without attached files.

    Lines end with LF. Raises UnreadableDump if there are too many: as base64 they are not lines of
    the mail, and 4 MB of them took 20 seconds.
    """
    plain: list[bytes] = []
    pages: list[Message] = []
    for part in message.walk():
        if part.is_multipart() or len(plain) + len(pages) >= _MOST_TEXTS:
            continue
        if part.get_content_type() == "text/html":
            pages.append(part)
        elif part.get_content_type() == "text/plain":
            text = decode(_content(part), part.get_content_charset("utf-8"))
            text = text.replace("\r\n", "\n").replace("\r", "\n")
            plain.append(text.encode("utf-8", "replace"))
    if sum(text.count(b"\n") for text in plain) > _MOST_DIGEST_LINES:
        raise UnreadableDump(f"it has more than {_MOST_DIGEST_LINES:,} lines", hint=_SPLIT_HINT)
    return plain, pages


def _content(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _listing_or_digest(text: bytes, near: date) -> list[Record]:
    if records := _try(ArxivListing(), text, near):
        return records
    return _try(HuggingFacePage(), text, near) if is_papers_page(text[:_HEAD]) else []


def _try(dump_format: DumpFormat, text: bytes, near: date) -> list[Record]:
    """Read a text by a format; empty unless the format recognises it and finds papers."""
    if not dump_format.recognises(text[:_HEAD], ""):
        return []
    return _papers(partial(dump_format.read, BytesIO(text), near))


def _papers(read: Callable[[], Iterable[Record]]) -> list[Record]:
    try:
        records = list(read())
    except UnreadableDump:
        return []
    return records if any(isinstance(one, PaperRecord) for one in records) else []
