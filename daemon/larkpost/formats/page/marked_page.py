"""Makes papers from a page whose titles are marked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from larkpost.domain import Record
from larkpost.formats.page.page_tokens import Token, TokenKind
from larkpost.formats.page.parser import PageEntry, PageParser
from larkpost.formats.page.title_or_abstract import (
    LONGEST_PAGE_TITLE,
    begins_abstract,
    continues,
    is_abstract,
    is_sentence,
    paper_name,
    people,
    vote_link_target,
    width,
)

if TYPE_CHECKING:
    from larkpost.formats.page.layout import PageLayout
    from larkpost.formats.page.paragraphs import Paragraph

SHORT_ORGANISATION = 80  # characters, unless a dot comes after it


class MarkedPage(PageParser):
    """A page with marked titles: headings, links to their papers, or texts below a submitter."""

    def __init__(self, layout: PageLayout, near: date) -> None:
        super().__init__(layout, near)
        # Short texts since the title or abstract: an organisation, or parts of the abstract.
        self.between: list[str] = []
        self.due = layout.leads  # the next text is a title

    def _paragraph(self, piece: Paragraph) -> Iterator[Record]:
        text = piece.text
        if self._is_title(piece):
            yield from self._start(piece)
        elif self.last is not None and not self.last.closed:
            yield from self._below(self.last, piece, text)
        else:
            self.between.append(text)

    def _is_title(self, piece: Paragraph) -> bool:
        if self.layout.title_level:
            return piece.level == self.layout.title_level
        if self.layout.linked:
            name = paper_name(piece.url)
            known = self.last.name if self.last else None
            return name is not None and name != known and len(piece.text) <= LONGEST_PAGE_TITLE
        return self.due

    def _start(self, piece: Paragraph) -> Iterator[Record]:
        entry, self.above = self.above, PageEntry()
        entry.line, entry.title, entry.whole = piece.number, piece.text, piece.whole
        self.between, self.due = [], False
        if name := paper_name(piece.url):
            entry.name = name
        yield from self._publish(entry)

    def _below(self, entry: PageEntry, piece: Paragraph, text: str) -> Iterator[Record]:
        """Read a text below a title: authors, the abstract, more of it, or an organisation."""
        if entry.abstract:
            if (
                piece.link == entry.link != 0
                or is_abstract(text)
                or continues(text, entry.abstract)
            ):
                entry.extend_abstract(" ".join([*self.between, text]), piece.whole)
                self.between = []
            else:
                self.between.append(text)
        elif names := people(text):
            entry.authors = names
        elif not self.layout.listed and _may_be_abstract(text):
            if rejected := self._too_long(entry, text):
                yield rejected
                return
            entry.set_abstract(self._without_label(text), piece)
        else:
            self.between.append(text)

    def _token(self, piece: Token) -> Iterator[Record]:
        if piece.kind is TokenKind.REPEATED and self.last is not None:
            self.between.append(piece.text)
        if piece.kind is TokenKind.MARK and not any(entry.voted for entry in self.held):
            self.held, self.last, self.due = [], None, self.layout.leads  # that was a menu
        by_votes = self.layout.voted and not self.layout.leads
        if piece.kind is (TokenKind.VOTES if by_votes else TokenKind.SUBMITTED):
            self.due = True
        if piece.kind in {TokenKind.AUTHORS, TokenKind.SUBMITTED} and self.layout.listed:
            self._set_organisation(self._organisation(SHORT_ORGANISATION))
        yield from super()._token(piece)

    def _votes(self, piece: Token) -> Iterator[Record]:
        """Assign votes to the paper that their link names, else by their position on this page."""
        name = vote_link_target(piece.url)
        below = name is not None and self.last is not None and self.last.name == name
        if self.last and (below or (name is None and self._votes_follow() and not self.last.voted)):
            self.last.votes, self.last.voted = piece.number, True
        else:
            yield from super()._votes(piece)

    def _votes_follow(self) -> bool:
        return not self.layout.voted and (self.layout.leads or not self.layout.listed)

    def _organisation(self, longest: int) -> str | None:
        between, self.between = self.between, []
        first_or_last = between[:1] if self.layout.listed else between[-1:]
        return next((text for text in first_or_last if width(text) <= longest), None)


def _may_be_abstract(text: str) -> bool:
    return is_abstract(text) or is_sentence(text) or begins_abstract(text)
