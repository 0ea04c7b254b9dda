"""Classifies each line of a papers page: text, or page furniture: buttons, dates, counts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TYPE_CHECKING

from larkpost.formats.dates import PartialDay, find_day
from larkpost.formats.page.title_or_abstract import BULLET, LABEL, TRIANGLES
from larkpost.text.minhash import squeeze

if TYPE_CHECKING:
    from larkpost.formats.page.page_lines import PageLine


class TokenKind(Enum):
    """The kind of a line of the page."""

    TEXT = auto()
    BLANK = auto()
    MARK = auto()  # identifies the page: banner, heading, byline
    NAVIGATION = auto()  # of the search page, which repeats the search words
    OTHER = auto()  # page furniture without information
    LABEL = auto()  # "Abstract" or similar: the text below is one
    REPEATED = auto()  # a short line that recurs: page furniture, or perhaps an organisation
    VOTES = auto()
    SUBMITTED = auto()  # the next line is a user's name
    AUTHORS = auto()
    DOT = auto()  # between the authors, or an organisation instead of them, and the date
    DATE = auto()
    LINK = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """A line and its kind; ``number`` is a number of votes, ``url`` is the line's link."""

    line: PageLine
    kind: TokenKind
    text: str = ""
    number: int | None = None
    day: PartialDay | None = None
    url: str | None = None


_MAY_BE_TEXT = frozenset(
    {
        TokenKind.OTHER,
        TokenKind.VOTES,
        TokenKind.LINK,
        TokenKind.DATE,
        TokenKind.AUTHORS,
        TokenKind.LABEL,
    }
)
_WRAP = 110  # no hard-wrapped line is longer
_NARROW = 45  # no text was wrapped at a smaller width
_ENDS_TITLES = frozenset({"models", "datasets", "spaces", "papers", "community"})
_LONGEST = 300  # characters; page furniture is short
# Patterns in page furniture that is not short.
_LIKELY = re.compile(r"[·•|]|\[|/|in your email|github|published on|  ", re.IGNORECASE)
_NO_WORDS = re.compile(r"[\s*•_=~\u2010-\u2015\u2500-\u257f-]+")  # a rule across the page
_LIST_MARK = re.compile(rf"^(?:\s*(?:{BULLET}|☆|\d{{1,3}}[.)])|\s{{2,}}o)\s+(?=\S)")
_BANNER = re.compile(
    r"get trending papers in your email inbox(?: once a day)?\s*!?\s*", re.IGNORECASE
)
_GLUED = re.compile(r"subscribe(?=[A-Z0-9])", re.IGNORECASE)
_MARKS = frozenset({"daily papers", "trending papers", "and the research community"})
_BYLINE = re.compile(
    r"by\s*\[?ak\]?(?:\[\d+\])?\s*and the (?:\w+ )?research community|by community", re.IGNORECASE
)
_OTHER = frozenset(
    {"new", "subscribe", "by", "ak", "upvote", "upvotes", "previous", "next", "load more"}
    | {"hugging face", "hugging face's logo", "buckets new", "back to top", "view paper"}
    | {"view all papers", "view arxiv page", "view pdf", "arxiv page", "arxiv", "pdf", "html"}
    | {"project page", "code", "github", "github repository", "paper page", "read more"}
    | {"read paper", "bookmark", "share", "cite", "save", "save for later", "ask ai", "copy link"}
    | {"show more", "see more", "download pdf", "add to collection", "discuss", "listen"}
    | {"enterprise plan", "team & enterprise", "log in", "sign up", "system theme"}
)
# The words of the site's menu and footer.
_MENU = frozenset(
    {"models", "datasets", "spaces", "buckets", "new", "papers", "docs", "enterprise", "pricing"}
    | {"community", "solutions", "website", "tos", "privacy", "about", "careers", "company"}
    | {"press", "log", "in", "sign", "up", "login", "signup", "theme", "system", "team"}
)
_LEADING = re.compile(r"^[^\w\[(]+")
_GLUED_LABEL = re.compile(rf"^(?:{LABEL.pattern})\s*[:.\u2014-]\s*(?=\S)", re.IGNORECASE)
_PLATFORM = re.compile(
    r"(?:link:\s*)?(?:github|arxiv(?: page)?|code|project page|stars?|demo|pdf)"
    r"[:\s·]*(?:[\d.,]+\s*k?)?(?:\s*stars?)?",
    re.IGNORECASE,
)
_COMMENTS = re.compile(
    r".{1,40}['\u2019]s (?:avatar|profile picture)|\[?\d{1,5}\]? comments?|[💬⭐★☆]\s*[\d.]+k?",
    re.IGNORECASE,
)
_BOILERPLATE = re.compile(
    r"(?:.*\buses? cookies\b.*|(?:accept|reject) (?:all )?cookies|.*\ball rights reserved\b.*|©.*"
    r"|(?:subscribe to|sign up for) our newsletter.*|.*\bunsubscribe at any time\b.*"
    r"|enter your e-?mail(?: address)?"
    r"|.{0,30}\b(?:terms of (?:service|use)|privacy policy)\b.{0,30})",
    re.IGNORECASE,
)
_PICTURE = re.compile(r"\[[^\[\]]{0,80}\]\s*")  # or its alternative text, or a field of a form
_NUMBERS = re.compile(r"\d[\d.,]*k?(?:\s+\d[\d.,]*k?)+", re.IGNORECASE)  # stars and comments
_SLUG = re.compile(r"(?P<slug>[a-z0-9][a-z0-9._-]{1,40})\s+(?P<name>\S.*)")
_DIGITS = re.compile(r"\d+")
_VOTES = re.compile(
    r"\[-\](?:\s*(?P<a>\d{1,6}|-))?|\[(?P<b>\d{1,6})\]|(?P<c>\d{1,6})"
    rf"|{TRIANGLES}\s*(?P<d>\d{{1,6}})|(?P<e>\d{{1,6}})\s*{TRIANGLES}"
    r"|(?P<k>\d{1,3}(?:\.\d{1,2})?)k|-|upvotes?:?\s+(?P<f>\d{1,6}|-)"
    r"|(?P<g>\d{1,6}) upvotes?",
    re.IGNORECASE,
)
_SUBMITTED = re.compile(r"submitted by:?(?:\s+(?P<name>\S.{0,80}))?", re.IGNORECASE)
_AUTHORS = re.compile(r"[·•+]?\s*\d{1,5} authors?(?:\[\d+\])?\s*[·•]?", re.IGNORECASE)
_DATE = re.compile(
    r"(?:(?P<before>[^·]{0,80}?)\s*·\s*)?(?:(?:published|posted|released)(?: on)?:?\s+)?"
    r"(?P<day>[^·\[]{3,60}?)\s*(?:\[\s*\d{1,5}\s*\])?",
    re.IGNORECASE,
)
_BESIDE_DAY = re.compile(
    r"^[^\w·]+"
    r"|^(?:(?:last )?updated|papers for|as of|date|today)\b[\s:,\u2013-]*(?:on )?(?=\w)"
    r"|[,\s(]+(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}\.?\)?$|[^\w)]+$"
    r"|[T\s]\d{1,2}:\d{2}(?::\d{2})?\s?(?:[ap]m)?\s?(?:utc|gmt|z)?$",
    re.IGNORECASE,
)
_COUNT_AFTER = re.compile(r"(?<!\s)\s+\d{1,5}$")  # of comments
_URL = r"(?:https?://|/papers/)[^\s<>()]+"
_BETWEEN = rf"(?:\W|\[\d{{1,4}}\]|\({_URL}\))*"
_NAVIGATION = re.compile(rf"{_BETWEEN}(?:(?:daily|weekly|monthly){_BETWEEN})+", re.IGNORECASE)
_LINK = re.compile(
    rf"(?:\[?\d{{1,4}}[\].:]*\s*|(?:link|url|pdf|paper|source|abs|arxiv)\s*:\s*)?<?(?P<url>{_URL})>?",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"(?:arxiv|doi)\s*:\s*(?P<name>\d{4}\.\d{4,5}(?:v\d+)?|10\.\d{4,9}/\S+)", re.IGNORECASE
)
_LINK_NUMBER = re.compile(r"\]?\[\d{1,4}\]$")
_NUMBER_AFTER = re.compile(r"(?P<text>.*\S)\[\d{1,4}\]")


def token(line: PageLine, repeated: Collection[str] = ()) -> Token:
    """Classify a line without regard to the lines before it."""
    text = line.text.strip()
    if not text:
        return Token(line, TokenKind.BLANK, url=line.url)
    if _NO_WORDS.fullmatch(text) and len(text) > 2:
        return Token(line, TokenKind.OTHER)
    if len(text) > _LONGEST or (len(text) > _NARROW and not _LIKELY.search(text)):
        return Token(line, TokenKind.TEXT, line.text, url=line.url)
    found = _furniture(line, text)
    if found is None:
        kind = TokenKind.REPEATED if plain_key(text) in repeated else TokenKind.TEXT
        found = Token(line, kind, line.text if kind is TokenKind.TEXT else text)
    return found if found.url or not line.url else replace(found, url=line.url)


def plain_key(text: str) -> str:
    """Write a short line in the form in which it recurs: without list mark, case or numbers."""
    return _DIGITS.sub("0", _LIST_MARK.sub("", text, count=1).strip().casefold())


def _furniture(line: PageLine, text: str) -> Token | None:
    """Read a line as page furniture, with or without a list mark or the number of a link."""
    bare = _LIST_MARK.sub("", text, count=1)
    forms = [text, bare, _PICTURE.sub("", bare).strip()]
    if match := _NUMBER_AFTER.fullmatch(text):
        forms.append(match["text"])
    found = (_short(line, form) for form in dict.fromkeys(forms))
    return next((one for one in found if one is not None), None)


def may_end(line: str) -> bool:
    """Return whether an abstract may end with this line: with a full stop, or with an address."""
    line = _LINK_NUMBER.sub("", line)
    return line.endswith((".", "!", "?", ".)", "。")) or "://" in line.rpartition(" ")[2]


def without_label(text: str) -> str:
    """Remove "Abstract:" or a similar label at the beginning of an abstract."""
    return _GLUED_LABEL.sub("", text)


def _short(line: PageLine, text: str) -> Token | None:
    plain = text.casefold().strip(" *")
    if plain in _MARKS or _BANNER.fullmatch(text) or _BYLINE.fullmatch(text):
        return Token(line, TokenKind.MARK, text)
    if _NAVIGATION.fullmatch(text):
        return Token(line, TokenKind.NAVIGATION)
    if text in {"·", "•"}:
        return Token(line, TokenKind.DOT)
    if text == "(BUTTON)":  # lynx writes this
        return Token(line, TokenKind.OTHER)
    if plain in _OTHER or _is_menu(plain):
        return Token(line, TokenKind.OTHER, text)
    if LABEL.fullmatch(_LEADING.sub("", plain.rstrip(":*_ "))):
        return Token(line, TokenKind.LABEL)
    if found := _count_token(line, text):
        return found
    if (_DIGITS.search(text) or len(text) < 10) and (found := _date_token(line, text)):
        return found
    if _BOILERPLATE.fullmatch(text):
        return Token(line, TokenKind.OTHER)
    empty = not _PICTURE.sub("", text) or not any(map(str.isalnum, text))
    if empty or _PLATFORM.fullmatch(text) or _COMMENTS.fullmatch(text) or _NUMBERS.fullmatch(text):
        return Token(line, TokenKind.OTHER)
    return None


def _is_menu(plain: str) -> bool:
    words = re.split(r"[\s·|/,•]+", plain)
    return all(word in _MENU for word in words)


def _count_token(line: PageLine, text: str) -> Token | None:
    """Read votes, numbers of authors, submitters, and bare addresses."""
    if match := _SUBMITTED.fullmatch(text):
        return Token(line, TokenKind.SUBMITTED, match["name"] or "")
    if text == "-":
        return Token(line, TokenKind.VOTES)
    if match := _LINK.fullmatch(text):
        return Token(line, TokenKind.LINK, url=match["url"])
    if not _DIGITS.search(text) and "-" not in text:
        return None
    if match := _NAMED.fullmatch(text):
        return Token(line, TokenKind.LINK, url=_address(match["name"]))
    if match := _VOTES.fullmatch(text):
        return Token(line, TokenKind.VOTES, number=_count(match))
    if _AUTHORS.fullmatch(text):
        return Token(line, TokenKind.AUTHORS)
    return None


def _address(name: str) -> str:
    site = "https://doi.org/" if name.startswith("10.") else "https://arxiv.org/abs/"
    return f"{site}{name}"


def _date_token(line: PageLine, text: str) -> Token | None:
    """Read a day, with an organisation or a number of authors that may be before it."""
    match = _DATE.fullmatch(text)
    day = _find_day(match["day"]) if match else None
    if match is None or day is None:
        return None
    before = _LIST_MARK.sub("", match["before"] or "", count=1).strip(" ·")
    return Token(line, TokenKind.DATE, "" if _AUTHORS.fullmatch(before) else before, day=day)


def _find_day(text: str) -> PartialDay | None:
    """Read a day, with a day of the week or a count of comments after it or words before it."""
    bare = _BESIDE_DAY.sub("", text)
    forms = (text, bare, _COUNT_AFTER.sub("", bare), bare.replace(" '", " 20"))
    return next((day for form in dict.fromkeys(forms) if (day := find_day(form))), None)


def organisation_name(text: str) -> str:
    """Read the name of an organisation, without the list mark, logo or handle before it."""
    name = _PICTURE.sub("", _LIST_MARK.sub("", text, count=1)).strip(" ·")
    match = _SLUG.fullmatch(name)
    slug, rest = (squeeze(match["slug"]), squeeze(match["name"])) if match else ("", "")
    return match["name"] if match and (slug in rest or rest in slug) else name


def _count(match: re.Match[str]) -> int | None:
    if match["k"]:
        return int(float(match["k"]) * 1000)
    numbers = (number for number in match.group(*"abcdefg") if number and number != "-")
    digits = next(numbers, None)
    return int(digits) if digits else None


def tokens(lines: Iterable[PageLine], repeated: Collection[str] = ()) -> Iterator[Token]:
    """Classify each line; buttons joined to a text are removed, names of users skipped.

    ``repeated`` are short lines that recur in the page, as ``plain_key`` writes them.
    """
    reading = _TokenizerState(repeated)
    for line in lines:
        yield from reading.read(line)


class _TokenizerState:
    """The state from line to line: the banner, an expected name, the text above."""

    def __init__(self, repeated: Collection[str]) -> None:
        self.repeated = repeated
        self.may_be_glued = False
        self.name_follows = False
        self.above: list[str] = []  # lines of text with nothing between them
        self.link = 0

    def read(self, line: PageLine) -> Iterator[Token]:
        if (match := _BANNER.match(line.text)) and match.end() < len(line.text):
            yield Token(line, TokenKind.MARK)
            self.may_be_glued = True
            line = replace(line, text=line.text[match.end() :])
        if self.may_be_glued and (match := _GLUED.match(line.text)):
            self.may_be_glued = False
            line = replace(line, text=line.text[match.end() :])
        found = token(line, self.repeated)
        sure = line.text.startswith("[-]") or line.text.strip() == "-" or line.link != self.link
        wrapped = self.above and not may_end(self.above[-1])
        if (found.kind is TokenKind.REPEATED and wrapped) or (
            found.kind in _MAY_BE_TEXT and not sure and self._goes_on(line)
        ):
            found = Token(line, TokenKind.TEXT, line.text, url=line.url)
        self._remember(found)
        if self.name_follows and found.kind is not TokenKind.SUBMITTED:
            found = self._user_name(found)
        yield found

    def _user_name(self, found: Token) -> Token:
        """Skip the name of a user, or detect that there is none."""
        words = found.text.strip()
        if found.kind in {TokenKind.TEXT, TokenKind.REPEATED, TokenKind.OTHER} and words:
            self.name_follows, self.above = False, []
            return Token(found.line, TokenKind.OTHER)
        self.name_follows = found.kind in {TokenKind.BLANK, TokenKind.OTHER}
        return found

    def _goes_on(self, line: PageLine) -> bool:
        """Return whether a line that looks like page furniture continues the text above it.

        It does if it is in the same link, if it is indented, if it did not fit into the wrapped
        line above (an address, a number), and if it is a word such as "Models" under the first line
        of a long title.
        """
        text = line.text
        if not self.above or line.link:
            return bool(self.above) and not _LIST_MARK.match(text)
        if text.startswith("  ") and not _LIST_MARK.match(f"{text} ."):
            return True
        if may_end(self.above[-1]):
            return False
        if len(self.above) == 1:
            return text.strip().casefold() in _ENDS_TITLES and len(self.above[0]) > _NARROW
        width = max(map(len, self.above))
        return (
            _NARROW <= width <= _WRAP
            and len(self.above[-1]) + 1 + len(text.split(maxsplit=1)[0]) > width
        )

    def _remember(self, found: Token) -> None:
        self.link = found.line.link
        if found.kind is TokenKind.TEXT:
            self.above = [*self.above[-2:], found.line.text]
        else:
            self.above = []
        if found.kind is TokenKind.MARK:
            self.may_be_glued = self.may_be_glued or bool(_BANNER.match(found.line.text))
        elif found.kind is TokenKind.SUBMITTED:
            self.name_follows = not found.text
        elif found.kind is TokenKind.TEXT or found.line.text.strip().casefold() == "subscribe":
            self.may_be_glued = False
