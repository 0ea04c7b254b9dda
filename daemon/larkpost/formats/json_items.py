"""Finds the objects in JSON: one per line, in a list, or in a list within an object."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO, cast

from larkpost.domain import IngestWarning, RejectedRecord
from larkpost.errors import UnreadableDump
from larkpost.formats.decoding import LONGEST_LINE, NumberedLine, decode, lines, read_whole

_SHOWN = 2_000  # characters of a rejected item that are shown
_MOST_BROKEN = 50  # items of a list; the place of each is found by counting lines from the top
_DEEPEST = 4  # nested objects around a list
# Lists and objects of a file that is read as a whole; 10,000 papers have about 400,000. Millions of
# empty ones take seconds to decode, during which no other thread runs, and much memory.
MOST_BRACKETS = 1_500_000
_DECODER = json.JSONDecoder(strict=False)  # accepts a raw line end in a text
_BETWEEN = re.compile(r"[\s,\[\]]*+")


@dataclass(frozen=True, slots=True)
class JsonItem:
    """One value of a file, and where it begins: ``line``, and ``place`` if the line has several."""

    line: int
    value: Any
    text: str
    place: str = ""


def json_head(head: bytes) -> str:
    """Decode the beginning of a file; empty if it does not begin a JSON object or list."""
    text = decode(head).lstrip("\ufeff\0 \t\r\n")
    return text if re.match(r"\{|\[\s*[{\]]", text) else ""


def json_items(dump: BinaryIO) -> Iterator[JsonItem | RejectedRecord | IngestWarning]:
    """Yield the items of a dump in order, and rejections of unreadable parts.

    A file that begins with a list, or with an object over several lines, is read as a whole; all
    others line by line. The items of a list, or of an object that only contains a list, are
    yielded. Raises UnreadableDump for a list of more than ``LARGEST_LIST`` bytes.
    """
    head = dump.read(LONGEST_LINE)
    stream = cast("BinaryIO", HeadFirst(head, dump))
    if _is_whole(head):
        yield from _Walk(read_json(stream), 1, numbered=True).items()
        return
    for line in lines(stream):
        if isinstance(line, NumberedLine):
            yield from _line_items(line)
        else:
            yield line


def _line_items(line: NumberedLine) -> Iterator[JsonItem | RejectedRecord]:
    """Yield the items of a line; nearly all lines are one paper and nothing else.

    A line that begins with a broken object has no other item: it is decoded only once.
    """
    walk = _Walk(line.text, line.number, ended=line.whole)
    if not line.text.startswith("{"):
        yield from walk.items()
        return
    try:
        value, end = _DECODER.raw_decode(line.text)
    except (ValueError, RecursionError) as error:
        yield walk.reject(0, error)
        return
    if end == len(line.text) and _is_paper(value):
        yield JsonItem(line.number, value, line.text[:_SHOWN])
    else:
        yield from walk.items()


class HeadFirst:
    """A stream whose ``head`` was read before: returns the head again, then the rest."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = BytesIO(head)
        self._rest = rest

    def read(self, size: int = -1) -> bytes:
        """Read up to ``size`` bytes, or all bytes if it is negative; returns none at the end."""
        if size < 0:
            return self._head.read() + self._rest.read()
        head = self._head.read(size)
        return head + self._rest.read(size - len(head)) if len(head) < size else head


def _is_whole(head: bytes) -> bool:
    first, end, _ = json_head(head).partition("\n")
    if first.startswith("["):
        return True
    return first.startswith("{") and (not end or first.rstrip().endswith(("{", "[", ",")))


def items_from(text: str, at: int) -> Iterator[JsonItem | RejectedRecord]:
    """Yield the items of the list that begins at ``at``; the text after the list is ignored.

    An item that cannot be read, or that the end of the file cuts off, is rejected with its place.
    """
    walk = _Walk(text, text.count("\n", 0, at) + 1, numbered=True)
    walk.at = at
    walk.one_list = True
    yield from walk.items()


def read_json(dump: BinaryIO) -> str:
    """Read a file that is one JSON value.

    Raises UnreadableDump over ``LARGEST_LIST`` bytes, or ``MOST_BRACKETS`` lists and objects.
    """
    hint = "write an object per line, which is read at any size: jq -c '.[]' FILE"
    text = decode(read_whole(dump, "one JSON list", hint=hint))
    if text.count("[") + text.count("{") > MOST_BRACKETS:
        raise UnreadableDump(f"it has more than {MOST_BRACKETS:,} lists and objects", hint=hint)
    return text


class _Walk:
    """Walks through a text of JSON values; brackets and commas between them are separators."""

    def __init__(
        self, text: str, line: int, *, ended: bool = False, numbered: bool = False
    ) -> None:
        self.text = text
        self.line = line
        self.ended = ended  # whether the text is complete: its line has an end
        self.numbered = numbered
        self.at = 0
        self.depth = 0
        self.count = 0
        self.broken = 0
        self.one_list = False  # whether the walk ends at the end of its first list

    def items(self) -> Iterator[JsonItem | RejectedRecord]:
        """Yield the items; invalid JSON ends the walk, unless the next item can be found."""
        while (start := self._between()) < len(self.text):
            if self.one_list and not self.depth:
                return
            try:
                value, end = _DECODER.raw_decode(self.text, start)
            except (ValueError, RecursionError) as error:
                self.count += 1
                yield self.reject(start, error)
                end = self._next(start, error)
            else:
                shown = self.text[start : min(end, start + _SHOWN)]
                # An object may only contain the list of papers.
                for one in _papers_in(value, _DEEPEST) or [value]:
                    self.count += 1
                    yield JsonItem(self.line, one, shown, self._place())
            self._advance(end)
        if self.depth and self.at <= len(self.text):
            yield self._reject_open_list()

    def _between(self) -> int:
        """Skip the separator of two items; returns the start of the next one."""
        match = _BETWEEN.match(self.text, self.at)
        between = match[0] if match else ""
        self.depth += between.count("[") - between.count("]")
        self._advance(self.at + len(between))
        return self.at

    def _advance(self, to: int) -> None:
        self.line += self.text.count("\n", self.at, to)
        self.at = to

    def _place(self) -> str:
        return f"item {self.count}: " if self.numbered else ""

    def reject(self, start: int, error: Exception) -> RejectedRecord:
        """Reject the item at ``start``, which could not be decoded."""
        cut = not self.ended and self._is_cut(error)
        what = f"this is not JSON ({_reason(error)})"
        if cut:
            what = "the file ends in the middle of this record"
        text = self.text[start : start + _SHOWN]
        return RejectedRecord(self.line, self._place() + what, text, cut=cut)

    def _is_cut(self, error: Exception) -> bool:
        if not isinstance(error, json.JSONDecodeError):
            return False
        near = len(self.text.rstrip()) - error.pos < len("\\ud83d")
        return near or not self.numbered or error.msg.startswith("Unterminated string")

    def _next(self, start: int, error: Exception) -> int:
        """Find the next item after a broken one: it begins a line with the same indentation."""
        indent = self.text[self.text.rfind("\n", 0, start) + 1 : start]
        self.broken += 1
        if not self.numbered or indent.strip() or self.broken == _MOST_BROKEN:
            return self._end
        if not isinstance(error, json.JSONDecodeError):
            return self._end
        found = self.text.find(f"\n{indent}{{", error.pos)
        return found if found >= 0 else self._end

    @property
    def _end(self) -> int:
        return len(self.text) + 1  # an unclosed list is reported at the text's own end

    def _reject_open_list(self) -> RejectedRecord:
        if self.ended:
            return RejectedRecord(self.line, "this is not JSON (a list is not closed)")
        return RejectedRecord(self.line, "the file ends in the middle of a list", cut=True)


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, json.JSONDecodeError) else type(error).__name__


def _papers_in(value: object, depth: int) -> list[Any]:
    if not isinstance(value, dict) or not depth or _is_paper(value):
        return []
    for inner in value.values():
        if isinstance(inner, list) and any(map(_is_paper, inner)):
            return inner
        if found := _papers_in(inner, depth - 1):
            return found
    return []


def _is_paper(value: object) -> bool:
    return isinstance(value, dict) and ("title" in value or isinstance(value.get("paper"), dict))
