"""Reads the daily announcements of arXiv, as RSS 2.0 and as Atom (rss.arxiv.org).

https://info.arxiv.org/help/rss_specifications.html: the announce types are new, cross, replace,
replace-cross and absonly; the feeds are empty on days on which nothing is announced.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any, BinaryIO, ClassVar

from larkpost.domain import Record
from larkpost.formats.feeds.any_feed import before_entries, feed_head, feed_items
from larkpost.formats.feeds.arxiv_fields import (
    announce_type,
    arxiv_names,
    arxiv_paper,
    came_out,
    links_in,
    split_creators,
)
from larkpost.formats.feeds.entry_fields import EntryParts, title_of
from larkpost.formats.feeds.feed_dates import parse_day
from larkpost.formats.feeds.html_text import html_text
from larkpost.formats.feeds.xml_entries import XmlDocument
from larkpost.formats.json_fields import records_of

_ENTRY = re.compile(r"<(?:guid|id)\b[^>]*>\s*oai:arXiv\.org:[^<]{1,60}</")
_FEED = re.compile(r"://(?:rss|export)\.arxiv\.org/(?:rss|atom)|updates on (?:the )?arXiv\.org")
# "A Title. (arXiv:2301.00001v2 [cs.CL] UPDATED)"
_OLD_TITLE = re.compile(r"\(arXiv:\S{1,30} \[[^\]]{1,20}\]( UPDATED| CROSS LISTED)?\)\s*$")
_OLD_TYPES = {" UPDATED": "replace", " CROSS LISTED": "cross"}
_NO_ENTRIES = (
    "arXiv's feed has no entries: 0 papers. It is so on days without announcements (Saturday, "
    "Sunday, holidays)"
)


class ArxivAnnouncements:
    """The feed of one day, of one category or several."""

    name: ClassVar[str] = "arxiv-feed"

    def recognises(self, head: bytes, filename: str) -> bool:  # noqa: ARG002 - by content alone
        """Recognise the feed by elements that only these feeds have."""
        text = feed_head(head)
        return bool(_ENTRY.search(text) or _FEED.search(before_entries(text)))

    def read(
        self,
        dump: BinaryIO,
        near: date | None = None,  # noqa: ARG002 - years are always given
    ) -> Iterator[Record]:
        """Yield the day of the feed and one record per entry; a day without entries is a warning.

        A replacement, and a late cross-list, say when their paper ``came_out``. Raises
        UnreadableDump if the feed is not XML, or no entry is usable.
        """
        items = feed_items(dump, XmlDocument(), announced_fields)
        yield from records_of(items, arxiv_paper, empty=_NO_ENTRIES)


def _old_title(title: str) -> tuple[str, str]:
    """Split a title of the feeds until 2024 from its suffix.

    Also returns the announce type that the suffix contains.
    """
    marked = _OLD_TITLE.search(title)
    if marked is None:
        return title, ""
    return title[: marked.start()].rstrip(" ."), _OLD_TYPES.get(marked[1] or "", "new")


def announced_fields(parts: EntryParts) -> dict[str, Any]:
    """Read an announcement: the keys are those of JSON Lines, plus ``version`` and ``came_out``."""
    summary = parts.text("description", "summary")
    title, old_kind = _old_title(title_of(parts))
    told = parts.text("arxiv:announce_type", "announce_type") or old_kind
    kind = announce_type(told, summary)
    days = map(parse_day, parts.texts("pubDate", "published", "dc:date"))
    day = next(filter(None, days), None)
    given = parts.text("guid", "id") or parts.text("link")
    names = arxiv_names(given, parts.texts("arxiv:DOI", "arxiv:doi"))
    if not names["url"]:  # the id is not arXiv's; the link may be
        names = arxiv_names(parts.text("link"), parts.texts("arxiv:DOI", "arxiv:doi"))
    number = (names["url"] or "").rpartition("/abs/")[2]
    comment = parts.text("arxiv:comment") or None
    return {
        **names,
        "title": title,
        "abstract": summary,
        "authors": split_creators(map(html_text, parts.texts("dc:creator"))) or _names(parts),
        "categories": parts.values("category", "term") or parts.texts("category"),
        "published": day.isoformat() if day and kind in {"new", ""} else None,
        "comment": comment,
        "links": links_in(comment),
        "journal_ref": parts.text("arxiv:journal_reference", "arxiv:journal_ref") or None,
        "came_out": came_out(kind, number, day),
    }


def _names(parts: EntryParts) -> list[str]:
    return [name for author in parts.all("author") for name in EntryParts.of(author).texts("name")]
