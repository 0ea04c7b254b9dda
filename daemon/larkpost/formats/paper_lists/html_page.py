"""Reads saved web pages: the papers page from its embedded JSON, others from text and links."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from io import BytesIO
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, ClassVar

from larkpost.domain import PaperRecord, Record
from larkpost.errors import UnreadableDump
from larkpost.formats.decoding import decode
from larkpost.formats.huggingface import HuggingFacePage, is_papers_page
from larkpost.formats.huggingface_api import HuggingFaceApi
from larkpost.formats.mail.arxiv_listing import ArxivListing
from larkpost.formats.paper_lists.blocks import page_text
from larkpost.formats.paper_lists.html_blocks import LARGEST_PAGE, html_blocks, parse_html
from larkpost.formats.paper_lists.titled_links import linked_papers
from larkpost.interfaces import DumpFormat

if TYPE_CHECKING:
    from lxml.etree import _Element


_LEAD = r"\A(?:\s|<!--(?s:.*?)-->|<\?(?s:.*?)\?>|<!DOCTYPE(?!\s+(?:html|NETSCAPE))[^>]*+>)*+"
_HTML = re.compile(
    rf"{_LEAD}<(?:!doctype html|(?:html|head|body|meta|title|script|style|link|base)\b)",
    re.IGNORECASE,
)
_CONTENT_TAG = re.compile(r"<(?:article|h[1-6]|li|p|td)\b[^<>]*>", re.IGNORECASE)
_FEW, _MANY = 3, 10  # tags by which the middle of a web page is known, at its start or later
_BEGINNING = 16 * 1024  # bytes
_HEAD = 64 * 1024
_MOST_PROPS = 50  # elements of a page that carry data
_HINT = (
    "save the page that lists the papers, whole; or select all of it in a browser, copy it, and "
    "save that as a text file"
)


class HtmlPage:
    """A web page as a browser saves it, or a piece of one."""

    name: ClassVar[str] = "html"

    def recognises(self, head: bytes, filename: str) -> bool:  # noqa: ARG002 - by content alone
        """Look for what pages begin with, or for the tags of a piece of one."""
        start = decode(head[:_BEGINNING]).lstrip("\ufeff\u200b\u200e\u00a0 \t\r\n")
        return _HTML.match(start) is not None or _is_fragment(start)

    def read(self, dump: BinaryIO, near: date) -> Iterator[Record]:
        """Yield the papers in order; raises UnreadableDump if there is none."""
        content = dump.read(LARGEST_PAGE + 1)
        yield from page_records(parse_html(content), near)


def _is_fragment(start: str) -> bool:
    """Recognise a piece of a web page; Markdown keeps some tags, but not those of paragraphs."""
    if start.startswith(("[", "{")):
        return False
    least = _FEW if start.startswith("<") else _MANY
    return len(list(islice(_CONTENT_TAG.finditer(start), least))) == least


def page_records(root: _Element | None, near: date, base: str = "") -> list[Record]:
    """Read the records of a page, by the first reader that finds papers in it.

    ``base`` is the address of the page, where it is known. Raises UnreadableDump if none does.
    """
    if root is None:
        raise UnreadableDump("it is an HTML page without any text", hint=_HINT)
    if records := _first_papers(_carried(root), near):
        return records
    blocks = list(html_blocks(root, base))
    text = page_text(blocks).encode("utf-8", "replace")
    plain = "\n".join(block.text for block in blocks).encode("utf-8", "replace")
    readers: list[Callable[[], list[Record]]] = [
        lambda: _read(ArxivListing(), plain, near),
        lambda: _read(HuggingFacePage(), text, near) if is_papers_page(text[:_HEAD]) else [],
        lambda: list(linked_papers(blocks)),
        lambda: _read(HuggingFacePage(), text, near),
    ]
    for read in readers:
        records = read()
        if any(isinstance(record, PaperRecord) for record in records):
            return records
    raise UnreadableDump("it is an HTML page, but there is no paper in it", hint=_HINT)


def _carried(root: _Element) -> list[str]:
    """Find the data that the papers page carries for its own scripts, as JSON."""
    found = (props for element in root.iter() if (props := element.get("data-props")))
    return [one for one in islice(found, _MOST_PROPS) if '"paper"' in one or '"dailyPapers"' in one]


def _first_papers(carried: Sequence[str], near: date) -> list[Record]:
    for props in carried:
        records = _read(HuggingFaceApi(), props.encode("utf-8", "replace"), near)
        if any(isinstance(record, PaperRecord) for record in records):
            return records
    return []


def _read(dump_format: DumpFormat, content: bytes, near: date) -> list[Record]:
    """Read by another format; empty if it does not find its own."""
    if not dump_format.recognises(content[:_HEAD], ""):
        return []
    try:
        return list(dump_format.read(BytesIO(content), near))
    except UnreadableDump:
        return []
