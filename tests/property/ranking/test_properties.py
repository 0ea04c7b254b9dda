"""Tests the rules of every ranking, for any papers and votes."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.helpers.ranking_factories import FILLER, NOW, THEMES, a_paper, votes

from larkpost.ranking import TfidfRanker

if TYPE_CHECKING:
    from larkpost.domain import Paper
    from larkpost.interfaces import Evidence

WORDS = sorted({word for words in (*THEMES.values(), FILLER) for word in words.split()})
QUICK = settings(max_examples=40)

texts = st.one_of(
    st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join),
    st.text(max_size=60),
)


@st.composite
def corpora(draw: st.DrawFn) -> list[Paper]:
    """Draw up to 25 papers of known words and of anything at all."""
    told = draw(st.lists(texts, min_size=1, max_size=25))
    return [
        a_paper(at, "", text, hours_old=draw(st.integers(0, 3))) for at, text in enumerate(told)
    ]


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Paper], Evidence]:
    """Draw papers, and votes on some of them, contradictory ones included."""
    papers = draw(corpora())
    some = st.lists(st.sampled_from(papers), max_size=6)
    words = st.lists(texts, max_size=2)
    return papers, votes(draw(some), draw(some), draw(words))


@QUICK
@given(worlds())
def test_every_candidate_gets_one_place_in_a_steady_order(
    world: tuple[list[Paper], Evidence],
) -> None:
    papers, evidence = world
    ranker = TfidfRanker()
    space = ranker.fit(papers)
    tastes = ranker.learn(space, [evidence], now=NOW)

    (picks,) = ranker.rank(space, tastes, papers, len(papers))
    (again,) = ranker.rank(space, tastes, papers[::-1], len(papers))

    assert picks == again
    assert sorted(pick.paper.id for pick in picks) == [paper.id for paper in papers]
    assert all(np.isfinite(pick.score) for pick in picks)
    scores = [round(pick.score, 4) for pick in picks]
    assert all(a >= b - 2e-4 for a, b in pairwise(scores))
    chances = [pick.probability for pick in picks]
    assert all(a >= b - 1e-4 for a, b in pairwise(chances))


@QUICK
@given(worlds())
def test_taking_the_top_term_out_of_the_text_lowers_the_score(
    world: tuple[list[Paper], Evidence],
) -> None:
    papers, evidence = world
    ranker = TfidfRanker()
    space = ranker.fit(papers)
    tastes = ranker.learn(space, [evidence], now=NOW)
    (picks,) = ranker.rank(space, tastes, papers, 10)

    for pick in picks:
        top = next(iter(pick.positive_terms), None)
        if top is None or top.term not in WORDS or top.weight < 1e-3:
            continue
        without = re.sub(rf"\b{top.term}\b", " ", pick.paper.text)
        ((lower,),) = ranker.rank(space, tastes, [a_paper(0, "", without)], 1)
        assert lower.score < pick.score


@QUICK
@given(st.binary(max_size=400))
def test_any_bytes_give_a_space_or_none(body: bytes) -> None:
    assert TfidfRanker().space_from(body) is None


@QUICK
@given(corpora())
def test_a_space_comes_back_from_its_bytes(papers: list[Paper]) -> None:
    ranker = TfidfRanker()
    space = ranker.fit(papers)

    kept = ranker.space_from(space.to_bytes())

    assert kept is not None
    assert kept.to_bytes() == space.to_bytes()
    assert kept.vocabulary == space.vocabulary
