"""Tests a week that arrives in every format: each paper once, with the best of each format."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.merging.week_formats import FORMATS, WEEK

from larkpost.db import papers
from larkpost.db.engine import Store
from larkpost.db.matching import merge_log
from larkpost.domain import Identifier
from larkpost.formats.registry import DUMP_FORMATS
from larkpost.ingest.ingest import ingest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.helpers.merging.week_formats import Row

    from larkpost.domain import Paper
    from larkpost.ingest.ingest import IngestReport

NOW = datetime(2026, 8, 7, 9, tzinfo=UTC)
ORDERS = [
    [*FORMATS[start:], *FORMATS[:start]][::step]
    for start in range(len(FORMATS))
    for step in (1, -1)
]


def take(store: Store, folder: Path, order: Sequence[Row], days: int = 0) -> list[IngestReport]:
    """Ingest the week in these formats, one an hour."""
    reports = []
    for hour, (name, _, tell) in enumerate(order):
        file = folder / f"{days}-{name}"
        file.write_text(tell(WEEK) + "\n" * days, "utf-8")
        now = NOW + timedelta(days=days, hours=hour)
        reports.append(ingest(store, DUMP_FORMATS, file, now=now))
    return reports


def shelf(store: Store) -> dict[str, Paper]:
    with store.read() as connection:
        return {one.title: one for one in papers.iterate(connection)}


def undated(papers: dict[str, Paper]) -> list[Paper]:
    return [replace(one, first_seen=NOW, text_seen=None) for one in papers.values()]


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: "-".join(row[0][:3] for row in order))
def test_a_week_in_every_format_holds_each_paper_once_with_the_best_of_each(
    sqlite_url: str, tmp_path: Path, order: Sequence[Row]
) -> None:
    store = Store(sqlite_url)

    reports = take(store, tmp_path, order)
    found = shelf(store)

    assert [one.format for one in reports] == [row[1] for row in order]
    assert [one.papers for one in reports] == [len(WEEK)] * len(order)
    assert found.keys() == {one.title for one in WEEK}
    for whole in WEEK:
        paper = found[whole.title]
        assert paper.abstract == whole.abstract
        assert paper.authors == whole.authors
        assert paper.identifier == Identifier("arxiv", whole.number)
        assert paper.upvotes == whole.votes
        told = {f"https://github.com/example/{whole.number}", f"https://example.org/{whole.number}"}
        assert told <= set(paper.links)
    store.close()


def test_the_same_week_again_changes_nothing_and_every_uid_stays(
    sqlite_url: str, tmp_path: Path
) -> None:
    store = Store(sqlite_url)
    take(store, tmp_path, FORMATS[:1])
    first = {paper.title: paper.uid for paper in shelf(store).values()}
    take(store, tmp_path, FORMATS[1:])
    before = shelf(store)

    reports = take(store, tmp_path, FORMATS, days=1)

    assert [(one.new, one.updated) for one in reports] == [(0, 0)] * len(FORMATS)
    # The page of yesterday was taken in its first hour, as far as is known.
    assert undated(shelf(store)) == undated(before)
    assert {paper.title: paper.uid for paper in before.values()} == first
    store.close()


def test_it_is_known_which_format_brought_a_paper_and_why_it_is_one(
    sqlite_url: str, tmp_path: Path
) -> None:
    store = Store(sqlite_url)
    take(store, tmp_path, FORMATS[:7])  # then Atom: the same text of the same format

    with store.read() as connection:
        merged = merge_log.latest(connection, 100)

    assert len(merged) == len(WEEK)
    for records in merged.values():
        assert [(one.dump, one.origin.format) for one in records] == [
            (f"0-{name}", form) for name, form, _ in FORMATS[:7]
        ]
        assert [str(one.rule) for one in records] == [
            "first", "text", "arxiv", "title", "arxiv", "arxiv", "arxiv"
        ]  # fmt: skip
    store.close()
