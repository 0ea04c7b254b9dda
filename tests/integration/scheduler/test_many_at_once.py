"""Tests that thousands of thumbs move or start to count in a few statements."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import event, select
from tests.helpers.factories import add_papers

from larkpost.db import papers, readers, schema, votes
from larkpost.db.private import private_upsert
from larkpost.db.usage import vote_eligibility
from larkpost.domain import Identifier, PaperRecord, Thumb, Vote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from larkpost.db.engine import Store

NOW = datetime(2026, 8, 7, 10, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@contextmanager
def statements(store: Store) -> Iterator[list[str]]:
    """Collect the statements that are executed meanwhile; one for many rows counts once."""
    seen: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        seen.append(statement)

    event.listen(store.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(store.engine, "before_cursor_execute", note)


def stranger(connection: Connection) -> int:
    return readers.add(connection, address=None, now=NOW, signed_up=True).id


def drafts(count: int) -> list[PaperRecord]:
    return [
        PaperRecord(
            title=f"A study of {number * 7919:x} whales in {number * 104729:o} seas",
            abstract="",
            identifiers=(Identifier("doi", f"10.1000/{number}"),),
        )
        for number in range(count)
    ]


def list_likes(connection: Connection, count: int) -> int:
    """Import so many new papers for a stranger, each with a thumb up."""
    reader_id = stranger(connection)
    brought = private_upsert.bring(connection, reader_id, drafts(count), now=NOW - 3 * DAY)
    likes = [Vote(reader_id, one.paper_id, Thumb.UP, NOW, "import") for one in brought]
    votes.cast_many(connection, likes)
    return reader_id


def test_a_dump_of_what_many_readers_brought_is_taken_in_in_a_few_statements(
    store: Store,
) -> None:
    with store.begin() as connection:
        owners = [list_likes(connection, 4) for _ in range(25)]
    with statements(store) as seen, store.begin() as connection:
        (public, *_) = papers.absorb(connection, drafts(4), now=NOW)

    assert len(seen) < 40
    with store.read() as connection:
        given = select(schema.vote.c.reader_id).where(schema.vote.c.paper_id == public.paper_id)
        assert sorted(connection.execute(given).scalars()) == owners
        private = select(schema.paper.c.id).where(schema.paper.c.owner_id.is_not(None))
        assert connection.execute(private).all() == []


def test_of_several_private_copies_of_a_paper_one_thumb_moves(store: Store) -> None:
    one, other = drafts(2)
    names = (*one.identifiers, Identifier("arxiv", "2608.00001"))
    with store.begin() as connection:
        reader_id = stranger(connection)
        second = replace(other, identifiers=names[1:])
        copies = private_upsert.bring(connection, reader_id, [one, second], now=NOW)
        for copy, thumb in zip(copies, (Thumb.UP, Thumb.DOWN), strict=True):
            votes.cast(connection, Vote(reader_id, copy.paper_id, thumb, NOW, "import"))
        (public,) = papers.absorb(connection, [replace(one, identifiers=names)], now=NOW)

        (left,) = votes.of(connection, reader_id)

    assert (left.paper_id, left.thumb) == (public.paper_id, Thumb.UP)


def test_a_reader_with_many_thumbs_begins_to_count_in_a_few_statements(store: Store) -> None:
    with store.begin() as connection:
        there = add_papers(connection, 200)
        reader_id = stranger(connection)
        cast = [
            Vote(reader_id, paper.id, Thumb.UP, NOW - (3 + number % 4) * DAY, "link")
            for number, paper in enumerate(there)
        ]
        votes.cast_many(connection, cast)
    with statements(store) as seen, store.begin() as connection:
        assert vote_eligibility.begin(connection, reader_id, networks=["here"], now=NOW)

    assert len(seen) < 20
    with store.read() as connection:
        assert set(connection.execute(select(schema.vote.c.counts_from)).scalars()) == {NOW}
