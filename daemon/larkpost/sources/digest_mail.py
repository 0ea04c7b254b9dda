"""Reads the text of Hugging Face's digest mail: titles, each with its votes in brackets behind it.

Only what stands before votes such as ``(140 ▲)`` is a title: the mail says much else, and its
words change.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from larkpost.domain import Captured, Draft
from larkpost.errors import UnreadableDump
from larkpost.sources.dates import find_day
from larkpost.sources.lines import LONGEST_TITLE
from larkpost.sources.page_text import TRIANGLES, paper_name, title_mark, without_mark
from larkpost.text.identifiers import identifier_url
from larkpost.text.normalize import squash

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from larkpost.domain import Identifier, Record
    from larkpost.sources.page_lines import PageLine

_TRIANGLE = re.compile(TRIANGLES)
_COUNT = rf"(?:(?P<{{a}}>\d{{{{1,6}}}})\s?{TRIANGLES}|{TRIANGLES}\s?(?P<{{b}}>\d{{{{1,6}}}}))"
_VOTES = re.compile(rf"[(\[]\s?{_COUNT.format(a='a', b='b')}\s?[)\]]|{_COUNT.format(a='c', b='d')}")
_BESIDE_VOTES = " ·|:\u2013\u2014-"  # what parts a title from its votes
_IN_BRACKETS = re.compile(
    r"[<(\[](?P<url>https?://[^\s<>()\[\]]+)[>)\]]|(?<=\s)(?P<bare>https?://\S+)"
)
_DAY = re.compile(r"selection of papers.{0,40}?\((?P<day>[^()]{3,30})\)", re.IGNORECASE)
_ADDRESS = re.compile(r"<?(https?://[^\s<>]+)>?")
_SOME = 2  # titles with votes, in a text that is the mail
_WRAPPED = 45  # characters: no title was wrapped at less
_MOST_LINES = 6  # of one title


def is_digest_mail(page: Iterable[PageLine]) -> bool:
    """Whether a text has titles with votes behind them."""
    return sum(_is_voted(line) for line in page) >= _SOME


def _is_voted(line: PageLine) -> bool:
    if not _TRIANGLE.search(line.text):
        return False
    votes = _VOTES.fullmatch(line.text.strip())
    return _draft([line]) is not None or bool(votes and (votes["a"] or votes["b"]))


def mail_records(mail: Iterable[PageLine], near: date) -> Iterator[Record]:
    """Yield the day of the mail and its papers, without abstracts; ``near`` is the latest day.

    Raises UnreadableDump where there is no title.
    """
    last: Draft | None = None
    above: list[PageLine] = []  # lines that may begin a title
    previous: PageLine | None = None  # that is not blank
    pending: Identifier | None = None
    for line in mail:
        yield from _day(line, near)
        if title_mark(line.text.strip()):
            above = []
        above = [*above, line]
        if _VOTES.fullmatch(line.text.strip()) and previous and len(above) == 1:
            above = [previous, line]
        draft = _draft(above) or _draft([line])
        previous = line if line.text.strip() else previous
        name = None if draft else paper_name(_address(line))
        if draft is not None:
            if last is not None:
                yield last
            last, above, previous = _with_name(draft, pending), [], None
            pending = None
        elif name is not None and (last is None or last.identifiers):
            pending, above = name, []  # of the title to come
        elif name is not None and last is not None:
            last = _with_name(last, name)
        if not _may_be_wrapped(line):
            above = []
        del above[:-_MOST_LINES]
    if last is None:
        raise UnreadableDump(
            "this is the digest mail, but there is no title with its votes in it",
            hint="open the mail, select all of it, copy it, and save that as a text file",
        )
    yield last


def _day(line: PageLine, near: date) -> Iterator[Captured]:
    match = _DAY.search(line.text)
    day = find_day(match["day"]) if match else None
    captured = day.resolve(near) if day else None
    if captured is not None:
        yield Captured(captured, line.number)


def _voted_title(text: str) -> tuple[str, int] | None:
    """Read a title with votes behind it, or before it; None for any other text."""
    match = _VOTES.search(text) if len(text) <= LONGEST_TITLE else None
    if match is None:
        return None
    before, behind = text[: match.start()], text[match.end() :]
    if before.strip(_BESIDE_VOTES) and behind.strip():
        return None
    title = before.rstrip(_BESIDE_VOTES) or behind.lstrip(_BESIDE_VOTES)
    votes = next(number for number in match.group(*"abcd") if number)
    return (title, int(votes)) if title else None


def _draft(lines: list[PageLine]) -> Draft | None:
    """Read some lines as one title with its votes, and perhaps its address."""
    text = squash("\n".join(line.text for line in lines))
    urls = [line.url for line in lines]
    urls += [match["url"] or match["bare"] for match in _IN_BRACKETS.finditer(text)]
    found = _voted_title(squash(_IN_BRACKETS.sub("", text)))
    if found is None:
        return None
    title, votes = found
    name = next((name for url in urls if (name := paper_name(url))), None)
    return Draft(
        title=without_mark(title),
        identifiers=(name,) if name else (),
        url=identifier_url(name) if name else None,
        upvotes=votes,
        line=lines[0].number,
    )


def _with_name(draft: Draft, name: Identifier | None) -> Draft:
    if name is None or draft.identifiers:
        return draft
    return replace(draft, identifiers=(name,), url=identifier_url(name))


def _address(line: PageLine) -> str | None:
    match = _ADDRESS.fullmatch(line.text.strip())
    return match[1] if match else line.url


def _may_be_wrapped(line: PageLine) -> bool:
    """Whether a title may go on in the next line: no greeting, address or heading can."""
    text = line.text.strip()
    return len(text) >= _WRAPPED and not text.endswith((":", ".")) and "://" not in text
