"""Tests how many thumbs of a reader are learnt from, and the work that is counted for them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.helpers.edition_factories import reader

from larkpost.domain import Interest, Thumb, Vote
from larkpost.editions.publish import SHARD, SHARD_WORK
from larkpost.editions.training_evidence import most_thumbs, newest_thumbs, training_work

NOW = datetime(2026, 8, 7, 6, tzinfo=UTC)
STRANGER = reader(address=None, interests=("main", "other"))


def thumbs(*runs: tuple[Thumb, int]) -> list[Vote]:
    """Thumbs in order, in runs of one kind, on papers numbered from 0."""
    kinds = [thumb for thumb, count in runs for _ in range(count)]
    return [Vote(1, n, kind, NOW + timedelta(n), "x") for n, kind in enumerate(kinds)]


@pytest.mark.parametrize(
    ("cast", "first_learnt"),
    [
        (thumbs((Thumb.UP, 10)), [0]),
        (thumbs((Thumb.UP, 12)), [2]),
        (thumbs((Thumb.UP, 20), (Thumb.DOWN, 20)), [15, 35]),  # half of each kind
        (thumbs((Thumb.UP, 3), (Thumb.DOWN, 20)), [0, 16]),  # all of the few
        (thumbs((Thumb.DOWN, 20), (Thumb.UP, 3)), [13]),
    ],
)
def test_the_newest_thumbs_of_both_kinds_are_learnt_from(
    cast: list[Vote], first_learnt: list[int]
) -> None:
    learnt = [vote.paper_id for vote in newest_thumbs(cast, 10)]

    assert len(learnt) == 10
    assert [n for n in learnt if n - 1 not in learnt] == first_learnt
    assert learnt == sorted(learnt)
    assert learnt[-1] == cast[-1].paper_id


def test_more_is_learnt_of_readers_with_an_address_and_of_those_whose_thumbs_count() -> None:
    assert most_thumbs(STRANGER) == 500
    assert most_thumbs(replace(STRANGER, address="a@example.org")) == 5000
    assert most_thumbs(STRANGER, {STRANGER.id: NOW}) == 5000


def test_work_grows_with_phrases_and_thumbs_but_little_with_those_that_are_not_learnt() -> None:
    plain, wordy = (
        replace(STRANGER, interests=(Interest(1, "main", words=("a",) * count),))
        for count in (0, 50)
    )

    assert training_work(wordy, 0) - training_work(plain, 0) == 50
    assert training_work(STRANGER, 500) - training_work(STRANGER, 0) == 500
    assert training_work(STRANGER, 20_000) < 4 * training_work(STRANGER, 500)


def test_work_grows_with_interests_and_the_papers_of_an_edition() -> None:
    """A shard of 178 readers with ten interests and 100 papers took 28 s of a processor."""
    one = Interest(1, "main", words=("a",))
    short = replace(STRANGER, interests=(one,), papers_per_edition=10)
    long = replace(STRANGER, interests=(one,) * 10, papers_per_edition=100)

    assert training_work(long, 0) > 4 * training_work(short, 0)
    assert SHARD_WORK // training_work(long, 0) <= 60
    assert SHARD_WORK // training_work(short, 0) >= SHARD
