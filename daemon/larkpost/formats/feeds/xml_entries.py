"""Reads the entries of an XML document one by one, in bounded memory, with lxml.

Nothing is fetched, no entity is resolved and no document type is read: ``xml_text`` removes them
before lxml, which is configured not to either (OWASP, XML External Entity Prevention).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, BinaryIO

from larkpost.domain import IngestWarning, RejectedRecord
from larkpost.errors import UnreadableDump
from larkpost.formats.decoding import LONGEST_REJECT
from larkpost.formats.feeds.xml_text import xml_pieces
from larkpost.text.normalize import one_line

if TYPE_CHECKING:
    from lxml.etree import XMLPullParser, _Element

LARGEST_ENTRY = 8 * 1024 * 1024  # bytes
_LARGEST_PART = 2 * 1024 * 1024  # bytes of one text, or of one tag with its attributes
_TOO_MUCH = "it is not read: an element of it is too large, or is nested too deeply"
XML_BASE = "{http://www.w3.org/XML/1998/namespace}base"
_AS_TEXT = "open it in a browser, select all, copy it, and save that as a text file"
_LONGEST_FACT = 1_000  # characters of a text outside entries
_MOST_FACTS = 200

# The prefix of a name shows its vocabulary; the addresses of one vocabulary have versions.
_VOCABULARIES = (
    ("http://purl.org/dc/", "dc"),
    ("http://purl.org/rss/1.0/modules/content", "content"),
    ("http://www.itunes.com/dtds/podcast", "itunes"),
    ("http://search.yahoo.com/mrss", "media"),
    ("http://prismstandard.org/", "prism"),
    ("http://arxiv.org/schemas/atom", "arxiv"),
    ("http://arxiv.org/OAI/", ""),
    ("http://www.openarchives.org/OAI/", ""),
    ("http://purl.org/rss/1.0/modules/", "module"),
    ("http://purl.org/rss/", ""),
    ("http://my.netscape.com/rdf/", ""),
    ("http://www.w3.org/2005/Atom", ""),
    ("http://purl.org/atom/", ""),
    ("http://backend.userland.com/", ""),
    ("http://www.w3.org/1999/02/22-rdf-syntax-ns#", "rdf"),
    ("http://www.w3.org/1999/xhtml", "html"),
)


@dataclass
class XmlDocument:
    """A document as far as it was read: the root's name, and texts outside its entries.

    ``base`` is the base of relative addresses, if the document states it (``xml:base``).
    """

    root: str = ""
    base: str = ""
    facts: dict[str, str] = field(default_factory=dict)


def name_of(element: _Element) -> str:
    """Return the name of an element.

    ``title``, ``dc:creator``, or ``?:title`` for an unknown vocabulary.

    A prefix that is not declared is kept as it is.
    """
    tag: Any = element.tag  # a comment has a function as tag
    return _name_of(tag) if isinstance(tag, str) else ""


@lru_cache(4_096)
def _name_of(tag: str) -> str:
    if not tag.startswith("{"):
        return tag
    address, _, local = tag[1:].partition("}")
    prefix = next((one for start, one in _VOCABULARIES if address.startswith(start)), "?")
    return f"{prefix}:{local}" if prefix else local


def line_of(element: _Element) -> int:
    """Return the line on which an element begins; 0 if unknown."""
    line: Any = element.sourceline
    return line or 0


def read_entries(
    dump: BinaryIO, names: Collection[str], document: XmlDocument
) -> Iterator[_Element | RejectedRecord | IngestWarning]:
    """Yield each element with these names once it is complete; it is emptied afterwards.

    ``document`` collects the preceding texts. An entry that the end of the file cuts off is
    rejected. Raises UnreadableDump if it is not XML, and if an entry exceeds ``LARGEST_ENTRY``.
    """
    from lxml.etree import XMLPullParser, XMLSyntaxError

    parser = XMLPullParser(
        events=("start", "end"),
        encoding="utf-8",
        recover=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    walk = _EntryWalk(names, document)
    try:
        for piece in xml_pieces(dump):
            parser.feed(piece)
            yield from walk.entries(parser, len(piece))
            _refuse_excess(parser)
        cut, entry = walk.is_open, walk.entry
        parser.close()
    except XMLSyntaxError as error:
        raise UnreadableDump(f"it is not XML ({one_line(str(error))})") from error
    if cut:
        yield _cut_off(entry)
    yield from _faults(parser)


class _EntryWalk:
    """Processes the events of a parser, and frees processed elements."""

    def __init__(self, names: Collection[str], document: XmlDocument) -> None:
        self.names = names
        self.document = document
        self.open: list[_Element] = []  # entries
        self.depth = 0
        self.size = 0  # bytes fed since the outermost entry began
        self.silent = 0  # bytes fed since any element began or ended

    @property
    def is_open(self) -> bool:
        """Whether an element has begun and not ended yet."""
        return self.depth > 0 or not self.document.root

    @property
    def entry(self) -> _Element | None:
        """The entry that has not ended yet, if any."""
        return self.open[0] if self.open else None

    def entries(self, parser: XMLPullParser, size: int) -> Iterator[_Element]:
        """Yield the entries that ended with the last piece, which had ``size`` bytes."""
        self.size += size
        self.silent += size
        if self.open and self.size > LARGEST_ENTRY:
            what = f"one entry of it is larger than {LARGEST_ENTRY >> 20} MiB"
            raise UnreadableDump(what, hint=_AS_TEXT)
        if self.silent > _LARGEST_PART:
            raise UnreadableDump(_TOO_MUCH, hint=_AS_TEXT)
        event: str
        element: Any
        for event, element in parser.read_events():
            self.silent = 0
            if event == "start":
                self._start(element)
            elif self.open and element is self.open[-1]:
                self.depth -= 1
                yield self.open.pop()
                _forget(element)
            else:
                self.depth -= 1
                self._end(element)

    def _start(self, element: _Element) -> None:
        self.depth += 1
        name = name_of(element)
        self.document.root = self.document.root or name
        if not self.open and not self.document.base:
            self.document.base = element.get(XML_BASE) or ""
        if name in self.names:
            self.size = self.size if self.open else 0
            self.open.append(element)

    def _end(self, element: _Element) -> None:
        """Store the text of an element outside entries."""
        if self.open:
            return
        facts = self.document.facts
        name, text = name_of(element), (element.text or "").strip()
        if name == "link" and element.get("rel", "alternate") == "alternate":
            text = text or element.get("href", "")
        if text and len(facts) < _MOST_FACTS:
            facts.setdefault(name, text[:_LONGEST_FACT])
        _forget(element)


def _cut_off(entry: _Element | None) -> RejectedRecord:
    if entry is None:
        return RejectedRecord(0, "the file ends in the middle of the list", cut=True)
    reason = "the file ends in the middle of this entry"
    return RejectedRecord(line_of(entry), reason, text_of(entry), cut=True)


def _faults(parser: XMLPullParser) -> Iterator[IngestWarning]:
    """Yield the first error in the document; a missing end does not count."""
    errors = (one for one in parser.feed_error_log if one.type_name != "ERR_TAG_NOT_FINISHED")
    if error := next(errors, None):
        what = f"not well-formed XML ({one_line(error.message)}); read as far as it is"
        yield IngestWarning(error.line, what)


def _forget(element: _Element) -> None:
    """Empty an element that was read, and remove its preceding siblings."""
    element.clear()
    parent = element.getparent()
    if parent is not None:
        while element.getprevious() is not None:
            del parent[0]


def _refuse_excess(parser: XMLPullParser) -> None:
    for error in parser.feed_error_log:
        if error.type_name == "ERR_RESOURCE_LIMIT":
            raise UnreadableDump(_TOO_MUCH, hint=_AS_TEXT)


def text_of(element: _Element) -> str:
    """Return the beginning of all the text of an element, to show it if it is rejected."""
    text, size = [], 0
    for one in element.itertext():
        text.append(str(one))
        size += len(one)
        if size > LONGEST_REJECT:
            break
    return re.sub(r"\s+", " ", "".join(text))[:LONGEST_REJECT].strip()
