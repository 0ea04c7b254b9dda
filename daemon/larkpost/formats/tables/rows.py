"""Reads the rows of CSV and TSV from lines; an unclosed quote spoils only its own row.

Quoting follows RFC 4180; the delimiters are commas, semicolons, tabs or bars.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from larkpost.domain import IngestWarning, RejectedRecord
from larkpost.formats.decoding import NumberedLine

DELIMITERS = ",;\t|"
_LONGEST_ROW = 256 * 1024  # characters between two quotes, at most
# Lines after an unclosed quote are read again. Without a limit, a file in which every line seems to
# open a quote would take _LONGEST_ROW characters for each of its lines.
_MOST_REREAD = 16 * _LONGEST_ROW  # characters, and as many again as were read
_DECLARED = re.compile(r"\s*\"?sep=(.)\"?\s*", re.IGNORECASE)  # the first line that Excel reads


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row: where it begins, its cells, its text; ``whole`` if the file does not cut it off."""

    line: int
    cells: list[str]
    text: str
    whole: bool = True


class _UnclosedError(Exception):
    """A quote is open for longer than any cell is."""


def declared_delimiter(line: str) -> str | None:
    """Read the delimiter in ``sep=;``, which Excel writes above the headings."""
    declared = _DECLARED.fullmatch(line)
    return declared[1] if declared else None


def choose_delimiter(heading: str, worth: Callable[[list[str]], int]) -> str:
    """Choose the delimiter with the most ``worth``; of two, the one with more cells."""

    def rate(delimiter: str) -> tuple[int, int]:
        cells = split_line(heading, delimiter)
        return worth(cells), len(cells)

    return max(DELIMITERS, key=rate)


def split_line(line: str, delimiter: str, *, quoted: bool = True) -> list[str]:
    """Split one line into cells."""
    try:
        if not quoted:
            return next(csv.reader([line], delimiter=delimiter, quoting=csv.QUOTE_NONE), [])
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


class TableRows:
    """Reads the rows below the headings; ``width`` is the expected number of cells in each."""

    def __init__(
        self,
        lines: Iterator[NumberedLine | RejectedRecord | IngestWarning],
        delimiter: str,
        width: int,
    ) -> None:
        self._lines = lines
        self._again: deque[NumberedLine] = deque()
        self._taken: list[NumberedLine] = []
        self._size = 0
        self._remarks: list[RejectedRecord | IngestWarning] = []
        self._delimiter = delimiter
        self._width = width
        self._quoting: Literal[0, 3] = csv.QUOTE_MINIMAL
        self._fresh = self._reread = 0  # characters

    def rows(self) -> Iterator[TableRow | RejectedRecord | IngestWarning]:
        """Yield the rows that are not empty, and warnings about the lines."""
        csv.field_size_limit(2 * _LONGEST_ROW)  # one limit for the whole program
        reader = self._reader()
        while True:
            self._taken, self._size = [], 0
            try:
                cells: list[str] | None = next(reader)
            except StopIteration:
                yield from self._remarks
                return
            except (csv.Error, _UnclosedError):
                cells = None
                reader = self._reader()
            yield from self._remarks
            self._remarks = []
            if self._taken and (cells is None or any(cell.strip() for cell in cells)):
                yield self._row(cells)
            if self._quoting == csv.QUOTE_MINIMAL and self._reread > _MOST_REREAD + self._fresh:
                yield self._stop_quoting()
                reader = self._reader()

    def _stop_quoting(self) -> IngestWarning:
        self._quoting = csv.QUOTE_NONE
        why = "so many quotes are not closed that the rest is read as if nothing were quoted"
        return IngestWarning(self._taken[0].number, why)

    def _reader(self) -> Iterator[list[str]]:
        return csv.reader(self._feed(), delimiter=self._delimiter, quoting=self._quoting)

    def _feed(self) -> Iterator[str]:
        while (line := self._next()) is not None:
            self._taken.append(line)
            self._size += len(line.text)
            if self._size > _LONGEST_ROW:
                raise _UnclosedError
            yield line.text + "\n"

    def _next(self) -> NumberedLine | None:
        if self._again:
            again = self._again.popleft()
            self._reread += len(again.text)
            return again
        for line in self._lines:
            if isinstance(line, NumberedLine):
                self._fresh += len(line.text)
                return line
            self._remarks.append(line)
        return None

    def _row(self, cells: list[str] | None) -> TableRow:
        first, last = self._taken[0], self._taken[-1]
        unclosed = sum(line.text.count('"') for line in self._taken) % 2 == 1
        wrong = unclosed or (cells is not None and len(cells) != self._width)
        if cells is None or (wrong and (len(self._taken) > 1 or last.whole)):
            # Perhaps nothing is quoted in this file, and the quote belongs to the text.
            bare = split_line(first.text, self._delimiter, quoted=False)
            below = self._taken[1:2]
            if cells is None or len(bare) == self._width or (unclosed and self._are_rows(below)):
                self._again.extendleft(reversed(self._taken[1:]))
                return TableRow(first.number, bare, first.text)
        whole = last.whole or (len(cells) == self._width and not unclosed)
        text = "\n".join(line.text for line in self._taken)
        return TableRow(first.number, cells, text, whole)

    def _are_rows(self, lines: list[NumberedLine]) -> bool:
        """Return whether lines after an unclosed quote are whole rows on their own."""
        return bool(lines) and all(
            line.text.count('"') % 2 == 0
            and len(split_line(line.text, self._delimiter)) == self._width
            for line in lines
        )
