"""Removes HTML tags from lines of text; links become Markdown links."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from html import unescape
from typing import TYPE_CHECKING

from larkpost.formats.page.markdown import PICTURE

if TYPE_CHECKING:
    from larkpost.formats.page.page_lines import PageLine

_MOST_JOINED = 30  # lines of one tag
_NAMES = (
    r"a|abbr|article|aside|b|blockquote|br|button|center|code|div|em|figure|font|footer|form"
    r"|h[1-6]|header|hr|i|img|input|label|li|main|mark|nav|ol|p|path|picture|pre|section|small"
    r"|source|span|strong|sub|sup|svg|table|tbody|td|th|thead|time|tr|tt|u|ul|video|wbr"
)
# Up to the next opening bracket: a search for the end from each one would take quadratic time.
_COMMENT = r"<!--(?:[^<-]|<(?!!--)|-(?!->))*-->"
_TAG = re.compile(
    rf"<(?P<close>/?)(?P<name>{_NAMES})(?P<rest>(?:\s[^<>]*)?)/?>|{_COMMENT}", re.IGNORECASE
)
_UNCLOSED = re.compile(rf"<(?:{_NAMES})(?:\s[^<>]*)?$", re.IGNORECASE)
_ADDRESS = re.compile(r"""\bhref\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_BULLET = re.compile(r"[\s*•+-]*")


def has_tags(text: str) -> bool:
    """Return whether a line contains an HTML tag; ``<eos>`` is not one."""
    return "<" in text and (_TAG.search(text) or _UNCLOSED.search(text)) is not None


def without_tags(lines: Iterable[PageLine]) -> Iterator[PageLine]:
    """Yield the lines without tags; tags and links may extend over several lines."""
    opened: list[str] = []  # addresses of the open links
    pending: list[PageLine] = []  # lines of an unclosed tag
    for line in lines:
        pending.append(line)
        if _UNCLOSED.search(_join(pending)) and len(pending) < _MOST_JOINED:
            continue
        yield replace(pending[0], text=_strip_tags(_join(pending), opened), whole=line.whole)
        pending = []
    for line in pending:
        yield replace(line, text=_strip_tags(line.text, opened))


def _join(lines: Iterable[PageLine]) -> str:
    first, *others = (line.text for line in lines)
    return " ".join([first, *(text.strip() for text in others)])


def _strip_tags(text: str, opened: list[str]) -> str:
    if "<" not in text:
        return text
    plain = _TAG.sub(lambda match: _in_markdown(match, opened), text)
    return "" if _BULLET.fullmatch(plain.replace(PICTURE, "")) and plain != text else plain


def _in_markdown(tag: re.Match[str], opened: list[str]) -> str:
    """Write a tag in Markdown: links and pictures are kept, other tags are removed."""
    name = (tag["name"] or "").lower()
    if name == "img":
        return PICTURE
    if name != "a":
        return " " if name in {"br", "p", "div", "li", "td"} else ""
    if not tag["close"]:
        address = _ADDRESS.search(tag["rest"])
        opened.append(unescape(address[1] or address[2] or "") if address else "")
        return "["
    return f"]({opened.pop()})" if opened else ""
