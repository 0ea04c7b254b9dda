"""Splits Markdown and plain text into blocks with their links; a line is a block."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import pairwise
from typing import BinaryIO

from larkpost.formats.decoding import NumberedLine, lines
from larkpost.formats.page.page_lines import QUOTE_MARKS, UNDERLINE, find_notes
from larkpost.formats.page.title_or_abstract import is_name, people
from larkpost.formats.paper_lists.blocks import TextBlock, TextLink

_LONGEST = 20_000  # characters of a line in which links are searched for
_WRAPPED, _UNWRAPPED = 55, 130  # characters of a line that continues in the next
_MOST_JOINED = 100  # lines of one paragraph
_HEADING = re.compile(r"\s{0,3}(?P<marks>#{1,6})\s+(?P<text>\S.*?)(?:\s#+)?\s*")
_RULE = re.compile(r"\s{0,3}(?:[-=_*~]\s*){3,}")
_ITEM = re.compile(r"\s*(?:[*+•‣◦-]|\(?\d{1,4}[.)]|\[\d{1,4}\](?![(\[:]))\s+(?=\S)")
_CELLS = re.compile(r"\s*\|")
_LINK = re.compile(
    r"(?P<picture>!?)\[(?P<text>(?:[^\[\]\\]|\\.|\[[^\[\]]{0,100}\]){0,600})\]"
    r"(?:\(\s{0,3}<?(?P<url>https?://(?:[^\s()<>]|\([^\s()<>]*\))+)>?(?:\s+[\"'][^\"'()]{0,200}[\"'])?\s{0,3}\)"
    r"|\[(?P<reference>[^\[\]]{1,60})\])"
    r"|<(?P<angle>https?://[^\s<>]{1,2000})>"
    r"|(?P<bare>https?://(?:[^\s()<>\[\]\"'`]|\([^\s()<>]*\))+)"
    r"|\b(?:arxiv:\s?(?P<arxiv>\d{4}\.\d{4,5}(?:v\d{1,3})?)|doi:\s?(?P<doi>10\.\d{4,9}/[^\s\[\]()]+))",
    re.IGNORECASE,
)
_DEFINITION = re.compile(r"\s{0,3}\[(?P<name>[^\[\]]{1,60})\]:\s+<?(?P<url>https?://[^\s<>]+)>?.*")
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+.!|~>-])")
_EMPHASIS = re.compile(
    r"(\*{1,3}|(?<!\w)_{1,3})(?=[^\s*_])"
    r"((?:[^*_\n]|(?<=\w)_(?=\w)){1,600}?)(?<=[^\s*_])\1(?!\w)"
)


def markdown_blocks(dump: BinaryIO) -> Iterator[TextBlock]:
    """Yield the lines with text as blocks; lines that only define a link's address are left out."""
    given = [line for line in lines(dump) if isinstance(line, NumberedLine)]
    notes = {line.number for line in find_notes(given)}
    references = {
        match["name"].casefold(): match["url"]
        for line in given
        if len(line.text) <= _LONGEST and (match := _DEFINITION.fullmatch(line.text))
    }
    lengths = (len(line.text) for line in given)
    width = max((length for length in lengths if length <= _UNWRAPPED), default=0)
    yield from _join_wrapped(_line_blocks(given, notes, references), width)


def _line_blocks(
    given: Sequence[NumberedLine], notes: AbstractSet[int], references: Mapping[str, str]
) -> Iterator[TextBlock]:
    first = True
    for line, following in pairwise([*given, NumberedLine(0, "")]):
        text = QUOTE_MARKS.sub("", line.text, count=1)
        if line.number in notes or not text.strip() or _RULE.fullmatch(text):
            first = True
        elif not (references and _DEFINITION.fullmatch(text)):
            below = UNDERLINE.fullmatch(following.text)
            yield from _blocks(text, references, line.number, first, underlined=bool(below))
            first = False


def _join_wrapped(blocks: Iterable[TextBlock], width: int) -> Iterator[TextBlock]:
    """Join the lines of a paragraph that was wrapped; a line of names stays separate.

    ``width`` is the length of the longest line that may have been wrapped.
    """
    held: list[TextBlock] = []
    for block in blocks:
        if held and not (_goes_on(held[-1], block, width) and len(held) < _MOST_JOINED):
            yield _joined(held)
            held = []
        held.append(block)
    if held:
        yield _joined(held)


def _goes_on(above: TextBlock, below: TextBlock, width: int) -> bool:
    if below.first or below.level or below.links or above.level or people(below.text):
        return False
    if is_name(below.text) and len(above.text) + 1 + len(below.text.split()[0]) <= width:
        return False  # the next word would have fitted: the line ends before a name
    at_margin = not above.links and not people(above.text)
    return at_margin and _WRAPPED <= len(above.text) <= _UNWRAPPED >= len(below.text)


def _joined(held: Sequence[TextBlock]) -> TextBlock:
    if len(held) == 1:
        return held[0]
    return replace(held[0], text=" ".join(block.text for block in held))


def _blocks(
    text: str, references: Mapping[str, str], number: int, first: bool, *, underlined: bool
) -> Iterator[TextBlock]:
    """Make a block of a line, or of a row of a table."""
    if _CELLS.match(text):
        plain, links = _links(text.strip().strip("|").strip(), references)
        if plain.strip(" |:-"):
            yield TextBlock(plain, links, item=True, line=number)
        return
    heading = _HEADING.fullmatch(text) if text.lstrip().startswith("#") else None
    level = len(heading["marks"]) if heading else 2 * underlined
    text = heading["text"] if heading else text
    item = _ITEM.match(text)
    plain, links = _links(text[item.end() :] if item else text.strip(), references)
    if plain:
        yield TextBlock(
            plain, links, level=level, item=bool(item), first=first or bool(item), line=number
        )


def _links(text: str, references: Mapping[str, str]) -> tuple[str, tuple[TextLink, ...]]:
    """Remove the marks of links and emphasis from a line."""
    if len(text) > _LONGEST:
        return " ".join(text.split()), ()
    made, length, at = [], 0, 0
    links: list[TextLink] = []
    for match in _LINK.finditer(text):
        before = _plain(text[at : match.start()])
        if before.strip() in ("**", "__", "*", "_"):
            before = ""
        words, url = _link(match, references)
        made += [before, words]
        start = length + len(before)
        length = start + len(words)
        at = match.end()
        if url and words:
            links.append(TextLink(url, start, length))
    made.append(_plain(text[at:]))
    return "".join(made).rstrip(), tuple(links)


def _link(match: re.Match[str], references: Mapping[str, str]) -> tuple[str, str]:
    """Return the text and the address of a link; the address of a picture is left out."""
    if match["picture"]:
        return "", ""
    if match["arxiv"]:
        return match[0], f"https://arxiv.org/abs/{match['arxiv']}"
    if match["doi"]:
        return match[0], f"https://doi.org/{match['doi'].rstrip('.,;')}"
    if match["text"] is None:
        url = match["angle"] or match["bare"].rstrip(".,;:!?*")
        return url, url
    url = match["url"] or references.get((match["reference"] or "").casefold(), "")
    return _plain(match["text"]), url


def _plain(text: str) -> str:
    """Remove emphasis and escapes from a piece of a line; white space stays at its ends."""
    if "*" in text or "_" in text:
        text = _EMPHASIS.sub(r"\2", text)
        if text.strip() and set(text.strip()) <= {"*", "_"}:
            text = ""
    return _ESCAPED.sub(r"\1", text).replace("`", "") if "\\" in text or "`" in text else text
