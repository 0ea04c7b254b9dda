"""Reads the Hugging Face papers page as text, in the forms that ``docs/formats.md`` shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from io import BytesIO
from typing import BinaryIO, ClassVar

from larkpost.domain import IngestWarning, PaperRecord, Record, RejectedRecord
from larkpost.errors import UnreadableDump
from larkpost.formats.decoding import NumberedLine, decode, lines
from larkpost.formats.page.digest_mail import mail_records
from larkpost.formats.page.layout import PageLayout, find_layout
from larkpost.formats.page.marked_page import MarkedPage
from larkpost.formats.page.page_lines import plain_lines
from larkpost.formats.page.page_tokens import TokenKind
from larkpost.formats.page.paragraphs import Paragraph
from larkpost.formats.page.plausibility import check_records
from larkpost.formats.page.title_abstract_pairs import AlternatingPage
from larkpost.formats.page.title_or_abstract import width

_ANY_DAY = date(2000, 1, 1)
_TELLING = frozenset({TokenKind.MARK, TokenKind.SUBMITTED})

# For a text without headings: the least number of papers, the accepted share of other records (one
# in ``_ONE_IN``), and the lengths of abstracts (arXiv accepts at most 1,920).
_SEVERAL = 3
_ONE_IN = 5
_SHORTEST, _LONGEST = 250, 3_000
_OF_TITLES = re.compile(
    r"(?!\d{1,2}(?:\.\d{1,2})*[.)]\s|\(\w\)\s|copyright\b)[^#|*<>`=_-].*[^:;,.]", re.IGNORECASE
)
_OF_ABSTRACTS = re.compile(r"[^\W_]|[\"'“$({\[]")
_OF_RESEARCH = re.compile(
    r"\b(?:we|our|this (?:paper|work|study)|propos\w+|model\w*|method\w*|learn\w+|train\w+|results?"
    r"|data\w*|experiments?|approach\w*|benchmarks?|algorithm\w*|network\w*|tasks?|language|evaluat\w+)\b"
)
# Text of the page about itself, if its line breaks were lost.
_BANNER = re.compile(
    r"\bAK and the (?:AI )?research community\b|\bGet trending papers in your email\b"
)
_OF_CODE = re.compile(r"</|/>|```|\s\|\s|\s\*\s.*\s\*\s")


class HuggingFacePage:
    """The daily or trending page, or a search on it, as copied or extracted from a browser."""

    name: ClassVar[str] = "huggingface"

    def recognises(self, head: bytes, filename: str) -> bool:  # noqa: ARG002 - any name will do
        """Look for the banner, byline or heading, else for alternating titles and abstracts."""
        layout = find_layout(BytesIO(head), _ANY_DAY)
        if _is_marked(head, layout) or (layout.unbroken and _BANNER.search(decode(head))):
            return True
        if layout.wrapping.html or (layout.title_level and not layout.linked):
            return False
        return _alternates(head, several=1 if layout.linked else _SEVERAL)

    def read(self, dump: BinaryIO, near: date) -> Iterator[Record]:
        """Yield the papers in order; a title without an abstract is a paper too.

        The dump is read twice, so it must be seekable. Raises UnreadableDump for a page without
        papers, or with too many implausible records.
        """
        start = dump.tell()
        layout = find_layout(dump, near)
        dump.seek(start)
        yield from check_records(_records(dump, layout, near), listed=layout.listed or layout.mail)


def is_papers_page(head: bytes) -> bool:
    """Return whether a text is the papers page, or the digest mail, by their typical phrases."""
    return _is_marked(head, find_layout(BytesIO(head), _ANY_DAY))


def _is_marked(head: bytes, layout: PageLayout) -> bool:
    given = (line for line in lines(BytesIO(head)) if isinstance(line, NumberedLine))
    kinds = (p.kind for p in layout.read(given) if not isinstance(p, Paragraph))
    return layout.mail or layout.translated or any(kind in _TELLING for kind in kinds)


def _records(dump: BinaryIO, layout: PageLayout, near: date) -> Iterator[Record]:
    if layout.translated:
        raise UnreadableDump(
            "this is the papers page in another language: a browser has translated it",
            hint="show the original page, without translation, and save that",
        )
    odd: list[RejectedRecord | IngestWarning] = []
    given = _only_lines(dump, odd)
    if layout.mail:
        yield from mail_records(plain_lines(given, layout.wrapping), near)
        yield from odd
        return
    marked = layout.title_level or layout.linked or layout.listed
    page = MarkedPage(layout, near) if marked else AlternatingPage(layout, near)
    yield from page.begin()
    for piece in layout.read(given):
        yield from odd
        odd.clear()
        yield from page.read(piece)
    yield from odd
    yield from page.finish()


def _only_lines(
    dump: BinaryIO, odd: list[RejectedRecord | IngestWarning]
) -> Iterator[NumberedLine]:
    """Yield the lines, without warnings."""
    for line in lines(dump):
        if isinstance(line, NumberedLine):
            yield line
        else:
            odd.append(line)


def _alternates(head: bytes, several: int) -> bool:
    """Return whether a text without headings has ``several`` titles with abstracts, little else."""
    papers = others = 0
    try:
        for record in HuggingFacePage().read(BytesIO(head), _ANY_DAY):
            if isinstance(record, PaperRecord) and _looks_like_a_paper(record):
                papers += 1
            elif isinstance(record, PaperRecord | RejectedRecord):
                others += 1
    except UnreadableDump:
        return False
    return papers >= several and others * _ONE_IN <= papers + others


def _looks_like_a_paper(draft: PaperRecord) -> bool:
    """Return whether a record has a title and an abstract typical of papers, not of licences."""
    title, abstract = draft.title, draft.abstract
    return (
        _SHORTEST <= width(abstract) <= _LONGEST
        and bool(_OF_TITLES.fullmatch(title))
        and bool(_OF_ABSTRACTS.match(abstract))
        and (". " in abstract or "。" in abstract)
        and not _OF_CODE.search(abstract)
        and (len(set(_OF_RESEARCH.findall(abstract.casefold()))) > 1 or not abstract.isascii())
    )
