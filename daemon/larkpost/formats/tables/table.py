"""Reads papers from CSV and TSV with a line of headings, one of them for titles."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import BinaryIO, ClassVar

from larkpost.domain import IngestWarning, Record, RejectedRecord
from larkpost.errors import UnreadableDump
from larkpost.formats.decoding import NumberedLine, decode, lines
from larkpost.formats.feeds.any_feed import paper_of
from larkpost.formats.json_fields import records_of
from larkpost.formats.json_items import JsonItem
from larkpost.formats.tables.columns import key_of, row_fields, unknown_headings
from larkpost.formats.tables.rows import (
    TableRow,
    TableRows,
    choose_delimiter,
    declared_delimiter,
    split_line,
)

_HEAD = 64 * 1024
_ENDINGS = re.compile(r"\.(?:csv|tsv|tab)$", re.IGNORECASE)
_ELSE = ("{", "[", "<", "@", "%", "|")  # JSON, XML, BibTeX, EndNote, Markdown
_LONGEST_HEADINGS = 20_000  # characters
_MOST_HEADINGS = 1_000  # Scopus exports 60, OpenAlex 180
_SHOWN = 10  # headings
_HINT = "the headings that are known are in docs/formats.md"
_NO_ROWS = "the table has headings and no rows: 0 papers"


class Table:
    """A table of papers, one row per paper."""

    name: ClassVar[str] = "table"

    def recognises(self, head: bytes, filename: str) -> bool:
        """Recognise a heading of titles, with another known one or the file name's extension."""
        return is_table(decode(head[:_HEAD]), filename)

    def read(
        self,
        dump: BinaryIO,
        near: date | None = None,  # noqa: ARG002 - years are always given
    ) -> Iterator[Record]:
        """Yield one record per row; an unusable one is rejected with the reason.

        Raises UnreadableDump if no heading is for titles, or no row is usable.
        """
        yield from records_of(_items(dump), paper_of, hint=_HINT, empty=_NO_ROWS)


def is_table(text: str, filename: str) -> bool:
    """Return whether a text begins with headings of papers; one is enough if the name says CSV."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff\0 \t\n")
    first, _, rest = text.partition("\n")
    if declared_delimiter(first):
        first = rest.partition("\n")[0]
    if first.startswith(_ELSE) or len(first) > _LONGEST_HEADINGS:
        return False
    known = _known(split_line(first.strip(), _delimiter(first)))
    return "title" in known and len(known) >= (1 if _ENDINGS.search(filename) else 2)


def _known(headings: Sequence[str]) -> set[str]:
    return {key for one in headings if (key := key_of(one))}


def _delimiter(line: str) -> str:
    return choose_delimiter(line.strip(), lambda cells: len(_known(cells)))


def _items(dump: BinaryIO) -> Iterator[JsonItem | RejectedRecord | IngestWarning]:
    remarks: list[RejectedRecord | IngestWarning] = []
    told = lines(dump)
    heading, delimiter = _headings(told, remarks)
    yield from remarks
    headings = split_line(heading.text.strip(), delimiter)
    if len(headings) > _MOST_HEADINGS:
        raise UnreadableDump(
            f"it has {len(headings):,} columns, and {_MOST_HEADINGS:,} are possible", hint=_HINT
        )
    keys = [key_of(one) for one in headings]
    if "title" not in keys:
        raise UnreadableDump("no column of it is headed “title”", hint=_HINT)
    if unknown := unknown_headings(headings):
        shown = ", ".join(unknown[:_SHOWN]) + (", …" if len(unknown) > _SHOWN else "")
        yield IngestWarning(heading.number, f"columns that are not known are left out: {shown}")
    for row in TableRows(told, delimiter, len(keys)).rows():
        yield _item(row, keys) if isinstance(row, TableRow) else row


def _headings(
    told: Iterator[NumberedLine | RejectedRecord | IngestWarning],
    remarks: list[RejectedRecord | IngestWarning],
) -> tuple[NumberedLine, str]:
    """Read up to the headings; returns them and the delimiter."""
    declared = None
    for line in told:
        if not isinstance(line, NumberedLine):
            remarks.append(line)
        elif line.text.strip():
            if declared is None and (declared := declared_delimiter(line.text)):
                continue
            return line, declared or _delimiter(line.text)
    raise UnreadableDump("there is no line of headings in it")


def _item(row: TableRow, keys: Sequence[str]) -> JsonItem | RejectedRecord:
    if not row.whole:
        return RejectedRecord(
            row.line, "the file ends in the middle of this row", row.text, cut=True
        )
    if any(cell.strip() for cell in row.cells[len(keys) :]):
        reason = f"it has {len(row.cells)} cells, and there are {len(keys)} headings"
        reason += ": a text with the mark between cells is not quoted"
        return RejectedRecord(row.line, reason, row.text)
    return JsonItem(row.line, row_fields(keys, row.cells), row.text)
