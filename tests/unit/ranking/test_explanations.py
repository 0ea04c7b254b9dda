"""Tests explanations: they come from the model, add up, and decide the score."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.helpers.ranking_factories import NOW, THEMES, a_paper, crowded, library, sample, votes

from larkpost.ranking import TfidfRanker, scoring
from larkpost.ranking.explanations import contributions, write_out

if TYPE_CHECKING:
    from larkpost.ranking import TextSpace

PAPERS = library(20)
EVIDENCE = [
    votes(PAPERS[:1]),
    votes(PAPERS[:6], PAPERS[30:35]),
    votes(downs=PAPERS[:3]),
    votes(words=["galaxy halo"]),
    votes(),
]


@pytest.fixture(scope="module", params=["small", "small, together", "large", "large, together"])
def space(request: pytest.FixtureRequest) -> TextSpace:
    """Fit a space, small or with every part, with or without what three hundred readers teach."""
    rng = np.random.default_rng(0)
    libraries = [rng.choice(20, 4, replace=False) + 20 * (n % 3) for n in range(300)]
    told = [[int(at) for at in one] for one in libraries] if "together" in request.param else ()
    return TfidfRanker().fit(
        crowded(PAPERS) if "large" in request.param else PAPERS, libraries=told
    )


@pytest.mark.parametrize("accurate", [True, False])
def test_what_the_terms_add_and_the_bias_sum_to_the_score(space: TextSpace, accurate: bool) -> None:
    ranker = TfidfRanker(accurate=accurate)
    tastes = ranker.learn(space, EVIDENCE, now=NOW)
    texts = [*(paper.text for paper in PAPERS[10:50:4]), "", "galaxy", "unknown_word"]
    rows = space.rows(texts)
    written = write_out(space, tastes)

    scores = scoring.score(space, tastes, rows)

    for at in range(len(texts)):
        found = contributions(space, written, rows, at, range(len(tastes)))
        assert found.scores == pytest.approx(scores[:, at], abs=1e-4)


@pytest.mark.parametrize("accurate", [True, False])
def test_average_reasons_are_the_reasons_of_all_picks_summed(
    space: TextSpace, accurate: bool
) -> None:
    ranker = TfidfRanker(accurate=accurate)
    tastes = ranker.learn(space, EVIDENCE, now=NOW)
    papers = PAPERS[10:50:4]

    averages = ranker.average_reasons(space, tastes, papers)

    ranked = ranker.rank(space, tastes, papers, len(papers))
    for reasons, picks in zip(averages, ranked, strict=True):
        for told, terms in (
            (reasons.raised, [one for pick in picks for one in pick.positive_terms]),
            (reasons.lowered, [one for pick in picks for one in pick.negative_terms]),
        ):
            expected: dict[str, float] = {}
            for one in terms:
                expected[one.term] = expected.get(one.term, 0.0) + one.weight / len(papers)
            assert told == pytest.approx(expected)
    assert any(reasons.raised and reasons.lowered for reasons in averages)


def test_without_papers_there_are_no_average_reasons() -> None:
    ranker = TfidfRanker()
    space = ranker.fit([])
    tastes = ranker.learn(space, [votes()], now=NOW)

    assert ranker.average_reasons(space, tastes, []) == [({}, {})]


def test_what_is_reported_and_the_rest_sum_to_the_score_on_real_abstracts() -> None:
    papers, ranker = sample(), TfidfRanker()
    space = ranker.fit(papers)
    tastes = ranker.learn(space, [votes(papers[:9], papers[20:24])], now=NOW)

    (picks,) = ranker.rank(space, tastes, papers, len(papers))

    for pick in picks:
        told = sum(one.weight for one in (*pick.positive_terms, *pick.negative_terms))
        assert told + pick.others + pick.bias == pytest.approx(pick.score, abs=1e-6)
    assert [pick.score for pick in picks] == sorted((p.score for p in picks), reverse=True)


def test_the_strongest_reasons_are_words_of_the_theme(space: TextSpace) -> None:
    ranker = TfidfRanker()
    tastes = ranker.learn(space, [votes(PAPERS[:5])], now=NOW)

    (picks,) = ranker.rank(space, tastes, PAPERS[5:], 5)

    for pick in picks:
        assert pick.positive_terms[0].term in THEMES["proteins"].split()
        assert pick.positive_terms[0].term in pick.paper.text
        assert [w.weight for w in pick.positive_terms] == sorted(
            (w.weight for w in pick.positive_terms), reverse=True
        )


def test_terms_of_what_is_disliked_are_reported_against_it(space: TextSpace) -> None:
    ranker = TfidfRanker()
    tastes = ranker.learn(space, [votes(PAPERS[:5], PAPERS[20:25])], now=NOW)

    (picks,) = ranker.rank(space, tastes, PAPERS[25:40], 15)

    told = {weight.term for pick in picks for weight in pick.negative_terms}
    assert told & set(THEMES["galaxies"].split())
    assert all(weight.weight < 0 for pick in picks for weight in pick.negative_terms)


def test_taking_any_told_term_out_of_the_paper_lowers_its_score(space: TextSpace) -> None:
    ranker = TfidfRanker()
    tastes = ranker.learn(space, [votes(PAPERS[:4], PAPERS[50:52])], now=NOW)
    (picks,) = ranker.rank(space, tastes, PAPERS[4:30], 26)

    for pick in picks:
        for weight in pick.positive_terms:
            title, abstract = (
                re.sub(rf"\b{weight.term}\b", " ", text)
                for text in (pick.paper.title, pick.paper.abstract)
            )
            ((again,),) = ranker.rank(space, tastes, [a_paper(1, title, abstract)], 1)
            assert again.score < pick.score


def test_the_liked_paper_told_is_the_nearest_one(space: TextSpace) -> None:
    ranker = TfidfRanker()
    liked = [PAPERS[0], PAPERS[25], PAPERS[45]]
    tastes = ranker.learn(space, [votes(liked)], now=NOW)

    (picks,) = ranker.rank(space, tastes, [PAPERS[30]], 1)

    assert picks[0].similar_paper == PAPERS[25]


def test_a_paper_that_shares_nothing_with_what_is_liked_is_like_none() -> None:
    ranker = TfidfRanker()
    space = ranker.fit([a_paper(1, "apple pear"), a_paper(2, "zebra lion"), a_paper(3)])

    (picks,) = ranker.rank(
        space, ranker.learn(space, [votes([a_paper(1, "apple pear")])], now=NOW), [a_paper(3)], 1
    )

    assert picks[0].similar_paper is None
    assert picks[0].positive_terms == ()


def test_words_of_an_interest_are_no_liked_paper() -> None:
    ranker = TfidfRanker()
    space = ranker.fit(PAPERS)

    (picks,) = ranker.rank(
        space, ranker.learn(space, [votes(words=["galaxy"])], now=NOW), PAPERS[20:25], 5
    )

    assert all(pick.similar_paper is None for pick in picks)
    assert picks[0].positive_terms
