"""Tests that an export and an import keep apart papers that feeds listed."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest
from tests.helpers.merging.papers_of_feeds import (
    ARXIV,
    CASINO,
    COPY,
    DAY,
    GLACIERS,
    LISTED,
    NOW,
    is_as_listed,
    read_all,
    take,
)

from larkpost.db.engine import Store
from larkpost.domain import Identifier, Thumb
from larkpost.portability import exporter, importer
from larkpost.readers import record_votes, subscriptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def move(store: Store, other: Store, folder: Path) -> None:
    exporter.export(store, folder)
    importer.take_papers(other, folder / "papers.jsonl", now=NOW + 30 * DAY)


@pytest.fixture
def other(migrated_file: Path, tmp_path: Path) -> Iterator[Store]:
    """Open another home's store, empty."""
    store = Store(f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'other.db')}")
    yield store
    store.close()


def test_an_import_into_another_home_joins_no_papers_of_two_feeds(
    store: Store, other: Store, tmp_path: Path
) -> None:
    withdrawn = replace(COPY, withdrawn=True)
    before = take(store, withdrawn, LISTED)

    move(store, other, tmp_path / "export")
    after = read_all(other)

    assert list(map(is_as_listed, after)) == list(map(is_as_listed, before)) == [False, True]
    assert [paper.text_source for paper in after] == ["source a-blog", "source journal"]


def test_an_import_joins_no_papers_of_one_feed_that_a_thumb_kept_apart(
    store: Store, other: Store, tmp_path: Path
) -> None:
    reader = subscriptions.add(store, None, now=NOW)
    (judged,) = take(store, COPY)
    record_votes.cast(store, reader.id, judged.id, Thumb.UP, source="test", now=NOW)
    take(store, replace(CASINO, url="https://doi.org/10.1000/ferries"))

    move(store, other, tmp_path / "export")

    assert [paper.title for paper in read_all(other)] == [COPY.title, CASINO.title]


def test_an_import_does_not_put_a_feeds_text_into_a_paper_whose_address_it_has(
    store: Store, other: Store, tmp_path: Path
) -> None:
    planted = replace(COPY, identifiers=(ARXIV,), url="https://arxiv.org/abs/2608.00001")
    take(store, planted, LISTED, GLACIERS)

    move(store, other, tmp_path / "export")

    assert sorted(paper.title for paper in read_all(other)) == [LISTED.title, GLACIERS.title]


def test_an_import_does_not_put_a_text_into_an_authoritys_paper_that_has_the_link_of_a_feed(
    store: Store, other: Store, tmp_path: Path
) -> None:
    linked = replace(
        COPY,
        title=GLACIERS.title,
        abstract=GLACIERS.abstract,
        url="https://doi.org/10.1000/ferries",
    )
    take(store, replace(CASINO, url=linked.url), linked, replace(GLACIERS, identifiers=()))
    take(store, replace(LISTED, url="https://journal.example/"))

    move(store, other, tmp_path / "export")

    assert LISTED.title in {paper.title for paper in read_all(other)}


def test_a_reader_who_exports_does_not_learn_which_source_listed_a_paper(store: Store) -> None:
    reader = subscriptions.add(store, None, now=NOW)
    (paper,) = take(store, LISTED)
    record_votes.cast(store, reader.id, paper.id, Thumb.UP, source="test", now=NOW)

    with store.read() as connection:
        told = list(exporter.about(connection, reader))

    assert "source journal" not in str(told)
    assert any(line["kind"] == "paper" and line["title"] == LISTED.title for line in told)


def test_an_import_joins_no_title_alone_to_the_paper_that_another_feed_dated_long_ago(
    store: Store, other: Store, tmp_path: Path
) -> None:
    old = replace(COPY, identifiers=(Identifier("arxiv", "1901.00007"),), came_out=date(2019, 1, 1))
    before = take(store, old, replace(LISTED, identifiers=(), abstract=""))

    move(store, other, tmp_path / "export")

    told = [(paper.abstract, paper.ingested_at) for paper in before]
    assert [(paper.abstract, paper.ingested_at) for paper in read_all(other)] == told
    assert len(told) == 2


def test_an_import_withdraws_no_paper_for_a_notice_that_had_no_effect_before(
    store: Store, other: Store, tmp_path: Path
) -> None:
    notice = "This paper has been withdrawn by the authors."
    before = take(store, replace(COPY, identifiers=(ARXIV,), abstract=notice))

    move(store, other, tmp_path / "export")

    assert [paper.withdrawn for paper in (*before, *read_all(other))] == [False, False]
