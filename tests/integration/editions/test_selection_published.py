"""Special cases of selection in editions: a random draw, a prior, no near-duplicates."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from larkpost.db import papers, readers, votes
from larkpost.domain import Identifier, PaperRecord, Thumb, Vote
from larkpost.editions import model_cache, recommend, refit_policy
from larkpost.editions.evaluate import history
from larkpost.editions.publish import PublishContext, by_hand, draft, publish
from larkpost.editions.recommend import RankingRequest
from larkpost.ranking import TfidfRanker
from larkpost.ranking.exploration.stream_coverage import measure_coverage
from larkpost.readers import subscriptions
from larkpost.readers.record_votes import cast
from larkpost.text.unverified import Unverified

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from larkpost.db.engine import Store
    from larkpost.domain import Edition, Paper, Reader
    from larkpost.ranking import TextSpace

NOW = datetime(2026, 8, 7, 3, tzinfo=UTC)
WEEK = timedelta(days=7)
SUBJECTS = {
    "routing": "experts gates tokens sparse layers balance",
    "protein": "folding amino acids structures cells enzymes",
    "glacier": "ice radar melting valleys snow altitude",
    "birdsong": "dialects rivers recordings species urban noise",
}


@pytest.fixture
def newsroom(store: Store) -> PublishContext:
    return PublishContext(store, TfidfRanker(), WEEK, "example.org", exploration=1.0)


def take(store: Store, drafts: Iterable[PaperRecord]) -> list[int]:
    with store.begin() as connection:
        return [one.paper_id for one in papers.absorb(connection, drafts, now=NOW)]


@pytest.fixture
def ids(store: Store) -> list[int]:
    """Twelve papers of four subjects in turn, newest first."""
    return take(
        store,
        [
            PaperRecord(
                title=f"On {subject}, part {n}",
                abstract=f"Number {n * 37 + at * 11} tells of {subject}: {words}.",
                identifiers=(Identifier("arxiv", f"2608.{n:02}{at:03}"),),
                first_seen=NOW - timedelta(hours=n * 4 + at),
            )
            for n in range(3)
            for at, (subject, words) in enumerate(SUBJECTS.items())
        ],
    )


def a_reader(store: Store, liked: Sequence[int] = (), size: int = 4) -> Reader:
    with store.read() as connection:  # the lot draws by it: the same in every run
        uid = str(UUID(int=len(list(readers.all(connection))) + 1))
    reader = subscriptions.add(store, None, now=NOW, papers_per_edition=size, uid=uid)
    for paper_id in liked:
        cast(store, reader.id, paper_id, Thumb.UP, source="test", now=NOW)
    return reader


def told(edition: Edition) -> list[tuple[int, bool, float]]:
    return [(pick.paper.id, pick.explored, pick.propensity) for pick in edition.picks]


def test_what_is_ranked_previewed_and_published_is_the_same_lot(
    newsroom: PublishContext, ids: list[int]
) -> None:
    reader = a_reader(newsroom.store, ids[:1])
    occasion = by_hand(reader, NOW)
    question = newsroom.question(occasion)

    ranked = recommend.rank(newsroom.store, newsroom.ranker, [reader], question, now=NOW)
    previewed = draft(newsroom, occasion, now=NOW)
    (published,) = publish(newsroom, [occasion], now=NOW)

    assert published.edition is not None
    assert ranked[reader.id].picks == previewed.picks
    assert told(published.edition) == told(previewed)


def test_only_the_last_place_is_given_away_with_its_odds(
    newsroom: PublishContext, ids: list[int]
) -> None:
    some = [a_reader(newsroom.store, ids[:1]) for _ in range(8)]

    editions = [draft(newsroom, by_hand(reader, NOW), now=NOW) for reader in some]

    for edition in editions:
        *first, last = edition.picks
        assert all((pick.explored, pick.propensity) == (False, 1.0) for pick in first)
        assert last.propensity == pytest.approx(1 / 8)  # eleven candidates, three of them placed
        assert last.pool == 8
        assert last.position == 4
    assert any(edition.picks[-1].explored for edition in editions)


def test_the_replay_knows_from_how_many_papers_the_lot_drew(
    newsroom: PublishContext, ids: list[int]
) -> None:
    """Near-duplicates of placed picks are no part of the pool, though they were considered."""
    with newsroom.store.read() as connection:
        known = papers.get(connection, ids)
    long = "Tokens go to experts by the gates of a sparse layer, and we ask who balances them. " * 4
    take(
        newsroom.store,
        [
            PaperRecord(
                title=f"On the routing of tokens, told {word}",
                abstract=f"{long}{word}.",
                identifiers=(Identifier("doi", f"10.1000/{word}"),),
                first_seen=known[ids[0]].first_seen,
            )
            for word in ("once", "again")
        ],
    )
    reader = a_reader(newsroom.store, ids[:1])

    (published,) = publish(newsroom, [by_hand(reader, NOW)], now=NOW)
    with newsroom.store.begin() as connection:
        past = history(connection, reader)

    assert published.edition is not None
    *first, last = published.edition.picks
    assert sum("told" in pick.paper.title for pick in first) == 1
    assert published.edition.candidate_count == 13
    (place,) = past.logged
    assert place.pool == last.pool == 9  # three are placed, and one resembles one of them
    assert place.propensity == pytest.approx(1 / 9)
    assert (place.explored, place.liked) == (last.explored, False)


def many(store: Store) -> dict[str, list[int]]:
    """Twelve papers of each of four subjects, by its name."""
    return {
        subject: take(
            store,
            [
                PaperRecord(
                    title=f"On {subject}, part {n}",
                    abstract=f"Number {n * 37 + at * 11} tells of {subject}: {words}.",
                    identifiers=(Identifier("arxiv", f"2607.{n:02}{at:03}"),),
                    first_seen=NOW - timedelta(hours=n * 4 + at),
                )
                for n in range(12)
            ],
        )
        for at, (subject, words) in enumerate(SUBJECTS.items())
    }


def test_the_lot_draws_among_papers_far_from_all_that_was_shown(newsroom: PublishContext) -> None:
    subjects = many(newsroom.store)
    seen = [*subjects["routing"], *subjects["protein"][:4], *subjects["glacier"][:4]]
    some = [a_reader(newsroom.store, seen) for _ in range(8)]

    editions = [draft(newsroom, by_hand(reader, NOW), now=NOW) for reader in some]

    last = [edition.picks[-1] for edition in editions]
    assert {pick.pool for pick in last} == {11}  # the ten farthest, and the likeliest
    assert [pick.propensity for pick in last] == pytest.approx([1 / 11] * 8)
    explored = [pick.paper.id for pick in last if pick.explored]
    assert explored
    assert set(explored) <= set(subjects["birdsong"])


def test_the_odds_are_the_same_whether_the_far_papers_were_looked_for_or_not(
    newsroom: PublishContext,
) -> None:
    subjects = many(newsroom.store)
    often = replace(newsroom, exploration=0.3)
    some = [a_reader(newsroom.store, subjects["routing"][:2]) for _ in range(12)]

    editions = [draft(often, by_hand(reader, NOW), now=NOW) for reader in some]

    rate = 0.95 - 0.65 * 2 / 15  # two thumbs up of fifteen
    for edition in editions:
        last = edition.picks[-1]
        kept = 1 - rate + rate / 11
        assert last.pool == 11
        assert last.propensity == pytest.approx(rate / 11 if last.explored else kept)
    assert len({edition.picks[-1].explored for edition in editions}) == 2


def test_a_paper_that_was_shown_is_no_longer_far(newsroom: PublishContext) -> None:
    """Once papers of a subject were in an edition, the lot looks elsewhere."""
    subjects = many(newsroom.store)
    liked = [*subjects["routing"], *subjects["protein"]]
    some = [a_reader(newsroom.store, [*liked, *subjects["glacier"][:3]]) for _ in range(6)]
    none = [a_reader(newsroom.store, [*liked, *subjects["birdsong"][:3]]) for _ in range(6)]

    for asked, far in ((some, "birdsong"), (none, "glacier")):
        last = [draft(newsroom, by_hand(one, NOW), now=NOW).picks[-1] for one in asked]
        found = {pick.paper.id for pick in last if pick.explored}
        assert found
        assert found <= set(subjects[far])


def test_the_replay_knows_what_came_and_what_of_it_was_shown(newsroom: PublishContext) -> None:
    subjects = many(newsroom.store)
    reader = a_reader(newsroom.store, subjects["routing"][:2])
    (published,) = publish(newsroom, [by_hand(reader, NOW)], now=NOW)

    with newsroom.store.begin() as connection:
        past = history(connection, reader)
    covered = measure_coverage(TfidfRanker(), past.stream, past.shown)

    assert published.edition is not None
    picked = {pick.paper.id for pick in published.edition.picks}
    assert past.shown == picked | set(subjects["routing"][:2])
    assert {paper.id for paper in past.stream} == {one for ids in subjects.values() for one in ids}
    assert covered is not None
    assert covered.papers == 48
    assert 0 < covered.never_shown < 1


def test_nothing_is_drawn_where_all_is_shown_or_a_threshold_is_set(
    newsroom: PublishContext, ids: list[int]
) -> None:
    everything = a_reader(newsroom.store, ids[:1], size=20)
    choosy = replace(a_reader(newsroom.store, ids[:1]), threshold=0.01)

    for reader in (everything, choosy):
        edition = draft(newsroom, by_hand(reader, NOW), now=NOW)
        assert {pick.propensity for pick in edition.picks} == {1.0}


def test_a_reader_of_whom_nothing_is_known_begins_with_what_others_like(
    newsroom: PublishContext, ids: list[int]
) -> None:
    for _ in range(5):
        a_reader(newsroom.store, ids[5:6])
    reader = a_reader(newsroom.store)

    answer = recommend.rank(
        newsroom.store, newsroom.ranker, [reader], RankingRequest(NOW, WEEK), now=NOW
    )[reader.id]

    assert [pick.paper.id for pick in answer.picks] == [ids[5], *ids[:3]]
    assert {pick.score for pick in answer.picks} == {0.0}
    assert len({pick.probability for pick in answer.picks}) == 1


def test_near_duplicates_share_one_place(newsroom: PublishContext, ids: list[int]) -> None:
    text = " ".join(
        f"In section {n} we show what routing of experts does to {word}."
        for n, word in enumerate(("load", "loss", "speed", "memory", "training", "serving"))
    )
    twins = take(
        newsroom.store,
        [
            PaperRecord("A long look at routing", text, (Identifier("arxiv", "2608.10001"),)),
            PaperRecord("What experts do", f"{text} Nothing else.", (Identifier("doi", "10.1/x"),)),
        ],
    )
    if len(set(twins)) == 1:
        pytest.fail("the two were taken for one paper, so nothing is tested")
    reader = a_reader(newsroom.store, ids[:1], size=20)

    edition = draft(newsroom, by_hand(reader, NOW), now=NOW)

    assert len({pick.paper.id for pick in edition.picks} & set(twins)) == 1
    assert len(edition.picks) == 12


@pytest.mark.parametrize("source", ["", "source journal"])
@pytest.mark.parametrize("is_known", [True, False])
def test_a_blogs_copy_that_ranks_higher_keeps_a_listed_paper_from_nobody(
    newsroom: PublishContext, ids: list[int], is_known: bool, source: str
) -> None:
    text = " ".join(
        f"In section {n} we show what routing of experts does to {word}."
        for n, word in enumerate(("load", "loss", "speed", "memory", "training", "serving"))
    )
    listed = PaperRecord(
        "A long look at routing",
        text,
        (Identifier("arxiv", "2608.10001"),),
        unverified=Unverified.ALL if source else Unverified.NONE,
        text_source=source,
    )
    copy = PaperRecord(
        "A long tour of routing",
        f"{text} Experts routing.",
        upvotes=5000,
        unverified=Unverified.ALL,
        text_source="source a-blog",
    )
    first, second = take(newsroom.store, [listed, copy])
    assert first != second
    reader = a_reader(newsroom.store, ids[:1] if is_known else (), size=20)

    edition = draft(newsroom, by_hand(reader, NOW), now=NOW)

    shown = {first, second} if source else {first}
    assert {first, second} & {pick.paper.id for pick in edition.picks} == shown


class Told(TfidfRanker):
    """Remembers how many libraries each space was fitted with."""

    def __init__(self) -> None:
        super().__init__()
        self.libraries: list[int] = []

    def fit(
        self, corpus: Iterable[Paper], *, libraries: Sequence[Collection[int]] = ()
    ) -> TextSpace:
        """Fit, and remember."""
        self.libraries.append(len(libraries))
        return super().fit(corpus, libraries=libraries)


def add_fans(store: Store, count: int, liked: Sequence[int]) -> None:
    with store.begin() as connection:
        fans = [readers.add(connection, address=None, now=NOW).id for _ in range(count)]
        votes.cast_many(
            connection,
            [Vote(fan, paper, Thumb.UP, NOW, "test") for fan in fans for paper in liked],
        )


def test_what_hundreds_of_readers_like_together_goes_into_the_space(
    store: Store, ids: list[int]
) -> None:
    ranker = Told()
    add_fans(store, model_cache.READERS - 1, ids[:3])
    model_cache.fresh_space(store, ranker, now=NOW)
    add_fans(store, 1, ids[:2])  # likes too little to be counted
    model_cache.fresh_space(store, ranker, now=NOW)

    add_fans(store, 1, ids[2:6])
    for _ in range(2):
        model_cache.fresh_space(store, ranker, now=NOW + refit_policy.THUMBS_AFTER)

    assert ranker.libraries == [0, model_cache.READERS]


def test_thumbs_taken_back_and_given_again_cost_one_fit_a_day(store: Store, ids: list[int]) -> None:
    ranker, shared = Told(), model_cache.ModelCache()
    add_fans(store, model_cache.READERS, ids[:3])
    with store.read() as connection:
        fan = max(one.id for one in readers.all(connection))
    for minute in range(10):
        now = NOW + timedelta(minutes=minute)
        shared.refresh(store, ranker, now=now)
        with store.begin() as connection:
            if not votes.clear(connection, fan, ids[0]):
                votes.cast(connection, Vote(fan, ids[0], Thumb.UP, now, "test"))
    assert ranker.libraries == [model_cache.READERS]

    with store.begin() as connection:
        votes.clear(connection, fan, ids[0])
    shared.refresh(store, ranker, now=NOW + refit_policy.THUMBS_AFTER)
    assert ranker.libraries == [model_cache.READERS, 0]
