"""Removes the wrapping around a page's lines: quote marks, margins, fences, links."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING

from larkpost.formats.page.html_tags import has_tags, without_tags
from larkpost.formats.page.markdown import PICTURE, unlinked_lines
from larkpost.formats.page.title_or_abstract import without_emphasis

if TYPE_CHECKING:
    from larkpost.formats.decoding import NumberedLine

_QUOTED = 0.6  # of the lines; text of an answer may be around the page
_SOME = 3  # so many lines of one form are not a coincidence
_MOST_JOINED = 100  # lines of one link; a hard-wrapped abstract has thirty
_WIDEST_MARGIN = 8
_USUAL = 0.2  # of the lines begin at the margin; titles may begin left of it, lists right of it
_FRONT_MATTER = 60  # lines of it at most
_NOTES = 20  # filled lines at the top that may include notes about the capture

QUOTE_MARKS = re.compile(r"\s{0,3}(?:>\s?)+")
_FENCE = re.compile(r"\s*(?:[*+-]\s+)?(?:`{3,}|~{3,}|:{3,})[^`~]*")
_RULE = re.compile(r"\s{0,3}(?:=+|-{2,}|_{2,}|(?:[*-]\s){2,}[*-])")
UNDERLINE = re.compile(r"\s{0,3}(?:=+|-{3,})\s*")
_HEADING = re.compile(
    r"\s*(?P<marks>#{1,6}(?=\s)|#{2,6}(?=[^\s#]))\s*(?P<text>.*?)(?:\s+#+)?"
    r"(?:\s+\{[#.][^{}]*\})?"
)
_DATA = re.compile(r"!\[[^\[\]]*\]\(data:[^()\s]*\)")
_INDENTED = re.compile(r"  +[^\s*+•#-]")
# A day that was wrapped: its month ends a line, and the next one contains nothing else.
_MONTH_END = re.compile(
    r"·\s*(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*(?:\s\d{1,2},)?$", re.IGNORECASE
)
_DAY_START = re.compile(r"\s*(?:\d{1,2}(?:,?\s+\d{4})?|\d{4})(?:\s*\[\d+\])?\s*")
_TABLE_HEAD = re.compile(r"\s*(?:references|(?:visible |hidden )?links)\s*:?\s*", re.IGNORECASE)
_TABLE_ROW = re.compile(
    r"\s*(?:\[(?P<a>\d{1,4})\]:?|(?P<b>\d{1,4})[.:])\s+"
    r"<?(?P<url>[a-z][a-z0-9+.-]{1,15}:\S+?|/\S*)>?\s*",
    re.IGNORECASE,
)
_BEFORE_ROWS = 8  # lines between the heading of a table and its first row
_NUMBERED = re.compile(r"\s*(?:[*+•-]\s+)?\[(?P<number>\d{1,4})\](?=[^\s\](:])(?!\[\d)")
_NUMBER = re.compile(r"(?<!\])\[(?P<number>\d{1,4})\](?![(:])")
_LINK = re.compile(r"\]\(<?(?:https?://|/)")
_REFERENCE = re.compile(r"\]\[\d{1,4}\]")
_ESCAPED_STOP = re.compile(r"\w\\[.!](?:\s|$)")
_BRACKET = re.compile(r"\\.|\]\(|[\])]\{|\{(?=[.#])|[\[\]){}]")
_SPACED = re.compile(r"\] \[(?=\d{1,4}\](?:\s|$))")
_OPENER = re.compile(r"\s*(?:[*+•-]\s+)?!?\[")
_CLOSES = {"[": "]", "(": ")", "{": "}"}
_LONE = re.compile(r"\s*(?:!?\[|\](?:\[\d{1,4}\]|\((?:https?://|/)[^\s()]*\))?)\s*")
_CLOSER = re.compile(r"\s*\](?:\[\d{1,4}\]|\((?:https?://|/)[^\s()]*\))")
_KEY = re.compile(r"\W{0,3}(?P<key>[A-Za-z][A-Za-z_ -]{1,24}(?:\(UTC\))?)\W{0,3}:\s*(?P<value>.*)")
_KEYS = frozenset(
    {"title", "url", "url source", "source", "link", "author", "description", "tags", "date"}
    | {"markdown content", "published time", "language", "query", "site"}
)
_DAY_KEYS = ("captured", "retrieved", "exported", "saved", "accessed", "fetched", "crawled")
_MARKS = re.compile(r"[\[\]\\*_`]")


@dataclass(frozen=True, slots=True)
class PageLine:
    """A line of text; ``number`` counts the lines of the file from 1.

    ``whole`` is False if the file ends within the line. ``url`` is the address of a link around the
    whole line, ``link`` is the number of that link, which its lines share (0: none), ``level`` is
    the level of a heading, 1 to 6 (0: none).
    """

    number: int
    text: str
    whole: bool = True
    url: str | None = None
    link: int = 0
    level: int = 0


@dataclass(frozen=True, slots=True)
class Wrapping:
    """The wrapping around the text of a page, found from its lines.

    ``margin`` is a number of spaces before every line; ``numbered``: numbers in brackets are before
    links; ``links`` are the addresses of numbered links; ``skipped`` are the numbers of lines that
    list these, or are notes about the capture.
    """

    quoted: bool = False
    margin: int = 0
    markdown: bool = False
    html: bool = False
    numbered: bool = False
    links: Mapping[str, str] = field(default_factory=dict)
    skipped: frozenset[int] = frozenset()


def find_wrapping(lines: Sequence[NumberedLine], notes: Iterable[NumberedLine]) -> Wrapping:
    """Find the text that surrounds a page's own text; ``notes`` are the lines above the page."""
    filled = [line.text for line in lines if line.text.strip()]
    quoted = sum(text.lstrip().startswith(">") for text in filled) > _QUOTED * len(filled)
    texts = [QUOTE_MARKS.sub("", text, count=1) for text in filled] if quoted else filled
    bare = {line.number: QUOTE_MARKS.sub("", line.text, count=1) for line in lines}
    rows = {n: match for n, text in bare.items() if (match := _TABLE_ROW.fullmatch(text))}
    links = {match["a"] or match["b"]: match["url"] for match in rows.values()}
    skipped = {line.number for line in notes}
    heads = _table_heads(bare, rows)
    listed = len(links) >= _SOME or bool(heads and links)
    if listed:
        skipped |= rows.keys() | heads
    return Wrapping(
        quoted=quoted,
        margin=_margin(texts),
        markdown=_is_markdown(texts),
        html=_several(texts, has_tags),
        numbered=_several(texts, _NUMBERED.match) or listed,
        links=links if listed else {},
        skipped=frozenset(skipped),
    )


def _several(texts: Iterable[str], test: Callable[[str], object]) -> bool:
    return sum(1 for _ in islice(filter(test, texts), _SOME)) == _SOME


def _margin(texts: Sequence[str]) -> int:
    """Count the spaces before many of the lines: text browsers leave a margin."""
    widths = Counter(len(text) - len(text.lstrip(" ")) for text in texts)
    usual = (width for width, count in widths.items() if count > _USUAL * len(texts))
    width = min(usual, default=0)
    return width if width <= _WIDEST_MARGIN else 0


def _is_markdown(texts: Sequence[str]) -> bool:
    if _several(texts, _ESCAPED_STOP.search):
        return True
    return _several(texts, _LINK.search) or (
        _several(texts, _HEADING.fullmatch) and not _several(texts, _REFERENCE.search)
    )


def _table_heads(lines: Mapping[int, str], rows: Mapping[int, object]) -> set[int]:
    return {
        number
        for number, text in lines.items()
        if _TABLE_HEAD.fullmatch(text)
        and any(number + after in rows for after in range(1, _BEFORE_ROWS))
    }


def find_notes(lines: Sequence[NumberedLine]) -> list[NumberedLine]:
    """Find front matter, or lines such as ``Captured (UTC): …``, above a page."""
    filled = [line for line in lines if line.text.strip()][: _FRONT_MATTER + _NOTES]
    if filled and filled[0].text.strip() == "---":
        ends = (at for at, line in enumerate(filled[1:], 1) if line.text.strip() in {"---", "..."})
        end = next(ends, 0)
        if 1 < end <= _FRONT_MATTER and _KEY.match(filled[1].text):
            return filled[: end + 1] + _loose_notes(filled[end + 1 :])
    return _loose_notes(filled)


def _loose_notes(filled: Sequence[NumberedLine]) -> list[NumberedLine]:
    """Find notes without a frame: lines with a day, and two or more consecutive other ones."""
    keys = Counter(_note_key(line.text) for line in filled)
    notes = ((line, _note_key(line.text)) for line in filled[:_NOTES])
    found = [(line, key if keys[key] == 1 else "") for line, key in notes]
    first = next((at for at, (_, key) in enumerate(found) if key), None)
    if first is None:
        return []
    row = [line for line, key in found[first:] if key]
    days = [line for line, key in found if key.startswith(_DAY_KEYS)]
    return row if len(row) > 1 else days


def _note_key(text: str) -> str:
    match = _KEY.fullmatch(text.strip())
    key = match["key"].strip().casefold() if match else ""
    return key if key in _KEYS or key.startswith(_DAY_KEYS) else ""


def plain_lines(lines: Iterable[NumberedLine], wrapping: Wrapping) -> Iterator[PageLine]:
    """Yield the lines of a page without its wrapping, and the address of the link of each."""
    unwrapping = _Unwrapping(wrapping)
    previous: PageLine | None = None
    for line in unwrapping.read_all(lines):
        if previous is not None:
            if UNDERLINE.fullmatch(line.text) and previous.text.strip():
                previous = replace(previous, level=1 if "=" in line.text else 2)
            elif previous.level and not previous.link and _INDENTED.match(line.text):
                line = replace(line, level=previous.level)
            elif _MONTH_END.search(previous.text) and _DAY_START.fullmatch(line.text):
                line = replace(line, text=f"{previous.text} {line.text}")
                previous = None
        if previous is not None:
            yield previous
        previous = replace(line, text="") if _RULE.fullmatch(line.text) else line
    if previous is not None:
        yield previous


class _Unwrapping:
    """Joins links that extend over several lines; other lines are processed one by one."""

    def __init__(self, wrapping: Wrapping) -> None:
        self.wrapping = wrapping
        self.pending: list[PageLine] = []  # lines of an unclosed link
        self.open = ""  # the brackets that are open
        self.links = 0  # the number of links so far

    def read_all(self, lines: Iterable[NumberedLine]) -> Iterator[PageLine]:
        bare = map(self._bare, lines)
        for line in without_tags(bare) if self.wrapping.html else bare:
            yield from self._read(self._without_marks(line))
        yield from self._give_up()

    def _bare(self, line: NumberedLine) -> PageLine:
        """Remove quote marks, margin and fences, and text that does not belong to the page."""
        text = line.text
        if self.wrapping.quoted and text.lstrip().startswith(">"):
            text = QUOTE_MARKS.sub("", text, count=1)
        if line.number in self.wrapping.skipped or _FENCE.fullmatch(text):
            return PageLine(line.number, "", line.whole)
        if self.wrapping.margin and text.startswith(" "):
            text = text[min(self.wrapping.margin, len(text) - len(text.lstrip(" "))) :]
        return PageLine(line.number, text, line.whole)

    def _without_marks(self, line: PageLine) -> PageLine:
        """Remove the marks of a heading, pictures within the text, and the number of a link."""
        text, level, url = line.text, 0, None
        if text.lstrip().startswith("#") and (heading := _HEADING.fullmatch(text)):
            text, level = heading["text"], len(heading["marks"])
        if "] [" in text:
            text = _SPACED.sub("][", text)
        if text.lstrip()[:1] in {"*", "_"}:
            text = without_emphasis(text.strip())
        if "](data:" in text:
            text = _DATA.sub(PICTURE, text)
        if self.wrapping.numbered and "[" in text:
            text, url = self._without_numbers(text)
        same = text is line.text and url is None
        return line if same else replace(line, text=text, url=url, level=level)

    def _without_numbers(self, text: str) -> tuple[str, str | None]:
        """Remove the numbers before links; the first one's address is the address of the line."""
        first = _NUMBERED.match(text)
        if not self.wrapping.links:
            bare = text[: first.start("number") - 1] + text[first.end() :] if first else text
            return bare, None
        bare = _NUMBER.sub(lambda m: "" if m["number"] in self.wrapping.links else m[0], text)
        return bare, self.wrapping.links.get(first["number"]) if first else None

    def _read(self, line: PageLine) -> Iterator[PageLine]:
        if self.pending and self._interrupts(line):
            yield from self._give_up()
        if not self.pending and not self._has_marks(line.text):
            yield line
            return
        self.open = _open_brackets(line.text, self.open)
        self.pending.append(line)
        if not self.open:
            yield from self._finish()
        elif not self._may_go_on():
            yield from self._give_up()

    def _has_marks(self, text: str) -> bool:
        if self.wrapping.markdown:
            return bool(_MARKS.search(text))
        return "[" in text or "]" in text

    def _interrupts(self, line: PageLine) -> bool:
        """Return whether a line cannot be part of the link that is open above it."""
        within = _OPENER.match(self.pending[0].text)
        lone = _LONE.fullmatch(self.pending[0].text)
        if line.level and not (lone or line.level == self.pending[0].level):
            return True
        return line.text.strip() == "[" or not (within or line.text.strip())

    def _may_go_on(self) -> bool:
        first = self.pending[0].text
        opened = self.wrapping.markdown or _OPENER.match(first) is not None
        return opened and len(self.pending) < _MOST_JOINED

    def _finish(self) -> Iterator[PageLine]:
        """Yield the text of a link, or of one line with markup in it."""
        lines, self.pending, self.open = self.pending, [], ""
        first = replace(lines[0], level=max(line.level for line in lines))
        text = "\n".join(line.text for line in lines)
        closer = _CLOSER.match(text)
        text = text[closer.end() :] if closer else text
        plain = unlinked_lines(text, self.wrapping.links, markdown=self.wrapping.markdown)
        last_url: str | None = None
        for marked, url in plain:
            text = without_emphasis(marked.strip()) if marked.lstrip()[:1] in "*_" else marked
            self.links += url is not None and url != last_url
            last_url = url if text.strip() or url is not None else last_url
            made = replace(first, text=text, whole=lines[-1].whole)
            if url is not None:
                made = replace(made, url=url, link=self.links)
            yield made

    def _give_up(self) -> Iterator[PageLine]:
        """Yield the pending lines one by one: they are not a link."""
        lines, self.pending, self.open = self.pending, [], ""
        for line in lines:
            if _LONE.fullmatch(line.text):
                yield replace(line, text="")
            else:
                self.pending = [line]
                yield from self._finish()


def _open_brackets(text: str, stack: str) -> str:
    """Return the brackets open at the end of a line: of texts, addresses and attributes."""
    opened = list(stack)
    for match in _BRACKET.finditer(text):
        mark, top = match[0], opened[-1] if opened else ""
        if mark in {"[", "{"}:
            opened.append(mark)
        elif (mark in {"](", "]{"} and top == "[") or (mark == "){" and top == "("):
            opened[-1] = mark[1]
        elif mark[0] == _CLOSES.get(top):
            opened.pop()
    return "".join(opened)
