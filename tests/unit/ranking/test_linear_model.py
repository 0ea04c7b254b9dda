"""Tests what a taste learns, and what other readers' libraries add to it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.helpers.ranking_factories import NOW, a_paper, library, votes

from larkpost.ranking import TfidfRanker, collaborative

PAPERS = library(20)


def test_a_taste_knows_what_was_liked_in_the_order_of_the_votes() -> None:
    ranker = TfidfRanker()
    space = ranker.fit(PAPERS)
    evidence = votes([PAPERS[9], PAPERS[2]], [PAPERS[50]], words=["galaxy"])

    (taste,) = ranker.learn(space, [evidence], now=NOW)

    assert [taste.ledger.papers[at] for at in taste.liked_votes] == [PAPERS[9], PAPERS[2]]


def test_libraries_bring_together_what_their_readers_like_together() -> None:
    """Proteins and galaxies share no word; readers who like the one like the other."""
    rng = np.random.default_rng(0)
    libraries = [[int(at) for at in rng.choice(40, 8, replace=False)] for _ in range(150)]
    libraries += [[int(at) for at in rng.choice(20, 8, replace=False) + 40] for _ in range(150)]
    ranker = TfidfRanker()
    evidence = votes(PAPERS[:4])

    places = []
    for known in ((), libraries):
        space = ranker.fit(PAPERS, libraries=known)
        (picks,) = ranker.rank(
            space, ranker.learn(space, [evidence], now=NOW), [*PAPERS[25:35], *PAPERS[45:55]], 20
        )
        places.append(np.mean([pick.position for pick in picks if pick.paper.id < 40]))

    assert places[1] < places[0]


def test_a_paper_is_where_its_readers_are_whatever_its_text_says() -> None:
    """Its words are of no theme, but all who like proteins like it: who likes it gets proteins."""
    odd = a_paper(999, "", "walrus tusk arctic floe")
    rng = np.random.default_rng(0)
    libraries = [
        [int(at) for at in rng.choice(20, 6, replace=False) + 20 * (n % 3)] + [999] * (n % 3 == 0)
        for n in range(300)
    ]
    ranker = TfidfRanker()
    space = ranker.fit([*PAPERS, odd], libraries=libraries)

    (picks,) = ranker.rank(space, ranker.learn(space, [votes([odd])], now=NOW), PAPERS, 20)

    assert {pick.paper.id for pick in picks} == set(range(20))


def test_a_papers_only_reader_does_not_move_it() -> None:
    libraries = [[n % 20, 20 + n % 20, 40] for n in range(300)]
    libraries[0].append(59)
    space = TfidfRanker().fit(PAPERS, libraries=libraries)
    assert space.companions is not None

    places = space.rows([PAPERS[at].text for at in (40, 59)], [PAPERS[at].id for at in (40, 59)])
    by_text = space.rows([PAPERS[at].text for at in (40, 59)])

    assert not np.allclose(places.close[0], by_text.close[0], atol=1e-3)
    assert np.array_equal(places.close[1], by_text.close[1])


def test_a_second_record_of_a_paper_that_readers_know_does_no_harm() -> None:
    """It has the words of an unread paper, and as many votes as outweigh those, but no readers."""
    rng = np.random.default_rng(0)
    libraries = [[int(at) for at in rng.choice(60, 8, replace=False)] for _ in range(300)]
    ranker = TfidfRanker()
    space = ranker.fit(PAPERS, libraries=libraries)
    again = [replace(paper, id=paper.id + 500, uid=f"again-{paper.id}") for paper in PAPERS[:20]]

    first, second = (
        ranker.rank(
            space, ranker.learn(space, [votes(ups, PAPERS[20:60])], now=NOW), PAPERS[:40], 40
        )[0]
        for ups in (PAPERS[:20], again)
    )

    scores = [{pick.paper.id: pick.score for pick in picks} for picks in (first, second)]
    assert scores[1] == pytest.approx(scores[0], abs=0.3)


@pytest.mark.parametrize("meetings", [0, collaborative.MEETINGS - 1, collaborative.MEETINGS])
def test_readers_teach_once_they_have_often_liked_what_another_likes(meetings: int) -> None:
    """Everybody has a paper of their own; one after the other likes a common one, then another."""
    libraries = [[n, *[590] * (n < meetings), *[591] * (n < meetings - 300)] for n in range(300)]
    libraries += [[590, 500], [591, 501]]

    space = TfidfRanker().fit(library(200), libraries=libraries)

    assert (space.companions is not None) == (meetings == collaborative.MEETINGS)


@pytest.mark.parametrize("readers", [0, 1, collaborative.FEWEST - 1])
def test_few_libraries_teach_nothing(readers: int) -> None:
    space = TfidfRanker().fit(PAPERS, libraries=[[1, 2, 3]] * readers)

    assert space.companions is None


def test_libraries_of_unknown_papers_teach_nothing() -> None:
    space = TfidfRanker().fit(PAPERS, libraries=[[9001, 9002]] * 500)

    assert space.companions is None


def test_a_space_with_companions_is_kept_with_them() -> None:
    ranker = TfidfRanker()
    libraries = [[n % 20, (n + 1) % 20, 20 + n % 20] for n in range(300)]
    space = ranker.fit(PAPERS, libraries=libraries)
    kept = ranker.space_from(space.to_bytes())
    assert kept is not None

    fresh, again = (
        ranker.rank(of, ranker.learn(of, [votes(PAPERS[:2])], now=NOW), [a_paper(99), *PAPERS], 60)
        for of in (space, kept)
    )

    assert space.companions is not None
    assert fresh == again
