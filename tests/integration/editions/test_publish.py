"""Tests editions from stored papers and thumbs, on both databases, with the real ranker."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from larkpost.db import editions, fitted_models, papers, readers
from larkpost.db.coordination import job_status
from larkpost.db.outbox import deliveries
from larkpost.domain import Identifier, PaperRecord, Reader, Thumb
from larkpost.editions import recommend
from larkpost.editions.model_cache import fresh_space
from larkpost.editions.publish import (
    EditionRequest,
    PublishContext,
    PublishOutcome,
    by_hand,
    draft,
    publish,
    publish_due,
)
from larkpost.editions.recommend import RankingRequest
from larkpost.ranking import TfidfRanker
from larkpost.readers import subscriptions
from larkpost.readers.record_votes import cast

if TYPE_CHECKING:
    from larkpost.db.engine import Store

NOW = datetime(2026, 8, 7, 3, tzinfo=UTC)
MORNING = datetime(2026, 8, 7, 6, 0, 5, tzinfo=UTC)
WEEK = timedelta(days=7)
THEMES = {
    "routing": "mixture of experts routing gates send tokens to sparse expert layers",
    "protein": "protein folding structures predicted from amino acid sequences of cells",
}


@pytest.fixture
def newsroom(store: Store) -> PublishContext:
    return PublishContext(store, TfidfRanker(), WEEK, "example.org")


@pytest.fixture
def ids(store: Store) -> list[int]:
    """Twelve papers of two themes in turn."""
    drafts = [
        PaperRecord(
            title=f"{theme.title()} study number {n}",
            abstract=f"{text}. Case {n} considers variant {n * 7} of the question in detail.",
            identifiers=(Identifier("arxiv", f"2608.{n:02}{at:03}"),),
            first_seen=NOW - timedelta(hours=n),
        )
        for n in range(6)
        for at, (theme, text) in enumerate(THEMES.items())
    ]
    with store.begin() as connection:
        return [one.paper_id for one in papers.absorb(connection, drafts, now=NOW)]


def a_reader(store: Store, address: str | None = "a@example.org", size: int = 4) -> Reader:
    return subscriptions.add(store, address, now=NOW, papers_per_edition=size)


def ranked(newsroom: PublishContext, reader: Reader, *, again: bool = False) -> list[int]:
    question = RankingRequest(NOW, WEEK, again=again)
    answer = recommend.rank(newsroom.store, newsroom.ranker, [reader], question, now=NOW)
    return [pick.paper.id for pick in answer[reader.id].picks]


def test_a_reader_without_thumbs_or_words_gets_the_newest_papers(
    newsroom: PublishContext, ids: list[int]
) -> None:
    reader = a_reader(newsroom.store)

    assert ranked(newsroom, reader) == ids[:4]


def test_words_of_interest_rank_before_any_thumb(newsroom: PublishContext, ids: list[int]) -> None:
    reader = subscriptions.add(
        newsroom.store, None, now=NOW, papers_per_edition=4, words=["protein folding"]
    )

    assert set(ranked(newsroom, reader)) <= set(ids[1::2])


@pytest.mark.parametrize("words", [("quokkas",), ("considers",), ("cs.CL", "quokkas")])
def test_words_that_tell_no_papers_apart_are_reported_in_the_note(
    newsroom: PublishContext, ids: list[int], words: tuple[str, ...]
) -> None:
    with newsroom.store.begin() as connection:
        more = [PaperRecord(title=f"It considers {n}", first_seen=NOW) for n in range(20)]
        papers.absorb(connection, more, now=NOW)
    reader = subscriptions.add(
        newsroom.store, "w@example.org", now=NOW, papers_per_edition=4, words=words
    )
    silent = a_reader(newsroom.store)
    helped = subscriptions.add(newsroom.store, "h@example.org", now=NOW, words=(*words, "protein"))

    question = RankingRequest(NOW, WEEK)
    asked = [reader, silent, helped]
    answer = recommend.rank(newsroom.store, newsroom.ranker, asked, question, now=NOW)

    assert answer[reader.id].picks
    assert answer[reader.id].note.startswith("None of your interest words helps")
    assert answer[silent.id].note == answer[helped.id].note == ""


def test_thumbs_change_the_next_ranking_at_once(newsroom: PublishContext, ids: list[int]) -> None:
    reader = a_reader(newsroom.store)
    cast(newsroom.store, reader.id, ids[1], Thumb.UP, source="test", now=NOW)
    cast(newsroom.store, reader.id, ids[0], Thumb.DOWN, source="test", now=NOW)

    assert set(ranked(newsroom, reader)) <= set(ids[1::2]) - {ids[1]}


def test_every_pick_says_why(newsroom: PublishContext, ids: list[int]) -> None:
    reader = a_reader(newsroom.store)
    cast(newsroom.store, reader.id, ids[1], Thumb.UP, source="test", now=NOW)

    edition = draft(newsroom, by_hand(reader, NOW), now=NOW)

    first = edition.picks[0]
    assert {weight.term for weight in first.positive_terms} & {
        "protein",
        "folding",
        "amino",
        "cells",
    }
    assert first.similar_paper is not None
    assert first.similar_paper.id == ids[1]
    assert edition.candidate_count == 11


def test_what_is_due_is_published_once_with_a_message(
    newsroom: PublishContext, ids: list[int]
) -> None:
    reader = a_reader(newsroom.store)

    first = publish_due(newsroom, now=MORNING)
    second = publish_due(newsroom, now=MORNING)

    assert (first, second) == ({PublishOutcome.PUBLISHED: 1}, {})
    with newsroom.store.read() as connection:
        edition = editions.on(connection, reader.id, date(2026, 8, 7))
        assert edition is not None
        assert [pick.paper.id for pick in edition.picks] == ids[:4]
        assert sum(deliveries.counts(connection).values()) == 1


def test_a_reader_without_an_address_gets_an_edition_and_no_message(
    newsroom: PublishContext, ids: list[int]
) -> None:
    a_reader(newsroom.store, address=None)

    assert publish_due(newsroom, now=MORNING) == {PublishOutcome.PUBLISHED: 1}
    with newsroom.store.read() as connection:
        assert sum(deliveries.counts(connection).values()) == 0


def test_no_paper_comes_twice_unless_asked_for_again(
    newsroom: PublishContext, ids: list[int]
) -> None:
    reader = a_reader(newsroom.store)
    publish(newsroom, [by_hand(reader, NOW)], now=NOW)

    assert ranked(newsroom, reader) == ids[4:8]
    assert ranked(newsroom, reader, again=True) == ids[:4]


def test_an_empty_day_moves_the_slot_and_makes_no_edition(newsroom: PublishContext) -> None:
    reader = a_reader(newsroom.store)

    assert publish_due(newsroom, now=MORNING) == {PublishOutcome.EMPTY: 1}
    with newsroom.store.read() as connection:
        assert editions.latest(connection, reader.id) == []
        assert readers.get(connection, reader.id).next_slot == datetime(2026, 8, 8, 6, tzinfo=UTC)


def test_papers_below_the_threshold_are_left_out_and_it_is_reported(
    newsroom: PublishContext, ids: list[int]
) -> None:
    reader = subscriptions.add(newsroom.store, None, now=NOW, threshold=0.999)
    cast(newsroom.store, reader.id, ids[0], Thumb.UP, source="test", now=NOW)

    (result,) = publish(newsroom, [by_hand(reader, NOW)], now=NOW)

    assert (result.outcome, result.edition) == (PublishOutcome.BELOW_THRESHOLD, None)


@pytest.mark.parametrize("thumbs", [[], [Thumb.DOWN]])
def test_before_the_first_thumb_up_no_threshold_keeps_papers_out(
    newsroom: PublishContext, ids: list[int], thumbs: list[Thumb]
) -> None:
    reader = subscriptions.add(newsroom.store, None, now=NOW, threshold=0.999, papers_per_edition=3)
    for thumb in thumbs:
        cast(newsroom.store, reader.id, ids[0], thumb, source="test", now=NOW)

    (result,) = publish(newsroom, [by_hand(reader, NOW)], now=NOW)

    assert result.outcome is PublishOutcome.PUBLISHED
    assert result.edition is not None
    assert len(result.edition.picks) == 3


def test_asking_twice_by_hand_shows_the_edition_that_is_out(
    newsroom: PublishContext, ids: list[int]
) -> None:
    reader = a_reader(newsroom.store)
    (first,) = publish(newsroom, [by_hand(reader, NOW)], now=NOW)
    cast(newsroom.store, reader.id, ids[0], Thumb.DOWN, source="test", now=NOW)

    (second,) = publish(newsroom, [by_hand(reader, NOW)], now=NOW)

    assert first.edition is not None
    assert second.edition is not None
    assert second.outcome is PublishOutcome.ALREADY_PUBLISHED
    assert [p.paper.id for p in second.edition.picks] == [p.paper.id for p in first.edition.picks]


def test_an_edition_by_hand_does_not_keep_the_slot_from_moving_on(
    newsroom: PublishContext, ids: list[int]
) -> None:
    reader = a_reader(newsroom.store)
    publish(newsroom, [by_hand(reader, NOW)], now=NOW)

    assert publish_due(newsroom, now=MORNING) == {PublishOutcome.ALREADY_PUBLISHED: 1}
    assert publish_due(newsroom, now=MORNING) == {}


def test_a_catch_up_looks_back_over_the_whole_gap(newsroom: PublishContext, ids: list[int]) -> None:
    reader = a_reader(newsroom.store)
    later = NOW + timedelta(days=12)
    gap = EditionRequest(reader, later.date(), later, NOW.date(), reader.next_slot)
    ordinary = EditionRequest(reader, later.date(), later, None, reader.next_slot)

    assert len(draft(newsroom, gap, now=later).picks) == 4
    assert draft(newsroom, ordinary, now=later).picks == ()


def test_a_shard_of_readers_is_ranked_together_and_each_for_themselves(
    newsroom: PublishContext, ids: list[int]
) -> None:
    fans = [a_reader(newsroom.store, f"{n}@example.org") for n in range(2)]
    for fan, liked in zip(fans, ids[:2], strict=True):
        cast(newsroom.store, fan.id, liked, Thumb.UP, source="test", now=NOW)

    answer = recommend.rank(
        newsroom.store, newsroom.ranker, fans, RankingRequest(NOW, WEEK), now=NOW
    )

    for fan, theme in zip(fans, (ids[0::2], ids[1::2]), strict=True):
        assert {pick.paper.id for pick in answer[fan.id].picks} <= set(theme)


class Failing(TfidfRanker):
    """A ranker whose fits fail."""

    def fit(self, corpus, *, libraries=()):  # type: ignore[no-untyped-def]  # the seam's
        raise MemoryError(f"too many papers: {len(corpus)}, and {len(libraries)} libraries")


@pytest.mark.parametrize("damaged", [0, 1], ids=["newest", "second newest"])
def test_where_fitting_fails_the_newest_space_that_can_be_read_serves(
    newsroom: PublishContext, ids: list[int], damaged: int
) -> None:
    good = fresh_space(newsroom.store, TfidfRanker(), now=NOW)
    with newsroom.store.begin() as connection:
        papers.absorb(connection, [PaperRecord(title="A new one", first_seen=NOW)], now=MORNING)
        for _ in range(damaged):
            fitted_models.save_model(
                connection, b"cut", paper_count=1, corpus_updated_at=NOW, now=MORNING
            )

    with capture_logs() as logged:
        served = fresh_space(newsroom.store, Failing(), now=MORNING)

    assert [one["log_level"] for one in logged] == ["warning"]
    assert served.to_bytes() == good.to_bytes()
    with newsroom.store.read() as connection:
        event = job_status.latest(connection)["fit"]
    assert (event.ok, event.at) == (False, MORNING)
    assert "too many papers" in event.detail["problem"]


def test_where_fitting_fails_and_no_space_can_be_read_it_is_raised(
    newsroom: PublishContext,
) -> None:
    with newsroom.store.begin() as connection:
        fitted_models.save_model(connection, b"cut", paper_count=1, corpus_updated_at=NOW, now=NOW)

    with pytest.raises(MemoryError):
        fresh_space(newsroom.store, Failing(), now=MORNING)


def test_the_space_is_kept_until_a_paper_changes(newsroom: PublishContext, ids: list[int]) -> None:
    class Counting(TfidfRanker):
        fits = 0

        def fit(self, corpus, *, libraries=()):  # type: ignore[no-untyped-def]  # the seam's
            Counting.fits += 1
            return super().fit(corpus, libraries=libraries)

    ranker = Counting()
    for _ in range(2):
        fresh_space(newsroom.store, ranker, now=NOW)
    with newsroom.store.begin() as connection:
        papers.absorb(connection, [PaperRecord(title="A new one", first_seen=NOW)], now=MORNING)
    fresh_space(newsroom.store, ranker, now=MORNING)

    assert Counting.fits == 2
