"""Tests that errors in training or in one reader's data stop no other reader's edition."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, NoReturn

import pytest
from sqlalchemy import update
from tests.integration.editions.test_publish import MORNING, NOW, WEEK, ids, newsroom

from larkpost.db import editions, papers, schema
from larkpost.db.coordination import job_status
from larkpost.domain import PaperRecord, Thumb
from larkpost.editions import fallback_picks
from larkpost.editions.publish import PublishContext, PublishOutcome, publish_due
from larkpost.ranking import TfidfRanker
from larkpost.readers import subscriptions
from larkpost.readers.record_votes import cast

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from larkpost.db.engine import Store
    from larkpost.domain import Edition, Reader
    from larkpost.interfaces import Evidence
    from larkpost.ranking import TextSpace
    from larkpost.ranking.linear_model import LinearTaste

__all__ = ["ids", "newsroom"]  # fixtures

LONG_AGO = NOW - timedelta(days=200)


class Unfit(TfidfRanker):
    """Cannot be trained."""

    def fit(self, *_: object, **__: object) -> NoReturn:
        raise MemoryError("training fails")


class Picky(TfidfRanker):
    """Breaks over the evidence of some readers."""

    def __init__(self, *broken: int) -> None:
        super().__init__()
        self.broken = set(broken)

    def learn(
        self, space: TextSpace, evidence: Sequence[Evidence], *, now: datetime
    ) -> list[LinearTaste]:
        if self.broken & {one.reader_id for one in evidence}:
            raise ValueError("broken data")
        return super().learn(space, evidence, now=now)


def some_readers(store: Store, count: int, **wishes: int) -> list[Reader]:
    return [
        subscriptions.add(
            store, f"r{n}@example.org", now=NOW, papers_per_edition=wishes.get("size", 3)
        )
        for n in range(count)
    ]


def newest(store: Store, reader: Reader) -> Edition:
    with store.read() as connection:
        return editions.latest(connection, reader.id)[0]


def event(store: Store, kind: str) -> job_status.JobStatus | None:
    with store.read() as connection:
        return job_status.latest(connection).get(kind)


@pytest.mark.usefixtures("ids")
def test_where_training_fails_all_get_their_words_then_the_newest_and_are_reported(
    newsroom: PublishContext,
) -> None:
    store = newsroom.store
    plain, *_ = some_readers(store, 3)
    wordy = subscriptions.add(
        store, "w@example.org", now=NOW, papers_per_edition=3, words=["protein folding"]
    )

    outcomes = publish_due(replace(newsroom, ranker=Unfit()), now=MORNING)

    assert outcomes == Counter({PublishOutcome.PUBLISHED: 4})
    assert newest(store, plain).note == newest(store, wordy).note == fallback_picks.NOTE
    assert [pick.paper.title[:7] for pick in newest(store, wordy).picks] == ["Protein"] * 3
    assert newest(store, wordy).picks[0].positive_terms[0].term == "protein folding"
    learn = event(store, "learn")
    assert learn is not None
    assert (learn.ok, learn.detail["readers"]) == (False, 4)
    assert "training fails" in learn.detail["problem"]


def test_plain_picks_are_none_that_were_picked_or_voted_on(
    newsroom: PublishContext, ids: list[int]
) -> None:
    (reader,) = some_readers(newsroom.store, 1)
    unfit = replace(newsroom, ranker=Unfit())
    cast(newsroom.store, reader.id, ids[0], Thumb.UP, source="test", now=NOW)

    for day in range(2):
        publish_due(unfit, now=MORNING + timedelta(days=day))

    with newsroom.store.read() as connection:
        both = editions.latest(connection, reader.id, 2)
    shown = [pick.paper.id for edition in both for pick in edition.picks]
    assert len(set(shown)) == 6
    assert ids[0] not in shown


@pytest.mark.usefixtures("ids")
def test_a_reader_over_whom_learning_breaks_costs_no_other_anything(
    newsroom: PublishContext,
) -> None:
    store = newsroom.store
    everybody = some_readers(store, 9)
    usual = PublishContext(store, TfidfRanker(), WEEK, "example.org")
    broken = everybody[4]

    outcomes = publish_due(replace(usual, ranker=Picky(broken.id)), now=MORNING)

    assert outcomes == Counter({PublishOutcome.PUBLISHED: 9})
    told = {reader.id: newest(store, reader).note for reader in everybody}
    assert told.pop(broken.id) == fallback_picks.NOTE
    assert set(told.values()) == {""}
    publish_due(usual, now=MORNING + timedelta(days=1))
    learn = event(store, "learn")
    assert learn is not None
    assert learn.ok


@pytest.mark.usefixtures("ids")
def test_a_reader_who_cannot_be_published_costs_no_other_anything_and_stays_due(
    newsroom: PublishContext,
) -> None:
    store = newsroom.store
    lost, *others = some_readers(store, 3)
    zone = update(schema.reader).where(schema.reader.c.id == lost.id)
    with store.begin() as connection:
        connection.execute(zone.values(zone="Atlantis/Capital"))

    first = publish_due(newsroom, now=MORNING)
    failed = event(store, "publish")
    with store.begin() as connection:
        connection.execute(zone.values(zone="UTC"))
    second = publish_due(newsroom, now=MORNING)

    assert first == Counter({PublishOutcome.PUBLISHED: len(others), PublishOutcome.FAILED: 1})
    assert failed is not None
    assert not failed.ok
    assert "Atlantis/Capital" in failed.detail["problem"]
    assert second == Counter({PublishOutcome.PUBLISHED: 1})


def history(*stretches: tuple[int, int, int]) -> list[tuple[int, int]]:
    """Return thumbs as (days ago, thumb): so many ups and downs, at so many days ago each."""
    return [(days, thumb) for days, ups, downs in stretches for thumb in [1] * ups + [-1] * downs]


@pytest.mark.parametrize(
    ("thumbs", "advice"),
    [
        (history((40, 20, 10), (5, 2, 14)), "14 of your last 16, and 10 of the 30 before."),
        (history((40, 20, 10), (5, 0, 20)), "20 of your last 20, and 10 of the 30 before."),
        (history((40, 20, 10), (5, 12, 4)), ""),  # more ups than before
        (history((40, 4, 26), (5, 2, 18)), ""),  # it was no other before
        (history((40, 20, 10), (5, 0, 9)), ""),  # too few to tell
        (history((40, 5, 4), (5, 0, 20)), ""),  # too few before
        (history((90, 20, 10), (40, 2, 14)), ""),  # that was long ago
        ([], ""),
    ],
)
def test_many_thumbs_down_lately_are_reported_with_how_to_forget_the_older_ones(
    newsroom: PublishContext, ids: list[int], thumbs: list[tuple[int, int]], advice: str
) -> None:
    (reader,) = some_readers(newsroom.store, 1)
    with newsroom.store.begin() as connection:
        others = papers.absorb(
            connection,
            [PaperRecord(title=f"Older, {n}", first_seen=LONG_AGO) for n in range(60)],
            now=LONG_AGO,
        )
    for paper, (days, thumb) in zip(others, thumbs, strict=False):
        at = MORNING - timedelta(days=days)
        cast(newsroom.store, reader.id, paper.paper_id, Thumb(thumb), source="test", now=at)

    publish_due(newsroom, now=MORNING)

    note = newest(newsroom.store, reader).note
    assert bool(advice) == ("Many thumbs down lately" in note)
    assert advice in note
    assert not advice or "new words on your page" in note
    assert not advice or "forget your thumbs before 2026-08-02" in note
    assert len(newest(newsroom.store, reader).picks) == 3
