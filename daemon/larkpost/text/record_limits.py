"""Limits of the lists of a record, for every format: one source must not fill the database."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from larkpost.domain import PaperRecord
from larkpost.text.normalize import shorten


class ListLimit(NamedTuple):
    """The most entries of a list of a record, and the most characters of an entry; 0: any."""

    most: int
    longest: int = 0


AUTHORS = ListLimit(3_000, 200)  # the papers of the largest collaborations have about as many
CATEGORIES = ListLimit(50, 100)
IDENTIFIERS = ListLimit(50)  # text.identifiers limits their length
KEYWORDS = ListLimit(50, 100)
LINKS = ListLimit(50)  # of which a paper keeps 20
LONGEST_ADDRESS = 2_000  # characters; a longer one is left out, because a cut one leads elsewhere
MOST_VERSIONS = 200  # of arXiv; the highest are below a hundred
MOST_NAMES = 200  # identifiers of one paper, from all its records together
MOST_UNVERIFIED_NAMES = 100  # of these, until a source that is no authority adds none

_LISTS = {
    "authors": AUTHORS,
    "categories": CATEGORIES,
    "identifiers": IDENTIFIERS,
    "keywords": KEYWORDS,
    "links": LINKS,
}


def limit_lists(record: PaperRecord) -> tuple[PaperRecord, list[str]]:
    """Cut the lists of a record and their entries; also return what was cut, in words."""
    cut: dict[str, Any] = {}
    told = []
    for field, limit in _LISTS.items():
        given = getattr(record, field)
        if len(given) > limit.most:
            told.append(describe_cut(field, len(given), limit))
            cut[field] = given = given[: limit.most]
        if limit.longest and any(len(one) > limit.longest for one in given):
            told.append(f"an entry of “{field}” has more than {limit.longest:,} characters; cut")
            cut[field] = tuple(shorten(one, limit.longest) for one in given)
    for field in ("url", "thumbnail"):
        if len(getattr(record, field) or "") > LONGEST_ADDRESS:
            told.append(_describe_long(field))
            cut[field] = None
    if any(len(link) > LONGEST_ADDRESS for link in cut.get("links", record.links)):
        told.append(_describe_long("links"))
        links = cut.get("links", record.links)
        cut["links"] = tuple(link for link in links if len(link) <= LONGEST_ADDRESS)
    return (replace(record, **cut) if cut else record), told


def _describe_long(field: str) -> str:
    return f"an address of “{field}” has more than {LONGEST_ADDRESS:,} characters; left out"


def describe_cut(field: str, count: int, limit: ListLimit) -> str:
    """Say that a list was cut."""
    return f"“{field}” has {count:,} entries; the first {limit.most:,} are read"
