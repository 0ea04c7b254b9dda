"""Reads saved web pages: the papers page from its embedded JSON, others from text and links."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from io import BytesIO
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, ClassVar

from larkpost.domain import PaperRecord, Record, RejectedRecord
from larkpost.errors import UnreadableDump
from larkpost.formats.decoding import decode
from larkpost.formats.huggingface import HuggingFacePage, is_papers_page
from larkpost.formats.huggingface_api import HuggingFaceApi
from larkpost.formats.mail.arxiv_listing import ArxivListing, is_empty_listing
from larkpost.formats.paper_lists.blocks import page_text
from larkpost.formats.paper_lists.html_blocks import LARGEST_PAGE, html_blocks, parse_html
from larkpost.formats.paper_lists.titled_links import linked_papers
from larkpost.interfaces import DumpFormat
from larkpost.text.minhash import squeeze

if TYPE_CHECKING:
    from lxml.etree import _Element

    from larkpost.formats.paper_lists.blocks import TextBlock

_LEAD = r"\A(?:\s|<!--(?s:.*?)-->|<\?(?s:.*?)\?>|<!DOCTYPE(?!\s+(?:html|NETSCAPE))[^>]*+>)*+"
_HTML = re.compile(
    rf"{_LEAD}<(?:!doctype html|(?:html|head|body|meta|title|script|style|link|base)\b)",
    re.IGNORECASE,
)
_CONTENT_TAG = re.compile(r"<(?:article|h[1-6]|li|p|td)\b[^<>]*>", re.IGNORECASE)
_FEW, _MANY = 3, 10  # tags that show the middle of a web page, in its first bytes or later
_BEGINNING = 16 * 1024  # bytes
_HEAD = 64 * 1024
_END = 8 * 1024  # bytes at the end, which show that a page breaks off
_OPENED = re.compile(rb"<(?:a|h[1-6])\b")
_CLOSED = re.compile(rb"</(?:a|h[1-6])\b")
_MOST_PROPS = 50  # elements of a page with data for its scripts
_HINT = (
    "save the page that lists the papers, whole; or select all of it in a browser, copy it, and "
    "save that as a text file"
)


class HtmlPage:
    """A web page as a browser saves it, or a part of one."""

    name: ClassVar[str] = "html"

    def recognises(self, head: bytes, filename: str) -> bool:  # noqa: ARG002 - by content alone
        """Look for the usual beginnings of pages, or for the tags of a part of one."""
        start = decode(head[:_BEGINNING]).lstrip("\ufeff\u200b\u200e\u00a0 \t\r\n")
        return _HTML.match(start) is not None or _is_fragment(start)

    def read(self, dump: BinaryIO, near: date) -> Iterator[Record]:
        """Yield the papers in order; raises UnreadableDump if there is none."""
        content = dump.read(LARGEST_PAGE + 1)
        yield from page_records(content, near)


def _is_fragment(start: str) -> bool:
    """Recognise a part of a web page; Markdown keeps some tags, but not those of paragraphs."""
    if start.startswith(("[", "{")):
        return False
    least = _FEW if start.startswith("<") else _MANY
    return len(list(islice(_CONTENT_TAG.finditer(start), least))) == least


def page_records(content: bytes, near: date, *, charset: str = "", base: str = "") -> list[Record]:
    """Read the records of a page, by the first reader that finds papers in it.

    ``charset`` and ``base``, the address of the page, are those known from elsewhere. A paper is
    rejected if the page breaks off within its title. Raises UnreadableDump if there is no paper.
    """
    root = parse_html(content, charset)
    if root is None:
        raise UnreadableDump("it is an HTML page without any text", hint=_HINT)
    if records := _first_papers(_carried(root), near):
        return records
    breaks_off = _breaks_off(content)
    blocks = list(html_blocks(root, base))
    end = "" if breaks_off else "\n"  # a line end shows that the text is complete
    text = (page_text(blocks) + end).encode("utf-8", "replace")
    plain = "\n".join(block.text for block in blocks).encode("utf-8", "replace")
    readers: list[Callable[[], list[Record]]] = [
        lambda: _read(ArxivListing(), plain, near),
        lambda: _read(HuggingFacePage(), text, near) if is_papers_page(text[:_HEAD]) else [],
        lambda: _linked(blocks, breaks_off=breaks_off),
        lambda: _read(HuggingFacePage(), text, near),
    ]
    for read in readers:
        records = read()
        if any(isinstance(record, PaperRecord) for record in records):
            return records
    if is_empty_listing(plain):
        return list(ArxivListing().read(BytesIO(plain), near))
    raise UnreadableDump("it is an HTML page, but there is no paper in it", hint=_HINT)


def _breaks_off(content: bytes) -> bool:
    """Return whether a page ends within a tag, a link or a heading: the rest was not saved."""
    end = content[-_END:].replace(b"\0", b"").lower()  # UTF-16 has zeros between
    if b"</html>" in end:
        return False
    opened = [one.end() for one in _OPENED.finditer(end)]
    return end.rfind(b"<") > end.rfind(b">") or bool(opened and not _CLOSED.search(end, opened[-1]))


def _linked(blocks: Sequence[TextBlock], *, breaks_off: bool) -> list[Record]:
    """Read titles that link to papers; a title within which the page breaks off is rejected."""
    papers = list(linked_papers(blocks))
    records: list[Record] = [*papers]
    if breaks_off and papers and squeeze(blocks[-1].text).endswith(squeeze(papers[-1].title)):
        reason = "the file ends in the middle of this paper"
        records[-1] = RejectedRecord(papers[-1].line, reason, papers[-1].title, cut=True)
    return records


def _carried(root: _Element) -> list[str]:
    """Find the data that the papers page contains for its own scripts, as JSON."""
    found = (props for element in root.iter() if (props := element.get("data-props")))
    return [one for one in islice(found, _MOST_PROPS) if '"paper"' in one or '"dailyPapers"' in one]


def _first_papers(carried: Sequence[str], near: date) -> list[Record]:
    for props in carried:
        records = _read(HuggingFaceApi(), props.encode("utf-8", "replace"), near)
        if any(isinstance(record, PaperRecord) for record in records):
            return records
    return []


def _read(dump_format: DumpFormat, content: bytes, near: date) -> list[Record]:
    """Read a page by another format; empty if that format does not recognise it."""
    if not dump_format.recognises(content[:_HEAD], ""):
        return []
    try:
        return list(dump_format.read(BytesIO(content), near))
    except UnreadableDump:
        return []
