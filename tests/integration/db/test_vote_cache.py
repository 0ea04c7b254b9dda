"""Tests that cached votes are those in the database, whatever happened to them since."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.factories import NOW, add_papers, add_readers

from larkpost.db import interests, readers, votes
from larkpost.db.usage.vote_cache import VoteCache
from larkpost.domain import Thumb, Vote

if TYPE_CHECKING:
    from collections.abc import Callable

    from larkpost.db.engine import Connection, Store

MINUTE = timedelta(minutes=1)


def thumbs(store: Store) -> tuple[int, int, list[int]]:
    """Make two readers, each with thumbs on three of four papers."""
    with store.begin() as connection:
        first, second = (reader.id for reader in add_readers(connection, 2))
        papers = [paper.id for paper in add_papers(connection, 4)]
        for reader in (first, second):
            votes.cast_many(
                connection,
                [
                    Vote(reader, paper, Thumb.UP, NOW + MINUTE * at, "page")
                    for at, paper in enumerate(papers[:3])
                ],
            )
    return first, second, papers


def turn(connection: Connection, reader: int, papers: list[int]) -> None:
    votes.cast(connection, Vote(reader, papers[1], Thumb.DOWN, NOW + MINUTE, "page"))


def add(connection: Connection, reader: int, papers: list[int]) -> None:
    votes.cast(connection, Vote(reader, papers[3], Thumb.DOWN, NOW - MINUTE, "link"))


def undo(connection: Connection, reader: int, papers: list[int]) -> None:
    votes.clear(connection, reader, papers[2])


def forget(connection: Connection, reader: int, papers: list[int]) -> None:
    votes.clear_between(connection, reader, None, NOW + MINUTE)


def move(connection: Connection, reader: int, papers: list[int]) -> None:
    interests.set_interest(connection, reader, "Birds", words=("bird",))
    new = readers.get(connection, reader).interests[-1]
    votes.move(connection, reader, papers[:2], new.id)


@pytest.mark.parametrize("change", [turn, add, undo, forget, move])
def test_cached_votes_follow_every_change(
    store: Store, change: Callable[[Connection, int, list[int]], None]
) -> None:
    first, second, papers = thumbs(store)
    cache = VoteCache()
    with store.begin() as connection:
        before = cache.of_many(connection, [first, second])
        assert before == votes.of_many(connection, [first, second])

        change(connection, first, papers)

        after = cache.of_many(connection, [first, second])
        assert after == votes.of_many(connection, [first, second])
        assert after[first] != before[first]
        assert all(one is other for one, other in zip(after[second], before[second], strict=True))


def test_readers_longest_unused_make_room(store: Store) -> None:
    first, second, _ = thumbs(store)
    cache = VoteCache(most=5)
    with store.read() as connection:
        before = cache.of_many(connection, [first])[first]
        cache.of_many(connection, [second])
        after = cache.of_many(connection, [first])[first]

    assert after == before
    assert after[0] is not before[0]


def test_a_reader_without_votes_has_an_empty_list(store: Store) -> None:
    with store.begin() as connection:
        (reader,) = add_readers(connection, 1)
        assert VoteCache().of_many(connection, [reader.id]) == {reader.id: []}
