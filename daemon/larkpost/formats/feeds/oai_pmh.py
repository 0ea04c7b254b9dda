"""Reads answers of OAI-PMH with records of arXiv, in ``arXiv``, ``arXivRaw`` or ``oai_dc``.

https://www.openarchives.org/OAI/openarchivesprotocol.html: records have a header, which may mark
them deleted; errors have codes (3.6); a long list continues by a resumption token (3.5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

from larkpost.domain import DumpDate, IngestWarning, Record, RejectedRecord
from larkpost.errors import UnreadableDump
from larkpost.formats.decoding import decode
from larkpost.formats.feeds.arxiv_fields import (
    OLD,
    arxiv_names,
    arxiv_paper,
    links_in,
    split_creators,
)
from larkpost.formats.feeds.entry_fields import EntryParts
from larkpost.formats.feeds.feed_dates import parse_day
from larkpost.formats.feeds.xml_entries import XmlDocument, line_of, name_of, read_entries, text_of
from larkpost.formats.feeds.xml_text import root_name
from larkpost.formats.json_fields import records_of
from larkpost.formats.json_items import JsonItem
from larkpost.text.author_names import split_authors
from larkpost.text.normalize import shorten
from larkpost.text.paper_names import paper_names
from larkpost.text.plurals import quantity

if TYPE_CHECKING:
    from lxml.etree import _Element


_ROOTS = frozenset(("OAI-PMH", "ListRecords", "GetRecord"))
_ENTRIES = ("record", "error", "resumptionToken")
_HEAD = 64 * 1024
_NO_PAPERS = frozenset(("noRecordsMatch", "idDoesNotExist"))
_NO_RECORDS = "the answer has no records: 0 papers"
_ANY_PREFIX = re.compile(r"^[\w.-]+:(?=(?:OAI-PMH|ListRecords|GetRecord)$)")


class OaiPmh:
    """The answer to ListRecords or GetRecord."""

    name: ClassVar[str] = "oai-pmh"

    def recognises(self, head: bytes, filename: str) -> bool:  # noqa: ARG002 - by content alone
        """Recognise the answer by its first element."""
        if not head.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n").startswith(b"<"):
            return False
        return _ANY_PREFIX.sub("", root_name(decode(head[:_HEAD]))) in _ROOTS

    def read(
        self,
        dump: BinaryIO,
        near: date | None = None,  # noqa: ARG002 - years are always given
    ) -> Iterator[Record]:
        """Yield the day of the answer and one record per paper, then how many were deleted.

        No matching record is a warning; any other error of the repository raises UnreadableDump
        with its code. A resumption token is ignored: each part of a list is its own dump.
        """
        yield from records_of(_items(dump), arxiv_paper, empty=_NO_RECORDS)


def _items(dump: BinaryIO) -> Iterator[JsonItem | Record]:
    document = XmlDocument()
    deleted = 0
    for count, element in enumerate(read_entries(dump, _ENTRIES, document)):
        if not count and (day := parse_day(document.facts.get("responseDate", ""))):
            yield DumpDate(day, 0)
        if isinstance(element, RejectedRecord | IngestWarning):
            yield element
        elif name_of(element) == "error":
            _refuse_error(element)
        elif name_of(element) == "record":
            parts = _parts(element)
            if _is_deleted(element):
                deleted += 1
            else:
                yield JsonItem(line_of(element), _fields(parts), text_of(element))
    if deleted:
        yield IngestWarning(0, f"{quantity(deleted, 'record')} deleted by the repository; left out")


def _refuse_error(element: _Element) -> None:
    code, words = element.get("code", "unknown"), shorten(element.text or "", 200)
    if code in _NO_PAPERS:
        return
    told = f"{code}: {words}" if words else code
    raise UnreadableDump(
        f"it is an error message of the repository ({shorten(told, 250)})",
        hint="correct the request, or try again later",
    )


def _is_deleted(record: _Element) -> bool:
    return any(name_of(one) == "header" and one.get("status") == "deleted" for one in record)


def _parts(record: _Element) -> EntryParts:
    """Combine the header and the metadata of a record."""
    outer = EntryParts.of(record)
    children = [
        pair
        for name, child in outer.children
        for pair in (EntryParts.of(child).children if name in {"header", "metadata"} else [])
    ]
    inner = [pair for _, child in children for pair in EntryParts.of(child).children]
    return EntryParts((*inner, *children))


def _fields(parts: EntryParts) -> dict[str, Any]:
    """Read a record: the keys are those of JSON Lines, plus ``version`` and ``came_out``."""
    if parts.all("dc:title"):
        return _dublin_core(parts)
    dates = [child for one in parts.all("version") for child in EntryParts.of(one).texts("date")]
    created = parse_day(parts.text("created") or next(iter(dates), ""))
    stamp = parse_day(parts.text("datestamp"))
    comment = parts.text("comments") or None
    names = arxiv_names(parts.text("id") or parts.text("identifier"), parts.text("doi").split())
    revised = len(dates) > 1 or bool(parts.text("updated"))
    late = revised and created and stamp and stamp - created > OLD
    return {
        **names,
        "version": len(dates) or None,
        "title": parts.text("title"),
        "abstract": parts.text("abstract"),
        "authors": _authors(parts) or split_creators([" ".join(parts.text("authors").split())]),
        "categories": parts.text("categories").split(),
        "published": created.isoformat() if created else None,
        "comment": comment,
        "links": links_in(comment),
        "journal_ref": parts.text("journal-ref") or None,
        "came_out": created if late else None,
    }


def _authors(parts: EntryParts) -> list[str]:
    names = []
    for listed in parts.all("authors"):
        for author in EntryParts.of(listed).all("author"):
            told = EntryParts.of(author)
            name = " ".join(told.text(key) for key in ("forenames", "keyname", "suffix"))
            names.append(" ".join(name.split()))
    return [name for name in names if name]


def _dublin_core(parts: EntryParts) -> dict[str, Any]:
    """Read Dublin Core: a description may be a comment; the first other one is the abstract."""
    told = parts.texts("dc:description")
    comments = [one for one in told if one.startswith("Comment:")]
    abstracts = [one for one in told if not one.startswith("Comment:")]
    days = sorted(day for one in parts.texts("dc:date") if (day := parse_day(one)))
    names = paper_names([*parts.texts("dc:identifier"), parts.text("identifier")])
    ids = next((str(name) for name in names if name.scheme == "arxiv"), "")
    stamp = parse_day(parts.text("datestamp"))
    late = len(days) > 1 and stamp and stamp - days[0] > OLD
    return {
        **arxiv_names(ids, map(str, names)),
        "title": parts.text("dc:title"),
        "abstract": abstracts[0] if abstracts else "",
        "authors": [name for one in parts.texts("dc:creator") for name in split_authors(one)],
        "keywords": parts.texts("dc:subject"),
        "published": days[0].isoformat() if days else None,
        "comment": comments[0].removeprefix("Comment:").strip() if comments else None,
        "came_out": days[0] if late else None,
    }
