"""Makes papers from the paragraphs of a page: the base class of the page parsers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from larkpost.domain import DumpDate, Identifier, IngestWarning, PaperRecord, Record, RejectedRecord
from larkpost.errors import UnreadableDump
from larkpost.formats.decoding import LONGEST_ABSTRACT, LONGEST_REJECT
from larkpost.formats.page.page_tokens import Token, TokenKind, organisation_name, without_label
from larkpost.formats.page.paragraphs import LONGEST_ORGANISATION, Paragraph
from larkpost.formats.page.title_or_abstract import (
    ends_properly,
    paper_name,
    people,
    title_number,
    without_mark,
)
from larkpost.text.identifiers import identifier_url
from larkpost.text.markup import cut_preamble

if TYPE_CHECKING:
    from larkpost.formats.dates import PartialDay
    from larkpost.formats.page.layout import PageLayout

SHORT_ORGANISATION = 80  # characters, unless a dot comes after it
SOME = 3  # papers needed to judge how the abstracts of a page end
_FEW_ABOVE = 2  # texts above the heading that may look like papers
_NEAR_DAYS = 10  # between a day and the neighbouring day in a page's navigation


@dataclass(slots=True)
class PageEntry:
    """A paper as far as it has been read; texts after its abstract may add more.

    ``voted``: a number of votes was given, even 0. ``closed``: text that does not belong to the
    abstract has come after it. ``link`` is the number of the link that contains the abstract.
    """

    line: int = 0
    title: str = ""
    abstract: str = ""
    votes: int | None = None
    voted: bool = False
    name: Identifier | None = None
    published: date | None = None
    authors: tuple[str, ...] = ()
    organisation: str | None = None
    whole: bool = True
    closed: bool = False
    link: int = 0

    def draft(self) -> PaperRecord:
        """Make the paper from the data of the page."""
        return PaperRecord(
            title=self.title,
            abstract=self.abstract,
            identifiers=(self.name,) if self.name else (),
            authors=self.authors,
            published=self.published,
            url=identifier_url(self.name) if self.name else None,
            upvotes=self.votes,
            organisation=self.organisation,
            line=self.line,
        )

    def set_abstract(self, text: str, piece: Paragraph) -> None:
        """Set the abstract to a paragraph."""
        text, name = cut_preamble(text)
        self.abstract, self.whole, self.link = text, piece.whole, piece.link
        self.name = self.name or name

    def extend_abstract(self, text: str, whole: bool) -> None:
        """Append a further paragraph to the abstract."""
        self.abstract, self.whole = f"{self.abstract} {text}", whole

    def ends_properly(self) -> bool:
        """Return whether there is an abstract, and it ends as abstracts do."""
        return bool(self.abstract) and ends_properly(self.abstract)


class PageParser(ABC):
    """The state of reading a page; ``near`` is the latest day on which it may have been saved."""

    def __init__(self, layout: PageLayout, near: date) -> None:
        self.layout = layout
        self.near = near
        self.captured: date | None = None
        self.marked = False  # there was a banner, a heading or a byline
        self.submitters = 0
        self.above = PageEntry()  # votes and link above the next title
        self.last: PageEntry | None = None
        self.held: list[PageEntry] = []  # not yielded yet, including the last paper
        self.proper = self.improper = 0  # ends of abstracts, except that of the last paper
        self.number = 0  # of the last title, if titles are numbered

    def begin(self) -> Iterator[Record]:
        """Yield the day of capture, if notes above the page state it."""
        if self.layout.captured is not None:
            self.captured = self.layout.captured.day
            yield self.layout.captured

    def read(self, piece: Paragraph | Token) -> Iterator[Record]:
        """Process the next paragraph or token; yields the records that are now certain."""
        if isinstance(piece, Paragraph):
            if piece.text:
                yield from self._paragraph(piece)
            return
        if piece.url:
            self._link(piece.url)
        if piece.kind is TokenKind.LINK and self._is_address_in_text(piece):
            return
        if self.last is not None and piece.kind not in {TokenKind.LABEL, TokenKind.LINK}:
            self._end_abstract()
            self.last.closed = bool(self.last.abstract)
        yield from self._token(piece)

    def finish(self) -> Iterator[Record]:
        """Yield the remaining records; raises UnreadableDump if there was no paper."""
        if self.last is None:
            raise self._nothing()
        yield from (entry.draft() for entry in self.held[:-1])
        if self._is_cut(self.last):
            reason = "the file ends in the middle of this paper"
            text = f"{self.last.title}\n{self.last.abstract}"
            yield RejectedRecord(self.last.line, reason, text[:LONGEST_REJECT], cut=True)
        else:
            yield self.last.draft()
        if not self.marked:
            yield IngestWarning(
                0, "no heading of a papers page; read as alternating titles and abstracts"
            )

    def _end_abstract(self) -> None:  # noqa: B027 - most pages hold nothing back here
        """Add paragraphs that belong to the last abstract before page furniture closes it."""

    def _is_address_in_text(self, piece: Token) -> bool:
        """Add an address on a separate line to the abstract above, if that is unfinished."""
        entry = self.last
        if not (entry and entry.abstract and piece.url) or entry.closed or paper_name(piece.url):
            return False
        if ends_properly(entry.abstract):
            return False
        entry.extend_abstract(piece.url, piece.line.whole)
        return True

    @abstractmethod
    def _paragraph(self, piece: Paragraph) -> Iterator[Record]:
        """Process a paragraph that is not empty."""

    @abstractmethod
    def _organisation(self, longest: int) -> str | None:
        """Return a short text between an abstract and a dot or date: an organisation."""

    def _token(self, piece: Token) -> Iterator[Record]:
        match piece.kind:
            case TokenKind.MARK:
                if not self.marked and len(self.held) <= _FEW_ABOVE:
                    self._forget()
                self.marked = True
            case TokenKind.SUBMITTED:
                self.submitters += 1
                self.above = PageEntry()
            case TokenKind.DOT:
                self._set_organisation(self._organisation(LONGEST_ORGANISATION))
            case TokenKind.DATE if piece.day and self.last is None:
                yield from self._capture(piece.line.number, piece.day)
            case TokenKind.DATE if piece.day:
                self._date(piece.day, piece.text)
            case TokenKind.VOTES if not (piece.url or "").endswith("#community"):
                yield from self._votes(piece)

    def _forget(self) -> None:
        """Discard the text above the heading of the page: a menu, a greeting, a cookie banner."""
        self.held, self.last, self.above = [], None, PageEntry()

    def _votes(self, piece: Token) -> Iterator[Record]:
        """Keep votes for the next title; votes of the previous paper are comments on it."""
        self.above.votes, self.above.voted = piece.number, True
        yield from ()

    def _link(self, url: str) -> None:
        """Assign the arXiv id in a link to the current paper, else to the next one."""
        name = paper_name(url)
        if name is None:
            return
        target = self._target()
        if target is None or target.name not in {None, name}:
            target = self.above
        target.name = name

    def _target(self) -> PageEntry | None:
        return self.last

    def _capture(self, line: int, day: PartialDay) -> Iterator[Record]:
        found = day.resolve(self.near)
        if day.year is None and found and self.layout.neighbour:
            found = _beside(found, self.layout.neighbour)
        if found is None:
            yield IngestWarning(line, "this day is not in the calendar")
        elif self.captured is None:
            self.captured = found
            yield DumpDate(found, line)
        elif found != self.captured and not self.layout.captured:
            yield IngestWarning(line, f"a second date; the first, {self.captured}, holds")

    def _date(self, day: PartialDay, organisation: str) -> None:
        """Set the day of the last paper; the page omits the current year."""
        if self.layout.listed:  # a list has no days of papers: this is another list's heading
            return
        self._set_organisation(organisation or self._organisation(SHORT_ORGANISATION))
        if self.last is not None and self.last.published is None:
            self.last.published = day.resolve(self.captured or self.near)

    def _set_organisation(self, text: str | None) -> None:
        if not text or self.last is None:
            return
        if names := people(text):
            self.last.authors = self.last.authors or names
        elif self.last.organisation is None:
            self.last.organisation = organisation_name(text) or None

    def _is_cut(self, entry: PageEntry) -> bool:
        """Return whether the file ends within this paper: no line end or full stop, unlike most."""
        if entry.whole or entry.ends_properly():
            return False
        if not entry.abstract:  # there is no text yet whose end could be judged
            return not self.layout.listed
        return self.proper >= max(SOME, 4 * self.improper)

    def _publish(self, entry: PageEntry) -> Iterator[Record]:
        """Hold a paper back until the next one."""
        entry.title = self._plain_title(entry.title)
        if self.last is not None:
            self.proper += self.last.ends_properly()
            self.improper += not self.last.ends_properly()
        self.last = entry
        self.held.append(entry)
        if self._is_ready():
            yield from (entry.draft() for entry in self.held[:-1])
            self.held = [entry]

    def _plain_title(self, title: str) -> str:
        """Remove the bullet before a title, or its number if titles are numbered."""
        number = title_number(title)
        if number is not None and self.layout.mark != "number":
            counted = number == self.number + 1
            self.number += counted
            return without_mark(title) if counted else title
        return without_mark(title)

    def _is_ready(self) -> bool:
        """Return whether the papers before the last one can be yielded."""
        return True

    def _without_label(self, text: str) -> str:
        """Remove the word with which the abstracts of this page begin, if it is a label."""
        label = self.layout.label
        bare = text.removeprefix(label).lstrip(" :.\u2014-") if label else text
        return without_label(bare)

    def _too_long(self, entry: PageEntry, text: str) -> RejectedRecord | None:
        if len(text) <= LONGEST_ABSTRACT:
            return None
        reason = f"its abstract has more than {LONGEST_ABSTRACT:,} characters"
        return RejectedRecord(entry.line, reason, entry.title[:LONGEST_REJECT])

    def _nothing(self) -> UnreadableDump:
        if self.layout.unbroken:
            return UnreadableDump(
                "all of its text is on one line: the line breaks were lost when it was saved",
                hint="select all of the page in a browser, copy it, and save that as a text file",
            )
        if self.layout.listed or self.submitters:
            return UnreadableDump(
                "this is the daily list, which has no titles and no abstracts",
                hint="try to select all of the page in a browser, copy it, and save that as a file",
            )
        return UnreadableDump(
            "there is no paper in it", hint="was the page saved before it had loaded?"
        )


def _beside(day: date, neighbour: date) -> date:
    """Choose the year for a day so that it is near the day of a list that the page links to."""
    years = (neighbour.year + more for more in (0, 1, -1))
    made = (day.replace(year=year) for year in years if (day.month, day.day) != (2, 29))
    return next((one for one in made if abs((one - neighbour).days) <= _NEAR_DAYS), day)
