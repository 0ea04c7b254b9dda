"""Tests that each paper says which source its unverified texts came from."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from larkpost.db import migrations, papers
from larkpost.db.matching.paper_query import make_query
from larkpost.domain import Identifier, PaperRecord
from larkpost.formats.registry import DUMP_FORMATS
from larkpost.ingest.dump_limits import OF_FILES, OF_OTHERS
from larkpost.ingest.ingest import ingest
from larkpost.text.unverified import SEVERAL_SOURCES, Unverified

if TYPE_CHECKING:
    from larkpost.db.engine import Store

NOW = datetime(2026, 8, 7, 6, tzinfo=UTC)
JOURNAL, BLOG = "source journal", "source a-blog"
PAPER = {
    "id": "doi:10.1000/ferries",
    "title": "Ferries That Wait: Predicting Departures from Nine Years of Logs",
    "abstract": "Ferries wait for the tide, and the tide waits for nobody. We predict when.",
}


def read(store: Store, account: str = "", **changed: str) -> bool:
    """Read a dump of one paper, of a source or the operator's; return if it was read before."""
    report = ingest(
        store,
        DUMP_FORMATS,
        None,
        stream=io.BytesIO(json.dumps(PAPER | changed).encode()),
        name="papers.jsonl",
        source=account.removeprefix("source "),
        limits=replace(OF_OTHERS, source=account) if account else OF_FILES,
        now=NOW,
    )
    return report.already is not None


def sources(store: Store) -> list[str]:
    with store.read() as connection:
        found = sorted(papers.iterate(connection), key=lambda paper: paper.id)
    return [paper.text_source for paper in found]


def upgrade_again(store: Store, revision: str) -> None:
    """Migrate from a revision before 0033, whose column is removed, to the newest."""
    with store.begin() as connection:
        connection.execute(text("ALTER TABLE delivery DROP COLUMN shortened_at"))
        version = text("UPDATE alembic_version SET version_num = :revision")
        connection.execute(version, {"revision": revision})
    migrations.upgrade(store)


def test_a_copy_that_was_polled_first_does_not_have_the_original_skipped(store: Store) -> None:
    were_read = [read(store, one) for one in (BLOG, BLOG, JOURNAL, JOURNAL)]

    assert were_read == [False, True, False, True]


def test_a_paper_of_two_sources_belongs_to_none_of_them(store: Store) -> None:
    read(store, JOURNAL)
    assert sources(store) == [JOURNAL]

    read(store, BLOG)
    assert sources(store) == [SEVERAL_SOURCES]

    read(store)
    assert sources(store) == [""]


def test_an_abstract_that_a_feed_adds_to_the_paper_of_an_authority_belongs_to_the_feed(
    store: Store,
) -> None:
    read(store, abstract="")
    read(store, BLOG)
    read(store, JOURNAL, abstract=f"{PAPER['abstract']} Logs and code are public.")

    with store.read() as connection:
        (paper,) = papers.iterate(connection)
    assert (paper.text_source, paper.abstract) == (BLOG, PAPER["abstract"])


@pytest.mark.parametrize("first", [JOURNAL, BLOG])
def test_papers_from_before_belong_to_the_first_source_that_listed_them(
    store: Store, first: str
) -> None:
    read(store, first)
    read(store, BLOG if first == JOURNAL else JOURNAL)
    read(store, id="doi:10.1000/lanterns", title="Lanterns of nine harbours", abstract="")
    with store.begin() as connection:
        connection.execute(text("ALTER TABLE paper DROP COLUMN text_source"))
        connection.execute(text("ALTER TABLE polled_source DROP COLUMN authority"))  # of 0031

    upgrade_again(store, "0029")

    assert sources(store) == [first, ""]


@pytest.mark.parametrize(("listed_by", "is_a_feeds"), [(BLOG, True), ("", False)])
@pytest.mark.parametrize(("name", "is_linked"), [("arxiv:2608.00001", True), ("pmid:1", False)])
def test_links_from_before_are_a_feeds_where_a_feed_listed_a_paper_without_a_linked_identifier(
    store: Store, name: str, is_linked: bool, listed_by: str, is_a_feeds: bool
) -> None:
    read(store, id=name, url="https://lanterns.example/")
    read(store, listed_by, id=name, abstract=f"{PAPER['abstract']} Again.")

    upgrade_again(store, "0031")

    with store.read() as connection:
        (paper,) = papers.iterate(connection)
    expected = Unverified.LINK if is_a_feeds and not is_linked else Unverified.NONE
    assert paper.unverified == expected


def test_a_record_with_the_title_of_an_authority_keeps_its_identifiers_and_version() -> None:
    names = (Identifier("arxiv", "2608.00001"), Identifier("doi", "10.1000/ferries"))
    record = PaperRecord("Ferries That Wait", "", names, version=2, unverified=Unverified.LINK)

    query = make_query(record, NOW)

    assert (query.names[:-1], query.draft.version) == (names, 2)
