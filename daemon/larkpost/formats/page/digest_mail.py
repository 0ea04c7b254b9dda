"""Reads the text of Hugging Face's digest mail: titles, each followed by its votes in brackets.

Only text before votes such as ``(140 ▲)`` is a title, because the mail's other texts change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

from larkpost.domain import DumpDate, Identifier, PaperRecord, Record
from larkpost.errors import UnreadableDump
from larkpost.formats.dates import find_day
from larkpost.formats.decoding import LONGEST_TITLE
from larkpost.formats.page.title_or_abstract import TRIANGLES, paper_name, title_mark, without_mark
from larkpost.text.identifiers import identifier_url
from larkpost.text.normalize import squash

if TYPE_CHECKING:
    from larkpost.formats.page.page_lines import PageLine

_TRIANGLE = re.compile(TRIANGLES)
_COUNT = rf"(?:(?P<{{a}}>\d{{{{1,6}}}})\s?{TRIANGLES}|{TRIANGLES}\s?(?P<{{b}}>\d{{{{1,6}}}}))"
_VOTES = re.compile(rf"[(\[]\s?{_COUNT.format(a='a', b='b')}\s?[)\]]|{_COUNT.format(a='c', b='d')}")
_BESIDE_VOTES = " ·|:\u2013\u2014-"  # separators between a title and its votes
_IN_BRACKETS = re.compile(
    r"[<(\[](?P<url>https?://[^\s<>()\[\]]+)[>)\]]|(?<=\s)(?P<bare>https?://\S+)"
)
_DAY = re.compile(r"selection of papers.{0,40}?\((?P<day>[^()]{3,30})\)", re.IGNORECASE)
_ADDRESS = re.compile(r"<?(https?://[^\s<>]+)>?")
_SOME = 2  # titles with votes in a text that is the mail
_WRAPPED = 45  # characters: no title was wrapped at a smaller width
_MOST_LINES = 6  # of one title


def is_digest_mail(page: Iterable[PageLine]) -> bool:
    """Return whether a text has titles followed by votes."""
    return sum(_is_voted(line) for line in page) >= _SOME


def _is_voted(line: PageLine) -> bool:
    if not _TRIANGLE.search(line.text):
        return False
    votes = _VOTES.fullmatch(line.text.strip())
    return _draft([line]) is not None or bool(votes and (votes["a"] or votes["b"]))


def mail_records(mail: Iterable[PageLine], near: date) -> Iterator[Record]:
    """Yield the day of the mail and its papers, without abstracts; ``near`` is the latest day.

    Raises UnreadableDump if there is no title.
    """
    reading = _DigestState()
    for line in mail:
        yield from _day(line, near)
        finished = reading.read(line)
        if finished is not None:
            yield finished
    if reading.last is None:
        raise UnreadableDump(
            "this is the digest mail, but there is no title with its votes in it",
            hint="open the mail, select all of it, copy it, and save that as a text file",
        )
    yield reading.last


@dataclass(slots=True)
class _DigestState:
    """The parts of a mail that were read so far.

    ``last`` is the newest paper, whose id may still come below it; ``name`` is the id of a title
    that has not come yet; ``title_lines`` may begin a title; ``text_line`` is the last line with
    text.
    """

    last: PaperRecord | None = None
    name: Identifier | None = None
    title_lines: list[PageLine] = field(default_factory=list)
    text_line: PageLine | None = None

    def read(self, line: PageLine) -> PaperRecord | None:
        """Read the next line; returns the previous paper if the line completes a new title."""
        self._add_to_title(line)
        draft = _draft(self.title_lines) or _draft([line])
        self.text_line = line if line.text.strip() else self.text_line
        finished = None
        if draft is not None:
            finished, self.last = self.last, _with_name(draft, self.name)
            self.title_lines, self.text_line, self.name = [], None, None
        else:
            self._take_name(paper_name(_address(line)))
        if not _may_be_wrapped(line):
            self.title_lines = []
        del self.title_lines[:-_MOST_LINES]
        return finished

    def _add_to_title(self, line: PageLine) -> None:
        text = line.text.strip()
        if title_mark(text):
            self.title_lines = []
        if _VOTES.fullmatch(text) and self.text_line and not self.title_lines:
            self.title_lines = [self.text_line]
        self.title_lines.append(line)

    def _take_name(self, name: Identifier | None) -> None:
        """Assign an id on a separate line to the paper above, or to the next if that has one."""
        if name is None:
            return
        if self.last is None or self.last.identifiers:
            self.name, self.title_lines = name, []
        else:
            self.last = _with_name(self.last, name)


def _day(line: PageLine, near: date) -> Iterator[DumpDate]:
    match = _DAY.search(line.text)
    day = find_day(match["day"]) if match else None
    captured = day.resolve(near) if day else None
    if captured is not None:
        yield DumpDate(captured, line.number)


def _read_voted_title(text: str) -> tuple[str, int] | None:
    """Read a title with votes after it or before it; None for any other text."""
    match = _VOTES.search(text) if len(text) <= LONGEST_TITLE else None
    if match is None:
        return None
    before, behind = text[: match.start()], text[match.end() :]
    if before.strip(_BESIDE_VOTES) and behind.strip():
        return None
    title = before.rstrip(_BESIDE_VOTES) or behind.lstrip(_BESIDE_VOTES)
    votes = next(number for number in match.group(*"abcd") if number)
    return (title, int(votes)) if title else None


def _draft(lines: list[PageLine]) -> PaperRecord | None:
    """Read some lines as one title with its votes, and possibly its address."""
    text = squash("\n".join(line.text for line in lines))
    urls = [line.url for line in lines]
    urls += [match["url"] or match["bare"] for match in _IN_BRACKETS.finditer(text)]
    found = _read_voted_title(squash(_IN_BRACKETS.sub("", text)))
    if found is None:
        return None
    title, votes = found
    name = next((name for url in urls if (name := paper_name(url))), None)
    return PaperRecord(
        title=without_mark(title),
        identifiers=(name,) if name else (),
        url=identifier_url(name) if name else None,
        upvotes=votes,
        line=lines[0].number,
    )


def _with_name(draft: PaperRecord, name: Identifier | None) -> PaperRecord:
    if name is None or draft.identifiers:
        return draft
    return replace(draft, identifiers=(name,), url=identifier_url(name))


def _address(line: PageLine) -> str | None:
    match = _ADDRESS.fullmatch(line.text.strip())
    return match[1] if match else line.url


def _may_be_wrapped(line: PageLine) -> bool:
    """Return whether a title may continue after this line: not a greeting, address or heading."""
    text = line.text.strip()
    return len(text) >= _WRAPPED and not text.endswith((":", ".")) and "://" not in text
