"""Tests that the cost of a table grows with its length only, not with rows times columns."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from tests.helpers.timing import executed_lines

from larkpost.domain import IngestWarning, PaperRecord
from larkpost.errors import UnreadableDump, UsageError
from larkpost.formats.references import MOST_COLUMNS, read_references
from larkpost.formats.tables import rows
from larkpost.formats.tables.table import Table
from larkpost.text.record_limits import LINKS

if TYPE_CHECKING:
    from collections.abc import Callable

NEAR = date(2026, 11, 27)
ZOTERO = "Key,Item Type,Abstract Note,Title{}\n"
RATINGS = "rating,arxiv_id{}\n"


def read_dump(text: str) -> list[object]:
    """Read a table as a dump."""
    return list(Table().read(BytesIO(text.encode()), NEAR))


@pytest.mark.parametrize(
    ("read", "headings"),
    [(read_references, ZOTERO), (read_references, RATINGS), (read_dump, "title,id{}\n")],
    ids=["Zotero's table", "ratings", "dump"],
)
def test_many_headings_above_short_rows_cost_no_more_than_few(
    read: Callable[[str], object], headings: str
) -> None:
    few, many = (headings.format(",a" * wide) + "x\n" * 300 for wide in (5, 95))

    assert executed_lines(lambda: read(many)) < 2 * executed_lines(lambda: read(few))


def test_a_list_with_more_columns_than_any_program_writes_is_refused() -> None:
    with pytest.raises(UsageError, match="more than 1,000 columns"):
        read_references(ZOTERO.format(",a" * MOST_COLUMNS) + "x\n")


def test_a_row_with_more_cells_than_any_program_writes_is_skipped() -> None:
    text = ZOTERO.format("") + f"a,b,c,Long{',' * MOST_COLUMNS}\na,b,c,Usual\n"

    assert [one.title for one in read_references(text)] == ["Usual"]


def test_a_short_row_has_the_cells_that_it_has() -> None:
    text = "Key,Item Type,Title,Abstract Note,DOI\nA,b,Short\nB,b,Whole,Text,10.1000/182\n"

    short, whole = read_references(text)

    assert (short.title, short.abstract, short.identifiers) == ("Short", "", ())
    assert (whole.title, whole.abstract) == ("Whole", "Text")
    assert [str(one) for one in whole.identifiers] == ["doi:10.1000/182"]


def test_a_dump_with_more_columns_than_any_program_writes_is_refused() -> None:
    with pytest.raises(UnreadableDump, match="1,003 columns, and 1,000 are possible"):
        read_dump("title,id" + ",a" * 1_001 + "\nOne,2106.09685\n")


def test_columns_that_share_a_key_are_joined_in_linear_time() -> None:
    few, many = (
        "title" + ",code" * wide + "\n" + ("x" + ",https://a.example" * wide + "\n")
        for wide in (100, 400)
    )

    (record,) = (one for one in read_dump(many) if isinstance(one, PaperRecord))

    assert len(record.links) == LINKS.most
    assert executed_lines(lambda: read_dump(many)) < 6 * executed_lines(lambda: read_dump(few))


def test_quotes_that_are_never_closed_are_not_read_again_for_each_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rows, "_LONGEST_ROW", 1_000)
    monkeypatch.setattr(rows, "_MOST_REREAD", 4_000)
    fed = 0
    real = rows.TableRows._next

    def count(table: rows.TableRows) -> object:
        nonlocal fed
        fed += 1
        return real(table)

    monkeypatch.setattr(rows.TableRows, "_next", count)

    records = read_dump("title,abstract\n" + 'a","\n' * 1_000)

    assert fed < 4_000
    assert sum(isinstance(one, PaperRecord) for one in records) == 1_000
    (warning,) = (one for one in records if isinstance(one, IngestWarning))
    assert "quotes are not closed" in warning.text
