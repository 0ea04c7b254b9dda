"""Tests that thumbs which many new readers gave to the same papers keep nobody waiting."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import select
from tests.helpers.timing import executed_lines

from larkpost.db import papers, schema, votes
from larkpost.db.usage import forgotten_votes, vote_eligibility
from larkpost.domain import PaperRecord, Thumb, Vote
from larkpost.readers import record_votes, subscriptions
from larkpost.text.ip_networks import WIDER

if TYPE_CHECKING:
    import pytest

    from larkpost.db.engine import Connection, Store
    from larkpost.domain import Reader

NOW = datetime(2026, 8, 7, 5, tzinfo=UTC)
DAY = timedelta(days=1)


def ingest(store: Store, count: int = 5) -> list[int]:
    with store.begin() as connection:
        new = [PaperRecord(title=f"Whale songs of year {at}") for at in range(count)]
        return [one.paper_id for one in papers.absorb(connection, new, now=NOW)]


def join(store: Store, liked: list[int]) -> Reader:
    """Make a reader who may begin to count, with a thumb on each of these papers."""
    reader = subscriptions.add(store, None, now=NOW - 9 * DAY, signed_up=True)
    with store.begin() as connection:
        for at, paper_id in enumerate(liked):
            given = NOW - (6 - at % 3) * DAY
            votes.cast(connection, Vote(reader.id, paper_id, Thumb.UP, given, "test"))
    return reader


def begin(connection: Connection, reader: Reader) -> None:
    networks = [f"network {reader.id}"]
    assert vote_eligibility.begin(connection, reader.id, networks=networks, now=NOW)


def counting(store: Store, reader: Reader) -> list[datetime | None]:
    """Read from when each thumb of a reader counts, by paper."""
    vote = schema.vote.c
    ordered = select(vote.counts_from).where(vote.reader_id == reader.id).order_by(vote.paper_id)
    with store.read() as connection:
        return list(connection.execute(ordered).scalars())


def test_beginning_to_count_takes_as_much_work_beside_many_as_beside_few(store: Store) -> None:
    liked, work = ingest(store), []

    for one in [join(store, liked) for _ in range(12)]:
        with store.begin() as connection:
            work.append(executed_lines(partial(begin, connection, one)))

    assert max(work[2:]) < 1.2 * min(work[2:])


def test_three_new_readers_a_day_count_on_each_paper(store: Store) -> None:
    liked = ingest(store)
    those = [join(store, liked) for _ in range(5)]

    for one in those:
        with store.begin() as connection:
            begin(connection, one)

    midnight = datetime(2026, 8, 8, tzinfo=UTC)
    assert [counting(store, one) for one in those] == [
        *[[NOW] * 5] * vote_eligibility.MOST_A_DAY,
        *[[midnight] * 5] * 2,
    ]


def test_forgotten_thumbs_come_back_in_several_transactions(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_votes, "AT_ONCE", 2)
    liked = ingest(store)
    reader = join(store, liked)
    before = counting(store, reader)
    record_votes.forget(store, reader.id, NOW, now=NOW)
    record_votes.cast(store, reader.id, liked[2], Thumb.DOWN, source="test", now=NOW)
    with store.begin() as connection:  # as far as an interrupted one came
        assert forgotten_votes.restore(connection, reader.id, NOW, most=2) == (2, True)

    assert record_votes.remember(store, reader.id) == 2

    with store.read() as connection:
        cast = votes.of(connection, reader.id)
        assert forgotten_votes.latest(connection, reader.id) is None
    assert {one.paper_id: one.thumb for one in cast} == dict.fromkeys(liked, Thumb.UP) | {
        liked[2]: Thumb.DOWN
    }
    assert counting(store, reader) == before


def test_earlier_thumbs_begin_to_count_a_part_at_a_time_the_newest_first(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vote_eligibility, "AT_ONCE", 2)
    reader = join(store, ingest(store))  # with thumbs of 6, 5, 4, 6 and 5 days ago
    with store.begin() as connection:
        begin(connection, reader)
    assert counting(store, reader) == [None, NOW, NOW, None, None]

    found = []
    for days in (1, 2):
        with store.begin() as connection:
            assert vote_eligibility.is_any_waiting(connection, reader.id)
            vote_eligibility.count_waiting(connection, reader.id, NOW + days * DAY)
        found.append(counting(store, reader))

    tomorrow, after = NOW + DAY, NOW + 2 * DAY
    assert found == [
        [tomorrow, NOW, NOW, None, tomorrow],
        [tomorrow, NOW, NOW, after, tomorrow],
    ]
    with store.read() as connection:
        assert not vote_eligibility.is_any_waiting(connection, reader.id)


def test_thumbs_of_a_reader_who_does_not_count_yet_wait_for_no_visit(store: Store) -> None:
    reader = join(store, ingest(store))

    with store.read() as connection:
        assert not vote_eligibility.is_any_waiting(connection, reader.id)


def test_a_network_whose_surroundings_are_full_loses_no_place(store: Store) -> None:
    liked, most = ingest(store, 3), vote_eligibility.MOST_OF_A_NETWORK
    *others, last = [join(store, liked) for _ in range(most * WIDER + 1)]

    def starts(reader: Reader, *networks: str) -> bool:
        with store.begin() as connection:
            return vote_eligibility.begin(connection, reader.id, networks=networks, now=NOW)

    assert all(starts(one, f"own {one.id}", "around") for one in others)
    assert not any(starts(last, "own", "around") for _ in range(most + 1))
    assert starts(last, "own", "elsewhere")
