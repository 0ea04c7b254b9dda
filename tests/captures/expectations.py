"""The parts of the sample papers in each capture, which must be read exactly.

Texts are compared with their white space collapsed, because tools choose the line ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Flag, auto
from io import BytesIO
from typing import TYPE_CHECKING

from tests.captures.samples import DAY, SamplePaper, sample_papers
from tests.captures.shapes import collapse, trending_text

from larkpost.domain import DumpDate, Identifier, PaperRecord, RejectedRecord
from larkpost.formats.huggingface import HuggingFacePage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from larkpost.domain import Record


class Shows(Flag):
    """The fields of a paper in a capture besides its title, and the changes by its tool."""

    NOTHING = 0
    ABSTRACT = auto()
    SUMMARY = auto()  # the AI's, in place of most abstracts
    ID = auto()
    VOTES = auto()
    PUBLISHED = auto()
    ORGANISATION = auto()
    DAY = auto()  # of the capture, in any spelling
    # The account of an organisation is the alternative text of its picture. Text tools write
    # it before the name, with nothing in between.
    HANDLE = auto()
    ZERO = auto()  # votes are written as 0 if there are none
    # w3m ends lines within words, after a slash and before a brace.
    SPLIT_WORDS = auto()
    # html2text and markdownify do not escape backticks; the latter escapes the text between
    # them. So nobody can say whether they mark code, or what a backslash in them means.
    BACKTICKS = auto()


DETAILS = Shows.VOTES | Shows.ORGANISATION | Shows.DAY
SEARCH = Shows.ABSTRACT | Shows.PUBLISHED | DETAILS
TRENDING = Shows.SUMMARY | Shows.ID | Shows.VOTES | Shows.PUBLISHED | Shows.ORGANISATION
MAIL = Shows.VOTES | Shows.ZERO | Shows.DAY

SHOWN = {
    "search/chromium-inner-text.txt": SEARCH,
    "search/chromium-select-all.txt": SEARCH | Shows.HANDLE,
    "search/elinks.txt": SEARCH | Shows.ID | Shows.HANDLE,
    "search/html2text.md": SEARCH | Shows.ID | Shows.BACKTICKS,
    "search/lynx-nolist.txt": SEARCH | Shows.HANDLE,
    "search/lynx.txt": SEARCH | Shows.ID | Shows.HANDLE,
    "search/markdownify.md": SEARCH | Shows.ID | Shows.BACKTICKS,
    "search/pandoc-gfm.md": SEARCH | Shows.ID,
    "search/pandoc-markdown.md": SEARCH | Shows.ID,
    "search/pandoc-plain.txt": SEARCH,
    "search/w3m-links.txt": SEARCH | Shows.ID | Shows.HANDLE | Shows.SPLIT_WORDS,
    "search/w3m.txt": SEARCH | Shows.HANDLE | Shows.SPLIT_WORDS,
    "daily/chromium-inner-text.txt": DETAILS,
    "daily/chromium-select-all.txt": DETAILS | Shows.HANDLE,
    "daily/elinks.txt": DETAILS | Shows.ID | Shows.HANDLE,
    "daily/html2text.md": DETAILS | Shows.ID,
    "daily/lynx-nolist.txt": DETAILS | Shows.HANDLE,
    "daily/lynx.txt": DETAILS | Shows.ID | Shows.HANDLE,
    "daily/markdownify.md": DETAILS | Shows.ID,
    "daily/pandoc-gfm.md": DETAILS | Shows.ID,
    "daily/pandoc-markdown.md": DETAILS | Shows.ID,
    "daily/pandoc-plain.txt": DETAILS,
    "daily/w3m-links.txt": DETAILS | Shows.ID | Shows.HANDLE,
    "daily/w3m.txt": DETAILS | Shows.HANDLE,
    "shapes/daily-list-dense.txt": Shows.VOTES | Shows.DAY,
    "shapes/daily-list.txt": DETAILS,
    "shapes/digest-mail-long.txt": MAIL | Shows.ID,
    "shapes/digest-mail.txt": MAIL,
    "shapes/extractor-zh.md": TRENDING,
    "shapes/notebook.md": SEARCH | Shows.ID,
    "shapes/reader-service.md": SEARCH | Shows.ID,
    "shapes/scraper.md": SEARCH | Shows.ID,
    "shapes/text-browser.md": SEARCH | Shows.ID,
    "shapes/trending-scraper.md": Shows.SUMMARY,
}

# Captures that lost the titles or the abstracts, with words of the error that says so.
REFUSED = {
    # "Submitted by" and the names of users, as trafilatura takes the rest for boilerplate
    "daily/trafilatura.txt": "(?i)titles",
    "daily/trafilatura-precision.txt": "(?i)titles",
    # one line for each of 23 papers, in which names and numbers touch the title; 7 are missing
    "daily/trafilatura.md": "(?i)titles|one line|same line|single line",
    # 29 abstracts, of which one stands twice, and no titles
    "search/trafilatura-precision.txt": "(?i)titles",
    # the whole page in one line
    "daily/trafilatura-html2txt.txt": "(?i)one line|single line|line breaks",
    "search/trafilatura-html2txt.txt": "(?i)one line|single line|line breaks",
}

# trafilatura takes the first paper for the whole article and leaves out the other 29.
ONE_PAPER = {
    "search/trafilatura.txt": Shows.ABSTRACT,
    "search/trafilatura.md": Shows.ABSTRACT | Shows.ID | Shows.VOTES,
}

# The last abstract ends at a size limit, and with it the table of links.
CUT = {"shapes/text-browser-cut.md": SEARCH}


@dataclass(frozen=True)
class PaperRead:
    """The compared fields of a paper: every field that a page can fill."""

    title: str
    abstract: str
    ids: tuple[Identifier, ...]
    votes: int | None
    published: date | None
    organisation: str | None
    authors: tuple[str, ...] = ()
    withdrawn: bool = False


def _text(paper: SamplePaper, shows: Shows) -> str:
    if Shows.SUMMARY in shows:
        return trending_text(paper)
    return paper.abstract if Shows.ABSTRACT in shows else ""


def _normalize(text: str, shows: Shows) -> str:
    if Shows.BACKTICKS in shows:
        text = text.replace("`", "").replace("\\", "")
    return "".join(text.split()) if Shows.SPLIT_WORDS in shows else collapse(text)


def _votes(paper: SamplePaper, shows: Shows) -> int | None:
    if Shows.VOTES not in shows:
        return None
    return 0 if paper.votes is None and Shows.ZERO in shows else paper.votes


def expected_paper(paper: SamplePaper, shows: Shows) -> PaperRead:
    """Return what must be read of a sample paper from a capture with these fields."""
    organisation = paper.organisation if Shows.ORGANISATION in shows else None
    return PaperRead(
        title=collapse(paper.title),
        abstract=_normalize(_text(paper, shows), shows),
        ids=(Identifier("arxiv", paper.id),) if Shows.ID in shows else (),
        votes=_votes(paper, shows),
        published=paper.published if Shows.PUBLISHED in shows else None,
        organisation=organisation.name if organisation else None,
    )


def _without_handle(organisation: str | None, shows: Shows) -> str | None:
    if organisation is None or Shows.HANDLE not in shows:
        return organisation
    handles = {paper.organisation.handle for paper in sample_papers() if paper.organisation}
    first, _, rest = organisation.partition(" ")
    return rest if first in handles else organisation


def paper_read(draft: PaperRecord, shows: Shows) -> PaperRead:
    """Return the same fields of a paper that was read."""
    return PaperRead(
        title=draft.title,
        abstract=_normalize(draft.abstract, shows),
        ids=draft.identifiers,
        votes=draft.upvotes,
        published=draft.published,
        organisation=_without_handle(draft.organisation, shows),
        authors=draft.authors,
        withdrawn=draft.withdrawn,
    )


def read_capture(body: bytes) -> list[Record]:
    """Read a capture as one of the day on which all captures were made."""
    return list(HuggingFacePage().read(BytesIO(body), DAY))


def check_papers(body: bytes, shows: Shows, papers: Sequence[SamplePaper]) -> None:
    """Fail unless exactly these papers are read from a capture, in order, and the right day."""
    records = read_capture(body)
    drafts = [paper_read(record, shows) for record in records if isinstance(record, PaperRecord)]
    expected = [expected_paper(paper, shows) for paper in papers]
    assert [draft.title for draft in drafts] == [paper.title for paper in expected]
    assert drafts == expected
    assert [record for record in records if isinstance(record, RejectedRecord)] == []
    days = {record.day for record in records if isinstance(record, DumpDate)}
    assert days == ({DAY} if Shows.DAY in shows else days & {DAY})
