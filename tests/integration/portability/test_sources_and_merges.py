"""Tests that added sources and the uids of merged papers are exported and imported."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from larkpost.db import papers
from larkpost.db.engine import Store
from larkpost.db.matching import former_papers
from larkpost.db.matching.comparison.duplicate_rules import MatchRule
from larkpost.db.matching.unify_papers import unify
from larkpost.db.polling import polled_sources
from larkpost.db.polling.polled_sources import SourceState
from larkpost.domain import Identifier, PaperRecord
from larkpost.portability.exporter import export
from larkpost.portability.importer import take_papers
from larkpost.portability.sources import take_sources
from larkpost.settings.polled_sources import PolledSource
from larkpost.text.unverified import Unverified

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2026, 8, 7, 3, tzinfo=UTC)
LATER = NOW + timedelta(days=3)
BLOG = PolledSource("A blog", "https://blog.example.org/feed.xml", 180, True, True, by_command=True)
ARXIV = PolledSource("arxiv:cs.CL", "arxiv:cs.CL", by_command=True)
OF_SETTINGS = PolledSource("hf-daily", "hf-daily")
LISTED = PaperRecord("Lanterns", "We study lanterns.", (Identifier("arxiv", "2608.01001"),))
FROM_FEED = replace(LISTED, title="Buy lanterns now", abstract="Cheap.", unverified=Unverified.ALL)


@pytest.fixture
def other(migrated_file: Path, tmp_path: Path) -> Iterator[Store]:
    """Open an empty home elsewhere."""
    file = tmp_path / "other.db"
    file.write_bytes(migrated_file.read_bytes())
    elsewhere = Store(f"sqlite:///{file}")
    yield elsewhere
    elsewhere.close()


def poll(store: Store, *sources: PolledSource) -> None:
    with store.begin() as connection:
        for source in sources:
            polled_sources.save(connection, SourceState(source, added_at=NOW, next_poll_at=NOW))


def states(store: Store) -> dict[str, SourceState]:
    with store.read() as connection:
        return {one.source.name: one for one in polled_sources.list_states(connection)}


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def write(path: Path, *records: object) -> Path:
    path.write_text("".join(f"{json.dumps(one)}\n" for one in records), "utf-8")
    return path


def merge_two(store: Store) -> tuple[str, str]:
    """Make two papers one; returns the uid of the one that stayed, and of the one that went."""
    drafts = [
        PaperRecord(title, f"We study {title}.", (Identifier("arxiv", number),), first_seen=NOW)
        for title, number in (("Lanterns", "2608.01001"), ("Bakery robots", "2608.01002"))
    ]
    with store.begin() as connection:
        papers.absorb(connection, drafts, now=NOW, origin=papers.RecordOrigin("jsonl"))
        stays, goes = papers.iterate(connection)
        unify(connection, stays.id, goes.id, now=NOW, rule=MatchRule.DECISION)
    return stays.uid, goes.uid


def test_sources_that_were_added_by_command_come_in_again_and_are_due(
    store: Store, other: Store, tmp_path: Path
) -> None:
    poll(store, BLOG, ARXIV, OF_SETTINGS)

    counts = export(store, tmp_path / "out")
    report = take_sources(other, tmp_path / "out" / "sources.jsonl", now=LATER)

    assert counts["sources"] == 2
    assert (report.taken, report.refused, report.unknown_keys) == (2, [], set())
    found = states(other)
    assert {name: state.source for name, state in found.items()} == {
        "A blog": BLOG,
        "arxiv:cs.CL": ARXIV,
    }
    assert {(state.added_at, state.next_poll_at) for state in found.values()} == {(NOW, LATER)}


def test_a_source_that_is_here_stays_as_it_is_and_a_taken_name_is_refused(
    store: Store, tmp_path: Path
) -> None:
    poll(store, BLOG)
    file = write(
        tmp_path / "sources.jsonl",
        {"format": 2, "name": "Again", "address": BLOG.address},
        {"format": 2, "name": BLOG.name, "address": "https://other.example.org/feed"},
        {"format": 2, "name": "Nowhere", "address": "file:///etc/passwd"},
        {"format": 2, "name": "New", "address": "https://new.example.org/feed", "mood": "glad"},
        {"format": 2, "address": "hf-daily"},
    )

    report = take_sources(store, file, now=LATER)

    assert set(states(store)) == {"A blog", "New"}
    assert states(store)["A blog"].source == BLOG
    assert [number for number, _ in report.refused] == [2, 3, 5]
    assert report.remarks == [(1, "Again is here already")]
    assert report.unknown_keys == {"mood"}


def test_the_uid_of_a_merged_paper_leads_to_the_same_paper_after_an_import(
    store: Store, other: Store, tmp_path: Path
) -> None:
    kept, gone = merge_two(store)
    export(store, tmp_path / "out")

    report = take_papers(other, tmp_path / "out" / "papers.jsonl", now=LATER)

    assert report.unknown_keys == set()
    with other.read() as connection:
        found = papers.by_uid(connection, gone)
        assert found is not None
        assert found.uid == kept
        assert former_papers.read_uids(connection, [found.id]) == {found.id: [gone]}
    export(other, tmp_path / "again")
    assert lines(tmp_path / "again" / "papers.jsonl") == lines(tmp_path / "out" / "papers.jsonl")


def test_a_text_of_a_feed_is_replaced_by_arxiv_also_after_an_import(
    store: Store, other: Store, tmp_path: Path
) -> None:
    with store.begin() as connection:
        papers.absorb(connection, [FROM_FEED], now=NOW)
    export(store, tmp_path / "out")

    take_papers(other, tmp_path / "out" / "papers.jsonl", now=LATER)

    with other.begin() as connection:
        (moved,) = papers.iterate(connection)
        papers.absorb(connection, [LISTED], now=LATER)
        (after,) = papers.iterate(connection)
    assert (moved.title, moved.unverified) == ("Buy lanterns now", Unverified.ALL)
    assert (after.title, after.abstract, after.unverified) == ("Lanterns", "We study lanterns.", 0)


def test_an_import_makes_no_text_unverified_that_is_verified_here(
    store: Store, tmp_path: Path
) -> None:
    with store.begin() as connection:
        papers.absorb(connection, [LISTED], now=NOW)
    file = write(
        tmp_path / "papers.jsonl",
        {"title": "Lanterns", "id": "arxiv:2608.01001", "unverified": ["title", "mood"]},
    )

    take_papers(store, file, now=LATER)

    with store.read() as connection:
        assert [one.unverified for one in papers.iterate(connection)] == [Unverified.NONE]


@pytest.mark.parametrize("is_listed", [True, False])
def test_an_import_makes_no_text_of_a_feed_an_authoritys(
    store: Store, tmp_path: Path, is_listed: bool
) -> None:
    with store.begin() as connection:
        papers.absorb(connection, [FROM_FEED], now=NOW)
    export(store, tmp_path / "out")
    with store.begin() as connection:
        papers.absorb(connection, [LISTED if is_listed else FROM_FEED], now=NOW)

    take_papers(store, tmp_path / "out" / "papers.jsonl", now=LATER)

    with store.read() as connection:
        (paper,) = papers.iterate(connection)
    expected = LISTED if is_listed else FROM_FEED
    assert (paper.title, paper.unverified) == (expected.title, expected.unverified)


def test_a_paper_that_its_feed_corrected_since_an_export_is_one_paper_after_an_import(
    store: Store, tmp_path: Path
) -> None:
    told = replace(FROM_FEED, text_source="source a-blog")
    corrected = replace(told, title="Buy two lanterns now", organisation="Lanterns Ltd")
    with store.begin() as connection:
        papers.absorb(connection, [told], now=NOW)
    export(store, tmp_path / "out")
    with store.begin() as connection:
        papers.absorb(connection, [corrected], now=NOW)

    take_papers(store, tmp_path / "out" / "papers.jsonl", now=LATER)

    with store.read() as connection:
        (paper,) = papers.iterate(connection)
    assert (paper.organisation, paper.text_source) == ("Lanterns Ltd", "source a-blog")


def test_an_import_into_the_same_home_changes_no_trace_and_a_dump_leaves_none(
    store: Store, tmp_path: Path
) -> None:
    kept, gone = merge_two(store)
    export(store, tmp_path / "out")

    for _ in range(2):
        take_papers(store, tmp_path / "out" / "papers.jsonl", now=LATER)

    with store.read() as connection:
        found = papers.by_uid(connection, gone)
        assert found is not None
        assert found.uid == kept
        assert former_papers.read_uids(connection, [found.id]) == {found.id: [gone]}


def test_a_former_uid_that_is_none_or_of_another_paper_here_is_left_out(
    store: Store, tmp_path: Path
) -> None:
    kept, gone = merge_two(store)
    file = write(
        tmp_path / "papers.jsonl",
        {
            "format": 2,
            "id": "arxiv:2608.01003",
            "title": "Sheep",
            "former_uids": ["no uid", 7, kept, gone],
        },
    )

    report = take_papers(store, file, now=LATER)

    assert [what for _, what in report.remarks] == [
        "“no uid” in former_uids is not a uid; left out",
        "“7” in former_uids is not a uid; left out",
    ]
    with store.read() as connection:
        sheep = papers.by_identifier(connection, Identifier("arxiv", "2608.01003"))
        assert sheep is not None
        assert former_papers.read_uids(connection, [sheep.id]) == {}
