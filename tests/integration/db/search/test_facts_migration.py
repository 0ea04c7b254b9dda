"""Tests the migration after which categories and organisations can be searched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from tests.helpers.factories import search_papers
from tests.helpers.old_databases import Before, left_at

from larkpost.db import migrations, papers
from larkpost.db.search import index
from larkpost.db.search.tokenize import index_document
from larkpost.domain import PaperRecord

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from larkpost.db.engine import Store


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Open a store of before that; once on each kind of database."""
    with left_at("0018", request, tmp_path) as store:
        yield store


def test_categories_and_organisations_of_known_papers_are_found_and_changed(old: Store) -> None:
    with old.begin() as connection:
        for number in (1, 2):
            Before(connection).paper(number)
        told = (
            "UPDATE paper SET categories = '[\"cs.CL\"]', organisation = 'Wax House' WHERE id = 1"
        )
        connection.execute(text(told))
        insert = "INSERT INTO identifier (scheme, value, paper_id) VALUES ('arxiv', '1', 1)"
        connection.execute(text(insert))
        written = [(number, index_document(f"Title {number}", (), "")) for number in (1, 2)]
        index._insert(connection, written)

    migrations.upgrade(old)

    with old.begin() as connection:
        for question in ("cs.CL", '"Wax House"', "title -cs.LG"):
            assert 1 in [one.id for one in search_papers(connection, question)]
        assert [one.id for one in search_papers(connection, "title -cs.CL")] == [2]
        (paper,) = search_papers(connection, "cs.CL")
        assert (paper.keywords, paper.comment, paper.thumbnail) == ((), None, None)
        draft = PaperRecord("Title 1", identifiers=(paper.identifier,), keywords=("candles",))
        papers.absorb(connection, [draft], now=paper.updated)
        assert [one.id for one in search_papers(connection, "candle cs.CL")] == [1]
