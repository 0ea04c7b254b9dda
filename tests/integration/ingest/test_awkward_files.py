"""Tests awkward inputs: each has the papers, warnings or error of the table in its folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.helpers.formats.awkward_files import AS_PAPERS, expected, file_names, result_of

from larkpost.db.engine import Store

if TYPE_CHECKING:
    from pathlib import Path

ROWS = expected()


@pytest.mark.parametrize("row", ROWS)
def test_an_awkward_file_gives_what_the_table_says(
    sqlite_url: str, tmp_path: Path, row: str
) -> None:
    store = Store(sqlite_url)

    found = result_of(store, tmp_path, row)

    assert found == ROWS[row]
    store.close()


def test_every_awkward_file_has_a_row_and_there_are_eighty_at_least() -> None:
    names = {row.removesuffix(AS_PAPERS) for row in ROWS}

    assert names == file_names()
    assert len(names) >= 80


def test_every_refusal_says_what_to_try() -> None:
    refusals = [row for row in ROWS.values() if "refused" in row]

    assert len(refusals) > 40
    assert all(row["try"] for row in refusals)
