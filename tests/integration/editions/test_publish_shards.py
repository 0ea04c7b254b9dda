"""Tests the order and the size of the shards in which due editions are published."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from larkpost.db import papers, readers
from larkpost.db.usage import vote_eligibility
from larkpost.domain import PaperRecord
from larkpost.editions import publish, recommend
from larkpost.editions.publish import PublishContext, PublishOutcome, publish_due
from larkpost.editions.recommend import ReaderRanking
from larkpost.editions.training_evidence import WORK_OF_READER, training_work
from larkpost.ranking import TfidfRanker, near_duplicates
from larkpost.ranking.near_duplicates import DuplicateGroups
from larkpost.readers import subscriptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from larkpost.db.engine import Store
    from larkpost.domain import Paper, Reader

NOW = datetime(2026, 8, 7, 3, tzinfo=UTC)
MORNING = datetime(2026, 8, 7, 6, 0, 5, tzinfo=UTC)
PHRASES = [f"phrase {n}" for n in range(40)]


@pytest.fixture
def newsroom(store: Store) -> PublishContext:
    return PublishContext(store, TfidfRanker(), timedelta(days=7), "example.org")


@pytest.fixture
def shards(monkeypatch: pytest.MonkeyPatch) -> list[list[str | None]]:
    """The addresses of the readers that are ranked together; each gets no paper."""
    ranked: list[list[str | None]] = []

    def rank(
        _store: Store, _ranker: TfidfRanker, some: Sequence[Reader], *_: Any, **__: Any
    ) -> Any:
        ranked.append([reader.address for reader in some])
        return {reader.id: ReaderRanking((), 0) for reader in some}

    monkeypatch.setattr(recommend, "rank", rank)
    return ranked


def add(store: Store, address: str | None, words: Sequence[str] = ()) -> Reader:
    """Add a reader; without an address it signed up by the form."""
    return subscriptions.add(store, address, now=NOW, words=words, signed_up=address is None)


def count_due(store: Store) -> int:
    with store.read() as connection:
        return len(readers.due(connection, MORNING, limit=99))


def test_readers_with_an_address_come_before_all_without_one(
    newsroom: PublishContext, shards: list[list[str | None]]
) -> None:
    for address in (None, "a@example.org", None, "b@example.org"):
        add(newsroom.store, address)

    publish_due(newsroom, now=MORNING)

    assert shards == [["a@example.org", "b@example.org"], [None, None]]


def test_a_reader_whose_thumbs_count_comes_before_strangers(
    newsroom: PublishContext, shards: list[list[str | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "SHARD", 1)
    add(newsroom.store, None)
    known = add(newsroom.store, None)
    with newsroom.store.begin() as connection:
        vote_eligibility.count_always(connection, [known.id])

    publish_due(newsroom, now=MORNING, seconds=-1)

    assert len(shards) == 1
    with newsroom.store.read() as connection:
        assert known.id not in {one.id for one in readers.due(connection, MORNING, limit=9)}


def test_strangers_with_confirmed_mailboxes_come_after_readers_who_count(
    newsroom: PublishContext, shards: list[list[str | None]]
) -> None:
    """150 mailboxes of one domain, eight hours of an address, kept editions waiting for 45 s."""
    for n in range(3):
        subscriptions.add(newsroom.store, f"{n}@evil.example", now=NOW, signed_up=True)
    add(newsroom.store, "a@example.org")

    publish_due(newsroom, now=MORNING, seconds=-1)

    assert shards == [["a@example.org"]]
    publish_due(newsroom, now=MORNING)
    assert shards[1:] == [["0@evil.example", "1@evil.example", "2@evil.example"]]


def test_readers_who_take_long_come_after_the_others_who_count(
    newsroom: PublishContext, shards: list[list[str | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five readers of one owner, with thousands of thumbs each, may count: ten seconds of work."""
    add(newsroom.store, "heavy@example.org", PHRASES)
    add(newsroom.store, "light@example.org")
    add(newsroom.store, None)
    monkeypatch.setattr(publish, "HEAVY", WORK_OF_READER + len(PHRASES) - 1)

    publish_due(newsroom, now=MORNING)

    assert shards == [["light@example.org"], ["heavy@example.org"], [None]]


def test_a_shard_has_a_limited_number_of_phrases_to_learn_from(
    newsroom: PublishContext,
    shards: list[list[str | None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    some = [add(newsroom.store, None, PHRASES) for _ in range(6)]
    monkeypatch.setattr(publish, "SHARD_WORK", 2 * training_work(some[0], 0))

    outcomes = publish_due(newsroom, now=MORNING)

    assert [len(shard) for shard in shards] == [2, 2, 2]
    assert outcomes == {PublishOutcome.EMPTY: 6}


def test_each_shard_is_committed_and_reported_before_the_next(
    newsroom: PublishContext,
    shards: list[list[str | None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for _ in range(3):
        add(newsroom.store, None)
    monkeypatch.setattr(publish, "SHARD", 1)
    left: list[int] = []

    publish_due(newsroom, now=MORNING, moved=lambda: left.append(count_due(newsroom.store)))

    assert left == [2, 1, 0]
    assert len(shards) == 3


def test_a_run_out_of_time_leaves_only_readers_without_an_address_for_the_next(
    newsroom: PublishContext, shards: list[list[str | None]]
) -> None:
    add(newsroom.store, None)
    add(newsroom.store, "a@example.org")

    first = publish_due(newsroom, now=MORNING, seconds=-1)

    assert first == {PublishOutcome.EMPTY: 1}
    assert shards == [["a@example.org"]]
    assert publish_due(newsroom, now=MORNING) == {PublishOutcome.EMPTY: 1}
    assert shards == [["a@example.org"], [None]]


def test_a_daemon_that_stops_finishes_its_shard_and_leaves_the_others_due(
    newsroom: PublishContext,
    shards: list[list[str | None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for address in ("a@example.org", None, None):
        add(newsroom.store, address)
    monkeypatch.setattr(publish, "SHARD", 1)

    publish_due(newsroom, now=MORNING, stopped=lambda: bool(shards))

    assert shards == [["a@example.org"]]
    assert count_due(newsroom.store) == 2


def test_the_near_duplicates_of_the_same_candidates_are_looked_for_once(
    newsroom: PublishContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    drafts = [PaperRecord(title=f"A study of case {n}", first_seen=NOW) for n in range(3)]
    with newsroom.store.begin() as connection:
        papers.absorb(connection, drafts, now=NOW)
    looked_for: list[int] = []

    def find(some: Sequence[Paper]) -> DuplicateGroups:
        looked_for.append(len(some))
        return DuplicateGroups({})

    monkeypatch.setattr(near_duplicates, "find_near_duplicates", find)
    for address in ("a@example.org", "b@example.org"):
        reader = add(newsroom.store, address)
        assert len(publish.draft(newsroom, publish.by_hand(reader, NOW), now=NOW).picks) == 3

    assert looked_for == [3]
