"""Checks the records of a page: implausible text from an unknown program is refused, not stored."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from larkpost.domain import IngestWarning, PaperRecord, Record, RejectedRecord
from larkpost.errors import UnreadableDump
from larkpost.formats.decoding import LONGEST_REJECT, LONGEST_TITLE
from larkpost.text.minhash import squeeze
from larkpost.text.plurals import quantity

_CHECKED = 500  # papers before the first is yielded
_FEW = 3  # faulty papers that may be a coincidence
_MOST = 0.25  # of the papers of a page may be faulty
_MOST_BARE = 0.4  # of its titles may lack an abstract, if it has abstracts at all
_LONG_TITLE = 20  # letters: no two papers have the same title of this length
_JUNK_TITLE = re.compile(
    r"[\]|<>!].*|.*\]\(.*|(?:https?://|www\.|submitted by\b).*|\W*", re.IGNORECASE
)
_ONE_LETTER = re.compile(r"\W*\w?\W*")
_JUNK_ABSTRACT = re.compile(
    r"(?:\]\(https?://.*){3}|</\w|\|.*\|.*\||▲.*▲|submitted by\b", re.IGNORECASE
)
_HINT = (
    "select all of the page in a browser, copy it, and save that as a text file; "
    "docs/formats.md shows what is read"
)


def check_records(records: Iterable[Record], *, listed: bool) -> Iterator[Record]:
    """Yield the records, each paper once, unless too many of the papers are implausible.

    ``listed``: titles need no abstracts. Raises UnreadableDump with the reason before the first
    paper is yielded; errors after 500 papers only cause warnings.
    """
    result = _PageCounts(listed)
    each = result.each(_once(records, result))
    held: list[Record] = []
    for record in each:
        held.append(record)
        if result.papers == _CHECKED:
            break
    if found := result.junk():
        raise UnreadableDump(f"this is not the text of the page: {found}", hint=_HINT)
    yield from held
    yield from each
    yield from result.remarks()


def _once(records: Iterable[Record], result: _PageCounts) -> Iterator[Record]:
    """Leave out a paper that has been yielded with an abstract as long as this."""
    lengths: dict[int, int] = {}
    for record in records:
        if not isinstance(record, PaperRecord):
            yield record
            continue
        if len(record.title) > LONGEST_TITLE:
            reason = f"its title has more than {LONGEST_TITLE:,} characters"
            yield RejectedRecord(record.line, reason, record.title[:LONGEST_REJECT])
            continue
        key = hash(_key(record))
        if lengths.get(key, -1) >= len(record.abstract):
            result.twice += 1
            continue
        lengths[key] = len(record.abstract)
        yield record


def _key(draft: PaperRecord) -> object:
    title = squeeze(draft.title)
    rest = "" if len(title) >= _LONG_TITLE else draft.abstract
    return draft.identifiers, title, rest


class _PageCounts:
    """Counts of the records so far, by their features."""

    def __init__(self, listed: bool) -> None:
        self.listed = listed
        self.papers = self.bare = self.junk_abstracts = self.twice = 0
        self.junk_titles: list[str] = []
        self.letters: list[str] = []  # titles of one letter
        self.short: Counter[str] = Counter()  # titles too short to name a paper

    def each(self, records: Iterable[Record]) -> Iterator[Record]:
        """Yield each record after counting its features."""
        for record in records:
            if isinstance(record, PaperRecord):
                self._look_at(record)
            yield record

    def _look_at(self, draft: PaperRecord) -> None:
        self.papers += 1
        self.bare += not draft.abstract
        if _JUNK_TITLE.fullmatch(draft.title):
            self.junk_titles.append(draft.title)
        elif _ONE_LETTER.fullmatch(draft.title):
            self.letters.append(draft.title)
        if _JUNK_ABSTRACT.search(draft.abstract):
            self.junk_abstracts += 1
        if len(draft.title) < _LONG_TITLE:
            self.short[draft.title.casefold()] += 1

    def junk(self) -> str:
        """Describe what is implausible in too many of the papers; empty if nothing is."""
        recurring = sum(count for count in self.short.values() if count >= _FEW)
        for titles, few in ((self.junk_titles, 1), (self.letters, _FEW)):
            if self._too_many(len(titles), _MOST, few):
                count = quantity(len(titles), "title is", "titles are")
                return f"{count} none, such as “{titles[0][:60]}”"
        if self._too_many(recurring, _MOST):
            title, times = self.short.most_common(1)[0]
            return f"{times} papers in it would be called “{title}”"
        if self._too_many(self.junk_abstracts, _MOST):
            return f"{self.junk_abstracts} of {self.papers} abstracts hold markup or several papers"
        if not self.listed and self._too_many(self.bare, _MOST_BARE):
            return f"{self.bare} of {self.papers} titles have no abstract"
        return ""

    def _too_many(self, count: int, share: float, few: int = _FEW) -> bool:
        return count >= few and count > share * self.papers

    def remarks(self) -> Iterator[IngestWarning]:
        """Yield warnings about the page as a whole."""
        if self.twice:
            times = quantity(self.twice, "paper stands", "papers stand")
            yield IngestWarning(0, f"{times} in it more than once")
        if found := self.junk():
            yield IngestWarning(0, f"it may not be the text of the page: {found}")
