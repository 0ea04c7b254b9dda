"""The ranking before any thumb, and with hostile texts and votes."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.helpers.ranking_factories import sample
from tests.helpers.timing import assert_grows_less_than, cpu_seconds

from larkpost.domain import Identifier, Paper, Pick, Thumb
from larkpost.interfaces import Evidence
from larkpost.ranking import TfidfRanker, informative

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from larkpost.ranking import TextSpace

NOW = datetime(2026, 8, 7, 6, tzinfo=UTC)
SUBJECTS = {
    "routing": ["experts", "gates", "tokens", "sparse", "layers", "balance", "capacity"],
    "protein": ["folding", "amino", "acids", "structures", "enzymes", "binding", "cells"],
    "glacier": ["ice", "radar", "melting", "valleys", "snow", "altitude", "moraine"],
    "birdsong": ["dialects", "rivers", "recordings", "species", "urban", "noise", "calls"],
}


def a_paper(number: int, title: str, abstract: str) -> Paper:
    return Paper(
        id=number,
        uid=f"{number:06}",
        identifier=Identifier("arxiv", f"2608.{number:06}"),
        title=title,
        abstract=abstract,
        first_seen=NOW - timedelta(minutes=number),
        ingested_at=NOW,
        updated=NOW,
    )


def shelf(count: int) -> list[Paper]:
    """Papers of four subjects in turn."""
    papers = []
    for number in range(count):
        subject = list(SUBJECTS)[number % 4]
        draw = random.Random(number)  # noqa: S311 - nothing secret hangs on it
        words = draw.choices([*SUBJECTS[subject], "study", "results", f"case{number % 50}"], k=30)
        papers.append(a_paper(number, f"On {subject}", f"{subject} {' '.join(words)}"))
    return papers


def ranked(
    papers: list[Paper], voted: list[Paper], thumbs: list[Thumb], limit: int = 10
) -> list[Pick]:
    ranker = TfidfRanker()
    space = ranker.fit(papers)
    asked = Evidence(1, 1, voted, thumbs, [NOW] * len(voted))
    (taste,) = ranker.learn(space, [asked], now=NOW)
    (picks,) = ranker.rank(space, [taste], papers, limit, excluded=[[p.id for p in voted]])
    return picks


def subject(paper: Paper) -> str:
    return paper.title.removeprefix("On ")


def test_the_papers_to_rate_are_spread_over_the_subjects_and_the_same_every_time() -> None:
    papers = shelf(80)
    space = TfidfRanker().fit(papers)

    chosen = informative(space, papers, 4)

    assert {subject(paper) for paper in chosen} == set(SUBJECTS)
    assert chosen == informative(space, list(reversed(papers)), 4)


def test_there_are_never_more_papers_to_rate_than_papers() -> None:
    papers = shelf(3)

    assert set(informative(TfidfRanker().fit(papers), papers, 10)) == set(papers)
    assert informative(TfidfRanker().fit([]), [], 10) == []


@pytest.mark.parametrize("theme", SUBJECTS)
def test_a_paper_stuffed_with_every_word_is_nobodys_first(theme: str) -> None:
    papers = shelf(120)
    every = " ".join([*SUBJECTS, *(word for words in SUBJECTS.values() for word in words)])
    stuffed = a_paper(999, every, " ".join([every] * 500))
    voted = [paper for paper in papers if subject(paper) == theme][:5]

    picks = ranked([*papers, stuffed], voted, [Thumb.UP] * 5, 121)

    assert all(math.isfinite(pick.score) and 0 <= pick.probability <= 1 for pick in picks)
    assert subject(picks[0].paper) == theme
    assert [pick.paper.id for pick in picks[:10]].count(999) == 0


@pytest.mark.parametrize(
    "abstract",
    [
        "",
        "x",
        "混合专家模型将令牌路由到稀疏的专家层",
        "Смесь экспертов направляет токены в разреженные слои",
        "خلط الخبراء يوجه الرموز إلى طبقات متفرقة",
        "routing",
        "\U0001f426" * 50,
        "a" * 60_000,
    ],
)
def test_odd_texts_have_finite_scores_voted_on_or_not(abstract: str) -> None:
    papers = [*shelf(12), *(a_paper(500 + n, abstract[:40], abstract) for n in range(3))]

    picks = ranked(papers, [papers[0], papers[-1]], [Thumb.UP, Thumb.DOWN], 20)

    assert len(picks) == 13
    assert all(math.isfinite(pick.score) and 0 <= pick.probability <= 1 for pick in picks)


def test_a_liked_paper_in_another_language_lifts_its_like() -> None:
    chinese = [
        a_paper(600 + n, "混合专家模型", f"混合专家模型将令牌路由到稀疏的专家层第{n}部分")
        for n in range(3)
    ]

    picks = ranked([*shelf(20), *chinese], chinese[:1], [Thumb.UP], 2)

    assert {pick.paper.id for pick in picks} == {601, 602}


def test_tens_of_thousands_of_votes_are_learnt_from_in_linear_time() -> None:
    papers = shelf(200)
    draw = random.Random(0)  # noqa: S311 - nothing secret hangs on it
    voted = [draw.choice(papers) for _ in range(20_000)]
    thumbs = [Thumb.UP if subject(paper) == "routing" else Thumb.DOWN for paper in voted]
    ranker = TfidfRanker()
    space = ranker.fit(papers)
    new = [a_paper(800 + n, paper.title, paper.abstract) for n, paper in enumerate(shelf(8))]

    def learn(votes: int) -> list[Pick]:
        evidence = Evidence(1, 1, voted[:votes], thumbs[:votes], [NOW] * votes)
        (picks,) = ranker.rank(space, ranker.learn(space, [evidence], now=NOW), new, 8)
        return list(picks)

    def ratio() -> float:
        few, many = (cpu_seconds(partial(learn, votes)) for votes in (2_500, 20_000))
        return many / max(few, 0.02)

    picks = learn(20_000)

    # A quadratic step takes 64 times as long for eight times the votes.
    assert_grows_less_than(ratio, 24)
    assert [subject(pick.paper) for pick in picks[:2]] == ["routing", "routing"]
    assert all(math.isfinite(pick.score) for pick in picks)


def test_a_thousand_thumbs_down_do_not_push_out_a_handful_up() -> None:
    papers = shelf(40)
    liked = [paper for paper in papers if subject(paper) == "routing"][:5]
    downs = [a_paper(1000 + n, "Compiler cache", f"register loop {n}") for n in range(1001)]

    picks = ranked(papers, [*liked, *downs], [Thumb.UP] * 5 + [Thumb.DOWN] * 1001, 5)

    assert {subject(pick.paper) for pick in picks} == {"routing"}
    assert all(pick.similar_paper in liked for pick in picks)


def test_votes_that_contradict_each_other_give_finite_scores() -> None:
    papers = shelf(40)
    twice = [papers[0], papers[0]]

    picks = ranked(papers, [*twice, papers[1]], [Thumb.UP, Thumb.DOWN, Thumb.DOWN], 40)

    assert all(math.isfinite(pick.score) for pick in picks)


def closeness(space: TextSpace, papers: Sequence[Paper]) -> NDArray[np.float64]:
    """How alike papers are in words and coarse themes, each pair once."""
    rows = space.rows([paper.text for paper in papers])
    near = 0.7 * (rows.words @ rows.words.T).toarray() + 0.3 * (rows.broad @ rows.broad.T)
    return np.asarray(near[np.triu_indices(len(papers), 1)], dtype=np.float64)


def test_ten_papers_to_rate_lie_farther_apart_than_nearly_all_random_tens() -> None:
    papers = sample()
    space = TfidfRanker().fit(papers)
    rng = np.random.default_rng(0)
    tens = [[papers[at] for at in rng.choice(len(papers), 10, replace=False)] for _ in range(400)]
    by_chance = np.array([closeness(space, ten) for ten in tens])

    first = informative(space, papers, 10)
    for ten in (first, informative(space, papers, 10, known=first)):
        apart = closeness(space, ten)

        assert (by_chance.mean(axis=1) > apart.mean()).mean() > 0.95
        assert (by_chance.max(axis=1) > apart.max()).mean() > 0.95


def test_a_paper_like_no_other_is_not_among_the_first_to_rate() -> None:
    alone = a_paper(999, "Zebra quokka", "Wombat axolotl pangolin narwhal okapi tapir.")
    papers = [*sample(), alone]
    space = TfidfRanker().fit(papers)

    chosen = informative(space, papers, len(papers))

    assert chosen.index(alone) > len(papers) * 0.7


def test_what_is_known_is_never_to_be_rated_and_ten_more_follow() -> None:
    papers = sample()
    space = TfidfRanker().fit(papers)
    ten = informative(space, papers, 10)

    more = informative(space, papers, 10, known=ten)

    assert len({paper.id for paper in (*ten, *more)}) == 20
    assert more == informative(space, list(reversed(papers)), 10, known=ten[::-1])
    assert informative(space, papers, 10, known=papers) == []
    assert len(informative(space, papers, 200, known=ten)) == len(papers) - 10
