"""Trending papers, on both databases."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.factories import DAY, NOW, SUBJECTS, add_readers

from larkpost.db import papers, votes
from larkpost.db.popularity import heat, tallies, trending
from larkpost.domain import PaperRecord, Thumb, Vote
from larkpost.editions.trending import trending_edition

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from larkpost.db.engine import Store
    from larkpost.domain import Paper, Reader

WEEK = 7 * DAY


def add(connection: Connection, *seen: tuple[int, int | None]) -> list[Paper]:
    """Put papers into the store, each so many days old and with so many upvotes."""
    drafts = [
        PaperRecord(
            subject, first_seen=NOW - days * DAY, ingested_at=NOW - days * DAY, upvotes=upvotes
        )
        for subject, (days, upvotes) in zip(SUBJECTS, seen, strict=False)
    ]
    ids = [one.paper_id for one in papers.absorb(connection, drafts, now=NOW)]
    found = papers.get(connection, ids)
    return [found[paper_id] for paper_id in ids]


def vote(
    connection: Connection,
    paper: Paper,
    readers: list[Reader],
    thumb: Thumb = Thumb.UP,
    at: datetime = NOW,
) -> None:
    votes.cast_many(connection, [Vote(one.id, paper.id, thumb, at, "web") for one in readers])


def order(connection: Connection, at: datetime = NOW, limit: int = 10) -> list[int]:
    """Order papers by every single thumb."""
    found = trending(connection, at=at, window=WEEK, limit=limit, fewest=1)
    return [one.paper.id for one in found]


def test_without_votes_the_newest_come_first_and_of_a_day_the_upvoted(store: Store) -> None:
    with store.begin() as connection:
        old, none, few, many, unknown = add(
            connection, (2, 900), (1, 0), (1, 3), (1, 80), (1, None)
        )

        assert order(connection) == [many.id, few.id, none.id, unknown.id, old.id]
        assert order(connection, limit=2) == [many.id, few.id]


def test_thumbs_lift_and_lower(store: Store) -> None:
    with store.begin() as connection:
        liked, unread, disliked = add(connection, (1, 0), (1, 0), (1, 0))
        readers = add_readers(connection, 3)
        vote(connection, liked, readers[:2])
        vote(connection, disliked, readers[2:], Thumb.DOWN)

        found = trending(connection, at=NOW, window=WEEK, limit=10, fewest=1)

    assert [one.paper for one in found] == [liked, unread, disliked]
    assert [(one.ups, one.downs) for one in found] == [(2, 0), (0, 0), (0, 1)]


def test_one_thumb_weighs_less_than_many_of_the_same_share(store: Store) -> None:
    with store.begin() as connection:
        once, often = add(connection, (1, 0), (1, 0))
        readers = add_readers(connection, 5)
        vote(connection, once, readers[:1])
        vote(connection, often, readers)

        assert order(connection) == [often.id, once.id]


def test_a_thumb_fades_with_the_days(store: Store) -> None:
    with store.begin() as connection:
        old, fresh = add(connection, (6, 0), (0, 0))
        vote(connection, old, add_readers(connection, 1))

        assert order(connection) == [fresh.id, old.id]


def test_later_thumbs_and_other_days_do_not_count(store: Store) -> None:
    with store.begin() as connection:
        early, late, _coming, _gone = add(connection, (2, 0), (2, 1), (0, 0), (30, 0))
        vote(connection, early, add_readers(connection, 2), at=NOW)

        assert order(connection, at=NOW - DAY) == [late.id, early.id]


def test_a_day_outweighs_any_upvotes() -> None:
    assert heat(0, 0, None, days=0) > heat(0, 0, 1_000_000, days=1)
    assert heat(0, 0, -5, days=0) == heat(0, 0, 0, days=0)


@pytest.mark.parametrize("days", [0, 3, 40_000])
def test_a_thumb_counts_at_any_age(days: int) -> None:
    assert heat(1, 0, 5, days) > heat(0, 0, 5, days) > heat(0, 1, 5, days)


def test_the_house_prints_what_trended_at_the_end_of_the_day(store: Store) -> None:
    with store.begin() as connection:
        liked, other, today = add(connection, (1, 0), (1, 5), (0, 0))
        vote(connection, liked, add_readers(connection, 1), at=NOW - timedelta(hours=12))

        yesterday = trending_edition(connection, date(2026, 8, 6), now=NOW, fewest=1)
        now = trending_edition(connection, date(2026, 8, 7), now=NOW, limit=2, fewest=1)

    assert yesterday.date == date(2026, 8, 6)
    assert [one.paper for one in yesterday.papers] == [liked, other]
    assert [one.paper for one in now.papers] == [liked, today]


def test_fewer_thumbs_than_five_are_not_shown_and_order_nothing(store: Store) -> None:
    with store.begin() as connection:
        listed, liked, disliked = add(connection, (1, 9), (1, 0), (1, 0))
        readers = add_readers(connection, 9)
        vote(connection, liked, readers[:4])
        vote(connection, disliked, readers[4:8], Thumb.DOWN)
        before = trending(connection, at=NOW, window=WEEK, limit=9)
        hidden = tallies(connection, [liked.id, disliked.id], at=NOW)
        vote(connection, liked, readers[:5])

        after = trending(connection, at=NOW, window=WEEK, limit=9)
        seen = tallies(connection, [liked.id, disliked.id], at=NOW)

    assert [(one.paper, one.ups, one.downs) for one in before] == [
        (listed, 0, 0), (liked, 0, 0), (disliked, 0, 0)
    ]  # fmt: skip
    assert hidden == {}
    assert [one.paper for one in after] == [liked, listed, disliked]
    assert seen == {liked.id: (5, 0)}


def test_a_sixth_thumb_changes_nothing_that_is_shown(store: Store) -> None:
    with store.begin() as connection:
        one, other = add(connection, (1, 0), (1, 0))
        readers = add_readers(connection, 10)
        vote(connection, one, readers[:5])
        vote(connection, other, readers[:5])
        shown = []
        for count in range(5, 11):
            vote(connection, other, readers[:count])
            found = trending(connection, at=NOW, window=WEEK, limit=9)
            told = [(judged.paper.id, judged.ups, judged.downs, judged.heat) for judged in found]
            shown.append((told, tallies(connection, [one.id, other.id], at=NOW)))

    assert shown[:5] == [shown[0]] * 5
    assert shown[5][1] == {one.id: (5, 0), other.id: (10, 0)}
    assert shown[5][0][0][0] == other.id
