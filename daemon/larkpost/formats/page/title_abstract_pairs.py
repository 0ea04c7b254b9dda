"""Makes papers from a page whose titles are only recognisable by the abstracts below them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import takewhile
from typing import TYPE_CHECKING

from larkpost.domain import IngestWarning, Record, RejectedRecord
from larkpost.errors import UnreadableDump
from larkpost.formats.decoding import LONGEST_REJECT
from larkpost.formats.page.page_tokens import Token, TokenKind
from larkpost.formats.page.paragraphs import Paragraph, split_title
from larkpost.formats.page.parser import SOME, PageEntry, PageParser
from larkpost.formats.page.title_or_abstract import (
    SURELY_LONG,
    begins_abstract,
    continues,
    ends_sentence,
    is_abstract,
    is_body,
    is_fragment,
    is_item,
    people,
    title_mark,
    width,
)
from larkpost.text.plurals import quantity

if TYPE_CHECKING:
    from larkpost.formats.dates import PartialDay
    from larkpost.formats.page.layout import PageLayout

_LONGEST_JOINED = 6_000  # characters of an abstract of several paragraphs
_MOST_TITLES = 10_000  # consecutive ones


class AlternatingPage(PageParser):
    """A page on which a short paragraph is a title, and a long one its abstract."""

    def __init__(self, layout: PageLayout, near: date) -> None:
        super().__init__(layout, near)
        self.searched = False  # the navigation of the search page, with the words, was seen
        self.titles: list[PageEntry] = []  # without an abstract so far
        self.bare: list[PageEntry] = []  # titles that were decided before the first abstract
        self.between = ""  # a short line that recurs, after the abstract
        self.orphans = 0  # abstracts without a title
        self.opened = False  # the texts above the first paper have been decided
        self.all_have_abstracts = True
        self.unvoted = 0  # papers without votes

    def finish(self) -> Iterator[Record]:
        """Yield the remaining records; raises UnreadableDump if there was no paper."""
        self._extend_last(keep=0)
        yield from self._settle(self._rejoin(self.titles), last=True)
        if self.layout.voted and self.last and self.unvoted == 1 and not self.last.voted:
            yield from (entry.draft() for entry in self.held[:-1])
            yield _left_out(self.last, "below the last paper")
            return
        yield from super().finish()

    def _paragraph(self, piece: Paragraph) -> Iterator[Record]:
        if self._is_abstract(piece.text):
            yield from self._abstract(piece)
        else:
            self._title(piece, piece.text)

    def _is_abstract(self, text: str) -> bool:
        """Judge by the length; for a middle length, also by whether a title is above it."""
        if people(text) and (self.titles or self.last):
            return False
        if not self.titles and width(text) < SURELY_LONG and not ends_sentence(text):
            return False
        return is_abstract(text) or bool(
            self.titles and text.endswith(":") and begins_abstract(text)
        )

    def _title(self, piece: Paragraph, text: str) -> None:
        entry, self.above, self.between = self.above, PageEntry(), ""
        entry.line, entry.title, entry.whole = piece.number, text, piece.whole
        self.titles.append(entry)
        if len(self.titles) > _MOST_TITLES:
            raise UnreadableDump(
                f"it holds more than {_MOST_TITLES:,} short lines without a single abstract",
                hint="is it the text of the papers page?",
            )
        if piece.url:
            self._link(piece.url)

    def _abstract(self, piece: Paragraph) -> Iterator[Record]:
        self._extend_last(keep=self.layout.depth)
        if not self.titles:
            more = self.last and not self.last.closed and is_item(piece.text)
            title, piece = (None, piece) if more else split_title(piece)
            if title is not None:
                self._title(title, title.text)
            else:
                yield from self._without_title(piece)
                return
        if piece.url:
            self._link(piece.url)
        before, own, first = self._choose_title()
        self.titles = []
        yield from self._settle(before)
        if rejected := self._too_long(own, piece.text):
            yield rejected
            return
        own.set_abstract(self._without_label(f"{first} {piece.text}".strip()), piece)
        if self.above.voted:
            own.votes = self.above.votes
            self.above.votes, self.above.voted = None, False
        yield from self._publish(own)

    def _choose_title(self) -> tuple[Sequence[PageEntry], PageEntry, str]:
        """Choose the title of an abstract among the short paragraphs above it.

        Returns those before it, the title, and the text with which the abstract begins.
        """
        at = len(self.titles) - self.layout.depth
        if not (self.layout.regular and at >= 0):
            at = len(self.titles) - 1
            while at > 0 and self._is_below(self.titles[at].title):
                at -= 1
        before, own, below = self.titles[:at], self.titles[at], self.titles[at + 1 :]
        body = [entry.title for entry in below if is_body(entry.title, self.layout.mark)]
        others = [entry.title for entry in below if entry.title not in body]
        own.authors = own.authors or people(", ".join(others))
        own.name = own.name or next((entry.name for entry in below if entry.name), None)
        return ([] if self.layout.regular else before), own, " ".join(body)

    def _end_abstract(self) -> None:
        last = self.last
        while last and last.abstract and not last.closed and self.titles:
            if not is_body(self.titles[0].title, self.layout.mark):
                return
            entry = self.titles.pop(0)
            last.extend_abstract(entry.title, entry.whole)

    def _is_below(self, text: str) -> bool:
        """Return whether a short paragraph is a text below a title, not a title."""
        return is_body(text, self.layout.mark) or bool(people(text))

    def _without_title(self, piece: Paragraph) -> Iterator[Record]:
        """Add a long paragraph to the abstract above it, or reject it."""
        last, text = self.last, piece.text
        if (
            last is None
            or last.closed
            or text in last.abstract
            or len(last.abstract) + len(text) > _LONGEST_JOINED
        ):
            self.orphans += 1
            yield RejectedRecord(piece.number, "an abstract without a title", text[:LONGEST_REJECT])
        else:
            last.extend_abstract(text, piece.whole)

    def _extend_last(self, keep: int) -> None:
        """Add short paragraphs that continue the abstract above them to it.

        The last ``keep`` may be the title of the next paper, unless they are items of a list.
        """
        last = self.last
        while last and last.abstract and not last.closed and self.titles:
            text = self.titles[0].title
            marked = bool(self.layout.mark) and title_mark(text) == self.layout.mark
            if names := people(text):
                last.authors = last.authors or names
                self.titles.pop(0)
                continue
            may_be_title = len(self.titles) <= keep and not (is_item(text) or is_fragment(text))
            if marked or may_be_title:
                return
            if not (continues(text, last.abstract) or is_fragment(text)):
                return
            entry = self.titles.pop(0)
            last.extend_abstract(text, entry.whole)

    def _settle(self, titles: Sequence[PageEntry], *, last: bool = False) -> Iterator[Record]:
        """Decide about consecutive short paragraphs: titles alone, or titles with short abstracts.

        On a page where all titles have one, those alone below the ``last`` abstract are not titles.
        """
        footer = last and self.opened and self.all_have_abstracts
        rest = deque(titles)
        while rest:
            entry = rest.popleft()
            while rest and is_body(rest[0].title, self.layout.mark):
                short = rest.popleft()
                entry.abstract = f"{entry.abstract} {short.title}".strip()
                entry.whole = short.whole
            if entry.abstract or entry.voted or not (self.layout.voted or (footer and entry.whole)):
                yield from self._publish(entry)
            elif footer:
                yield _left_out(entry, "below the last paper")

    def _publish(self, entry: PageEntry) -> Iterator[Record]:
        """Hold titles without abstracts back until there is any abstract."""
        if self.last is None and not entry.abstract:
            self.bare.append(entry)
            return
        for bare in self.bare:
            yield from super()._publish(bare)
        self.bare = []
        self.all_have_abstracts &= bool(entry.abstract)
        self.unvoted += not entry.voted
        yield from super()._publish(entry)
        yield from self._opening()

    def _is_ready(self) -> bool:
        return self.opened

    def _opening(self) -> Iterator[Record]:
        """Decide about short lines above the first paper once some papers have abstracts.

        If all of these have one, lines without an abstract are not titles.
        """
        papers = [entry for entry in self.held if entry.abstract]
        if self.opened or len(papers) < SOME:
            return
        self.opened = True
        lines = list(takewhile(lambda entry: not entry.abstract, self.held))
        if lines and self.all_have_abstracts:
            self.held = self.held[len(lines) :]
            yield from (_left_out(entry, "above the first paper") for entry in lines)

    def _token(self, piece: Token) -> Iterator[Record]:
        self.searched |= piece.kind is TokenKind.NAVIGATION
        if piece.kind in {TokenKind.MARK, TokenKind.NAVIGATION} and self.last is None:
            self._forget()
        if piece.kind is TokenKind.REPEATED:
            self._take_repeated(piece)
        yield from super()._token(piece)

    def _forget(self) -> None:
        super()._forget()
        self.titles, self.bare = [], []

    def _take_repeated(self, piece: Token) -> None:
        """Read a short line that recurs as authors below a title, else as an organisation."""
        if not self.titles:
            self.between = piece.text
        elif names := people(piece.text):
            self.titles[-1].authors = names

    def _votes(self, piece: Token) -> Iterator[Record]:
        yield from self._drop_search_words()
        if self.layout.votes_follow and self.last and not self.last.voted and not self.titles:
            self.last.votes, self.last.voted = piece.number, True
            return
        yield from super()._votes(piece)

    def _date(self, day: PartialDay, organisation: str) -> None:
        if self.layout.dated and self.titles:
            self.titles[-1].published = day.resolve(self.captured or self.near)
            return
        super()._date(day, organisation)

    def _target(self) -> PageEntry | None:
        return self.titles[-1] if self.titles else self.last

    def _organisation(self, longest: int) -> str | None:
        """Return a name that is between an abstract and the dot or date after it."""
        if self.last and len(self.titles) == 1 and len(self.titles[0].title) <= longest:
            return self.titles.pop().title
        text, self.between = self.between, ""
        return text

    def _drop_search_words(self) -> Iterator[Record]:
        """Skip the search words, which are above the first votes."""
        if self.searched and self.last is None and self.titles:
            words = self.titles.pop()
            yield IngestWarning(
                words.line, f"“{words.title}” taken for the words that were searched for"
            )

    def _rejoin(self, titles: Sequence[PageEntry]) -> Sequence[PageEntry]:
        """Append the first words of an abstract to their title, if the file ends within them."""
        proper = self.proper + bool(self.last and self.last.ends_properly())
        if len(titles) < 2 or proper < max(SOME, 4 * self.improper):
            return titles
        *before, own, rest = titles
        if rest.whole or rest.title.endswith("."):
            return titles
        own.abstract, own.whole = rest.title, False
        return [*before, own]

    def _nothing(self) -> UnreadableDump:
        if self.bare:
            lines = quantity(len(self.bare), "title or short line", "titles or short lines")
            return UnreadableDump(
                f"{lines}, but not a single abstract",
                hint="try the search page (huggingface.co/papers?q=…): it shows abstracts",
            )
        if self.orphans >= SOME and not self.layout.unbroken:
            return UnreadableDump(
                f"it holds {self.orphans} abstracts, but the titles were lost when it was saved",
                hint="select all of the page in a browser, copy it, and save that as a text file",
            )
        return super()._nothing()


def _left_out(entry: PageEntry, where: str) -> IngestWarning:
    return IngestWarning(entry.line, f"“{entry.title[:80]}” {where} is unlike the papers; left out")
