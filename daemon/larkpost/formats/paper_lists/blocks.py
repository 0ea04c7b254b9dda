"""Blocks of text with their links, the common form of pages, alert mails and Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

CELL = " | "  # separates the cells of a row
_MARKUP = re.compile(r"([\\\[\]])")


@dataclass(frozen=True, slots=True)
class TextLink:
    """A link within a block: its address, and the position of its text in the block's text."""

    url: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class TextBlock:
    """A paragraph, a heading, an item of a list, or a cell: one line of text.

    ``level`` is the level of a heading, 1 to 6 (0: none); ``item``: it begins an item of a list;
    ``first``: it follows an empty line or begins a new element, and continues no line above.
    ``line`` counts the lines of the file from 1.
    """

    text: str
    links: tuple[TextLink, ...] = ()
    level: int = 0
    item: bool = False
    first: bool = True
    line: int = 0

    def words_of(self, link: TextLink) -> str:
        """Return the text of a link."""
        return self.text[link.start : link.end].strip()


def page_text(blocks: Iterable[TextBlock]) -> str:
    """Write blocks as Markdown, so that the parser of pages finds headings and links again."""
    return "\n\n".join(_markdown(block) for block in blocks)


def _markdown(block: TextBlock) -> str:
    pieces, at = ["#" * block.level + " " if block.level else ""], 0
    for link in block.links:
        words = _MARKUP.sub(r"\\\1", block.text[link.start : link.end])
        pieces += [block.text[at : link.start], f"[{words}]({link.url})" if link.url else words]
        at = link.end
    return "".join([*pieces, block.text[at:]])
