"""Joins the lines of a page into paragraphs, with or without blank lines between them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice, pairwise
from typing import TYPE_CHECKING

from larkpost.formats.page.page_tokens import Token, TokenKind, may_end
from larkpost.formats.page.title_or_abstract import people
from larkpost.text.markup import clean_markup
from larkpost.text.normalize import squash

if TYPE_CHECKING:
    from larkpost.formats.page.page_lines import PageLine

_AHEAD = 1_000  # tokens that show how paragraphs are separated
_SHORT = 300  # characters; the longest titles of arXiv are somewhat shorter
_WRAP = 110  # no hard-wrapped line is longer
# A run of so many lines is yielded at the end of an unwrapped abstract, or at the latest after
# ``_MOST`` lines: a page without blank lines would otherwise be in memory as a whole.
_MANY, _MOST = 2_000, 20_000
_UNWRAPPED = 200  # a longer line is a whole paragraph
_NARROW = 60  # no text is wrapped at a smaller width
_BROKEN_ADDRESS = re.compile(r"://\n\s*")
LONGEST_ORGANISATION = 150  # characters


@dataclass(frozen=True)  # without slots, because the text is cached
class Paragraph:
    """Lines that belong together."""

    tokens: tuple[Token, ...]

    @property
    def number(self) -> int:
        """The number of its first line."""
        return self.tokens[0].line.number

    @property
    def whole(self) -> bool:
        """Whether the file does not end within its last line."""
        return self.tokens[-1].line.whole

    @property
    def link(self) -> int:
        """The number of its link on the page; 0 for none."""
        return self.tokens[0].line.link

    @property
    def level(self) -> int:
        """Its level as a heading, 1 to 6; 0 for none."""
        return self.tokens[0].line.level

    @property
    def url(self) -> str | None:
        """The address of its link, or of a link on one of its lines."""
        return next((token.url for token in self.tokens if token.url), None)

    @cached_property
    def text(self) -> str:
        """The whole text on one line."""
        lines = "\n".join(token.text for token in self.tokens)
        return squash(clean_markup(_BROKEN_ADDRESS.sub("://", lines)))


def paragraphs(tokens: Iterable[Token]) -> Iterator[Paragraph | Token]:
    """Yield paragraphs in place of lines of text, and the page furniture between them."""
    stream = iter(tokens)
    ahead = list(islice(stream, _AHEAD))
    split = _by_blanks if _is_spaced(ahead) else _by_width
    for run, following in pairwise(chain(_runs(chain(ahead, stream)), [None])):
        if isinstance(run, Token):
            yield run
        elif run and _is_organisation(run, following):
            yield from split(run[:-1])
            yield Paragraph((run[-1],))
        elif run:
            yield from split(run)


def _is_organisation(run: Sequence[Token], following: Sequence[Token] | Token | None) -> bool:
    """Return whether the last line of a run is an organisation: after a full stop, before a dot."""
    if len(run) < 2 or not isinstance(following, Token) or following.kind is not TokenKind.DOT:
        return False
    return len(run[-1].text) <= LONGEST_ORGANISATION and may_end(run[-2].text)


def _runs(tokens: Iterable[Token]) -> Iterator[list[Token] | Token]:
    """Yield runs of consecutive lines of text, and the page furniture between them."""
    run: list[Token] = []
    for token in tokens:
        if token.kind is TokenKind.TEXT:
            if run and _stands_apart(run[-1].line, token.line):
                yield run
                run = []
            run.append(token)
            if len(run) >= _MANY and (len(token.text) > _UNWRAPPED or len(run) >= _MOST):
                yield run
                run = []
            continue
        if token.kind is TokenKind.AUTHORS and len(run) > 1:  # an organisation is before them
            yield run[:-1]
            run = run[-1:]
        if run:
            yield run
            run = []
        if token.kind is not TokenKind.BLANK:
            yield token
    if run:
        yield run


def _stands_apart(line: PageLine, following: PageLine) -> bool:
    """Return whether a heading or a link ends, or begins, between two lines."""
    if (line.link, line.level) != (following.link, following.level):
        return True
    return bool(line.level) and not line.link and not following.text.startswith("  ")


def _is_spaced(ahead: Sequence[Token]) -> bool:
    """Return whether blank lines separate titles from abstracts: many of the runs are titles."""
    runs = [run for run in _runs(ahead) if not isinstance(run, Token)]
    unwrapped = [sum(len(token.text) > _UNWRAPPED for token in run) for run in runs]
    if sum(unwrapped) > 2 * sum(map(bool, unwrapped)):  # whole abstracts, one per line
        return False
    titles = sum(
        sum(len(token.text) for token in run) <= _SHORT and not run[-1].text.endswith(".")
        for run in runs
    )
    return titles * 4 >= len(runs)


def _by_blanks(run: Sequence[Token]) -> Iterator[Paragraph]:
    *above, last = run
    if above and "," in last.text and people(last.text.strip()):  # authors directly below a title
        yield Paragraph(tuple(above))
        yield Paragraph((last,))
    else:
        yield Paragraph(tuple(run))


def _by_width(run: Sequence[Token]) -> Iterator[Paragraph]:
    """Find the paragraphs in lines without blank lines between them.

    A title is one line, and the indented lines after it; an abstract is one long line, or lines
    wrapped at one width until the next word would have fitted.
    """
    width = _width(run)
    current: list[Token] = []
    title_next = True
    nothing = (None, None)
    for token, following, after in zip(
        run, chain(run[1:], nothing), chain(run[2:], nothing), strict=False
    ):
        current.append(token)
        if following and _goes_on(token.text, following, after, width, title_next=title_next):
            continue
        yield Paragraph(tuple(current))
        title_next = not title_next or sum(len(token.text) for token in current) > _SHORT
        current = []


def _width(run: Sequence[Token]) -> int:
    """Guess the width at which lines were wrapped: 9 of 10 lines are not longer."""
    lengths = sorted(length for token in run if (length := _length(token)) <= _WRAP)
    return max(_NARROW, lengths[len(lengths) * 9 // 10]) if lengths else _NARROW


def _goes_on(
    last: str, following: Token, after: Token | None, width: int, *, title_next: bool
) -> bool:
    """Return whether the paragraph that so far ends with ``last`` continues in the next line."""
    if len(last) > _WRAP:
        return False
    if following.text.startswith("  "):  # indented
        return True
    if title_next or _length(following) > _WRAP:
        return False
    fits = _fits(last, following, width)
    if may_end(last):
        return not fits and not _is_title(following, after, width)
    return not fits or len(last) > width * 0.6


def _length(token: Token) -> int:
    return len(token.text)


def _fits(line: str, following: Token, width: int) -> bool:
    """Return whether the next word would have fitted: then the line was not wrapped here."""
    return len(line) + 1 + len(following.text.split(maxsplit=1)[0]) <= width


def _is_title(line: Token, after: Token | None, width: int) -> bool:
    """Return whether a line is a title: wider than the text, short of its width, or In Capitals."""
    text = line.text
    if after is None or text.endswith(".") or text.startswith("http"):
        return False
    if len(text) > width + 3 or _length(after) > _WRAP or _fits(text, after, width):
        return True
    words = [word for word in text.split() if len(word) > 3]
    return sum(word[0].isupper() for word in words) > len(words) * 0.6


def split_title(paragraph: Paragraph) -> tuple[Paragraph | None, Paragraph]:
    """Split off the first line as the title, if the other lines are an abstract without it.

    It is part of the abstract if it is as wide as the wrapped lines after it.
    """
    first, *rest = paragraph.tokens
    if not rest or len(first.text) > _SHORT or first.text.endswith("."):
        return None, paragraph
    widest = max(len(token.text) for token in rest)
    if widest <= _WRAP and len(first.text) + _NARROW / 4 >= widest:
        return None, paragraph
    return Paragraph((first,)), Paragraph(tuple(rest))
