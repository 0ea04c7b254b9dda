"""Reads a list of references: BibTeX, RIS, Zotero's exports, identifiers and links."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from itertools import chain, islice
from typing import Any

from larkpost.domain import Identifier, PaperRecord
from larkpost.errors import UsageError
from larkpost.formats import zotero_rdf
from larkpost.formats.bibtex import ENTRY, entries
from larkpost.text.identifiers import find_identifier
from larkpost.text.markup import clean_markup, plain_latex
from larkpost.text.normalize import clean, shorten, squash

MOST = 2_000  # references; more than anybody has read with care
LONGEST_TITLE = 500
LONGEST_ABSTRACT = 6_000
MOST_AUTHORS, LONGEST_AUTHOR = 100, 100
LONGEST_AUTHORS = 50_000  # characters of one field of BibTeX
MOST_NAMES, MOST_TRIED = 10, 50  # identifiers of one reference; texts tried to find them
LONGEST_FIELD = 200_000  # characters in a table; the caller limits the whole text
MOST_COLUMNS = 1_000  # of a table; Zotero writes 87

RIS = re.compile(r"^TY  ?- ", re.MULTILINE)
TABLE = re.compile(
    r"\"?Key\"?,\"?Item Type\"?,|.{0,300}\"?Abstract Note\"?"
)  # the headings of Zotero's CSV
# The headings of a table of ratings, such as Scholar Inbox exports: arxiv_id,user_id,rating,time.
RATINGS = re.compile(r"(?=[^\n]{0,500}\brating\b)\w+\"?,[\w\", \t]{1,500}$", re.MULTILINE)
_RIS_LINE = re.compile(r"^([A-Z][A-Z0-9])  ?- ?(.*)$")
_ZOTERO_COLUMNS = (
    "Title", "Abstract Note", "Author", "DOI", "Url", "Archive ID", "Date", "Publication Year"
)  # fmt: skip
_RATING_COLUMNS = ("rating", "title", "arxiv_id", "doi", "url", "id")
_ARXIV_FIELDS = ("eprint", "arxiv", "arxivid")
_WORD = re.compile(r"[^\s,;\"'<>(){}\[\]]+")
_YEAR = re.compile(r"(?:1[89]|20)\d\d")


def read_references(text: str, *, most: int = MOST) -> list[PaperRecord]:
    """Read all references in a text, in order, at most ``most``; unreadable ones are skipped.

    A reference that is only an identifier (an arXiv number, a DOI, a link) is a draft without
    title. Raises UsageError for text of an unsupported kind (XML, word processors).
    """
    text = clean(text.removeprefix("\ufeff"))
    drafts: dict[object, PaperRecord] = {}
    for draft in _read(text):
        drafts.setdefault(draft.identifiers or draft.title, draft)
        if len(drafts) >= most:
            break
    return list(drafts.values())


def _read(text: str) -> Iterator[PaperRecord]:
    start = text.lstrip()[:2_000]
    if start.startswith("<") and "<rdf:RDF" in start:
        return _from_rdf(text.lstrip())
    if start.startswith(("<?xml", "<!DOCTYPE", "PK", "{\\rtf")):
        raise UsageError(
            "this file type is not supported", hint="export it as BibTeX, RIS, CSL JSON, RDF or CSV"
        )
    if start.startswith(("[", "{")):
        return _from_brackets(text)
    return _from_text(text)


def _from_text(text: str) -> Iterator[PaperRecord]:
    if ENTRY.search(text):
        return _from_bibtex(text)
    if RIS.search(text):
        return _from_ris(text)
    if TABLE.match(text.lstrip()[:2_000]):
        return _from_table(text)
    if RATINGS.match(text.lstrip()[:2_000]):
        return _from_ratings(text)
    return _from_names(text)


def _from_bibtex(text: str) -> Iterator[PaperRecord]:
    for fields in entries(text):
        arxiv = next((fields[name] for name in _ARXIV_FIELDS if name in fields), "")
        if arxiv and fields.get("archiveprefix", "arxiv").lower() == "arxiv":
            fields = fields | {"arxiv": arxiv}
        yield from _drafted(
            title=_decode_tex(fields.get("title", "")[: 10 * LONGEST_TITLE]),
            abstract=_decode_tex(fields.get("abstract", "")[: 10 * LONGEST_ABSTRACT]),
            authors=_decode_tex(squash(fields.get("author", "")[:LONGEST_AUTHORS])).split(" and "),
            names=(fields.get("arxiv", ""), fields.get("doi", ""), fields.get("url", "")),
            year=fields.get("date") or fields.get("year", ""),
        )


def _decode_tex(text: str) -> str:
    """Convert TeX's accents to letters; braces that only keep capitals go, those of maths stay."""
    plain = plain_latex(text)
    return plain if "$" in plain else plain.replace("{", "").replace("}", "")


def _from_ris(text: str) -> Iterator[PaperRecord]:
    record: dict[str, list[str]] = {}
    for line in [*text.splitlines(), "ER  - "]:
        match = _RIS_LINE.match(line)
        if match is None:
            continue
        tag, value = match.groups()
        if tag == "ER":
            yield from _of_ris(record)
            record = {}
        else:
            record.setdefault(tag, []).append(value.strip())


def _of_ris(record: Mapping[str, list[str]]) -> Iterator[PaperRecord]:
    def first(*tags: str) -> str:
        return next((record[tag][0] for tag in tags if tag in record), "")

    return _drafted(
        title=first("TI", "T1"),
        abstract=first("AB", "N2"),
        authors=[*record.get("AU", []), *record.get("A1", [])],
        names=[first("DO"), *record.get("UR", [])],
        year=first("PY", "Y1", "DA"),
    )


def _from_brackets(text: str) -> Iterator[PaperRecord]:
    """Read a text that begins like JSON, or a list with numbers in brackets, ``[1] 2106.09685``."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        drafts = _from_text(text)
        first = next(drafts, None)
        if first is None:
            raise UsageError(
                "this looks like JSON, but is not valid", hint="export it again"
            ) from None
        return chain([first], drafts)
    listed = found.get("items", [found]) if isinstance(found, dict) else found
    items = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    return chain.from_iterable(map(_of_json, items)) if items else _from_names(text)


def _of_json(item: Mapping[str, Any]) -> Iterator[PaperRecord]:
    """Read one item of CSL JSON, or of Zotero's own JSON, by the field names of both.

    Zotero's web API wraps each item: its fields are in ``data``.
    """
    if isinstance(data := item.get("data"), dict):
        item = data

    def first(*names: str) -> str:
        return next((str(item[name]) for name in names if item.get(name)), "")

    people = item.get("author") or item.get("creators") or []
    year = item.get("issued")
    return _drafted(
        title=first("title"),
        abstract=first("abstract", "abstractNote"),
        authors=[_person(one) for one in people if isinstance(one, dict)],
        names=(first("DOI"), first("URL", "url"), first("id"), first("archiveID")),
        year=str(year) if year else first("date"),
    )


def _person(one: Mapping[str, Any]) -> str:
    given = one.get("given") or one.get("firstName")
    family = one.get("family") or one.get("lastName") or one.get("name")
    return " ".join(str(part) for part in (given, family) if part)


def _from_rdf(text: str) -> Iterator[PaperRecord]:
    for item in zotero_rdf.items(text):
        yield from _drafted(
            title=item.title,
            abstract=item.abstract,
            authors=item.authors,
            names=item.names,
            year=item.date,
        )


def _from_table(text: str) -> Iterator[PaperRecord]:
    for row in _table_rows(text, _ZOTERO_COLUMNS):
        title, abstract, author, doi, url, archive, day, year = row
        yield from _drafted(
            title=title,
            abstract=abstract,
            authors=author.split(";"),
            names=(doi, url, archive),
            year=day or year,
        )


def _from_ratings(text: str) -> Iterator[PaperRecord]:
    """Read the papers that somebody rated above 0; the others are not papers that they like."""
    for rating, title, *names in _table_rows(text, _RATING_COLUMNS):
        with suppress(ValueError):
            if float(rating or 0) > 0:
                yield from _drafted(title=title, abstract="", authors=(), names=names, year="")


def _table_rows(text: str, columns: Sequence[str]) -> Iterator[list[str]]:
    """Yield the cells of these columns, row by row; empty where a row is short.

    Only these cells are touched: a row costs no more than its own length, however many headings
    there are. Rows after a damaged one, and those with too many cells, are skipped. Raises
    UsageError for too many headings.
    """
    csv.field_size_limit(LONGEST_FIELD)
    rows = csv.reader(io.StringIO(text.lstrip()))
    with suppress(csv.Error):  # the rows read so far are good
        wanted = _find_columns(next(rows, []), columns)
        for row in rows:
            if len(row) <= MOST_COLUMNS:
                yield [row[place] if place < len(row) else "" for place in wanted]


def _find_columns(headings: Sequence[str], columns: Sequence[str]) -> list[int]:
    """Return the place of each column; a missing one gets a place that no row has."""
    if len(headings) > MOST_COLUMNS:
        raise UsageError(
            f"this table has more than {MOST_COLUMNS:,} columns",
            hint="export it again, with the columns of Zotero only",
        )
    places = {heading: place for place, heading in enumerate(headings)}
    return [places.get(column, MOST_COLUMNS) for column in columns]


def _from_names(text: str) -> Iterator[PaperRecord]:
    for match in _WORD.finditer(text):
        for name in _read_names([match[0].rstrip(".,;:")]):
            yield PaperRecord(title="", identifiers=(name,))


def _drafted(
    *, title: str, abstract: str, authors: Iterable[str], names: Iterable[str], year: str
) -> Iterator[PaperRecord]:
    title = squash(clean_markup(title[: 10 * LONGEST_TITLE]))[:LONGEST_TITLE].strip()
    identifiers = tuple(islice(dict.fromkeys(_read_names(islice(names, MOST_TRIED))), MOST_NAMES))
    if not title and not identifiers:
        return
    found = _YEAR.search(year)
    yield PaperRecord(
        title=title,
        abstract=squash(clean_markup(abstract[: 10 * LONGEST_ABSTRACT]))[:LONGEST_ABSTRACT].strip(),
        identifiers=identifiers,
        authors=tuple(_names_of(authors)),
        published=date(int(found[0]), 1, 1) if found else None,
    )


def _names_of(authors: Iterable[str]) -> Iterator[str]:
    """Clean the names of the first authors; each is cut to the usual length."""
    for one in islice(filter(str.strip, authors), MOST_AUTHORS):
        if name := shorten(one, LONGEST_AUTHOR).strip():
            yield name


def _read_names(texts: Iterable[str]) -> Iterator[Identifier]:
    """Read arXiv numbers, DOIs and links; keys of somebody's own collection are skipped."""
    for text in filter(None, texts):
        name = find_identifier(text.strip())
        if name and name.scheme in {"arxiv", "doi", "url"}:
            yield name
