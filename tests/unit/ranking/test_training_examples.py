"""Tests the weights of thumbs, of papers passed over and of words, and which calibrate."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from tests.helpers.ranking_factories import NOW, a_paper, crowded, library, votes

from larkpost.domain import Thumb
from larkpost.interfaces import Evidence
from larkpost.ranking import TfidfRanker
from larkpost.ranking.exploration.passed_over import Passed
from larkpost.ranking.scoring import score
from larkpost.ranking.training import learn
from larkpost.ranking.training_examples import MOST_PASSED, TrainingExample, ballot, newest

HOUR = timedelta(hours=1)


def an_evidence(ups: int, downs: int, passed: int, *, shown: bool = True) -> Evidence:
    """Make thumbs of one day, on shown papers and others, and papers passed over."""
    papers = [a_paper(number) for number in range(1, ups + downs + passed + 1)]
    cast, rest = papers[: ups + downs], papers[ups + downs :]
    return Evidence(
        1,
        1,
        cast,
        [Thumb.UP] * ups + [Thumb.DOWN] * downs,
        [NOW] * len(cast),
        passed=rest,
        passed_at=[NOW - HOUR] * passed,
        shown_at=[NOW - HOUR if shown else None] * len(cast),
    )


def cast(one: Evidence, hints: int = 0) -> TrainingExample:
    """Make the ballot of what one interest was told; rows are numbers from 0."""
    votes = range(len(one.papers) + hints)
    return ballot(one, votes, range(len(one.passed)), [1.0] * hints, NOW, 0)


def test_a_thumb_down_weighs_as_much_as_one_up() -> None:
    found = cast(an_evidence(1, 1, 1))

    assert found.thumbs.tolist() == [1, -1]
    assert found.weights.tolist() == [1, 1]
    assert len(found.passed) == 1


@pytest.mark.parametrize("ups", [0, 1, 100])
def test_an_interests_words_weigh_one_thumb_whatever_was_pressed(ups: int) -> None:
    assert cast(an_evidence(ups, 0, 0), hints=1).weights[-1] == 1


def test_the_newest_papers_passed_over_are_kept() -> None:
    one = an_evidence(1, 0, MOST_PASSED + 5)

    kept = newest(one)

    assert list(kept.passed) == list(one.passed)[5:]
    assert len(kept.passed_at) == MOST_PASSED


def test_chances_are_held_against_what_editions_showed() -> None:
    one = an_evidence(2, 1, 4)

    outside = replace(one, shown_at=[None] * 3)

    assert cast(one).checks.tolist() == [1] * 3
    assert cast(outside).checks.tolist() == pytest.approx([10 / 14] * 3)


def test_thumbs_shown_before_the_oldest_known_paper_passed_over_count_less() -> None:
    """Of that time only the thumbs are known, and not what was left without."""
    one = an_evidence(2, 0, 5)
    older = replace(one, shown_at=[NOW - 9 * HOUR, NOW - HOUR])

    assert cast(older).checks.tolist() == pytest.approx([10 / 16, 1])


def test_papers_passed_over_lower_chances_and_leave_the_order_as_it_is() -> None:
    papers = library(20)
    space, ranker = TfidfRanker().fit(crowded(papers)), TfidfRanker()
    told = replace(votes(papers[40:46], papers[:2]), shown_at=[NOW - HOUR] * 8)
    passing = replace(told, passed=papers[46:56], passed_at=[NOW - HOUR] * 10)
    asked = [papers[35], papers[57], papers[58]]

    before, after = ranker.rank(space, ranker.learn(space, [told, passing], now=NOW), asked, 3)

    assert [pick.score for pick in after] == [pick.score for pick in before]
    for one, other in zip(before, after, strict=True):
        assert other.probability < one.probability


@pytest.mark.parametrize("accurate", [True, False])
def test_a_paper_passed_over_is_scored_as_a_ranking_scores_it(accurate: bool) -> None:
    papers = library(20)
    space = TfidfRanker(accurate=accurate).fit(crowded(papers))
    one = replace(votes(papers[:4], papers[20:22], ["galaxy"]), passed=papers[4:9])
    (taste,) = learn(space, [one], now=NOW, accurate=accurate)

    passed = Passed.of(space, one.passed)
    made = ballot(one, taste.votes.tolist(), range(5), [1.0], NOW, 0)
    found = passed.scores(made.passed, taste.words, taste.dense, taste.terms)

    expected = score(space, [taste], space.rows([paper.text for paper in one.passed]))[0]
    assert found == pytest.approx(expected, abs=1e-4)
    assert np.abs(found).max() > 0.5


def test_who_passes_nearly_everything_by_is_told_small_chances() -> None:
    """Told .45 came true .13, before what was passed over counted; here one in ten is pressed."""
    papers = library(20)
    space, ranker = TfidfRanker().fit(crowded(papers)), TfidfRanker()
    shown = papers[40:60]
    one = replace(
        votes(shown[:2]), shown_at=[NOW - HOUR] * 2, passed=shown[2:], passed_at=[NOW - HOUR] * 18
    )

    (picks,) = ranker.rank(space, ranker.learn(space, [one], now=NOW), papers[:60], 60)

    likeliest = np.mean([pick.probability for pick in picks[:18] if pick.paper not in shown[:2]])
    assert likeliest < 0.25
