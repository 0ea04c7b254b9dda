"""What the feeds of arXiv share: versions, announce types, papers that were out before."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from larkpost.formats.feeds.any_feed import paper_of
from larkpost.text.author_names import split_authors
from larkpost.text.identifiers import identifier_url
from larkpost.text.paper_names import arxiv_version, paper_names

if TYPE_CHECKING:
    from larkpost.domain import PaperRecord
    from larkpost.formats.json_fields import JsonFields

_ANNOUNCED = re.compile(r"Announce\s+Type:\s*([a-z-]+)", re.IGNORECASE)
_REVISIONS = frozenset(("replace", "replace-cross", "absonly"))
_MONTH = re.compile(r"(?:.*/)?(\d\d)(\d\d)")
_ADDRESS = re.compile(r"https?://[^\s<>\"'()\[\]{}]+[^\s<>\"'()\[\]{}.,;:]")
OLD = timedelta(days=30)  # a paper that came out earlier is no news when it is listed or revised


def arxiv_names(given: str, dois: Iterable[str]) -> dict[str, Any]:
    """Give the keys of our own JSON that an id of arXiv fills, and the DOI of the journal."""
    names = paper_names([given, *dois])
    arxiv = next((name for name in names if name.scheme == "arxiv"), None)
    return {
        "also": [str(name) for name in names],
        "url": identifier_url(arxiv) if arxiv else None,
        "version": arxiv_version(given),
    }


def links_in(comment: str | None) -> list[str]:
    """Give the addresses in a comment, where authors put those of code and project pages."""
    return _ADDRESS.findall(comment or "")


def announce_type(told: str, summary: str) -> str:
    """Give the announce type: as told, else as the summary begins; empty where neither has it."""
    found = _ANNOUNCED.search(summary[:200])
    return (told or (found[1] if found else "")).strip().lower()


def came_out(kind: str, number: str, announced: date | None) -> date | None:
    """Give a day for a paper that was out before this announcement; None where it is news.

    A replacement never is news. A cross-list is where the paper itself is new; that it is old tells
    its number, which begins with year and month. The day is the first of that month, but at least
    30 days ago, so that it is out of reach of what is new.
    """
    month = month_of(number)
    if kind in _REVISIONS:
        days = [day for day in (month, announced and announced - OLD) if day]
        return min(days, default=None)
    old = month and announced and month + timedelta(days=31) + OLD < announced
    return month if kind == "cross" and old else None


def month_of(number: str) -> date | None:
    """Give the first day of the month in an arXiv number, ``2508.13426`` or ``hep-th/9901001``."""
    digits = _MONTH.match(number)
    if digits is None or not 1 <= int(digits[2]) <= 12:
        return None
    year = int(digits[1])
    return date(year + (1900 if year > 90 else 2000), int(digits[2]), 1)


def split_creators(texts: Iterable[str]) -> list[str]:
    """Split arXiv's lists of authors: by commas, first names first."""
    return [name for one in texts for name in split_authors(one, family_first=False)]


def arxiv_paper(fields: JsonFields) -> PaperRecord:
    """Read what was laid out as an object of our own JSON, with ``version`` and ``came_out``."""
    given = dict(fields.given)
    version, out = given.pop("version", None), given.pop("came_out", None)
    fields.given = given
    return replace(paper_of(fields), version=version, came_out=out)
