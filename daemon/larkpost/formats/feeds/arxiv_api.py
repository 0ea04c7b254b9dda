"""Reads the answers of arXiv's API (export.arxiv.org/api/query), which are Atom.

https://info.arxiv.org/help/api/user-manual.html, 3.3: entries; 3.4: an error is a feed with one
entry whose title is "Error".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, BinaryIO, ClassVar

from larkpost.domain import Record
from larkpost.errors import UnreadableDump
from larkpost.formats.feeds.any_feed import before_entries, feed_head, feed_items
from larkpost.formats.feeds.arxiv_fields import OLD, arxiv_names, arxiv_paper, links_in
from larkpost.formats.feeds.entry_fields import EntryParts, title_of
from larkpost.formats.feeds.feed_dates import parse_day
from larkpost.formats.feeds.xml_entries import XmlDocument
from larkpost.formats.json_fields import records_of
from larkpost.text.normalize import shorten

_ENTRY = re.compile(r"<id>\s*https?://(?:export\.)?arxiv\.org/abs/[^<\s]{1,40}v\d{1,3}\s*</id>")
_FEED = re.compile(r"://(?:export\.)?arxiv\.org/api/")
_ERROR = "/api/errors"
_NO_ENTRIES = "no paper matches the query: 0 papers"


class ArxivApi:
    """The answer to one query."""

    name: ClassVar[str] = "arxiv-api"

    def recognises(self, head: bytes, filename: str) -> bool:  # noqa: ARG002 - by content alone
        """Recognise the answer by the addresses in the feed."""
        text = feed_head(head)
        return bool(_FEED.search(before_entries(text)) or _ENTRY.search(text))

    def read(
        self,
        dump: BinaryIO,
        near: date | None = None,  # noqa: ARG002 - years are always given
    ) -> Iterator[Record]:
        """Yield the day of the answer and one record per entry; an empty answer is a warning.

        Raises UnreadableDump for an error of the API, with its message, and if no entry is usable.
        """
        items = feed_items(dump, XmlDocument(), answered_fields, days=("updated",))
        yield from records_of(items, arxiv_paper, empty=_NO_ENTRIES)


def answered_fields(parts: EntryParts) -> dict[str, Any]:
    """Read an entry: the keys are those of JSON Lines, plus ``version`` and ``came_out``.

    A later version of a paper that came out more than a month earlier is not new. Raises
    UnreadableDump for an error of the API.
    """
    given = parts.text("id")
    if _ERROR in given or (parts.text("title") == "Error" and "/abs/" not in given):
        what = shorten(parts.text("summary"), 200) or "unknown"
        raise UnreadableDump(
            f"it is an error message of arXiv's API ({what})",
            hint="correct the query, or try again later",
        )
    published, updated = parse_day(parts.text("published")), parse_day(parts.text("updated"))
    comment = parts.text("arxiv:comment") or None
    primary = parts.values("arxiv:primary_category", "term")
    names = arxiv_names(given, parts.texts("arxiv:doi"))
    late = published and updated and updated - published > timedelta(days=OLD.days)
    return {
        **names,
        "title": title_of(parts),
        "abstract": parts.text("summary"),
        "authors": [
            name for author in parts.all("author") for name in EntryParts.of(author).texts("name")
        ],
        "categories": list(dict.fromkeys([*primary, *parts.values("category", "term")])),
        "published": published.isoformat() if published else None,
        "comment": comment,
        "links": links_in(comment),
        "journal_ref": parts.text("arxiv:journal_ref") or None,
        "came_out": published if late and (names["version"] or 0) > 1 else None,
    }
