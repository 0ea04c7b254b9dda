"""Pairs the paragraphs of a page into papers: a short one is a title, a long one its abstract."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from larkpost.domain import Captured, Draft, Rejected, Remark
from larkpost.errors import UnreadableDump, UsageError
from larkpost.sources.dates import PartialDay, day_of
from larkpost.sources.furniture import Kind, Token
from larkpost.sources.lines import LONGEST_ABSTRACT
from larkpost.sources.paragraphs import LONGEST_ORGANISATION, Paragraph, parted
from larkpost.text.identifiers import parse_identifier

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from larkpost.domain import Identifier, Record

_SURELY_LONG = 300  # characters: no title is longer, hardly an abstract shorter
_MAYBE_LONG = 140  # the longest title of the sample has 137
_SENTENCE = 40
_ORGANISATION = 80  # where no dot comes after it
_SOME = 3  # papers by which to judge how the abstracts of a page end
_KEPT = 2_000  # characters of a rejected text that are kept
_ENDS = ".!?)]}\"'”\u2019»。"


@dataclass(slots=True)
class _Found:
    """A paper as far as it has been read; what stands after its abstract may still tell more."""

    line: int
    title: str
    abstract: str = ""
    votes: int | None = None
    voted: bool = False  # whether votes were told, be it that there are none
    name: Identifier | None = None
    published: date | None = None
    whole: bool = True

    def draft(self) -> Draft:
        url = f"https://arxiv.org/abs/{self.name.value}" if self.name else None
        return Draft(
            title=self.title,
            abstract=self.abstract,
            identifiers=(self.name,) if self.name else (),
            published=self.published,
            url=url,
            upvotes=self.votes,
            line=self.line,
        )

    def ends_properly(self) -> bool:
        """Whether it ends as abstracts do: with a full stop or with an address."""
        return bool(self.abstract) and (
            self.abstract.endswith(tuple(_ENDS)) or "/" in self.abstract.rsplit(maxsplit=1)[-1]
        )


class Page:
    """What has been read of a page; ``near`` is a day near which it was taken."""

    def __init__(self, near: date) -> None:
        self.near = near
        self.captured: date | None = None
        self.marked = False  # there was a banner, a heading or a byline
        self.searched = False  # there was the navigation of the search page, which echoes words
        self.submitters = 0
        self.above = _Found(0, "")  # votes and link that stand above the title to come
        self.titles: list[_Found] = []  # without an abstract so far
        self.bare: list[_Found] = []  # titles settled before the first abstract
        self.last: _Found | None = None
        self.proper = self.improper = 0  # ends of abstracts

    def read(self, piece: Paragraph | Token) -> Iterator[Record]:
        """Take in the next paragraph or piece of furniture; yields what is now certain."""
        if isinstance(piece, Paragraph):
            yield from self._paragraph(piece)
            return
        if piece.url:
            self._link(piece.url)
        match piece.kind:
            case Kind.MARK:
                self.marked = True
            case Kind.NAVIGATION:
                self.searched = True
            case Kind.SUBMITTED:
                self.submitters += 1
            case Kind.DOT:
                self._drop_organisation(LONGEST_ORGANISATION)
            case Kind.DATE if piece.day and self.last is None:
                yield from self._capture(piece.line.number, piece.day)
            case Kind.DATE if piece.day:
                self._date(piece.day)
            case Kind.VOTES:  # or comments on the paper before: then the votes follow
                yield from self._drop_search_words()
                self.above.votes, self.above.voted = piece.number, True

    def finish(self) -> Iterator[Record]:
        """Yield what was held back; raises UnreadableDump when there was no paper."""
        yield from self._settle(self._rejoined(self.titles))
        if self.last is None:
            raise self._nothing()
        if self._is_cut(self.last):
            reason = "the file ends in the middle of this paper"
            text = f"{self.last.title}\n{self.last.abstract}"
            yield Rejected(self.last.line, reason, text, cut=True)
        else:
            yield self.last.draft()
        if not self.marked:
            yield Remark(0, "no heading of a papers page; read as titles and abstracts in turn")

    def _paragraph(self, piece: Paragraph) -> Iterator[Record]:
        text = piece.text
        if _is_abstract(text):
            yield from self._abstract(piece, text)
        elif text:
            self._title(piece, text)

    def _title(self, piece: Paragraph, text: str) -> None:
        found, self.above = self.above, _Found(0, "")
        found.line, found.title, found.whole = piece.number, text, piece.whole
        self.titles.append(found)
        if piece.url:
            self._link(piece.url)

    def _abstract(self, piece: Paragraph, text: str) -> Iterator[Record]:
        if not self.titles:
            title, piece = parted(piece)
            if title is None:
                yield Rejected(piece.number, "an abstract without a title", text[:_KEPT])
                return
            self._title(title, title.text)
            text = piece.text
        if piece.url:
            self._link(piece.url)
        *before, own = self.titles
        self.titles = []
        yield from self._settle(before)
        if len(text) > LONGEST_ABSTRACT:
            reason = f"its abstract has more than {LONGEST_ABSTRACT:,} characters"
            yield Rejected(own.line, reason, own.title)
            return
        own.abstract, own.whole = text, piece.whole
        if self.above.voted:
            own.votes = self.above.votes
            self.above.votes, self.above.voted = None, False
        yield from self._publish(own)

    def _settle(self, titles: Sequence[_Found]) -> Iterator[Record]:
        """Decide about short paragraphs in a row: titles alone, or titles with short abstracts."""
        rest = deque(titles)
        while rest:
            found = rest.popleft()
            if rest and _is_sentence(rest[0].title):
                short = rest.popleft()
                found.abstract, found.whole = short.title, short.whole
            yield from self._publish(found)

    def _publish(self, found: _Found) -> Iterator[Record]:
        """Hold a paper back until the next, and bare titles until there is any abstract."""
        if self.last is None and not found.abstract:
            self.bare.append(found)
            return
        yield from (bare.draft() for bare in self.bare)
        self.bare = []
        if self.last is not None:
            yield self.last.draft()
        self.last = found
        self.proper += found.ends_properly()
        self.improper += not found.ends_properly()

    def _link(self, url: str) -> None:
        """Give the arXiv id in a link to the paper beside it, else to the one that comes."""
        name = _arxiv_name(url)
        target = self.titles[-1] if self.titles else self.last
        if name is None:
            return
        if target is None or target.name not in {None, name}:
            target = self.above
        target.name = name

    def _capture(self, line: int, day: tuple[int, int, int | None]) -> Iterator[Record]:
        month, number, year = day
        found = PartialDay(month, number, year).resolve(self.near)
        if found is None:
            yield Remark(line, "this day is not in the calendar")
        elif self.captured is None:
            self.captured = found
            yield Captured(found, line)
        elif found != self.captured:
            yield Remark(line, f"a second date; the first, {self.captured}, holds")

    def _date(self, day: tuple[int, int, int | None]) -> None:
        """Date the last paper; the page leaves the year out where it is the current one."""
        self._drop_organisation(_ORGANISATION)
        month, number, year = day
        current = (self.captured or self.near).year
        if self.last is not None and self.last.published is None:
            self.last.published = day_of(year or current, month, number)

    def _drop_organisation(self, longest: int) -> None:
        """Pass over a name that stands between an abstract and the dot or date after it."""
        if self.last and len(self.titles) == 1 and len(self.titles[0].title) <= longest:
            self.titles = []

    def _drop_search_words(self) -> Iterator[Record]:
        """Pass over the words that were searched for: they stand above the first votes."""
        if self.searched and self.last is None and self.titles:
            words = self.titles.pop()
            yield Remark(words.line, f"“{words.title}” taken for the words that were searched for")

    def _rejoined(self, titles: Sequence[_Found]) -> Sequence[_Found]:
        """Give a title the first words of its abstract, where the file ends among them."""
        if len(titles) < 2 or self.proper < max(_SOME, 4 * self.improper):
            return titles
        *before, own, rest = titles
        if rest.whole or rest.title.endswith("."):
            return titles
        own.abstract, own.whole = rest.title, False
        return [*before, own]

    def _is_cut(self, found: _Found) -> bool:
        """Whether the file ends within this paper: no line end, no full stop, unlike the others."""
        if found.whole or found.ends_properly():
            return False
        if not found.abstract:  # there is nothing yet that would end properly
            return True
        return self.proper >= max(_SOME, 4 * (self.improper - 1))

    def _nothing(self) -> UnreadableDump:
        if self.submitters:
            titles = f"{len(self.bare)} titles or short lines" if self.bare else "no titles"
            return UnreadableDump(
                f"this is the daily list: it holds {titles}, and no abstracts",
                hint="try the search page (huggingface.co/papers?q=…): its text has both",
            )
        if self.bare:
            return UnreadableDump(
                f"{len(self.bare)} titles or short lines, but not a single abstract",
                hint="try the search page (huggingface.co/papers?q=…): it shows abstracts",
            )
        return UnreadableDump(
            "there is no paper in it", hint="was the page saved before it had loaded?"
        )


def _is_abstract(text: str) -> bool:
    if len(text) >= _SURELY_LONG:
        return True
    return len(text) >= _MAYBE_LONG and (text.endswith(".") or ". " in text)


def _is_sentence(text: str) -> bool:
    return len(text) >= _SENTENCE and text.endswith(".")


def _arxiv_name(url: str) -> Identifier | None:
    try:
        name = parse_identifier(f"https://huggingface.co{url}" if url.startswith("/") else url)
    except UsageError:
        return None
    return name if name.scheme == "arxiv" else None
