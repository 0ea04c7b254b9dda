"""Reads the cells of a table's row into the fields of a paper, by the headings of the columns."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from larkpost.formats.feeds.feed_dates import parse_day, parse_moment
from larkpost.text.author_names import split_authors
from larkpost.text.identifiers import find_identifier
from larkpost.text.normalize import shorten

# The keys of JSON Lines, and other programs' headings for them; case and punctuation are ignored.
_HEADINGS = {
    "title": "title papertitle articletitle documenttitle titel",
    "abstract": "abstract summary abstracttext description",
    "id": "id arxivid arxiv paperid identifier eprint arxivnumber",
    "doi": "doi",
    "url": "url link mainpage paperurl absurl pageurl arxivurl paperlink entryid",
    "links": "links code codeurl codelink github githubrepo githuburl projectpage projecturl"
    " website pdf pdfurl pdflink",
    "authors": "authors author authorlist authornames creators creator authorfullnames",
    "categories": "categories category subjects subject primarycategory arxivcategories",
    "keywords": "keywords keyword tags authorkeywords indexkeywords aikeywords",
    "published": "published date publisheddate publicationdate publishedat pubdate submitted"
    " submitteddate submissiondate datepublished year publicationyear",
    "first_seen": "firstseen submittedondailyat",
    "arrived": "arrived ingestedat",
    "updated": "updated",
    "organisation": "organisation organization affiliation institution lab",
    "upvotes": "upvotes votes likes",
    "comment": "comment comments",
    "journal_ref": "journalref journal journalreference venue sourcetitle publicationtitle",
    "thumbnail": "thumbnail image imageurl thumbnailurl",
    "withdrawn": "withdrawn",
    "also": "also",
    "uid": "uid",
}  # fmt: skip  # one heading per line would be longer than the module
KEY_OF = {heading: key for key, headings in _HEADINGS.items() for heading in headings.split()}
_MARKS = re.compile(r"[^\w]|_")
_CODE = re.compile(r"\(([a-z-]+(?:\.[A-Za-z-]{2,})?)\)")
_CODES = re.compile(r"(?:[a-z-]+(?:\.[A-Za-z-]{2,})?[\s,;|]*)+")
_QUOTED = re.compile(r"'([^']*+)'|\"([^\"]*+)\"")
_LIST = re.compile(r"\s*\[.*\]\s*", re.DOTALL)
_TRUE = frozenset(("true", "yes", "1", "x", "wahr"))
_LONGEST_HEADING = 60


def key_of(heading: str) -> str:
    """Return the key of our own JSON for a heading; empty for an unknown heading."""
    return KEY_OF.get(_MARKS.sub("", heading[:_LONGEST_HEADING].casefold()), "")


def row_fields(keys: Sequence[str], cells: Sequence[str]) -> dict[str, Any]:
    """Read the cells of a row, each under its key; the lists of several columns are joined."""
    given: dict[str, Any] = {}
    names: list[str] = []
    for key, cell in zip(keys, cells, strict=False):
        text = cell.strip()
        if not key or not text:
            continue
        if key in {"id", "doi"}:
            names += _names(key, text)
            continue
        value = _value(key, text)
        if value is not None:
            _put(given, key, value)
    also = [*names, *given.pop("also", [])]
    return given | ({"also": also} if also else {})


def _put(given: dict[str, Any], key: str, value: Any) -> None:
    """Add a value to those of other columns with its key; the longer list of authors is kept."""
    before = given.get(key)
    if before is None:
        given[key] = value
    elif key == "authors":
        given[key] = max(before, value, key=lambda names: sum(map(len, names)))
    elif isinstance(value, list):
        before += value
    elif key == "url":
        given.setdefault("links", []).append(value)


def _names(key: str, text: str) -> list[str]:
    """Read an identifier; the number of a row in somebody's own table is not one."""
    for name in (f"doi:{text}", text) if key == "doi" else (text,):
        if found := find_identifier(name):
            return [str(found)]
    return []


def _value(key: str, text: str) -> Any:
    split = _SPLIT.get(key)
    if split is not None:
        return _listed(text) or split(text)
    read = _SINGLE_VALUES.get(key)
    return text if read is None else read(text)


def _read_published(text: str) -> str | None:
    """Read a day as ISO 8601; other text stays unchanged, and a year alone is ignored."""
    day = parse_day(text)
    return day.isoformat() if day else (None if re.fullmatch(r"\d{4}", text) else text)


def _read_moment(text: str) -> str:
    moment = parse_moment(text)
    return moment.isoformat() if moment else text


def _read_count(text: str) -> int | str:
    return int(text) if re.fullmatch(r"[0-9]{1,12}", text) else text


def _is_true(text: str) -> bool:
    return text.casefold() in _TRUE


def _split_names(text: str) -> list[str]:
    return list(split_authors(text))


def _split_keywords(text: str) -> list[str]:
    return _split(text, ";" if ";" in text else ",|")


def _split_links(text: str) -> list[str]:
    return _split(text, " ;,|\n\t")


def split_subjects(text: str) -> list[str]:
    """Split subjects: arXiv's codes in brackets or alone, else the words."""
    if codes := _CODE.findall(text):
        return codes
    if _CODES.fullmatch(text) and "." in text:
        return text.replace(",", " ").replace(";", " ").replace("|", " ").split()
    return _split(text, ";" if ";" in text else ",|")


def _split(text: str, marks: str) -> list[str]:
    parts = re.split(f"[{re.escape(marks)}]", text)
    return [part.strip() for part in parts if part.strip()]


def _listed(text: str) -> list[str]:
    """Read a list as JSON or Python writes it; returns none if it is neither."""
    if not _LIST.fullmatch(text):
        return []
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return [(one[1] or one[2]).strip() for one in _QUOTED.finditer(text)]
    if not isinstance(read, list):
        return []
    named = (one.get("name") if isinstance(one, dict) else one for one in read)
    return [one for one in named if isinstance(one, str)]


def unknown_headings(headings: Sequence[str]) -> list[str]:
    """Return the unknown headings, as they are shown."""
    return [shorten(one, 40) for one in headings if one.strip() and not key_of(one)]


_SPLIT: dict[str, Callable[[str], Sequence[str]]] = {
    "authors": _split_names,
    "categories": split_subjects,
    "keywords": _split_keywords,
    "links": _split_links,
    "also": _split_links,
}
_SINGLE_VALUES: dict[str, Callable[[str], Any]] = {
    "published": _read_published,
    "first_seen": _read_moment,
    "arrived": _read_moment,
    "updated": _read_moment,
    "upvotes": _read_count,
    "withdrawn": _is_true,
}
