"""Makes papers of blocks in which titles link to papers, or stand above such links.

Tables of contents that journals mail, alerts of search services and lists in Markdown have this in
common: a title, and until the next one what belongs to it, in any order: names of authors, the
journal, a DOI, an abstract or the beginning of one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from larkpost.domain import PaperRecord
from larkpost.formats.page.title_or_abstract import (
    SURELY_LONG,
    ends_sentence,
    people,
    width,
    without_mark,
)
from larkpost.formats.paper_lists.blocks import CELL
from larkpost.formats.paper_lists.paper_links import find_names, paper_link
from larkpost.text.identifiers import identifier_url
from larkpost.text.markup import clean_markup, cut_preamble
from larkpost.text.minhash import squeeze
from larkpost.text.normalize import squash

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from larkpost.domain import Identifier
    from larkpost.formats.paper_lists.blocks import TextBlock, TextLink
    from larkpost.formats.paper_lists.paper_links import PaperLink

_SHORTEST, _LONGEST = 10, 500  # characters of a title
_FEWEST_WORDS = 2
_PROSE = 60  # characters: shorter text below a title tells the journal, the day, a number
_PROSE_WORDS = 8
_LONGEST_ABSTRACT = 6_000
_BEFORE_LINK = 40  # characters of marks before the title on its line: "[PDF]", "1.", a date
_OPAQUE = 25  # characters, at least, of a title whose link leads through a counting service
_OPAQUE_WORDS = 4
_LABEL = re.compile(
    r"\W{0,3}(?:(?:view|read|download|open|see|get|show|visit|browse|access|go to|sign|log|click|learn|find"
    r"|save|share|cite|submit|listen|watch|explore|discover)\b(?:\W+[\w-]+){0,5}"
    r"|(?:an? |the |our |original |official |project )?(?:abs|abstract|full[ -]?text|e?pdf|html|link|links|doi|arxiv"
    r"|paper|article|preprint|code|github|hugging ?face|project|website|web ?page|homepage|page|demo|model|models|data"
    r"|datasets?|slides?|video|blog|tweet|poster|bibtex|citation|references|supplement\w*|source|url|here|openreview"
    r"|semantic scholar|alphaxiv|details|more|biorxiv|medrxiv|acm|ieee)(?:[ /+&]{1,3}\w{1,12}){0,2})\W{0,3}",
    re.IGNORECASE,
)
_NO_TITLE = re.compile(
    r"https?://\S*|\W*(?:arxiv|doi)?\W{0,3}(?:\d{4}\.\d{4,5}(?:v\d+)?|10\.\d{4,9}/\S+)\W*"
    r"|(?:[A-Z][\w.-]{1,20}\s)?(?:volume|issue|vol\.|no\.)\s?\d.*|\W*",
    re.IGNORECASE,
)
_FOOTER = re.compile(
    r"unsubscribe|\byou(?:['’]re| are| have)? (?:receiv|subscribed|signed up)|\bthis (?:e-?mail|message|alert)"
    r" (?:was|is|has been) (?:sent|intended)|manage (?:your |my )?(?:e-?mail |alert )?(?:alerts|preferences|subscription"
    r"|settings)|all rights reserved|view (?:this |in )?(?:e-?mail |message )?(?:in|online|your)\b.{0,20}(?:browser)?"
    r"|cancel (?:this )?alert|list alerts|update your preferences|privacy policy|onwards and upwards"
    r"|this message was sent by|see all recommendations|sent to you because",
    re.IGNORECASE,
)
_LONGEST_FOOTER = 700
_META = re.compile(
    r"(?:published|first published|received|accepted|revised|posted|submitted|updated|available online|version of record|open access"
    r"|research(?: article)?|article|review|letter|news|volume|vol\.|issue|pages?|pp\.|cited by|comments?|journal|in:|"
    r"subjects?|categories|keywords?|tags?|topics?|venue|conference|date|year|doi|url|link|pdf|code|github|stars?|votes?)"
    r"\s?[:|·—–-]",
    re.IGNORECASE,
)
_SUMMARY_LABEL = re.compile(
    r"(?:tl;?dr|abstract|summary|ai[- ]generated summary)\W{0,4}(?:\s|(?<=\W)|$)", re.IGNORECASE
)
_AUTHORS_LABEL = re.compile(r"\W{0,3}(?:authors?|by)\b\W{0,4}\s*", re.IGNORECASE)
_VENUE = re.compile(r"\s[-\u2013\u2014•·|]\s")
_HIDDEN_AUTHORS = re.compile(r",?\s?\+\d{1,4} authors?,?\s")  # of Semantic Scholar
_MORE = re.compile(r"(?:,?\s*(?:…|\.{3}|et al\.?))+$")
_ENDS_CUT = re.compile(r"\s*(?:…|\.{3,})\s*$")
_SEPARATORS = " \t·•|:;,/()[]{}\u2013\u2014-"
_LABEL_BEFORE = re.compile(
    r"(?:[.;,(\[]\s{0,3})?\b(?:doi|arxiv|link|url|paper|pdf)\s{0,3}:?\s{0,3}$", re.IGNORECASE
)
_BEHIND_TITLE = re.compile(
    r"(?P<dash>\s[\u2013\u2014|]\s|\s--?\s)|[,.]\s(?P<names>[^,.]{2,40}\set al\.?)$"
)
_SCHOLAR = "scholar_url"  # in the links of Google Scholar's alerts, which show snippets


@dataclass(slots=True)
class _Entry:
    """A paper that is being read; ``opaque``: nothing but its title says so far that it is one."""

    title: str
    line: int
    link: PaperLink | None
    snippet: bool = False
    names: tuple[Identifier, ...] = ()
    authors: tuple[str, ...] = ()
    abstract: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)

    @property
    def opaque(self) -> bool:
        return self.link is None and not self.names and not self.authors

    def is_named_by(self, found: PaperLink) -> bool:
        """Whether a link leads to this paper."""
        ours = self.link.url if self.link else None
        same_url = ours is not None and (found.url.startswith(ours) or ours.startswith(found.url))
        return same_url or bool(set(found.names) & set(self.names))

    def add_names(self, names: Iterable[Identifier]) -> None:
        """Take in names of the paper: an arXiv id and a DOI at most, the first told of each."""
        for name in names:
            if name.scheme not in {known.scheme for known in self.names}:
                self.names += (name,)

    def record(self) -> PaperRecord:
        """Make the record."""
        abstract, name = cut_preamble(clean_markup(" ".join(self.abstract)))
        abstract = squash(abstract)
        if self.snippet and abstract:  # so that a whole abstract takes its place
            abstract = _ENDS_CUT.sub("", abstract) + " …"
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
    """Yield the papers of a text, each once, in their order."""
    seen: set[object] = set()
    for entry in _TitledLinks().read(blocks):
        record = entry.record()
        keys = {squeeze(record.title), *record.identifiers}
        if record.title and not keys & seen:
            yield record
        seen |= keys


class _TitledLinks:
    """Goes through the blocks; ``above`` may be the title of a link that is still to come."""

    def __init__(self) -> None:
        self.entry: _Entry | None = None
        self.above: TextBlock | None = None
        self.between: list[str] = []  # what stands between that title and its link
        self.titles_link = False  # a title was itself a link, so that others are, too
        self.finished: list[_Entry] = []

    def read(self, blocks: Iterable[TextBlock]) -> Iterator[_Entry]:
        """Yield the papers that were read, once each is complete."""
        for block in blocks:
            self._read(block)
            yield from self.finished
            self.finished.clear()
        self._finish()
        yield from self.finished

    def _read(self, block: TextBlock) -> None:
        if len(block.text) <= _LONGEST_FOOTER and _FOOTER.search(block.text):
            self._finish()
            return
        papers = [(link, found) for link in block.links if (found := paper_link(link.url))]
        titled = [(link, found) for link, found in papers if self._is_titled(block, link)]
        if titled:
            self._titles(block, titled)
        elif papers:
            self._labels(block, papers)
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
        self.entry = _Entry(_clean_title(title), line, link, snippet=_SCHOLAR in url)
        self.entry.add_names(link.names if link else ())

    def _is_titled(self, block: TextBlock, link: TextLink) -> bool:
        """Whether the text of a link to a paper is its title, and not a mention in a sentence."""
        before = block.text[: link.start].strip(_SEPARATORS)
        begins = block.level or block.item or len(before) <= _BEFORE_LINK
        return is_title(block.words_of(link)) and bool(begins) and not before.endswith(".")

    def _titles(self, block: TextBlock, titled: list[tuple[TextLink, PaperLink]]) -> None:
        ends = [link.start for link, _ in titled[1:]] + [len(block.text)]
        for (link, found), end in zip(titled, ends, strict=True):
            if self.entry is None or not self.entry.is_named_by(found):
                self._begin(block.words_of(link), block.line, found, link.url)
                self.titles_link = True
            self._body(block.text[link.end : end].strip(_SEPARATORS))
        self._further(block)

    def _labels(self, block: TextBlock, papers: list[tuple[TextLink, PaperLink]]) -> None:
        """Read a block with links such as "PDF": the title stands in it, above it, or was told."""
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
        elif block.first and is_title(before) and not people(before):
            self._begin_line(before, found, block, behind)
        elif block.item and is_title(behind):
            self._begin_line(behind, found, block, "")
        elif self.entry is not None:
            self._add_link(found)
            self._body(behind or before)
        self._further(block)

    def _begin_line(self, text: str, found: PaperLink, block: TextBlock, behind: str) -> None:
        """Begin a paper with the title on one line with its link, and what stands beside it."""
        title, rest = _split_title(text)
        self._begin(title, block.line, found)
        self._body(rest)
        self._body(behind)

    def _add_link(self, found: PaperLink) -> None:
        """Take in a link of the paper that is being read."""
        if self.entry is not None:
            self.entry.add_names(found.names)
            if self.entry.link is None:
                self.entry.link = found

    def _is_new(self, found: PaperLink) -> bool:
        """Whether a link belongs to no paper that is being read: it, or its title, is another."""
        if self.entry is None:
            return True
        if self.entry.is_named_by(found):
            return False
        told = self.entry.link is not None or bool(self.entry.names)
        above = self.above is not None and (self.above.level or not self.titles_link)
        return bool(above) or told

    def _further(self, block: TextBlock) -> None:
        if self.entry is not None:
            for link in block.links[1:]:
                if found := paper_link(link.url):
                    if not is_title(block.words_of(link)):
                        self.entry.add_names(found.names)

    def _is_opaque(self, block: TextBlock) -> bool:
        """Whether a block is nothing but a link with a text as long as a title."""
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
        """Read a block without a link to a paper: of the paper above, or the title of the next."""
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
        """Read what stands below a title; gives whether it belonged there."""
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
        """Take in an abstract or a piece of one, behind its label."""
        label = _SUMMARY_LABEL.match(text)
        prose = text[label.end() :] if label else text
        if not is_prose(prose) or people(text):
            return False
        if sum(map(len, entry.abstract)) + len(prose) <= _LONGEST_ABSTRACT:
            entry.abstract.append(prose)
        return True


def is_title(text: str) -> bool:
    """Whether a text may be the title of a paper: words, and not what buttons and labels say."""
    text = text.strip()
    if not _SHORTEST <= width(text) <= _LONGEST or _NO_TITLE.fullmatch(text):
        return False
    if text.isascii() and text.count(" ") < _FEWEST_WORDS - 1:
        return False
    return not (text.count(" ") <= 5 and _LABEL.fullmatch(text))


def is_prose(text: str) -> bool:
    """Whether a text below a title is an abstract, or a piece of one."""
    if width(text) < _PROSE or (text.isascii() and text.count(" ") < _PROSE_WORDS):
        return False
    sentence = ends_sentence(text) or ". " in text or width(text) >= SURELY_LONG
    return (sentence or _ENDS_CUT.search(text) is not None) and not _META.match(text)


def read_authors(text: str) -> tuple[str, ...]:
    """Read the authors of a line, in front of which a label may stand, and behind it the journal.

    ``A Lovett, B Koenig… - Journal of Examples, 2026`` is how Google Scholar writes it.
    """
    label = _AUTHORS_LABEL.match(text)
    listed = _HIDDEN_AUTHORS.sub(", ", text[label.end() :] if label else text)
    if len(listed) > 3_000:
        return ()
    first = _MORE.sub("", _VENUE.split(listed, maxsplit=1)[0].strip())
    if names := people(first):
        return names
    parted = first != listed.strip() or label is not None
    return people(f"{first}, Ada Lovelace")[:1] if parted else ()


def _split_title(text: str) -> tuple[str, str]:
    """Part a title from what stands beside it on its line: cells, a dash, or names of authors."""
    cells = text.split(CELL)
    if len(cells) > 1:
        title = next((cell for cell in cells if is_title(cell)), text)
        return title, CELL.join(cell for cell in cells if cell != title)
    match = _BEHIND_TITLE.search(text)
    if match and is_title(text[: match.start()]):
        return text[: match.start()], text[match.end("dash") :] if match["dash"] else match["names"]
    return text, ""


def _behind_links(block: TextBlock) -> str:
    """Give the text of a block behind its last link."""
    return block.text[block.links[-1].end :]


def _clean_title(text: str) -> str:
    title = without_mark(text.strip()).strip('"“” ')
    return title[:-1] if title.endswith(".") and not title.endswith("..") else title
