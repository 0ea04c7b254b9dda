"""Reads the Hugging Face papers page as text, in the shapes that ``docs/formats.md`` shows."""

from __future__ import annotations

import re
from datetime import date
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO, ClassVar

from larkpost.domain import Draft, Rejected
from larkpost.errors import UnreadableDump
from larkpost.sources.furniture import Kind, tokens
from larkpost.sources.lines import Line, lines
from larkpost.sources.page import Page
from larkpost.sources.paragraphs import paragraphs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from larkpost.domain import Record, Remark

_ANY_DAY = date(2000, 1, 1)
_TELLING = frozenset({Kind.MARK, Kind.SUBMITTED})

# Of a text without any heading: how many papers it must hold, one of how many records may be
# something else, and within which lengths abstracts lie (arXiv takes none over 1,920).
_SEVERAL = 3
_ONE_IN = 5
_SHORTEST, _LONGEST = 250, 3_000
_OF_TITLES = re.compile(
    r"(?!\d{1,2}(?:\.\d{1,2})*[.)]\s|\(\w\)\s|copyright\b)[^#|*<>`=_-].*[^:;,.]", re.IGNORECASE
)
_OF_ABSTRACTS = re.compile(r"[^\W_]|[\"'“$({\[]")
_OF_CODE = re.compile(r"</|/>|```|\s\|\s|\s\*\s.*\s\*\s")


class HuggingFacePage:
    """The daily or trending page, or a search on it, as copied or extracted from a browser."""

    name: ClassVar[str] = "huggingface"

    def recognises(self, head: bytes, filename: str) -> bool:  # noqa: ARG002 - any name will do
        """Look for the banner, the byline or the heading, else for titles and abstracts in turn."""
        given = [line for line in lines(BytesIO(head)) if isinstance(line, Line)]
        if any(token.kind in _TELLING for token in tokens(given)):
            return True
        return _alternates(head)

    def read(self, dump: BinaryIO, near: date) -> Iterator[Record]:
        """Yield the papers in their order; a title without an abstract is a paper too.

        Raises UnreadableDump for a page without abstracts, such as the daily list.
        """
        page = Page(near)
        odd: list[Rejected | Remark] = []
        for piece in paragraphs(tokens(_only_lines(dump, odd))):
            yield from odd
            odd.clear()
            yield from page.read(piece)
        yield from odd
        yield from page.finish()


def _only_lines(dump: BinaryIO, odd: list[Rejected | Remark]) -> Iterator[Line]:
    """Yield the lines; what is odd about them is put aside."""
    for line in lines(dump):
        if isinstance(line, Line):
            yield line
        else:
            odd.append(line)


def _alternates(head: bytes) -> bool:
    """Whether a text without any heading is titles and abstracts, several and little else."""
    papers = others = 0
    try:
        for record in HuggingFacePage().read(BytesIO(head), _ANY_DAY):
            if isinstance(record, Draft) and _looks_like_a_paper(record):
                papers += 1
            elif isinstance(record, Draft | Rejected):
                others += 1
    except UnreadableDump:
        return False
    return papers >= _SEVERAL and others * _ONE_IN <= papers + others


def _looks_like_a_paper(draft: Draft) -> bool:
    """Whether it has a title, and an abstract, such as papers have and licences have not."""
    title, abstract = draft.title, draft.abstract
    return (
        _SHORTEST <= len(abstract) <= _LONGEST
        and bool(_OF_TITLES.fullmatch(title))
        and bool(_OF_ABSTRACTS.match(abstract))
        and ". " in abstract
        and not _OF_CODE.search(abstract)
    )
