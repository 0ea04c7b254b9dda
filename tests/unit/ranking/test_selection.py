"""Tests the selection: shares of interests, near-duplicates, the threshold, the draw."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.helpers.edition_factories import reader

from larkpost.domain import Identifier, Interest, Paper, Pick, Reader
from larkpost.ranking.near_duplicates import find_near_duplicates
from larkpost.ranking.selection import (
    Draw,
    apportion,
    chance_to_keep,
    choose,
    draw,
    exploration_rate,
    is_given_away,
    picks_to_find,
    too_few,
)

NOW = datetime(2026, 8, 7, 6, tzinfo=UTC)


def a_paper(number: int) -> Paper:
    return Paper(
        id=number,
        uid=str(number),
        identifier=Identifier("arxiv", f"2608.{number:05}"),
        title=f"Paper {number}",
        abstract="",
        first_seen=NOW,
        ingested_at=NOW,
        updated=NOW,
    )


def picks(*scored: tuple[int, float]) -> list[Pick]:
    return [
        Pick(a_paper(number), place, score, 0.5) for place, (number, score) in enumerate(scored, 1)
    ]


def a_reader(*quotas: int) -> Reader:
    interests = tuple(Interest(n, f"i{n}", quota=q) for n, q in enumerate(quotas, 1))
    return replace(reader(), interests=interests)


@pytest.mark.parametrize(
    ("quotas", "places", "expected"),
    [
        ([1], 10, [10]),
        ([5, 5], 10, [5, 5]),
        ([2, 1], 10, [7, 3]),  # 6.67 and 3.33: the larger remainder gets the last place
        ([1, 1, 1], 10, [4, 3, 3]),  # equal remainders: the first in order
        ([1, 1, 1], 2, [1, 1, 0]),
        ([3, 1], 0, [0, 0]),
    ],
)
def test_places_follow_the_quotas_by_largest_remainder(
    quotas: list[int], places: int, expected: list[int]
) -> None:
    assert apportion(quotas, places) == expected


def test_two_interests_of_equal_quota_get_half_each_even_if_one_scores_higher() -> None:
    strong = picks((1, 9.0), (2, 8.0), (3, 7.0), (4, 6.0))
    weak = picks((11, 0.4), (12, 0.3), (13, 0.2))

    chosen = choose(a_reader(5, 5), {1: strong, 2: weak}, 4)

    assert [(pick.paper.id, pick.interest) for pick in chosen] == [
        (1, "i1"),
        (2, "i1"),
        (11, "i2"),
        (12, "i2"),
    ]
    assert [pick.position for pick in chosen] == [1, 2, 3, 4]


def test_a_paper_that_both_interests_want_comes_once() -> None:
    chosen = choose(a_reader(1, 1), {1: picks((1, 2.0), (2, 1.0)), 2: picks((1, 3.0), (3, 0.5))}, 2)

    assert [pick.paper.id for pick in chosen] == [1, 3]


def test_places_an_interest_cannot_fill_go_to_the_others() -> None:
    chosen = choose(a_reader(1, 1), {1: picks((1, 3.0), (2, 2.0), (3, 1.0)), 2: []}, 3)

    assert [pick.paper.id for pick in chosen] == [1, 2, 3]


def test_an_interest_that_found_nothing_claims_no_place() -> None:
    found = {2: picks((1, 5.0), (2, 4.0), (3, 3.0)), 3: picks((11, 2.0), (12, 1.0), (13, 0.5))}

    chosen = choose(a_reader(1, 2, 1), found, 3)

    assert [pick.paper.id for pick in chosen] == [1, 2, 11]


def leftovers(*scored: tuple[int, float]) -> list[Pick]:
    return [replace(pick, matches=False) for pick in picks(*scored)]


def test_what_speaks_for_no_interest_stands_below_all_that_does_and_bears_no_name() -> None:
    found = {1: [*picks((1, 0.5)), *leftovers((2, 9.0))], 2: picks((11, 0.4))}

    chosen = choose(a_reader(1, 1), found, 3)

    assert [(p.paper.id, p.interest) for p in chosen] == [(1, "i1"), (11, "i2"), (2, "")]


def test_an_interest_that_too_few_papers_match_gives_its_share_to_the_others_and_says_so() -> None:
    few = [*picks((1, 5.0)), *leftovers((2, 4.0), (3, 3.0), (4, 2.0))]
    found = {1: few, 2: picks((11, 0.9), (12, 0.8), (13, 0.7), (14, 0.6))}
    reader = a_reader(1, 1)

    chosen = choose(reader, found, 4)

    assert [pick.paper.id for pick in chosen] == [1, 11, 12, 13]
    assert too_few(reader, found, chosen) == (
        "Few new papers match: 1 for i1. Your other interests have their places."
    )


def test_a_share_goes_to_the_others_by_their_quotas() -> None:
    many = [(n, 1 / n) for n in range(20, 40)]
    found = {1: [], 2: picks(*many), 3: picks(*((n + 50, s) for n, s in many))}

    chosen = choose(a_reader(4, 2, 1), found, 9)

    assert Counter(pick.interest for pick in chosen) == {"i2": 6, "i3": 3}


def test_leftovers_stand_in_the_order_of_their_chances() -> None:
    found = {
        1: [replace(pick, probability=0.2) for pick in leftovers((1, 3.0))],
        2: [replace(pick, probability=0.6) for pick in leftovers((2, 1.0))],
    }

    assert [pick.paper.id for pick in choose(a_reader(1, 1), found, 2)] == [2, 1]


def with_chances(found: list[Pick], *chances: float, known: bool = True) -> list[Pick]:
    return [
        replace(pick, probability=chance, similarity=0.1 if known else None)
        for pick, chance in zip(found, chances, strict=True)
    ]


def test_picks_of_several_interests_stand_in_the_order_of_their_chances_not_scores() -> None:
    found = {
        1: with_chances(picks((1, 9.0), (2, 8.0)), 0.40, 0.30),
        2: with_chances(picks((11, 0.5), (12, 0.4)), 0.76, 0.35),
    }

    assert [pick.paper.id for pick in choose(a_reader(1, 1), found, 4)] == [11, 1, 12, 2]


def test_a_guessed_chance_stands_above_no_known_one_better_than_even() -> None:
    guessed = picks((1, 9.0), (2, 8.0), (3, 0.1))
    found = {
        1: with_chances(guessed, 0.99, 0.98, 0.10, known=False),
        2: with_chances(picks((11, 0.5), (12, 0.4), (13, 0.3)), 0.76, 0.51, 0.35),
    }

    chosen = choose(a_reader(1, 1), found, 6)
    assert [pick.paper.id for pick in chosen] == [11, 12, 1, 2, 13, 3]
    assert [pick.position for pick in chosen] == [1, 2, 3, 4, 5, 6]

    unmatched = {n: [replace(pick, matches=False) for pick in some] for n, some in found.items()}
    chosen = choose(a_reader(1, 1), unmatched, 6)
    assert [pick.paper.id for pick in chosen] == [11, 12, 1, 2, 13, 3]


def test_nothing_is_said_where_each_interest_has_its_share_or_nothing_to_match() -> None:
    found = {1: picks((1, 2.0), (2, 1.5)), 2: picks((11, 0.9), (12, 0.8))}
    reader = a_reader(1, 1)

    assert too_few(reader, found, choose(reader, found, 4)) == ""
    alone = {1: found[1]}
    assert too_few(reader, alone, choose(reader, alone, 2), silent={2}) == ""
    assert "none for i2" in too_few(reader, alone, choose(reader, alone, 2))


def test_what_the_only_interest_found_keeps_its_order_and_its_name() -> None:
    found = {1: [*leftovers((1, 3.0)), *picks((2, 2.0))]}

    chosen = choose(a_reader(1), found, 2)

    assert [(pick.paper.id, pick.interest) for pick in chosen] == [(1, "i1"), (2, "i1")]
    assert too_few(a_reader(1), found, chosen) == ""


def test_a_pick_below_the_threshold_is_left_out() -> None:
    found = {1: [replace(pick, probability=pick.score) for pick in picks((1, 0.9), (2, 0.4))]}

    chosen = choose(replace(a_reader(1), threshold=0.5), found, 2)

    assert [pick.paper.id for pick in chosen] == [1]


def test_the_threshold_does_not_hold_for_an_interest_that_is_untaught() -> None:
    found = {
        n: [replace(pick, probability=pick.score) for pick in picks((n, 0.9), (10 + n, 0.1))]
        for n in (1, 2)
    }

    chosen = choose(replace(a_reader(1, 1), threshold=0.5), found, 4, untaught={2})

    assert [pick.paper.id for pick in chosen] == [1, 2, 12]


ABSTRACT = " ".join(
    f"We study problem {n}, which asks how {word} behaves when nothing else is known of it."
    for n, word in enumerate(("routing", "radar", "birdsong", "pollen", "lattices"))
)


def told(number: int, title: str, abstract: str) -> Paper:
    return replace(a_paper(number), title=title, abstract=abstract)


def test_of_near_duplicates_the_likelier_is_shown_and_its_place_is_filled() -> None:
    alike = find_near_duplicates([told(1, "One", ABSTRACT), told(2, "One again", ABSTRACT)])

    chosen = choose(a_reader(1), {1: picks((1, 3.0), (2, 2.0), (3, 1.0))}, 2, alike)

    assert [pick.paper.id for pick in chosen] == [1, 3]
    assert [pick.position for pick in chosen] == [1, 2]


@pytest.mark.parametrize(
    ("quotas", "size", "doubles", "found"),
    [
        ((1,), 100, 0, [100]),
        ((1,), 10, 50, [20]),
        ((1, 1), 10, 0, [10, 10]),  # each may fill the edition alone
        ((1,) * 10, 100, 0, [40] * 10),  # not a thousand
        ((91, *(1,) * 9), 100, 0, [100, *(22,) * 9]),
    ],
)
def test_several_interests_find_together_little_more_than_their_reader_is_shown(
    quotas: tuple[int, ...], size: int, doubles: int, found: list[int]
) -> None:
    wanted = picks_to_find(a_reader(*quotas), size, doubles)

    assert list(wanted.values()) == found


@given(uid=st.text(max_size=10), others=st.sets(st.integers(0, 50), max_size=20))
def test_the_same_reader_and_day_draw_the_same(uid: str, others: set[int]) -> None:
    first = draw(uid, NOW.date(), others, 99, 0.5)
    again = draw(uid, NOW.date(), sorted(others, reverse=True), 99, 0.5)

    assert first == again
    assert first.paper in {None, *others}


def test_at_a_rate_of_nothing_the_likeliest_keeps_its_place_for_sure() -> None:
    drawn = draw("r", NOW.date(), range(20), 5, 0.0)

    assert drawn == Draw(None, 1.0, 20)


def test_papers_are_drawn_as_often_as_their_propensity_says() -> None:
    days = [NOW.date() + timedelta(days=n) for n in range(4000)]

    drawn = [draw("r", day, range(10), 0, 0.4) for day in days]

    share = Counter(0 if one.paper is None else one.paper for one in drawn)
    assert {round(one.propensity, 9) for one in drawn if one.paper} == {0.04}
    assert {round(one.propensity, 9) for one in drawn if not one.paper} == {0.64}
    assert share[0] / 4000 == pytest.approx(0.64, abs=0.03)
    assert all(share[n] / 4000 == pytest.approx(0.04, abs=0.015) for n in range(1, 10))


@pytest.mark.parametrize(
    ("settled", "ups", "rate"),
    [
        (0.25, 0, 0.95),
        (0.25, 3, 0.81),
        (0.25, 15, 0.25),
        (0.25, 500, 0.25),
        (0.0, 0, 0.0),
        (1.0, 0, 1.0),
        (0.97, 7, 0.97),
    ],
)
def test_exploration_falls_from_nearly_always_as_thumbs_up_come(
    settled: float, ups: int, rate: float
) -> None:
    assert exploration_rate(settled, ups) == pytest.approx(rate)


@given(uid=st.text(max_size=10), rate=st.floats(0, 1), others=st.sets(st.integers(1, 50)))
def test_what_is_known_without_a_pool_is_what_the_draw_says(
    uid: str, rate: float, others: set[int]
) -> None:
    drawn = draw(uid, NOW.date(), others, 0, rate)

    if not is_given_away(uid, NOW.date(), rate):
        assert drawn == Draw(None, chance_to_keep(rate, len(others) + 1), len(others) + 1)
    kept = chance_to_keep(rate, drawn.pool)
    assert kept + (drawn.pool - 1) * rate / drawn.pool == pytest.approx(1)
