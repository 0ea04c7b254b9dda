"""Removes links, pictures and escapes of Markdown from the text of a page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token as MarkdownToken

# Text with more brackets than this is not a page; the parser's time is quadratic in the number of
# unclosed ones.
_MOST_BRACKETS = 200
_MOST_UNCLOSED = 12
_LONGEST = 60_000  # characters
_SHORT = 200  # characters; a line of this length with a link in it is page furniture, not prose
PICTURE = "\ufffc"  # replaces a picture (OBJECT REPLACEMENT CHARACTER)
_PLACEHOLDER = re.compile(
    r"(?<!!)\[(?:图片|图像|画像|이미지|image|picture|img|inline|photo|logo|avatar|thumbnail|bild)"
    r"(?![^\W\d_])[^\[\]\n]{0,200}\](?!\()",
    re.IGNORECASE,
)
_SPAN = re.compile(r"\[([^\[\]\n]{0,200})\]\{[.#][^{}]{0,300}\}")  # pandoc's [text]{.class}
_ATTRIBUTES = re.compile(r"(?<=[)\]`])\{[.#][^{}]{0,300}\}")
_BROKEN_ADDRESS = re.compile(r"(\]\([^()\s]{1,300})\n\s*(?=[^()\s]{1,300}\))")
_REFERENCE = re.compile(r"\]\[(\d{1,4})\]")
_HARD_BREAK = re.compile(r"\\+$", re.MULTILINE)
_ESCAPED = re.compile(r"\\(?=[_*`\[\]])")
_SEPARATORS = re.compile(r"[\s·•|/;+*\\\u2013\u2014-]*")
_BULLET = re.compile(r"[\s*•+\\-]*")
_ITEM = re.compile(r"\s*(?:[*+•-]|\d{1,3}[.)]|$)(?:\s|$)")
_PAPER = re.compile(r"/papers/\d{4}\.\d{4,5}(?:v\d+)?(?:[?/]|$)|arxiv\.org/abs/")
_LONGEST_BESIDE = 120  # characters next to a paper's title on one line: votes, authors, a day
_COUNT = re.compile(r"\s*\d{1,6}\s*")
_DISCUSSION = ("#community", "/login")  # the ends of addresses that lead to no paper


@dataclass(frozen=True, slots=True)
class MarkdownSpan:
    """Text within one line.

    ``url`` is the target of its link, empty if unknown, None without a link; ``link`` counts the
    links.
    """

    text: str
    url: str | None = None
    link: int = 0


def unlinked_lines(
    text: str, links: Mapping[str, str], *, markdown: bool
) -> list[tuple[str, str | None]]:
    """Return the lines of a text without markup, each with the address if all of it is a link.

    ``links`` are the addresses of a text browser's numbered links. ``markdown`` says that the whole
    page is Markdown, so that escapes are removed, too; emphasis stays, because abstracts contain
    stars of their own. A line of several links becomes one line per link; links within prose stay.
    """
    opened, closed = text.count("["), text.count("]")
    if opened > min(_MOST_BRACKETS, closed + _MOST_UNCLOSED) or len(text) > _LONGEST:
        return [(line, None) for line in text.split("\n")]
    text = _BROKEN_ADDRESS.sub(r"\1", _PLACEHOLDER.sub(PICTURE, text))
    text = _HARD_BREAK.sub("", _ATTRIBUTES.sub("", _SPAN.sub(r"\1", text)))
    references = {
        number: {"href": links.get(number, ""), "title": ""} for number in _REFERENCE.findall(text)
    }
    (inline,) = _parser(markdown).parseInline(text, {"references": references})
    lines: list[tuple[str, str | None]] = []
    for pieces in _join_wrapped(_lines(inline.children or [])):
        lines += _without_marks(pieces)
    return lines


@cache
def _parser(markdown: bool) -> MarkdownIt:
    from markdown_it import MarkdownIt  # late: most commands read no page

    rules = ["link", "image", "autolink", "newline"]
    if markdown:
        rules += ["escape", "backticks"]
    return MarkdownIt("zero").enable(rules)


def _lines(tokens: Sequence[MarkdownToken]) -> Iterator[list[MarkdownSpan]]:
    """Split the parsed text at its line ends."""
    pieces: list[MarkdownSpan] = []
    url: str | None = None
    link = 0
    for token in tokens:
        match token.type:
            case "softbreak" | "hardbreak":
                yield pieces
                pieces = []
            case "link_open":
                url, link = str(token.attrGet("href") or ""), link + 1
            case "link_close":
                url = None
            case _ if text := _shown_text(token):
                pieces.append(MarkdownSpan(text, url, link if url is not None else 0))
    yield pieces


def _shown_text(token: MarkdownToken) -> str:
    match token.type:
        case "code_inline":
            return f"{token.markup}{_ESCAPED.sub('', token.content)}{token.markup}"
        case "image":
            return PICTURE
        case _:
            return token.content


def _join_wrapped(lines: Iterable[list[MarkdownSpan]]) -> Iterator[list[MarkdownSpan]]:
    """Join two lines if a wrapped link with text after it covers both: a wrapped name."""
    held: list[MarkdownSpan] = []
    for pieces in lines:
        wrapped = held and pieces and held[-1].link == pieces[0].link != 0
        if wrapped and pieces[-1].link != pieces[0].link and not _ITEM.match(pieces[0].text):
            pieces = [*held, MarkdownSpan(" ", held[-1].url, held[-1].link), *pieces]
        elif held:
            yield held
        held = pieces
        if not pieces:
            yield pieces
    if held:
        yield held


def _without_marks(pieces: Sequence[MarkdownSpan]) -> list[tuple[str, str | None]]:
    """Split a line into its links if it contains nothing else; else return it as one text."""
    text = "".join(piece.text for piece in pieces)
    if PICTURE in text and _BULLET.fullmatch(text.replace(PICTURE, "")):
        return []
    linked = _join_pieces(pieces)
    beside = [piece.text for piece in linked if piece.url is None]
    if len(beside) < len(linked) and all(map(_SEPARATORS.fullmatch, beside)):
        return [(_bare(piece.text), piece.url) for piece in linked if piece.url is not None]
    papers = sum(_PAPER.search(piece.url or "") is not None for piece in linked)
    if papers == 1 and len("".join(beside)) <= _LONGEST_BESIDE:
        return [(_bare(_beside_text(piece)), piece.url) for piece in linked if piece.text.strip()]
    if len(text) <= _SHORT:
        return [(_bare("".join(map(_beside_text, linked))), None)]
    return [(_bare("".join(map(_within_prose, linked))), None)]


def _join_pieces(pieces: Sequence[MarkdownSpan]) -> list[MarkdownSpan]:
    """Join neighbours that belong to the same link, or to none."""
    joined: list[MarkdownSpan] = []
    for piece in pieces:
        if joined and joined[-1].url == piece.url:
            joined[-1] = MarkdownSpan(joined[-1].text + piece.text, piece.url, piece.link)
        else:
            joined.append(piece)
    return joined


def _bare(text: str) -> str:
    return text.replace(PICTURE, "").rstrip()


def _beside_text(piece: MarkdownSpan) -> str:
    """Write a link in a short line: a count of comments in brackets, any other link as its text."""
    if piece.url is None:
        return piece.text
    if _COUNT.fullmatch(piece.text):
        return f"[{piece.text.strip()}]"
    return "" if piece.url.endswith(_DISCUSSION) else piece.text


def _within_prose(piece: MarkdownSpan) -> str:
    return piece.text if not piece.url else f"[{piece.text}]({piece.url})"
