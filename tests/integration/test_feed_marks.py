"""Marks tell that nothing was committed; standings, what a feed shows and whether it changed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.feeds import EDITIONS, NOW, populate

from larkpost.domain import Draft
from larkpost.errors import StoreError
from larkpost.store import events, papers, standing
from larkpost.store.engine import Store
from larkpost.store.marks import Marks

if TYPE_CHECKING:
    from pathlib import Path


def test_a_mark_stays_while_nothing_is_committed(store: Store) -> None:
    marks = Marks(store)
    before = marks.now()

    with store.read() as connection:
        papers.count(connection)

    assert marks.now() == before


def test_a_mark_changes_with_every_commit_of_anybody(store: Store, database_url: str) -> None:
    marks, other = Marks(store), Store(database_url)
    seen = [marks.now()]

    for kind, writer in (("one", store), ("two", other), ("three", store)):
        with writer.begin() as connection:
            events.record(connection, kind, ok=True, now=NOW)
        seen.append(marks.now())
    other.close()

    assert len(set(map(str, seen))) == 4


def test_without_a_database_no_mark_equals_another(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'none.db'}")
    marks = Marks(store)

    assert marks.now() != marks.now()
    with pytest.raises(StoreError), store.read():
        pass


def test_in_memory_no_mark_equals_another() -> None:
    store = Store("sqlite://")
    marks = Marks(store)

    assert not marks.quick
    assert marks.now() != marks.now()
    store.close()


def test_pages_of_the_archive_hold_every_edition_once_the_oldest_first(store: Store) -> None:
    reader, _ = populate(store)
    with store.read() as connection:
        newest = standing.latest(connection, reader.id, EDITIONS)
        pages = [standing.page(connection, reader.id, number, 5) for number in (1, 2, 3, 4)]

    assert [len(page.editions) for page in pages] == [5, 5, 2, 0]
    assert [one for page in reversed(pages) for one in page.editions] == list(newest.editions)
    assert {page.total for page in pages} == {EDITIONS}
    assert newest.changed == NOW
    assert pages[3].changed is None


def test_a_standing_changes_with_a_correction_and_with_what_comes_in(store: Store) -> None:
    reader, found = populate(store)
    drafts = [
        Draft(title=f"{found[0].title}, told anew", identifiers=(found[0].identifier,)),
        Draft(title=found[1].title, identifiers=(found[1].identifier,), categories=("cs.LG",)),
        Draft(title=found[2].title, identifiers=(found[2].identifier,), url="https://a.example/"),
    ]
    seen = []
    for number, draft in enumerate([None, *drafts]):
        with store.begin() as connection:
            if draft:
                papers.absorb(connection, [draft], now=NOW + timedelta(hours=number))
            seen.append(standing.latest(connection, reader.id, 10))

    assert len(set(seen)) == 4
    assert [one.editions for one in seen] == [seen[0].editions] * 4
    assert seen[1].changed == NOW + timedelta(hours=1)
