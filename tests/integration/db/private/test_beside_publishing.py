"""Tests papers that are merged into others while an edition with them is published."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from tests.helpers.factories import DAY, NOW, TODAY, add_papers, add_readers, picks_of

from larkpost.db import editions, paper_rows
from larkpost.db.engine import Store
from larkpost.db.matching.comparison.duplicate_rules import MatchRule
from larkpost.db.matching.unify_papers import unify
from larkpost.db.private import private_papers, private_upsert
from larkpost.domain import PaperRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from larkpost.db.engine import Connection
    from larkpost.domain import Pick, Reader

    Merge = Callable[[Connection], None]

WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted")


@pytest.fixture
def store(postgres_url: str) -> Iterator[Store]:
    opened = Store(postgres_url)
    yield opened
    opened.close()


def run_beside(store: Store, picks: Sequence[Pick], reader: Reader, merge: Merge) -> Pick:
    """Merge papers while an edition is being published; return its first pick."""

    def merge_them() -> None:
        with store.begin() as connection:
            merge(connection)

    with ThreadPoolExecutor(1) as threads:
        with store.begin() as connection:
            editions.publish(
                connection,
                reader=reader,
                date=TODAY,
                picks=picks,
                now=NOW,
                next_slot=NOW + DAY,
                message_id=None,
            )
            merging = threads.submit(merge_them)
            while not connection.execute(WAITING).scalar_one():
                assert not merging.done()
                time.sleep(0.01)
        merging.result()
    with store.read() as connection:
        return editions.latest(connection, reader.id)[0].picks[0]


@pytest.mark.postgres
def test_a_dump_waits_for_an_edition_that_is_like_a_paper_that_it_lists(store: Store) -> None:
    with store.begin() as connection:
        (reader,) = add_readers(connection, 1)
        public, other = add_papers(connection, 2)
        draft = PaperRecord(title="Whale songs", abstract="How whales sing.")
        (own,) = private_upsert.bring(connection, reader.id, [draft], now=NOW)
        private = paper_rows.get(connection, [own.paper_id])[own.paper_id]

    def list_it(connection: Connection) -> None:
        private_papers.move_to_public(connection, {private.id: public.id}, now=NOW)

    pick = run_beside(store, picks_of([private, other])[1:], reader, list_it)

    assert pick.similar_paper is not None
    assert pick.similar_paper.id == public.id


@pytest.mark.postgres
def test_a_merge_of_papers_waits_for_an_edition_that_shows_one(store: Store) -> None:
    with store.begin() as connection:
        (reader,) = add_readers(connection, 1)
        one, other = add_papers(connection, 2)

    def merge(connection: Connection) -> None:
        unify(connection, one.id, other.id, now=NOW, rule=MatchRule.TITLE)

    pick = run_beside(store, picks_of([other]), reader, merge)

    assert pick.paper.id == one.id
