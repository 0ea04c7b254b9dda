"""Tells the furniture of a Hugging Face papers page (buttons, dates, counts) from its text."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TYPE_CHECKING

from larkpost.sources.dates import month_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from larkpost.sources.lines import Line


class Kind(Enum):
    """What a line of the page is."""

    TEXT = auto()
    BLANK = auto()
    MARK = auto()  # by which the page is known: banner, heading, byline
    NAVIGATION = auto()  # of the search page, which repeats the search words
    OTHER = auto()  # furniture that says nothing
    VOTES = auto()
    SUBMITTED = auto()  # the next line is a user's name
    AUTHORS = auto()
    DOT = auto()  # between the authors, or in their place an organisation, and the date
    DATE = auto()
    LINK = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """A line and what it is; ``number`` are votes, ``day`` is (month, day, year or None)."""

    line: Line
    kind: Kind
    text: str = ""
    number: int | None = None
    day: tuple[int, int, int | None] | None = None
    url: str | None = None


_MAY_BE_TEXT = frozenset({Kind.OTHER, Kind.VOTES, Kind.LINK, Kind.DATE, Kind.AUTHORS})
_WRAP = 110  # no hard-wrapped line is longer
_NARROW = 45  # nor was text wrapped at less
_ENDS_TITLES = frozenset({"models", "datasets", "spaces", "papers", "community"})
_LONGEST = 300  # characters; furniture is short
_LIKELY = re.compile(r"[·•]|\[|/|in your email", re.IGNORECASE)  # in furniture that is not short
_BANNER = re.compile(
    r"get trending papers in your email inbox(?: once a day)?\s*!?\s*", re.IGNORECASE
)
_GLUED = re.compile(r"subscribe(?=[A-Z0-9])", re.IGNORECASE)
_MARKS = frozenset({"daily papers", "trending papers", "and the research community"})
_BYLINE = re.compile(
    r"by\s*\[?ak\]?(?:\[\d+\])?\s*and the (?:\w+ )?research community|by community", re.IGNORECASE
)
_OTHER = frozenset(
    {"new", "subscribe", "by", "ak", "upvote", "previous", "next", "load more", "back to top"}
    | {"hugging face", "models", "datasets", "spaces", "buckets", "buckets new", "papers", "docs"}
    | {"enterprise", "pricing", "community", "solutions", "log in", "sign up", "system theme"}
    | {"company", "website", "tos", "privacy", "about", "careers", "press"}
    | {"view all papers", "view paper", "view arxiv page", "view pdf"}
)
_BULLETS = frozenset("*•◦-\u2013\u2014+|/")
_VOTES = re.compile(
    r"\[-\](?:\s*(?P<a>\d{1,6}))?|\[(?P<b>\d{1,6})\]|(?P<c>\d{1,6})|▲\s*(?P<d>\d{1,6})"
    r"|(?P<e>\d{1,6})\s*▲|(?P<k>\d{1,3}(?:\.\d)?)k|-"
)
_SUBMITTED = re.compile(r"submitted by:?(?:\s+(?P<name>\S{1,80}))?", re.IGNORECASE)
_AUTHORS = re.compile(r"[·•]?\s*\d{1,5} authors?(?:\[\d+\])?\s*[·•]?", re.IGNORECASE)
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DATE = re.compile(
    r"(?:[^·]{0,80}·\s*)?(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}\.?,?\s+)?"
    rf"(?:(?P<month>{_MONTH})\s+(?P<day>\d{{1,2}})|(?P<first>\d{{1,2}})\s+(?P<then>{_MONTH}))"
    r"(?:,?\s+(?P<year>\d{4,5}))?\s*(?:\[\d+\])?",
    re.IGNORECASE,
)
_URL = r"(?:https?://|/papers/)[^\s<>()]+"
_BETWEEN = rf"(?:\W|\[\d{{1,4}}\]|\({_URL}\))*"
_NAVIGATION = re.compile(rf"{_BETWEEN}(?:(?:daily|weekly|monthly){_BETWEEN})+", re.IGNORECASE)
_LINK = re.compile(rf"(?:\[?\d{{1,4}}[\].:]*\s*)?<?(?P<url>{_URL})>?")
_LINKED = re.compile(
    rf"(?:#{{1,6}}\s+)?(?P<image>!?)\[(?P<text>.*)\]\(<?(?P<url>{_URL})>?(?:\s[^()]*)?\)"
)
_OPENS_LINK = ("[", "![", "#")
_NUMBERED = re.compile(
    r"\[(?P<text>.+)\]\[\d{1,4}\]|\[\d{1,4}\](?P<after>\S.*)|(?P<before>.*\S)\[\d{1,4}\]"
)

_LINK_NUMBER = re.compile(r"\]?\[\d{1,4}\]$")
_LINK_END = re.compile(rf"\](?:\[\d{{1,4}}\]|\(<?{_URL}>?(?:\s[^()]*)?\))$")


def token(line: Line) -> Token:
    """Say what a line is, apart from what stood before it."""
    text = line.text.strip()
    if not text:
        return Token(line, Kind.BLANK)
    if len(text) > _LONGEST or (len(text) > _NARROW and not _LIKELY.search(text)):
        return Token(line, Kind.TEXT, line.text)
    words, url = unlinked(text)
    if not words:
        return Token(line, Kind.OTHER)
    found = replace(_short(line, words), url=url) if url else _numbered(line, text, words)
    indented = found.kind is Kind.TEXT and line.text.startswith("  ")
    return replace(found, text=f"  {found.text}") if indented else found


def unlinked(text: str) -> tuple[str, str | None]:
    """Take a text out of the link that it is as a whole; gives its words and where it led.

    Links are Markdown's, or the numbers of a text browser, which name no address; a picture has
    no words.
    """
    if not text.startswith(_OPENS_LINK) and not text.endswith("]"):
        return text, None
    if (match := _LINKED.fullmatch(text)) and _balanced(match["text"]):
        return "" if match["image"] else match["text"].strip(), match["url"]
    if (match := _NUMBERED.fullmatch(text)) and _balanced(match["text"] or ""):
        return next(filter(None, match.group("text", "after", "before"))), None
    return text, None


def unended(line: str) -> str:
    """Take off the end of a link that began in a line above this one."""
    match = _LINK_END.search(line)
    return line[: match.start()] if match and _balanced(line[: match.start()]) else line


def _balanced(text: str) -> bool:
    """Whether each bracket is closed within the text, so that it is one link and not two."""
    depth = 0
    for character in text:
        depth += (character == "[") - (character == "]")
        if depth < 0:
            return False
    return depth == 0


def _numbered(line: Line, text: str, words: str) -> Token:
    """Read a line with a link's number on it as furniture if it is some without, else as it is."""
    found = _short(line, text)
    if found.kind is Kind.TEXT and words != text:
        bare = _short(line, words)
        return found if bare.kind is Kind.TEXT else bare
    return found


def may_end(line: str) -> bool:
    """Whether an abstract may end with this line: with a full stop, or with an address."""
    line = _LINK_NUMBER.sub("", unended(line))
    return line.endswith((".", "!", "?", ".)")) or "://" in line.rpartition(" ")[2]


def _short(line: Line, text: str) -> Token:
    plain = text.casefold()
    if plain in _MARKS or _BANNER.fullmatch(text) or _BYLINE.fullmatch(text):
        return Token(line, Kind.MARK)
    if _NAVIGATION.fullmatch(text):
        return Token(line, Kind.NAVIGATION)
    if plain in _OTHER or (text in _BULLETS and text != "-"):
        return Token(line, Kind.OTHER)
    if text in {"·", "•"}:
        return Token(line, Kind.DOT)
    if match := _SUBMITTED.fullmatch(text):
        return Token(line, Kind.SUBMITTED, match["name"] or "")
    if match := _VOTES.fullmatch(text):
        return Token(line, Kind.VOTES, number=_count(match))
    if _AUTHORS.fullmatch(text):
        return Token(line, Kind.AUTHORS)
    if match := _LINK.fullmatch(text):
        return Token(line, Kind.LINK, url=match["url"])
    return _dated(line, text) or Token(line, Kind.TEXT, text)


def _dated(line: Line, text: str) -> Token | None:
    if not (match := _DATE.fullmatch(text)):
        return None
    month = month_number(match["month"] or match["then"])
    number = int(match["day"] or match["first"])
    year = int(match["year"]) if match["year"] else None
    return Token(line, Kind.DATE, text, day=(month, number, year))


def _count(match: re.Match[str]) -> int | None:
    if match["k"]:
        return int(float(match["k"]) * 1000)
    digits = next((found for found in match.group("a", "b", "c", "d", "e") if found), None)
    return int(digits) if digits else None


def tokens(lines: Iterable[Line]) -> Iterator[Token]:
    """Say what each line is; buttons glued to a text are cut off, names of users passed over."""
    reading = _Reading()
    for line in lines:
        yield from reading.read(line)


class _Reading:
    """What must be remembered from line to line: the banner, a name to come, the text above."""

    def __init__(self) -> None:
        self.may_be_glued = False
        self.name_follows = False
        self.above: list[str] = []  # lines of text with nothing between them

    def read(self, line: Line) -> Iterator[Token]:
        if (match := _BANNER.match(line.text)) and match.end() < len(line.text):
            yield Token(line, Kind.MARK)
            self.may_be_glued = True
            line = replace(line, text=line.text[match.end() :])
        if self.may_be_glued and (match := _GLUED.match(line.text)):
            self.may_be_glued = False
            line = replace(line, text=line.text[match.end() :])
        found = token(line)
        sure = line.text.startswith("[-]") or line.text.strip() == "-"
        if found.kind in _MAY_BE_TEXT and not sure and self._goes_on(line.text):
            found = Token(line, Kind.TEXT, line.text)
        self._remember(found)
        if found.kind is Kind.TEXT and self.name_follows:
            self.name_follows = False
            found = Token(line, Kind.OTHER)
        yield found

    def _goes_on(self, text: str) -> bool:
        """Whether a line that looks like furniture is the rest of the text above it.

        So is an indented one, one that did not fit into the wrapped line above (an address, a
        number), and a word such as "Models" under the first line of a long title.
        """
        if not self.above or text.startswith("  "):
            return bool(self.above)
        if may_end(self.above[-1]):
            return False
        if len(self.above) == 1:
            return text.strip().casefold() in _ENDS_TITLES and len(self.above[0]) > _NARROW
        width = max(map(len, self.above))
        return width <= _WRAP and len(self.above[-1]) + 1 + len(text.split(maxsplit=1)[0]) > width

    def _remember(self, found: Token) -> None:
        if found.kind is Kind.TEXT:
            self.above = [*self.above[-2:], found.line.text]
        else:
            self.above = []
        if found.kind is Kind.MARK:
            self.may_be_glued = self.may_be_glued or bool(_BANNER.match(found.line.text))
        elif found.kind is Kind.SUBMITTED:
            self.name_follows = not found.text
        elif found.kind is Kind.TEXT or found.line.text.strip().casefold() == "subscribe":
            self.may_be_glued = False
