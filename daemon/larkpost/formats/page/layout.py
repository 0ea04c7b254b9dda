"""Surveys a page before it is read: its wrapping, and the form of its titles."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice, pairwise, takewhile
from typing import BinaryIO

from larkpost.domain import DumpDate
from larkpost.formats.dates import GRACE, captured_day, day_in_path
from larkpost.formats.decoding import NumberedLine, lines
from larkpost.formats.page.digest_mail import is_digest_mail
from larkpost.formats.page.page_lines import (
    PageLine,
    Wrapping,
    find_notes,
    find_wrapping,
    plain_lines,
)
from larkpost.formats.page.page_tokens import Token, TokenKind, plain_key, tokens
from larkpost.formats.page.paragraphs import Paragraph, paragraphs
from larkpost.formats.page.title_or_abstract import (
    LABEL,
    continues,
    is_abstract,
    is_body,
    paper_name,
    people,
    title_mark,
)

_LOOKED_AT = 4 * 1024 * 1024  # bytes, about 2,500 papers: a page with links is never that long
_MOST_LINES = 50_000  # because short lines take more memory than their bytes
_HEAD = 400  # lines in which the links to the neighbouring days are searched for
_RECURS = 3  # a short line that occurs so often is page furniture
# "by AK and the research community", as browsers translate it.
_TRANSLATED = re.compile(
    r"(?=.{0,60}\bAK)(?=.{0,60}(?:gemein(?:schaft|de)|communaut|comunid|comunit|gemeenschap"
    r"|сообществ|społecznoś|topluluğu|cộng đồng|社区|社群|コミュニティ|커뮤니티|समुदाय)).{4,90}",
    re.IGNORECASE,
)
_HEADER = 60  # pieces that may include the banner, the menu and the heading
_TELLING = frozenset({None, TokenKind.VOTES, TokenKind.SUBMITTED})  # None: text
_UNWRAPPED = 200  # characters: a longer line is a whole abstract
_WRAPPED = 55  # characters: most wrapped lines are longer
_SHORT_LINE = 80  # characters
_FEW_LINES = 2
_LONG_LINE = 3_000  # characters: arXiv accepts no abstract over 1,920
_REGULAR = 0.75  # of the papers of a page show the same order of lines
_MOST = 0.6  # of the papers of a page have titles of one kind, if any


@dataclass(frozen=True, slots=True)
class PageLayout:
    """How a page is laid out.

    ``repeated`` are short lines that recur, as ``plain_key`` writes them. Titles are headings of
    ``title_level`` (0: they are not), or are ``linked`` to their papers, or begin with a ``mark``
    such as ``1.``. They are ``voted`` if votes are above them; ``leads``: a paper begins with its
    title even in a list. They are ``depth`` short paragraphs above the abstract, and if that is
    ``regular``, the other ones there are page furniture.

    ``votes_follow``: votes are below the abstract; ``dated``: days are between title and abstract;
    ``label`` is a word such as "Abstract" with which abstracts begin.

    ``listed``: a list of titles, without abstracts; ``mail``: the digest mail, which is also a
    list; ``unbroken``: text without line ends; ``translated``: the page in another language.

    ``captured`` is the day in the notes above the page, ``neighbour`` the day of a daily list that
    the page links to.
    """

    wrapping: Wrapping
    repeated: frozenset[str] = frozenset()
    title_level: int = 0
    linked: bool = False
    mark: str = ""
    voted: bool = False
    votes_follow: bool = False
    dated: bool = False
    depth: int = 1
    regular: bool = False
    leads: bool = False
    label: str = ""
    listed: bool = False
    mail: bool = False
    unbroken: bool = False
    translated: bool = False
    captured: DumpDate | None = None
    neighbour: date | None = None

    def read(self, read: Iterable[NumberedLine]) -> Iterator[Paragraph | Token]:
        """Yield the paragraphs of a page, and the page furniture between them."""
        return paragraphs(tokens(plain_lines(read, self.wrapping), self.repeated))


def find_layout(dump: BinaryIO, near: date) -> PageLayout:
    """Read the first 4 MiB of a dump, from its current position; ``near`` is the latest day."""
    start = dump.tell()
    until = takewhile(lambda _: dump.tell() - start <= _LOOKED_AT, islice(lines(dump), _MOST_LINES))
    given = [line for line in until if isinstance(line, NumberedLine)]
    notes = find_notes(given)
    wrapping = find_wrapping(given, notes)
    plain = list(plain_lines(given, wrapping))
    layout = PageLayout(
        wrapping,
        repeated=_recurring_lines(plain),
        mail=is_digest_mail(plain),
        unbroken=_is_unbroken(given),
        translated=any(_TRANSLATED.fullmatch(line.text.strip()) for line in plain[:_HEAD]),
        captured=_capture_day(notes, near),
        neighbour=_neighbour(plain),
    )
    return _with_titles(layout, list(paragraphs(tokens(plain, layout.repeated))))


def _is_unbroken(given: Sequence[NumberedLine]) -> bool:
    filled = [len(line.text) for line in given if line.text.strip()]
    return len(filled) <= _FEW_LINES and max(filled, default=0) >= _LONG_LINE


def _capture_day(notes: Sequence[NumberedLine], near: date) -> DumpDate | None:
    days = ((captured_day(note.text), note.number) for note in notes)
    return next((DumpDate(day, n) for day, n in days if day and day <= near + GRACE), None)


def _neighbour(plain: Sequence[PageLine]) -> date | None:
    days = (day_in_path(line.url or line.text) for line in plain[:_HEAD] if line.url or line.text)
    return next((day for day in days if day), None)


def _recurring_lines(plain: Sequence[PageLine]) -> frozenset[str]:
    """Find short lines that recur, even with other numbers, and are not titles.

    A title recurs above the same text; titles that differ in a number are above long texts.
    """
    filled = [line for line in plain if line.text.strip()]
    texts: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for line, following in pairwise(filled):
        if len(line.text) <= _SHORT_LINE and not line.level:
            key = plain_key(line.text)
            texts.setdefault(key, []).append(line.text)
            below.setdefault(key, []).append(following.text)
    recurring = (key for key, found in texts.items() if len(found) >= _RECURS)
    wrapped = sum(len(line.text) > _UNWRAPPED for line in filled) < _RECURS
    long = _WRAPPED if wrapped else _UNWRAPPED

    def is_title(key: str) -> bool:
        above_long = sum(len(text) > long for text in below[key]) > _REGULAR * len(below[key])
        return len(set(below[key])) == 1 or (len(set(texts[key])) > 1 and above_long)

    return frozenset(key for key in recurring if not is_title(key))


def _with_titles(layout: PageLayout, pieces: Sequence[Paragraph | Token]) -> PageLayout:
    """Find out what the titles look like, from the paragraphs above the abstracts."""
    given = [piece for piece in pieces if isinstance(piece, Paragraph)]
    abstracts = sum(is_abstract(piece.text) for piece in given)
    submitted = sum(not isinstance(p, Paragraph) and p.kind is TokenKind.SUBMITTED for p in pieces)
    above = list(_above_abstracts(pieces))
    levels = Counter(piece.level for piece in above if piece.level)
    titles = (p for p in given if not is_abstract(p.text))
    names = {name for piece in titles if (name := paper_name(piece.url))}
    linked_headings = Counter(p.level for p in given if p.level and paper_name(p.url))
    listed = submitted >= _RECURS and abstracts * 4 < submitted
    if not abstracts and len(names) >= _RECURS:
        listed = True
    if listed:
        levels = linked_headings
    least = _MOST * max(1, submitted if listed else len(above))
    level, count = next(iter(levels.most_common(1)), (0, 0))
    marks = Counter(title_mark(piece.text) for piece in above)
    mark, marked = next(iter(marks.most_common(1)), ("", 0))
    depth, regular = _depth(pieces)
    return replace(
        layout,
        depth=depth,
        regular=regular,
        leads=_leads(pieces),
        label=_label([piece.text for piece in given if is_abstract(piece.text)]),
        title_level=level if count >= least else 0,
        linked=len(names) >= least,
        mark=mark if marked >= least and marked > 1 else "",
        votes_follow=_votes_follow(pieces),
        dated=_count_dated(pieces) >= max(_RECURS, _MOST * len(above)),
        voted=_count_voted(pieces) >= max(_RECURS, 0.8 * (submitted if listed else len(above))),
        listed=listed,
    )


def _depth(pieces: Iterable[Paragraph | Token]) -> tuple[int, bool]:
    """Return how many short paragraphs above an abstract its title is, and if that is regular.

    Names, labels or buttons may be between a title and its abstract, or after the abstract. The
    numbers of them above the first abstract and below the last one show which.
    """
    groups, below = _short_groups(pieces)
    first, *others = groups or [0]
    ((size, count),) = Counter(others).most_common(1) or [(0, 0)]
    if size < 2 or count < 2 or count < _REGULAR * len(others):
        return 1, False
    if 1 <= first <= size:
        return first, True
    return max(1, size - below) if below < size else 1, True


def _short_groups(pieces: Iterable[Paragraph | Token]) -> tuple[list[int], int]:
    """Count the short paragraphs above each abstract, and those below the last one."""
    groups: list[int] = []
    current, above = 0, ""
    for piece in pieces:
        if not isinstance(piece, Paragraph):
            if piece.kind is TokenKind.MARK and not groups:
                current = 0
            continue
        if is_abstract(piece.text) and not people(piece.text):
            if current or not above:
                groups.append(current)
            current, above = 0, piece.text
        elif current and is_body(piece.text):
            continue
        elif not (above and not current and continues(piece.text, above)):
            current += 1
    return groups, current


def _leads(pieces: Sequence[Paragraph | Token]) -> bool:
    """Return whether the first text below the heading comes before any votes or submitter."""
    kinds = [None if isinstance(piece, Paragraph) else piece.kind for piece in pieces]
    first = kinds.index(TokenKind.MARK) if TokenKind.MARK in kinds else 0
    marks = [at for at, kind in enumerate(kinds[: first + _HEADER]) if kind is TokenKind.MARK]
    below = (kind for kind in kinds[max(marks, default=-1) + 1 :] if kind in _TELLING)
    return next(below, TokenKind.VOTES) is None


def _votes_follow(pieces: Sequence[Paragraph | Token]) -> bool:
    """Return whether the first and last votes come after the first and last abstract."""
    votes = [
        at for at, p in enumerate(pieces) if isinstance(p, Token) and p.kind is TokenKind.VOTES
    ]
    texts = [at for at, p in enumerate(pieces) if isinstance(p, Paragraph) and is_abstract(p.text)]
    return bool(votes and texts) and votes[0] > texts[0] and votes[-1] > texts[-1]


def _count_dated(pieces: Sequence[Paragraph | Token]) -> int:
    """Count the days between a title and its abstract."""
    triples = zip(pieces, pieces[1:], pieces[2:], strict=False)
    return sum(
        isinstance(a, Paragraph)
        and not is_abstract(a.text)
        and isinstance(b, Token)
        and b.kind is TokenKind.DATE
        and isinstance(c, Paragraph)
        and is_abstract(c.text)
        for a, b, c in triples
    )


def _label(abstracts: Sequence[str]) -> str:
    """Find the word with which nearly all abstracts begin, if it is a label."""
    found = Counter(match[0] for text in abstracts if (match := LABEL.match(text)))
    ((label, count),) = found.most_common(1) or [("", 0)]
    return label if count > 1 and count >= _REGULAR * len(abstracts) else ""


def _above_abstracts(pieces: Iterable[Paragraph | Token]) -> Iterator[Paragraph]:
    """Yield the short paragraphs above each abstract: the last heading, else the last of all."""
    above: list[Paragraph] = []
    for piece in pieces:
        if not isinstance(piece, Paragraph):
            continue
        if not is_abstract(piece.text):
            if piece.level or not (above and is_body(piece.text)):
                above.append(piece)
        elif above:
            yield next((one for one in reversed(above) if one.level), above[-1])
            above = []


def _count_voted(pieces: Iterable[Paragraph | Token]) -> int:
    """Count the paragraphs directly below votes."""
    filled = (p for p in pieces if isinstance(p, Paragraph) or p.kind is not TokenKind.LINK)
    return sum(
        isinstance(below, Paragraph)
        and not isinstance(above, Paragraph)
        and above.kind is TokenKind.VOTES
        for above, below in pairwise(filled)
    )
