"""Makes papers from blocks in which titles link to papers, or are above such links.

Tables of contents of journals, alerts of search services and lists in Markdown have this in common:
a title, and up to the next one the details of its paper, in any order: names of authors, the
journal, a DOI, an abstract or the beginning of one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from larkpost.domain import Identifier, PaperRecord
from larkpost.formats.page.title_or_abstract import people, without_mark
from larkpost.formats.paper_lists.paper_links import PaperLink, find_names, paper_link
from larkpost.formats.paper_lists.title_words import (
    clean_title,
    is_label,
    is_prose,
    is_short_title,
    is_title,
    read_authors,
    split_title,
)
from larkpost.text.identifiers import identifier_url
from larkpost.text.markup import clean_markup, cut_preamble
from larkpost.text.minhash import squeeze
from larkpost.text.normalize import squash

if TYPE_CHECKING:
    from larkpost.formats.paper_lists.blocks import TextBlock, TextLink

_LONGEST_ABSTRACT = 6_000
_BEFORE_LINK = 40  # characters of marks before the title on its line: "[PDF]", "1.", a date
_BESIDE = 20  # characters, at least, of a title with its link after it in a line of plain text
_OPAQUE = 25  # characters, at least, of a title whose link leads through a tracking service
_OPAQUE_WORDS = 4
_FOOTER = re.compile(
    r"unsubscribe|\byou(?:['\u2019]re| are| have)? (?:receiv|subscribed|signed up)"
    r"|\bthis (?:e-?mail|message|alert) (?:was|is|has been) (?:sent|intended)"
    r"|manage (?:your |my )?(?:e-?mail |alert )?(?:alerts|preferences|subscription|settings)"
    r"|all rights reserved"
    r"|view (?:this |in )?(?:e-?mail |message )?(?:in|online|your)\b.{0,20}browser"
    r"|cancel (?:this )?alert|list alerts|update your preferences|onwards and upwards"
    r"|see all recommendations|sent to you because",
    re.IGNORECASE,
)
_LONGEST_FOOTER = 700
_SUMMARY_LABEL = re.compile(
    r"(?:tl;?dr|abstract|summary|ai[- ]generated summary)\W{0,4}(?:\s|(?<=\W)|$)", re.IGNORECASE
)
_SEPARATORS = " \t·•|:;,/()[]{}\u2013\u2014-"
_LABEL_BEFORE = re.compile(
    r"(?:[.;,(\[]\s{0,3})?\b(?:doi|arxiv|link|url|paper|pdf)\s{0,3}:?\s{0,3}$", re.IGNORECASE
)
_SCHOLAR = "scholar_url"  # in the links of Google Scholar's alerts, which show snippets
_OF_ALERTS = (_SCHOLAR, "semanticscholar.org/paper/")  # links of alerts: titles, or labels


@dataclass(slots=True)
class _Entry:
    """A paper that is being read; ``opaque``: so far only its title indicates a paper."""

    title: str
    line: int
    link: PaperLink | None
    snippet: bool = False
    names: tuple[Identifier, ...] = ()
    authors: tuple[str, ...] = ()
    abstract: list[str] = field(default_factory=list)

    @property
    def opaque(self) -> bool:
        return self.link is None and not self.names and not self.authors

    def is_named_by(self, found: PaperLink) -> bool:
        """Return whether a link leads to this paper."""
        ours = self.link.url if self.link else None
        same_place = ours is not None and (
            found.url == ours
            or found.url.startswith(f"{ours}/")
            or ours.startswith(f"{found.url}/")
        )
        return same_place or bool(set(found.names) & set(self.names))

    def add_names(self, names: Iterable[Identifier]) -> None:
        """Add identifiers of the paper: at most one arXiv id and one DOI, the first of each."""
        for name in names:
            if name.scheme not in {known.scheme for known in self.names}:
                self.names += (name,)

    def record(self) -> PaperRecord:
        """Make the record."""
        abstract, name = cut_preamble(clean_markup(" ".join(self.abstract)))
        abstract = squash(abstract)
        if self.snippet and abstract:  # so that a whole abstract replaces it
            abstract = abstract.rstrip(" .…") + " …"
        if name:
            self.add_names((name,))
        first = next((identifier_url(n) for n in self.names if n.scheme == "arxiv"), "")
        return PaperRecord(
            title=squash(clean_markup(self.title)),
            abstract=abstract,
            identifiers=self.names,
            authors=self.authors,
            url=first or (self.link.url if self.link else None),
            line=self.line,
        )


def linked_papers(blocks: Iterable[TextBlock]) -> Iterator[PaperRecord]:
    """Yield the papers of a text, each once, in order."""
    named: set[Identifier] = set()
    titles: dict[str, bool] = {}  # by title: whether the paper has identifiers
    for entry in _TitledLinks().read(blocks):
        record = entry.record()
        title, names = squeeze(record.title), record.identifiers
        same_title = title in titles and not (names and titles[title])
        if record.title and not same_title and named.isdisjoint(names):
            yield record
        named.update(names)
        titles[title] = titles.get(title, False) or bool(names)


class _TitledLinks:
    """Reads the blocks; ``above`` may be the title of a link that is still to come."""

    def __init__(self) -> None:
        self.entry: _Entry | None = None
        self.above: TextBlock | None = None
        self.between: list[str] = []  # texts between that title and its link
        self.titles_link = False  # a title was itself a link, so the other titles are, too
        self.finished: list[_Entry] = []

    def read(self, blocks: Iterable[TextBlock]) -> Iterator[_Entry]:
        """Yield the papers, once each is complete."""
        for block in blocks:
            self._read(block)
            yield from self.finished
            self.finished.clear()
        self._finish()
        yield from self.finished

    def _read(self, block: TextBlock) -> None:
        papers = [(link, found) for link in block.links if (found := paper_link(link.url))]
        titled = [(link, found) for link, found in papers if self._is_titled(block, link)]
        if titled:
            self._titles(block, titled)
        elif len(block.text) <= _LONGEST_FOOTER and _FOOTER.search(block.text):
            self._finish()
        elif papers and not self._mentions(block, papers[0][0]):
            self._labels(block, papers)
        elif papers and is_label(block.words_of(papers[0][0])) and self._is_new(papers[0][1]):
            self._finish()  # the block is about another paper, whose title is unknown
        elif self._is_opaque(block):
            self._begin(block.text, block.line, None)
        elif block.level:
            self._finish()
            self.above = block
        else:
            self._text(block)

    def _finish(self) -> None:
        if self.entry is not None and not self.entry.opaque:
            self.finished.append(self.entry)
        self.entry, self.above, self.between = None, None, []

    def _begin(self, title: str, line: int, link: PaperLink | None, url: str = "") -> None:
        self._finish()
        self.entry = _Entry(clean_title(title), line, link, snippet=_SCHOLAR in url)
        self.entry.add_names(link.names if link else ())

    def _is_titled(self, block: TextBlock, link: TextLink) -> bool:
        """Return whether a link's text is the paper's title, not a mention in a sentence."""
        before = block.text[: link.start].strip(_SEPARATORS)
        begins = block.level or block.item or len(before) <= _BEFORE_LINK
        if _is_title_alone(block, link):
            return True
        return is_title(block.words_of(link)) and bool(begins) and not before.endswith(".")

    def _titles(self, block: TextBlock, titled: list[tuple[TextLink, PaperLink]]) -> None:
        ends = [link.start for link, _ in titled[1:]] + [len(block.text)]
        for (link, found), end in zip(titled, ends, strict=True):
            if self.entry is None or not self.entry.is_named_by(found):
                self._begin(block.words_of(link), block.line, found, link.url)
                self.titles_link = True
            self._body(block.text[link.end : end].strip(_SEPARATORS))
        self._further(block)

    def _mentions(self, block: TextBlock, link: TextLink) -> bool:
        """Return whether a block is prose that mentions a paper, which is seldom its own paper.

        It is its own paper if a button is in the first text below a heading.
        """
        if self.above is not None and self.above.level and is_label(block.words_of(link)):
            return False
        return not (block.item or block.level) and link.start > 0 and is_prose(block.text)

    def _labels(self, block: TextBlock, papers: list[tuple[TextLink, PaperLink]]) -> None:
        """Read a block with links such as "PDF": the title is in it, above it or already read."""
        link, found = papers[0]
        before = _LABEL_BEFORE.sub("", block.text[: link.start]).strip(_SEPARATORS)
        behind = _behind_links(block).strip(_SEPARATORS)
        if not self._is_new(found):
            self._add_link(found)
            self._body(behind or before)
        elif (block.item or block.level) and is_title(before):
            self._begin_line(before, found, block, behind)
        elif self.above is not None and (self.above.level or not self.titles_link):
            between = [*self.between, before, behind]
            self._begin(self.above.text, self.above.line, found)
            for text in between:
                self._body(text)
        elif self._stands_beside(block, before, behind):
            self._begin_line(before, found, block, behind)
        elif block.item and is_title(behind):
            self._begin_line(behind, found, block, "")
        elif self.entry is not None:
            self._add_link(found)
            self._body(behind or before)
        self._further(block)

    def _stands_beside(self, block: TextBlock, before: str, behind: str) -> bool:
        """Return whether a line of plain text is a title with its link, not a sentence with one."""
        return (
            block.first
            and len(before) >= _BESIDE
            and is_title(before)
            and not people(before)
            and not is_title(block.words_of(block.links[0]))
            and not (behind[:1].islower() or ". " in before)
        )

    def _begin_line(self, text: str, found: PaperLink, block: TextBlock, behind: str) -> None:
        """Begin a paper with the title on the same line as its link, and the rest of the line."""
        title, rest = split_title(text)
        self._begin(title, block.line, found)
        self._body(rest)
        self._body(behind)

    def _add_link(self, found: PaperLink) -> None:
        """Add a link to the paper that is being read."""
        if self.entry is not None:
            self.entry.add_names(found.names)
            if self.entry.link is None:
                self.entry.link = found

    def _is_new(self, found: PaperLink) -> bool:
        """Return whether a link belongs to a new paper, not to the one that is being read."""
        if self.entry is None:
            return True
        if self.entry.is_named_by(found):
            return False
        told = self.entry.link is not None or bool(self.entry.names)
        above = self.above is not None and (self.above.level or not self.titles_link)
        return bool(above) or told

    def _further(self, block: TextBlock) -> None:
        if self.entry is not None:
            others = (link for link in block.links[1:] if not is_title(block.words_of(link)))
            for found in filter(None, (paper_link(link.url) for link in others)):
                self.entry.add_names(found.names)

    def _is_opaque(self, block: TextBlock) -> bool:
        """Return whether a block is only a link with a text as long as a title."""
        if len(block.links) != 1:
            return False
        text = block.words_of(block.links[0])
        rest = len(block.text) - len(text)
        return (
            rest <= _BEFORE_LINK / 4
            and len(text) >= _OPAQUE
            and text.count(" ") >= _OPAQUE_WORDS - 1
            and is_title(text)
        )

    def _text(self, block: TextBlock) -> None:
        """Read a block without a link to a paper: part of the paper above, or the next title."""
        text = block.text
        if self.above is not None and not block.first:
            self.between.append(text)
        elif self.entry is None:
            if self.above is None or not self.above.level:
                self.above, self.between = block if is_title(without_mark(text)) else None, []
            else:
                self.between.append(text)
        elif not self._body(text) and block.first and is_title(text) and not people(text):
            self.above, self.between = block, []

    def _body(self, text: str) -> bool:
        """Read a text below a title; returns whether it belongs to the paper."""
        entry, text = self.entry, text.strip()
        if entry is None or not text:
            return False
        prose = self._take_prose(entry, text)
        names = () if prose else find_names(text)  # prose cites other papers
        entry.add_names(names)
        if prose:
            return True
        if not entry.abstract and not entry.authors and (authors := read_authors(text)):
            entry.authors = authors
            return True
        return bool(names)

    def _take_prose(self, entry: _Entry, text: str) -> bool:
        """Add an abstract or a part of one, without its label."""
        label = _SUMMARY_LABEL.match(text)
        prose = text[label.end() :] if label else text
        if not is_prose(prose) or people(text):
            return False
        if sum(map(len, entry.abstract)) + len(prose) <= _LONGEST_ABSTRACT:
            entry.abstract.append(prose)
        return True


def _is_title_alone(block: TextBlock, link: TextLink) -> bool:
    """Return whether a link is a short title ("BERT"): a whole heading, or a line of an alert."""
    words = block.words_of(link)
    if words != block.text.strip() or not is_short_title(words):
        return False
    return bool(block.level) or any(one in link.url for one in _OF_ALERTS)


def _behind_links(block: TextBlock) -> str:
    """Return the text of a block after its last link."""
    return block.text[block.links[-1].end :]
