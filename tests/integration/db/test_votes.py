"""Tests votes in the store: one per reader and paper, and the last one wins."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import IntegrityError
from tests.helpers.factories import NOW, add_papers, add_readers, all_votes
from tests.helpers.query_plans import find_sorts, recorded_statements

from larkpost.db import popularity, votes
from larkpost.db.engine import Store
from larkpost.domain import Thumb, Vote
from larkpost.errors import Busy, UnknownReader

if TYPE_CHECKING:
    from collections.abc import Sequence

MINUTE = timedelta(minutes=1)


def prepared(store: Store) -> tuple[list[int], list[int]]:
    """Two readers and four papers, by number."""
    with store.begin() as connection:
        readers, papers = add_readers(connection, 2), add_papers(connection, 4)
    return [reader.id for reader in readers], [paper.id for paper in papers]


def everything(store: Store) -> list[Vote]:
    with store.read() as connection:
        return all_votes(connection)


def test_thumbs_alone_are_read_by_paper(store: Store) -> None:
    (ada, emmy), (first, second, *_) = prepared(store)
    with store.begin() as connection:
        votes.cast(connection, Vote(ada, first, Thumb.DOWN, NOW, "link", None))
        votes.cast(connection, Vote(ada, second, Thumb.UP, NOW, "link", None))

    with store.read() as connection:
        assert votes.thumbs(connection, ada) == {first: Thumb.DOWN, second: Thumb.UP}
        assert votes.thumbs(connection, emmy) == {}


def test_the_newest_thumbs_are_found_without_sorting_all_of_them(store: Store) -> None:
    (ada, _), _ = prepared(store)
    with recorded_statements() as statements, store.read() as connection:
        votes.newest(connection, ada, 100)
        votes.newest_thumbs(connection, ada, 100)

    assert len(statements) == 2
    assert find_sorts(store, statements) == []
    unindexed = "SELECT source FROM vote WHERE paper_id = 1 ORDER BY source LIMIT 1"
    assert find_sorts(store, {unindexed: ()}) == [unindexed]


def test_a_vote_comes_out_as_it_went_in(store: Store) -> None:
    (ada, _), (paper, *_) = prepared(store)
    vote = Vote(ada, paper, Thumb.DOWN, NOW, "link", None)

    with store.begin() as connection:
        votes.cast(connection, vote)

    with store.read() as connection:
        assert votes.one(connection, ada, paper) == vote


def test_the_last_thumb_wins_even_when_the_clock_was_set_back(store: Store) -> None:
    (ada, _), (paper, *_) = prepared(store)
    first = Vote(ada, paper, Thumb.UP, NOW, "link")
    second = Vote(ada, paper, Thumb.DOWN, NOW - MINUTE, "page")

    with store.begin() as connection:
        votes.cast(connection, first)
        votes.cast(connection, second)

    assert everything(store) == [second]


def test_of_collected_votes_the_latest_stays(store: Store) -> None:
    (ada, _), (paper, other, *_) = prepared(store)
    kept = Vote(ada, paper, Thumb.UP, NOW, "link")
    old = replace(kept, thumb=Thumb.DOWN, at=NOW - MINUTE, source="import")
    new = Vote(ada, other, Thumb.UP, NOW + MINUTE, "import")

    with store.begin() as connection:
        votes.cast(connection, kept)
        votes.cast_many(connection, [old, new, replace(new, thumb=Thumb.DOWN, at=NOW)])

    assert everything(store) == [kept, new]


def test_of_collected_votes_at_one_moment_the_last_named_stays(store: Store) -> None:
    (ada, _), (paper, *_) = prepared(store)
    vote = Vote(ada, paper, Thumb.UP, NOW, "import")

    with store.begin() as connection:
        votes.cast_many(connection, [vote, replace(vote, thumb=Thumb.DOWN)])
        votes.cast_many(connection, [replace(vote, thumb=Thumb.UP, source="again")])

    assert everything(store) == [replace(vote, source="again")]


def test_no_votes_are_no_trouble(store: Store) -> None:
    (ada, _), (paper, *_) = prepared(store)

    with store.begin() as connection:
        votes.cast_many(connection, [])

        assert votes.clear(connection, ada, paper) is None
        assert votes.one(connection, ada, paper) is None
        assert votes.of(connection, ada) == []
        assert votes.of_many(connection, []) == {}
        assert popularity.tallies(connection, [paper], at=NOW, fewest=1) == {}


def test_a_vote_taken_back_is_handed_out_for_the_undo(store: Store) -> None:
    (ada, _), (paper, *_) = prepared(store)
    vote = Vote(ada, paper, Thumb.UP, NOW, "link")

    with store.begin() as connection:
        votes.cast(connection, vote)
        taken = votes.clear(connection, ada, paper)

    assert taken == vote
    assert everything(store) == []


def test_votes_are_read_reader_by_reader_the_oldest_first(store: Store) -> None:
    (ada, emmy), (one, two, three, _) = prepared(store)
    oldest = Vote(ada, three, Thumb.UP, NOW - MINUTE, "link")
    middle = Vote(ada, one, Thumb.DOWN, NOW, "link")
    newest = Vote(ada, two, Thumb.UP, NOW + MINUTE, "link")
    hers = Vote(emmy, one, Thumb.UP, NOW, "link")

    with store.begin() as connection:
        votes.cast_many(connection, [newest, hers, oldest, middle])

        assert votes.of(connection, ada) == [oldest, middle, newest]
        assert votes.of_many(connection, [emmy, ada]) == {
            emmy: [hers],
            ada: [oldest, middle, newest],
        }
    assert everything(store) == [oldest, middle, newest, hers]


def test_thumbs_are_counted_by_paper(store: Store) -> None:
    (ada, emmy), (one, two, three, four) = prepared(store)
    cast: Sequence[Vote] = [
        Vote(ada, one, Thumb.UP, NOW, "link"),
        Vote(emmy, one, Thumb.DOWN, NOW, "link"),
        Vote(ada, two, Thumb.DOWN, NOW, "link"),
        Vote(ada, four, Thumb.UP, NOW, "link"),
    ]

    with store.begin() as connection:
        votes.cast_many(connection, cast)

        found = popularity.tallies(connection, [one, two, three], at=NOW, fewest=1)
    assert found == {one: (1, 1), two: (0, 1)}


def test_a_vote_needs_a_reader_and_a_paper_that_exist(store: Store) -> None:
    (ada, _), (paper, *_) = prepared(store)

    for reader_id, paper_id in [(ada, 4711), (4711, paper)]:
        vote = Vote(reader_id, paper_id, Thumb.UP, NOW, "link")
        with (
            # PostgreSQL takes the paper for one that is merged meanwhile: to be tried again.
            pytest.raises((IntegrityError, UnknownReader, Busy)),
            store.begin() as connection,
        ):
            votes.cast(connection, vote)


def test_a_connection_is_as_before_after_votes_were_read_bit_by_bit(store: Store) -> None:
    (ada, _), (paper, *_) = prepared(store)

    with store.begin() as connection:
        votes.cast(connection, Vote(ada, paper, Thumb.UP, NOW, "link"))
        assert len(all_votes(connection)) == 1
        assert votes.clear(connection, ada, paper) is not None


def test_the_newest_votes_are_the_last_of_all_in_order(store: Store) -> None:
    (ada, eve), ids = prepared(store)
    moments = NOW, NOW + MINUTE, NOW + MINUTE, NOW - MINUTE
    thumbs = Thumb.UP, Thumb.UP, Thumb.DOWN, Thumb.DOWN
    with store.begin() as connection:
        for paper, at, thumb in zip(ids, moments, thumbs, strict=True):
            votes.cast(connection, Vote(ada, paper, thumb, at, "link"))
            votes.cast(connection, Vote(eve, paper, Thumb.UP, NOW + 5 * MINUTE, "link"))

    with store.read() as connection:
        everything = votes.of(connection, ada)
        pairs = sorted((vote.at, vote.thumb) for vote in everything)
        for limit in range(6):
            kept = max(0, len(ids) - limit)
            assert votes.newest(connection, ada, limit) == everything[kept:]
            assert votes.newest_thumbs(connection, ada, limit) == pairs[kept:]


def test_the_extent_counts_the_votes_of_one_reader_and_finds_the_latest(store: Store) -> None:
    (ada, eve), (first, second, *_) = prepared(store)
    with store.begin() as connection:
        votes.cast(connection, Vote(ada, second, Thumb.UP, NOW + MINUTE, "link"))
        votes.cast(connection, Vote(ada, first, Thumb.UP, NOW, "link"))

    with store.read() as connection:
        assert votes.extent(connection, ada) == votes.VoteExtent(2, NOW + MINUTE)
        assert votes.extent(connection, eve) == votes.VoteExtent(0, None)


@pytest.mark.postgres
def test_no_thumb_is_compared_with_each_private_paper(postgres_url: str) -> None:
    """A subplan of PostgreSQL that exceeds its memory is read again for each row."""
    store = Store(postgres_url)
    with store.read() as connection, recorded_statements() as statements:
        votes.count(connection)
        popularity.common_tastes(connection, least=3, at=NOW)
        popularity.libraries(connection, least=3, at=NOW)
        popularity.thumbs(connection, without=1)

    with store.read() as connection:
        plans = [
            "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {one}", values))
            for one, values in statements.items()
        ]
    store.close()
    assert len(plans) == 4
    assert [plan for plan in plans if "SubPlan" in plan] == []
