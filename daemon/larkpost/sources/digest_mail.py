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
from larkpost.sources.page_text import paper_name, title_mark, without_mark
from larkpost.text.normalize import squash

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from larkpost.domain import Record
    from larkpost.sources.page_lines import PageLine

_VOTED = re.compile(r"(?P<title>.*?)\s*\(\s*(?P<votes>\d{1,6})\s*[▲△▴↑⬆]\ufe0f?\s*\)")
_VOTED_LINE = re.compile(r"\(\s*\d{1,6}\s*[▲△▴↑⬆]\ufe0f?\s*\)\s*$")
_DAY = re.compile(r"selection of papers.{0,40}?\((?P<day>[^()]{3,30})\)", re.IGNORECASE)
_ADDRESS = re.compile(r"<?(https?://[^\s<>]+)>?")
_SOME = 2  # titles with votes, in a text that is the mail
_WRAPPED = 45  # characters: no title was wrapped at less
_MOST_LINES = 6  # of one title


def is_digest_mail(page: Iterable[PageLine]) -> bool:
    """Whether a text has titles with votes behind them."""
    return sum(_VOTED_LINE.search(line.text) is not None for line in page) >= _SOME


def mail_records(mail: Iterable[PageLine], near: date) -> Iterator[Record]:
    """Yield the day of the mail and its papers, without abstracts; ``near`` is the latest day.

    Raises UnreadableDump where there is no title.
    """
    last: Draft | None = None
    above: list[PageLine] = []  # lines that may begin a title
    for line in mail:
        yield from _day(line, near)
        if title_mark(line.text.strip()):
            above = []
        above = [*above, line]
        draft = _draft(above) or _draft([line])
        if draft is not None:
            if last is not None:
                yield last
            last, above = draft, []
        elif last is not None and (name := paper_name(_address(line))):
            last = replace(last, identifiers=(name,), url=f"https://arxiv.org/abs/{name.value}")
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


def _draft(lines: list[PageLine]) -> Draft | None:
    """Read some lines as one title with its votes."""
    match = _VOTED.fullmatch(squash("\n".join(line.text for line in lines)))
    if match is None or not (title := without_mark(match["title"])):
        return None
    name = next((name for line in lines if (name := paper_name(line.url))), None)
    return Draft(
        title=title,
        identifiers=(name,) if name else (),
        url=f"https://arxiv.org/abs/{name.value}" if name else None,
        upvotes=int(match["votes"]),
        line=lines[0].number,
    )


def _address(line: PageLine) -> str | None:
    match = _ADDRESS.fullmatch(line.text.strip())
    return match[1] if match else line.url


def _may_be_wrapped(line: PageLine) -> bool:
    """Whether a title may go on in the next line: no greeting, address or heading can."""
    text = line.text.strip()
    return len(text) >= _WRAPPED and not text.endswith((":", ".", ",")) and "://" not in text
