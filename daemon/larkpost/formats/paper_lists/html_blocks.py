"""Splits the text of an HTML page into blocks with their links, in order.

The parser is libxml2's for HTML, which loads nothing, expands no entities that a document declares
and limits how deeply elements may nest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, cast
from urllib.parse import urljoin

from larkpost.errors import UnreadableDump
from larkpost.formats.decoding import decode
from larkpost.formats.feeds.html_text import BLOCK_ELEMENTS
from larkpost.formats.mail.mail_parser import decode as decode_by_charset
from larkpost.formats.paper_lists.blocks import TextBlock, TextLink

if TYPE_CHECKING:
    from lxml.etree import _Element

LARGEST_PAGE = 16 * 1024 * 1024  # bytes; the tree takes about ten times as much memory
_DEEPEST = 250  # nested elements; deeper ones are ignored
_UNSEEN = frozenset(
    ["script", "style", "template", "noscript", "head", "svg", "iframe", "object", "select",
     "textarea", "math"]
)  # fmt: skip  # one name per line would be longer than the rule
_LEVELS = {f"h{level}": level for level in range(1, 7)}
_ITEMS = frozenset(("li", "dt"))
_HIDDEN = re.compile(r"display\s{0,3}:\s{0,3}none|visibility\s{0,3}:\s{0,3}hidden", re.IGNORECASE)
_CHARSET = re.compile(
    rb"<meta[^>]{0,200}?charset\s{0,3}=\s{0,3}[\"']?\s{0,3}([\w-]{1,40})", re.IGNORECASE
)
_LOOKED_AT = 4_096  # bytes in which a page states its character set
_LONGEST_URL = 4_000
_MOST_TEXT = 200_000  # characters of one block


def parse_html(content: bytes, charset: str = "") -> _Element | None:
    """Parse a page; None if it contains no element. Raises UnreadableDump if it is too large.

    ``charset`` is the character set if another source states it; without it, that of the page is
    used if it is not UTF-8.
    """
    from lxml import etree  # late: most commands read no page

    if len(content) > LARGEST_PAGE:
        raise UnreadableDump(
            f"it is a web page of more than {LARGEST_PAGE >> 20} MiB",
            hint="select all of the page in a browser, copy it, and save that as a text file",
        )
    parser = etree.HTMLParser(
        encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=False
    )
    text = _decode(content, charset).replace("\0", "")
    try:
        return etree.fromstring(text.encode("utf-8", "replace"), parser)
    except etree.ParserError:
        return None
    except etree.XMLSyntaxError:  # the page is empty, or too deeply nested
        return None


def _decode(content: bytes, charset: str) -> str:
    if charset:
        return decode_by_charset(content, charset)
    named = _CHARSET.search(content[:_LOOKED_AT])
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16
        return decode(content)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return decode_by_charset(content, named[1].decode("ascii")) if named else decode(content)


def html_blocks(root: _Element, base: str = "") -> Iterator[TextBlock]:
    """Yield the blocks of a page that contain text; ``base`` is the page's address, if known."""
    from lxml import etree

    walk = _BlockWalk(_base(root, base))
    depth = 0
    events = etree.iterwalk(root, events=("start", "end"))
    for event, element in events:
        if event == "start":
            depth += 1
            if depth > _DEEPEST or _is_unseen(element):
                events.skip_subtree()
                walk.skipped.append(element)
            else:
                yield from walk.enter(element)
            continue
        depth -= 1
        yield from walk.leave(element)
    yield from walk.flush()


def _base(root: _Element, known: str) -> str:
    named = root.find(".//base[@href]")
    return urljoin_safely(known, named.get("href") or "") if named is not None else known


def _is_unseen(element: _Element) -> bool:
    style = element.get("style") or ""
    return (
        element.tag in _UNSEEN or element.get("hidden") is not None or bool(_HIDDEN.search(style))
    )


def urljoin_safely(base: str, address: str) -> str:
    """Resolve an address; empty if it is invalid or too long."""
    address = "".join(address.split())[: _LONGEST_URL + 1]
    try:
        return urljoin(base, address) if len(address) <= _LONGEST_URL else ""
    except ValueError:  # half an IPv6 address
        return ""


class _BlockWalk:
    """The block that is being read, and the open elements around it."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.skipped: list[_Element] = []  # elements whose content was skipped
        self.levels: list[int] = []  # of the open headings
        self.item = False
        self.line = 0
        self.text = ""
        self.pieces: list[str] = []
        self.size = 0
        self.links: list[TextLink] = []
        self.url: str | None = None  # of the open link
        self.start = 0

    def enter(self, element: _Element) -> Iterator[TextBlock]:
        """Enter an element."""
        tag = element.tag
        if tag in BLOCK_ELEMENTS and not (tag == "br" and self._goes_on()):
            yield from self.flush()
            self.item = self.item or tag in _ITEMS
        if tag in ("br", "img"):
            self._add(" ")
        if tag in _LEVELS:
            self.levels.append(_LEVELS[tag])
        if tag == "a" and (address := element.get("href")):
            self._end_link()
            self.url, self.start = urljoin_safely(self.base, address), self.size
        self._add(element.text or "", element)

    def leave(self, element: _Element) -> Iterator[TextBlock]:
        """Leave an element; the following text is outside it."""
        if self.skipped and self.skipped[-1] is element:
            self.skipped.pop()
        else:
            if element.tag == "a":
                self._end_link()
            if element.tag in BLOCK_ELEMENTS and element.tag != "br":
                yield from self.flush()
            if element.tag in _LEVELS and self.levels:
                self.levels.pop()
        self._add(element.tail or "", element)

    def _goes_on(self) -> bool:
        """Return whether a line break is within a title, which continues."""
        return bool(self.levels) or self.url is not None

    def _add(self, text: str, element: _Element | None = None) -> None:
        if not text or self.size > _MOST_TEXT:
            return
        if text.isspace():
            text = " "
        elif not self.line and element is not None:
            self.line = cast("int | None", element.sourceline) or 0
        self.pieces.append(text)
        self.size += len(text)

    def _end_link(self) -> None:
        if self.url is not None and self.size > self.start:
            self.links.append(TextLink(self.url, self.start, self.size))
        self.url = None

    def flush(self) -> Iterator[TextBlock]:
        """Yield the block that ends here, if it contains text; a link continues in the next."""
        url = self.url
        self._end_link()
        text, links = _collapse("".join(self.pieces), self.links)
        if text:
            level = self.levels[-1] if self.levels else 0
            yield TextBlock(text, links, level=level, item=self.item, line=self.line)
            self.item, self.line = False, 0
        self.pieces, self.size, self.links = [], 0, []
        self.url, self.start = url, 0


def _collapse(text: str, links: list[TextLink]) -> tuple[str, tuple[TextLink, ...]]:
    """Collapse white space in a text, and adjust the positions of its links."""
    edges = sorted({0, len(text), *(edge for link in links for edge in (link.start, link.end))})
    moved, length = {0: 0}, 0
    made: list[str] = []
    for start, end in pairwise(edges):
        piece = text[start:end]
        words = " ".join(piece.split())
        before = bool(words) and piece[0].isspace() and length and not made[-1].endswith(" ")
        plain = (" " if before else "") + words + (" " if words and piece[-1].isspace() else "")
        if not words and piece and length and not made[-1].endswith(" "):
            plain = " "
        if plain:
            made.append(plain)
            length += len(plain)
        moved[end] = length
    whole = "".join(made).rstrip()
    kept = (TextLink(link.url, moved[link.start], moved[link.end]) for link in links)
    return whole, tuple(link for link in kept if whole[link.start : link.end].strip())
