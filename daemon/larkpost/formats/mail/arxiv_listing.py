r"""Reads listings of arXiv: the mail of new papers, and the listing page copied as text.

The mail separates papers by lines of ``\\``; see https://info.arxiv.org/help/subscribe.html. On the
page, a paper begins with ``[1] arXiv:2608.01001 [pdf, html, other]``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import BinaryIO, ClassVar, cast

from larkpost.domain import (
    DumpDate,
    Identifier,
    IngestWarning,
    PaperRecord,
    Record,
    RejectedRecord,
)
from larkpost.errors import UnreadableDump
from larkpost.formats.dates import day_of, find_day, month_number
from larkpost.formats.decoding import (
    LONGEST_ABSTRACT,
    LONGEST_REJECT,
    LONGEST_TITLE,
    NumberedLine,
    decode,
    lines,
)
from larkpost.formats.feeds.arxiv_fields import came_out, links_in
from larkpost.formats.json_items import HeadFirst
from larkpost.text.identifiers import find_identifier, identifier_url, parse_identifier
from larkpost.text.markup import clean_markup
from larkpost.text.normalize import squash
from larkpost.text.paper_names import arxiv_version

_NUMBER = r"(?P<id>(?:\d{4}\.\d{4,5}|[a-z-]{2,10}(?:\.[A-Z]{2})?/\d{7})(?:v\d{1,3})?)"
_RECORD = re.compile(r"\s{0,3}\\\\\s*")  # between the parts of a paper in the mail
_END = re.compile(r"\s{0,3}\\\\\s*\(.*")  # the last separator, with the address
_MAIL_HEAD = re.compile(rf"\s{{0,3}}(?:Paper:\s*)?arXiv:{_NUMBER}\b.*")
_PAGE_HEAD = re.compile(
    rf"\s{{0,8}}(?:\[\d{{1,5}}\]\s*){{0,2}}arXiv:{_NUMBER}"
    r"(?P<note>\s*\((?:cross-list|replaced)[^()]{0,80}\))?(?:\s*[\[(].{0,200})?\s*"
)
_FIELD = re.compile(
    r"\s{0,8}(?P<key>Title|Authors?|Comments?|Subjects?|Categories|Journal[- ]ref|Report-no|DOI"
    r"|MSC-class|ACM-class|License|Date|From|Related DOI|Abstract)\s{0,3}:\s*(?P<value>.*)"
)
_REPLACED = re.compile(r"\s{0,8}replaced with (?:a )?revised version\b.*", re.IGNORECASE)
_RULE = re.compile(r"\s{0,3}(?:-{10,}|(?:%%--?){5,}%*-*)\s*")
_SECTION = re.compile(
    r"\s{0,8}(?:(?:New|Cross|Replacement) submissions?(?: lists?)?(?: \(.*)?|Showing .*entries.*"
    r"|Total of \d+ entries.*)\s*",
    re.IGNORECASE,
)
_RECEIVED = re.compile(
    r"received from\s.*?\bto\s+(?:\w{3},?\s+)?(?P<day>\d{1,2})\s+(?P<month>[A-Za-z]{3})[a-z]*"
    r"\s+(?P<year>\d{2,4})",
    re.IGNORECASE,
)
_PAGE_DAY = re.compile(r"Showing new listings for\s+(?P<day>.{6,40})", re.IGNORECASE)
_SUBMITTED = re.compile(
    r"\s*(?:\w{3},\s+)?(?P<day>\d{1,2})\s+(?P<month>[A-Za-z]{3})[a-z]*\s+(?P<year>\d{4})"
)
_ARCHIVE = r"[a-z]{2,8}(?:-[a-z]{2,4})?(?:\.[A-Za-z-]{2,17})?"
_CATEGORY = re.compile(rf"(?<!\S){_ARCHIVE}(?=[\s,]|$)")
_BRACKETED = re.compile(rf"\(({_ARCHIVE})\)")
_ABOVE_ABSTRACT = frozenset(("subject", "categorie", "comment", "journal-ref", "journal ref"))
_WITHDRAWN = ("withdrawn", "this paper has been withdrawn")
_AND = re.compile(r"(?:, and|,|;| and) ")
_AFFILIATION = re.compile(r" ?\([^()]{0,300}\)")
_LINKS_BELOW = re.compile(
    r"\s*(?:\(?https?://\S+(?:\s*,\s*\d*kb)?\)?|\[?(?:pdf|html|other|ps)\b.{0,60})\s*",
    re.IGNORECASE,
)
_TELLING = re.compile(
    r"^\\\\[ \t]*\n(?:Paper: )?arXiv:"
    r"|^[ \t]*(?:\[\d+\]\s*)*arXiv:\d{4}\.\d{4,5}[^\n]*\n(?:[^\n]*\n){0,3}?[ \t*]*Title:",
    re.MULTILINE,
)
# The top of a listing; if no paper follows, none was announced.
_TOP = re.compile(
    r"^[ \t]*(?:received from\s[^\n]{1,200}\bto\s|Showing new listings for\s|Total of 0 entries\b)",
    re.MULTILINE,
)
_LOOKED_AT = 64 * 1024


def is_empty_listing(text: bytes) -> bool:
    """Return whether a text is the top of a listing of arXiv without any paper below it."""
    start = _beginning(text)
    return _TOP.search(start) is not None and _TELLING.search(start) is None


def _beginning(text: bytes) -> str:
    return decode(text[:_LOOKED_AT]).replace("\r\n", "\n").replace("\r", "\n")


class ArxivListing:
    """The daily mail of arXiv with its new papers, cross-lists and replacements, or the page."""

    name: ClassVar[str] = "arxiv-listing"

    def recognises(self, head: bytes, filename: str) -> bool:  # noqa: ARG002 - by content alone
        """Look for a paper in the form of listings, or for the top of an empty one."""
        start = _beginning(head)
        return (_TELLING.search(start) or _TOP.search(start)) is not None

    def read(self, dump: BinaryIO, near: date) -> Iterator[Record]:
        """Yield the papers in order, and the day of the listing before them.

        A replacement, and a cross-list of an old paper, say when it came out. Raises UnreadableDump
        if there is no paper, unless the listing says that none was announced.
        """
        if empty := is_empty_listing(start := dump.read(_LOOKED_AT)):
            yield IngestWarning(0, "arXiv's listing has no papers: 0 papers")
        dump = cast("BinaryIO", HeadFirst(start, dump))
        taken, day = 0, near
        for block in _papers(line for line in lines(dump) if isinstance(line, NumberedLine)):
            if isinstance(block, DumpDate):
                day = block.day
                yield block
                continue
            record = block.record(day)
            taken += isinstance(record, PaperRecord)
            yield record
        if not taken and not empty:
            raise UnreadableDump(
                "this is a listing of arXiv, but there is no paper in it",
                hint="save the whole mail, or all of the page's text",
            )


@dataclass(slots=True)
class _Listed:
    """A paper of a listing; ``field`` is the key that the next lines continue."""

    number: str
    line: int
    replaced: bool = False
    crossed: bool = False
    fields: dict[str, list[str]] = field(default_factory=dict)
    field: str = ""
    parts: int = 0  # lines of backslashes since the number
    on_page: bool = False

    def add(self, text: str) -> None:
        """Read the next line of the paper."""
        if _REPLACED.fullmatch(text):
            self.replaced = True
            return
        match = _FIELD.fullmatch(text) if not self.parts else None
        if match and not (match["key"] == "Abstract" and not self.on_page):
            self.field = match["key"].rstrip("s").casefold()
            self.fields.setdefault(self.field, []).append(match["value"])
        elif self.parts == 1:
            self.fields.setdefault("abstract", []).append(text)
        elif self.on_page:
            self._add_to_page(text)
        elif self.field and text.strip():
            self.fields[self.field].append(text)

    def _add_to_page(self, text: str) -> None:
        """Read a line without a label: authors below the title, the abstract below the subjects."""
        if not text.strip() or _LINKS_BELOW.fullmatch(text):
            return
        if self.field == "title" and len(self.fields["title"]) == 1 and not text.startswith("  "):
            self.field = "author"
        elif self.field in _ABOVE_ABSTRACT and "subject" in self.fields:
            self.field = "abstract"
        if self.field:
            self.fields.setdefault(self.field, []).append(text)

    def record(self, day: date) -> PaperRecord | RejectedRecord:
        """Make the record; ``day`` is the day of the listing."""
        title = squash(clean_markup(self._text("title")))
        abstract = squash(clean_markup(self._text("abstract")))
        reason = self._reason(title, abstract)
        if reason:
            return RejectedRecord(self.line, reason, (title or self.number)[:LONGEST_REJECT])
        name = parse_identifier(f"arxiv:{self.number}")
        return PaperRecord(
            title=title,
            abstract=abstract,
            identifiers=tuple(dict.fromkeys((name, *self._doi()))),
            authors=_people(self._text("author")),
            categories=_categories(self._text("categorie") or self._text("subject")),
            published=None if self.replaced else _submitted(self._text("date")),
            came_out=came_out(self._announced(), self.number, day),
            version=arxiv_version(self.number),
            comment=self._text("comment") or None,
            journal_ref=self._text("journal-ref") or None,
            links=tuple(links_in(self._text("comment"))),
            url=identifier_url(name),
            line=self.line,
            withdrawn=self._text("comment").casefold().startswith(_WITHDRAWN),
        )

    def _reason(self, title: str, abstract: str) -> str:
        if not title:
            return "it has no title"
        if len(title) > LONGEST_TITLE:
            return f"its title has more than {LONGEST_TITLE:,} characters"
        if len(abstract) > LONGEST_ABSTRACT:
            return f"its abstract has more than {LONGEST_ABSTRACT:,} characters"
        if find_identifier(f"arxiv:{self.number}") is None:
            return f"{self.number} is not an arXiv number"
        return ""

    def _announced(self) -> str:
        if self.replaced:
            return "replace"
        return "cross" if self.crossed else "new"

    def _text(self, key: str) -> str:
        return squash("\n".join(self.fields.get(key, ())))

    def _doi(self) -> tuple[Identifier, ...]:
        words = self._text("doi").split()
        name = find_identifier(f"doi:{words[0]}") if words else None
        return (name,) if name else ()


def _papers(given: Iterable[NumberedLine]) -> Iterator[_Listed | DumpDate]:
    paper: _Listed | None = None
    opened = False  # the previous line is a line of backslashes
    for line in given:
        text = line.text
        if paper is None and (day := _day(text)):
            yield DumpDate(day, line.number)
        begun = _begin(line, opened=opened)
        if begun or any(end.fullmatch(text) for end in (_RULE, _END, _SECTION)):
            if paper is not None:
                yield paper
            paper = begun
        elif _RECORD.fullmatch(text):
            if paper is not None:
                paper.parts += 1
        elif paper is not None:
            paper.add(text)
        opened = bool(_RECORD.fullmatch(text)) or (opened and not text.strip())
    if paper is not None:
        yield paper


def _begin(line: NumberedLine, *, opened: bool) -> _Listed | None:
    """Read the line that begins a paper with its number."""
    if opened and (match := _MAIL_HEAD.fullmatch(line.text)):
        return _Listed(match["id"], line.number, crossed="cross-list" in match[0])
    match = _PAGE_HEAD.fullmatch(line.text)
    if match is None:
        return None
    note = match["note"] or ""
    return _Listed(
        match["id"],
        line.number,
        replaced="replaced" in note,
        crossed="cross-list" in note,
        on_page=True,
    )


def _day(text: str) -> date | None:
    """Read the day of the listing: the end of the period of receipt, or the day of the page."""
    if match := _RECEIVED.search(text):
        return _date(match)
    if match := _PAGE_DAY.search(text):
        found = find_day(match["day"])
        return day_of(found.year, found.month, found.day) if found and found.year else None
    return None


def _date(match: re.Match[str]) -> date | None:
    year = int(match["year"])
    try:
        return day_of(year + 2000 * (year < 100), month_number(match["month"]), int(match["day"]))
    except ValueError:
        return None


def _submitted(text: str) -> date | None:
    match = _SUBMITTED.match(text)
    return _date(match) if match else None


def _people(text: str) -> tuple[str, ...]:
    names = (squash(name) for name in _AND.split(_AFFILIATION.sub("", squash(clean_markup(text)))))
    return tuple(name for name in names if name)


def _categories(text: str) -> tuple[str, ...]:
    """Read ``cs.CL stat.ML``, or ``Computation and Language (cs.CL); … (stat.ML)``."""
    text = squash(text)
    found = _BRACKETED.findall(text) or (_CATEGORY.findall(text) if ";" not in text else [])
    return tuple(dict.fromkeys(found))
