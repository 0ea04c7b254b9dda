"""Reads RSS (0.90 to 2.0, with or without RDF) and Atom (0.3, 1.0): each entry is a paper."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any, BinaryIO, ClassVar

from larkpost.domain import DumpDate, IngestWarning, PaperRecord, Record, RejectedRecord
from larkpost.formats import jsonl
from larkpost.formats.decoding import decode
from larkpost.formats.feeds.entry_fields import EntryParts, entry_fields
from larkpost.formats.feeds.feed_dates import parse_day
from larkpost.formats.feeds.xml_entries import XmlDocument, line_of, read_entries, text_of
from larkpost.formats.feeds.xml_text import root_name
from larkpost.formats.json_fields import JsonFields, records_of
from larkpost.formats.json_items import JsonItem

ENTRIES = ("item", "entry")
_HEAD = 64 * 1024
_ROOTS = frozenset(("rss", "feed", "channel", "entry"))
_RSS_IN_RDF = re.compile(r"purl\.org/(?:rss|net/rss)|my\.netscape\.com/rdf")
_FIRST_ENTRY = re.compile(r"<(?:\w+:)?(?:item|entry)[\s>]")
_NO_ENTRIES = "the feed has no entries: 0 papers"
_HINT = "a paper needs a title, or a text; docs/formats.md shows what is read of a feed"


class AnyFeed:
    """RSS and Atom from any site."""

    name: ClassVar[str] = "feed"

    def recognises(self, head: bytes, filename: str) -> bool:  # noqa: ARG002 - by content alone
        """Recognise the feed by its first element."""
        return bool(feed_head(head))

    def read(
        self,
        dump: BinaryIO,
        near: date | None = None,  # noqa: ARG002 - years are always given
    ) -> Iterator[Record]:
        """Yield the day of the feed and one record per entry; an empty feed is a warning.

        Raises UnreadableDump if it is not XML, or has no usable entry.
        """
        document = XmlDocument()
        items = feed_items(dump, document, entry_fields)
        yield from records_of(items, entry_paper, hint=_HINT, empty=_NO_ENTRIES)


def feed_head(head: bytes) -> str:
    """Decode the beginning of a feed; empty for other files."""
    if not head.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n").startswith(b"<"):
        return ""
    text = decode(head[:_HEAD])
    root = root_name(text).rpartition(":")[2]  # with any namespace prefix
    if root == "RDF":
        return text if _RSS_IN_RDF.search(text) else ""
    return text if root in _ROOTS else ""


def before_entries(feed: str) -> str:
    """Return the part of a feed before its first entry."""
    first = _FIRST_ENTRY.search(feed)
    return feed[: first.start()] if first else feed


def feed_items(
    dump: BinaryIO,
    document: XmlDocument,
    fields_of: Callable[[EntryParts], dict[str, Any]],
    *,
    days: tuple[str, ...] = ("pubDate", "updated", "lastBuildDate", "dc:date", "modified"),
) -> Iterator[JsonItem | RejectedRecord | IngestWarning | DumpDate]:
    """Yield the day of a feed, then its entries as objects of our own JSON."""
    for count, entry in enumerate(read_entries(dump, ENTRIES, document)):
        if count == 0 and (day := _day(document, days)):
            yield DumpDate(day, 0)
        if isinstance(entry, RejectedRecord | IngestWarning):
            yield entry
            continue
        parts = EntryParts.of(entry, document.base or document.facts.get("link", ""))
        yield JsonItem(line_of(entry), fields_of(parts), text_of(entry))


def _day(document: XmlDocument, names: tuple[str, ...]) -> date | None:
    days = (parse_day(document.facts[name]) for name in names if name in document.facts)
    return next((day for day in days if day), None)


def entry_paper(fields: JsonFields) -> PaperRecord:
    """Read an entry that was converted to an object of our own JSON; raises BadRecordError.

    Its arrival is the time of reading, whenever it was published.
    """
    return replace(paper_of(fields), ingested_at=None)


def paper_of(fields: JsonFields) -> PaperRecord:
    """Read an object of our own JSON without empty keys."""
    fields.given = {key: value for key, value in fields.given.items() if value not in (None, "")}
    return jsonl.draft_of(fields)
