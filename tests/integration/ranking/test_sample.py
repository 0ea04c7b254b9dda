"""Tests the ranking on the real sample: five thumbs on a theme raise its other papers."""

from __future__ import annotations

import re
from itertools import combinations
from typing import TYPE_CHECKING

import pytest
from tests.helpers.ranking_factories import NOW, sample, votes

from larkpost.ranking import TfidfRanker, informative
from larkpost.text.minhash import resemblance, squeeze

if TYPE_CHECKING:
    from larkpost.domain import Paper

ABOUT = {
    "mixture of experts": r"\bMoE|mixture.of.\w*\s?experts?|\bexperts?\b",
    "test-time compute": r"test-time|inference-time|inference time|sleep-time|thinking",
    "compression": r"compress|quantiz|\bprun|low-rank|distill",
}


@pytest.fixture(scope="module")
def papers() -> list[Paper]:
    """Read the sample."""
    return sample()


@pytest.mark.parametrize("theme", ABOUT)
def test_five_thumbs_put_the_themes_other_papers_clearly_ahead(
    papers: list[Paper], theme: str
) -> None:
    mine = [paper for paper in papers if re.search(ABOUT[theme], paper.title, re.IGNORECASE)]
    liked, others = mine[:5], mine[5:]
    candidates = [paper for paper in papers if paper not in liked]
    ranker = TfidfRanker()
    space = ranker.fit(papers)

    (picks,) = ranker.rank(
        space, ranker.learn(space, [votes(liked)], now=NOW), candidates, len(candidates)
    )

    places = [pick.position for pick in picks if pick.paper in others]
    assert others
    assert sum(places) / len(places) < len(candidates) / 4


def test_each_pick_says_why_in_words_of_the_paper(papers: list[Paper]) -> None:
    experts = [p for p in papers if re.search(ABOUT["mixture of experts"], p.title)]
    ranker = TfidfRanker()
    space = ranker.fit(papers)
    tastes = ranker.learn(space, [votes(experts[:5])], now=NOW)

    (picks,) = ranker.rank(space, tastes, [p for p in papers if p not in experts[:5]], 10)

    assert {"experts", "expert", "moe"} & {weight.term for weight in picks[0].positive_terms}
    assert picks[0].nearest in experts[:5]
    for pick in picks:
        assert all(weight.term in pick.paper.text.lower() for weight in pick.positive_terms)


def test_the_papers_to_begin_with_are_spread_out(papers: list[Paper]) -> None:
    space = TfidfRanker().fit(papers)

    first = informative(space, papers, 10)

    assert len({paper.id for paper in first}) == 10
    assert (
        max(resemblance(a, b) for a, b in combinations([squeeze(one.text) for one in first], 2))
        < 0.5
    )
    assert informative(space, papers, 10) == first
    assert informative(space, [], 10) == []
    assert len(informative(space, papers[:3], 10)) == 3


@pytest.mark.parametrize(
    ("words", "holding", "within"),
    [
        ("reinforcement learning", "reinforcement learning", 4),
        ("diffusion models", "diffusion model", 1),
        ("mixture of experts", "mixture.of.(latent )?experts?", 4),
    ],
)
def test_the_particular_word_of_a_phrase_finds_its_papers_first(
    papers: list[Paper], words: str, holding: str, within: int
) -> None:
    ranker = TfidfRanker()
    space = ranker.fit(papers)

    (picks,) = ranker.rank(space, ranker.learn(space, [votes(words=[words])], now=NOW), papers, 9)

    assert all(re.search(holding, p.paper.text, re.IGNORECASE) for p in picks[:within])
