"""Reads Zotero's RDF: the fields of each item, from untrusted XML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast
from xml.etree import ElementTree as ET

from larkpost.errors import UsageError

CHUNK = 64 * 1024
DEEPEST = 32  # nested elements; Zotero writes at most eight levels

# A document type declares entities: those that grow a thousandfold ("billion laughs") and those
# that read files. Zotero writes no document type, so a file with one is refused before parsing.
_DECLARED = re.compile(r"<!(?!--|\[CDATA\[)")
_ARXIV = re.compile(r"arXiv:\s?(\S{1,40})", re.IGNORECASE)
_NO_PAPERS = {"attachment", "note", "annotation"}
_SPACES = {
    "bib": "http://purl.org/net/biblio#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "z": "http://www.zotero.org/namespaces/export#",
}
_ABOUT = f"{{{_SPACES['rdf']}}}about"
_ROOT = f"{{{_SPACES['rdf']}}}RDF"


@dataclass(frozen=True, slots=True)
class ZoteroItem:
    """One reference; ``names`` are its identifiers and links as written."""

    title: str
    abstract: str
    authors: tuple[str, ...]
    names: tuple[str, ...]
    date: str


def items(text: str) -> Iterator[ZoteroItem]:
    """Yield each item; if the text is damaged, the items before that.

    Raises UsageError for a text with a document type, and for one that is damaged from the start.
    """
    if _DECLARED.search(text):
        raise UsageError(
            "a file with a document type is not read", hint="export it from Zotero again"
        )
    read = 0
    try:
        for element in _children(text):
            if element.findtext("z:itemType", "attachment", _SPACES) not in _NO_PAPERS:
                read += 1
                yield _item(element)
    except ET.ParseError as error:
        if not read:
            raise UsageError(
                "this RDF is damaged, and not read", hint="export it from Zotero again"
            ) from error


def _children(text: str) -> Iterator[ET.Element]:
    """Yield the elements directly below the root, one in memory at a time."""
    parser: ET.XMLPullParser[ET.Element] = ET.XMLPullParser(("start", "end"))
    path: list[ET.Element] = []
    for at in range(0, len(text), CHUNK):
        parser.feed(text[at : at + CHUNK])
        # Of these two events, only elements occur.
        for event, element in cast("Iterator[tuple[str, ET.Element]]", parser.read_events()):
            if event == "start":
                path.append(element)
                if path[0].tag != _ROOT or len(path) > DEEPEST:
                    raise ET.ParseError("no RDF of Zotero")
                continue
            path.pop()
            if len(path) == 1:
                yield element
                path[0].clear()
    parser.close()


def _item(element: ET.Element) -> ZoteroItem:
    def text(path: str) -> str:
        return element.findtext(path, "", _SPACES)

    identifiers = [one.text or "" for one in element.iterfind("dc:identifier", _SPACES)]
    links = [one.text or "" for one in element.iterfind("dc:identifier//rdf:value", _SPACES)]
    arxiv = _ARXIV.search(text("dc:description"))  # Zotero's field "Extra"
    return ZoteroItem(
        title=text("dc:title"),
        abstract=text("dcterms:abstract"),
        authors=tuple(map(_person, element.iterfind("bib:authors//foaf:Person", _SPACES))),
        names=(
            *(one.strip().removeprefix("DOI ") for one in identifiers),
            arxiv[1] if arxiv else "",
            *links,
            element.get(_ABOUT, ""),
        ),
        date=text("dc:date"),
    )


def _person(element: ET.Element) -> str:
    parts = (element.findtext(f"foaf:{one}", "", _SPACES) for one in ("givenName", "surname"))
    return " ".join(filter(None, parts))
