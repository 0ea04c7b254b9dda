"""Tests private papers that become public while an edition with them in "Like …" is published."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text
from tests.helpers.factories import DAY, NOW, TODAY, add_papers, add_readers, picks_of

from larkpost.db import editions, paper_rows, schema
from larkpost.db.engine import Store
from larkpost.db.private import private_papers, private_upsert
from larkpost.domain import PaperRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted")


@pytest.fixture
def store(postgres_url: str) -> Iterator[Store]:
    opened = Store(postgres_url)
    yield opened
    opened.close()


@pytest.mark.postgres
def test_a_dump_waits_for_an_edition_that_is_like_a_paper_that_it_lists(store: Store) -> None:
    with store.begin() as connection:
        (reader,) = add_readers(connection, 1)
        public, other = add_papers(connection, 2)
        draft = PaperRecord(title="Whale songs", abstract="How whales sing.")
        (own,) = private_upsert.bring(connection, reader.id, [draft], now=NOW)
        private = paper_rows.get(connection, [own.paper_id])[own.paper_id]

    def list_it() -> None:
        with store.begin() as connection:
            private_papers.move_to_public(connection, {private.id: public.id}, now=NOW)

    with ThreadPoolExecutor(1) as threads:
        with store.begin() as connection:
            editions.publish(
                connection,
                reader=reader,
                date=TODAY,
                picks=picks_of([private, other])[1:],
                now=NOW,
                next_slot=NOW + DAY,
                message_id=None,
            )
            moving = threads.submit(list_it)
            while not connection.execute(WAITING).scalar_one():
                assert not moving.done()
                time.sleep(0.01)
        moving.result()

    with store.read() as connection:
        like = connection.execute(select(schema.pick.c.similar_paper_id)).scalars().all()
    assert like == [public.id]
