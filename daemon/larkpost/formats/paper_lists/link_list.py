"""Reads lists and digests in Markdown or plain text, in which titles link to papers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from io import BytesIO
from itertools import chain, islice
from typing import BinaryIO, ClassVar

from larkpost.domain import DumpDate, PaperRecord, Record
from larkpost.errors import UnreadableDump
from larkpost.formats.dates import captured_day, day_of, find_day
from larkpost.formats.decoding import NumberedLine, lines, read_whole
from larkpost.formats.huggingface import HuggingFacePage
from larkpost.formats.page.page_lines import find_notes
from larkpost.formats.paper_lists.markdown_blocks import markdown_blocks
from larkpost.formats.paper_lists.titled_links import linked_papers

_SOME = 2  # papers with an arXiv id or a DOI in a text that lists papers
_HEADER = 20  # lines in which the day of the list is searched for
_NOTED = 200  # lines in which notes about the capture are searched for


class LinkList:
    """Headings or items that each link to arXiv or a DOI, with text below."""

    name: ClassVar[str] = "links"

    def recognises(self, head: bytes, filename: str) -> bool:
        """Look for two titles that link to papers, in a text that is not the papers page."""
        if HuggingFacePage().recognises(head, filename):
            return False
        named = (one for one in linked_papers(markdown_blocks(BytesIO(head))) if one.identifiers)
        return len(list(islice(named, _SOME))) == _SOME

    def read(self, dump: BinaryIO, near: date) -> Iterator[Record]:
        """Yield the papers in order, and the day from the notes above them.

        Raises UnreadableDump if there is no paper, or if it is larger than any list.
        """
        content = read_whole(dump, "a list of links", hint="cut it into several")
        yield from _noted_day(content, near)
        papers: Iterator[PaperRecord] = linked_papers(markdown_blocks(BytesIO(content)))
        first = next(papers, None)
        if first is None:
            raise UnreadableDump(
                "there is no title in it that links to a paper",
                hint="write a line per paper, with a link to arXiv or its DOI: docs/formats.md",
            )
        yield from chain([first], papers)


def _noted_day(content: bytes, near: date) -> Iterator[DumpDate]:
    """Yield the day from the notes above the list, or from a separate line with a year."""
    read = islice(lines(BytesIO(content)), _NOTED)
    given = [line for line in read if isinstance(line, NumberedLine)]
    days = [(captured_day(note.text), note.number) for note in find_notes(given)]
    days += [(_written_day(line.text), line.number) for line in given[:_HEADER]]
    yield from islice((DumpDate(day, n) for day, n in days if day and day <= near), 1)


def _written_day(text: str) -> date | None:
    found = find_day(text.strip(" \t*_#()[]"))
    return day_of(found.year, found.month, found.day) if found and found.year else None
