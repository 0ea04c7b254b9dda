"""Finds the links in a text, so that a page can set words and links safely."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from larkpost.text.identifiers import LONGEST_LINK
from larkpost.text.urls import encode_url

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINK = re.compile(r"https?://[^\s<>\"'`{}|\\^\x00-\x20]+", re.IGNORECASE)
_TRAIL = ".,;:!?*_~”’»"  # noqa: RUF001 - quotes as they are printed
_PAIRS = {")": "(", "]": "["}


class TextSpan(NamedTuple):
    """A stretch of text; ``href`` is where it leads, empty where it is no link."""

    text: str
    href: str = ""


def find_links(text: str) -> list[TextSpan]:
    """Find the web addresses (http and https only) in a text; the pieces join to it again."""
    return [piece for piece in _pieces(text) if piece.text]


def _pieces(text: str) -> Iterator[TextSpan]:
    end = 0
    for match in _LINK.finditer(text):
        link = _trim(match[0])
        href = encode_url(link)
        if href and len(href) <= LONGEST_LINK:
            yield TextSpan(text[end : match.start()])
            yield TextSpan(link, href)
            end = match.start() + len(link)
    yield TextSpan(text[end:])


def _trim(link: str) -> str:
    """Leave out what belongs to the sentence: a full stop, a bracket that was opened outside."""
    while link:
        last = link[-1]
        outside = last in _PAIRS and link.count(last) > link.count(_PAIRS[last])
        if last not in _TRAIL and not outside:
            break
        link = link[:-1]
    return link
