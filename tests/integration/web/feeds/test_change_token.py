"""Tests change tokens, which show commits, and feed states, which show a feed's editions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.helpers.web.feed_server import EDITIONS, NOW, populate

from larkpost.db import feed_state, papers
from larkpost.db.coordination import job_status
from larkpost.db.coordination.change_token import ChangeToken
from larkpost.db.engine import Store
from larkpost.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_mark_stays_while_nothing_is_committed(store: Store) -> None:
    marks = ChangeToken(store)
    before = marks.now()

    with store.read() as connection:
        papers.count(connection)

    assert marks.now() == before


def test_a_mark_changes_with_every_commit_of_anybody(store: Store, database_url: str) -> None:
    marks, other = ChangeToken(store), Store(database_url)
    seen = [marks.now()]

    for kind, writer in (("one", store), ("two", other), ("three", store)):
        with writer.begin() as connection:
            job_status.record(connection, kind, ok=True, now=NOW)
        seen.append(marks.now())
    other.close()

    assert len(set(map(str, seen))) == 4


def test_without_a_database_no_mark_equals_another(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'none.db'}")
    marks = ChangeToken(store)

    assert marks.now() != marks.now()
    with pytest.raises(StoreError), store.read():
        pass


def test_in_memory_no_mark_equals_another() -> None:
    store = Store("sqlite://")
    marks = ChangeToken(store)

    assert not marks.quick
    assert marks.now() != marks.now()
    store.close()


def test_pages_of_the_archive_hold_every_edition_once_the_oldest_first(store: Store) -> None:
    reader, _ = populate(store)
    with store.read() as connection:
        newest = feed_state.latest(connection, reader.id, EDITIONS)
        pages = [feed_state.page(connection, reader.id, number, 5) for number in (1, 2, 3, 4)]

    assert [len(page.editions) for page in pages] == [5, 5, 2, 0]
    assert [one for page in reversed(pages) for one in page.editions] == list(newest.editions)
    assert {page.total for page in pages} == {EDITIONS}
