"""Shared fields of arXiv's feeds: versions, announce types, papers that came out earlier."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from larkpost.domain import PaperRecord
from larkpost.formats.feeds.any_feed import paper_of
from larkpost.text.author_names import split_authors
from larkpost.text.identifiers import identifier_url
from larkpost.text.paper_names import arxiv_version, paper_names

if TYPE_CHECKING:
    from larkpost.formats.json_fields import JsonFields

_ANNOUNCED = re.compile(r"Announce\s+Type:\s*([a-z-]+)", re.IGNORECASE)
_REVISIONS = frozenset(("replace", "replace-cross", "absonly"))
_MONTH = re.compile(r"(?:.*/)?(\d\d)(\d\d)")
_ADDRESS = re.compile(r"https?://[^\s<>\"'()\[\]{}]+[^\s<>\"'()\[\]{}.,;:]")
OLD = timedelta(days=30)  # a paper older than this is not new when it is listed


def arxiv_names(given: str, dois: Iterable[str]) -> dict[str, Any]:
    """Return an arXiv id and the journal's DOI under the keys of our own JSON."""
    names = paper_names([given, *dois])
    arxiv = next((name for name in names if name.scheme == "arxiv"), None)
    return {
        "also": [str(name) for name in names],
        "url": identifier_url(arxiv) if arxiv else None,
        "version": arxiv_version(given),
    }


def links_in(comment: str | None) -> list[str]:
    """Return the addresses in a comment, where authors name code and project pages."""
    return _ADDRESS.findall(comment or "")


def announce_type(told: str, summary: str) -> str:
    """Return the announce type: the given one, else the one at the start of the summary.

    It may be empty.
    """
    found = _ANNOUNCED.search(summary[:200])
    return (told or (found[1] if found else "")).strip().lower()


def came_out(kind: str, number: str, announced: date | None) -> date | None:
    """Return a day for a paper that was out before this announcement; None if it is new.

    A replacement is never new. A cross-list is new if the paper itself is; its number, which begins
    with year and month, shows its age. The day is the first of that month, but at least 30 days
    ago, so that it is outside the window of new papers.
    """
    month = month_of(number)
    if kind in _REVISIONS:
        days = [day for day in (month, announced and announced - OLD) if day]
        return min(days, default=None)
    old = month and announced and month + timedelta(days=31) + OLD < announced
    return month if kind == "cross" and old else None


def month_of(number: str) -> date | None:
    """Read the first day of the month in an arXiv number, ``2508.13426`` or ``hep-th/9901001``."""
    digits = _MONTH.match(number)
    if digits is None or not 1 <= int(digits[2]) <= 12:
        return None
    year = int(digits[1])
    return date(year + (1900 if year > 90 else 2000), int(digits[2]), 1)


def split_creators(texts: Iterable[str]) -> list[str]:
    """Split arXiv's lists of authors at commas; first names come first."""
    return [name for one in texts for name in split_authors(one, family_first=False)]


def arxiv_paper(fields: JsonFields) -> PaperRecord:
    """Read an object of our own JSON with ``version`` and ``came_out``."""
    given = dict(fields.given)
    version, out = given.pop("version", None), given.pop("came_out", None)
    fields.given = given
    return replace(paper_of(fields), version=version, came_out=out)
