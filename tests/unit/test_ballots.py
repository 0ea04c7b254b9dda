"""What thumbs, papers passed over and words weigh, and which of them chances are held against."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from tests.ranking_papers import NOW, a_paper, crowded, library, votes

from larkpost.domain import Thumb
from larkpost.ranking import Tfidf
from larkpost.ranking.ballots import MOST_PASSED, ballot, newest
from larkpost.seams import Evidence

HOUR = timedelta(hours=1)


def an_evidence(ups: int, downs: int, passed: int, *, shown: bool = True) -> Evidence:
    """Make thumbs of one morning, on what an edition showed or not, and papers passed over."""
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


def weighed(one: Evidence, hints: int = 0) -> dict[str, list[float]]:
    rows = range(len(one.papers) + len(one.passed) + hints)
    made = ballot(one, rows, hints, NOW, 0)
    assert len(made.votes) == len(made.thumbs) == len(made.weights) == len(made.checks)
    return {"thumbs": made.thumbs.tolist(), "weights": made.weights.tolist()}


def test_a_thumb_down_weighs_as_much_as_one_up_and_a_paper_passed_over_little() -> None:
    found = weighed(an_evidence(1, 1, 1))

    assert found["thumbs"] == [1, -1, -1]
    up, down, passed = found["weights"]
    assert up == down == 1
    assert 0 < passed < 0.5


@pytest.mark.parametrize("ups", [0, 1, 100])
def test_an_interests_words_weigh_one_thumb_whatever_was_pressed(ups: int) -> None:
    assert weighed(an_evidence(ups, 0, 0), hints=1)["weights"][-1] == 1


def test_the_newest_papers_passed_over_are_kept() -> None:
    one = an_evidence(1, 0, MOST_PASSED + 5)

    kept = newest(one)

    assert list(kept.passed) == list(one.passed)[5:]
    assert len(kept.passed_at) == MOST_PASSED


def test_chances_are_held_against_what_editions_showed() -> None:
    one = an_evidence(2, 1, 4)

    made = ballot(one, range(7), 0, NOW, 0)
    outside = ballot(replace(one, shown_at=[None] * 3), range(7), 0, NOW, 0)

    assert made.checks.tolist() == [1] * 7
    assert outside.checks.tolist() == pytest.approx([10 / 14] * 3 + [1] * 4)


def test_thumbs_shown_before_the_oldest_known_paper_passed_over_count_less() -> None:
    """Of that time only the thumbs are known, and not what was left without."""
    one = an_evidence(2, 0, 5)
    older = replace(one, shown_at=[NOW - 9 * HOUR, NOW - HOUR])

    assert ballot(older, range(7), 0, NOW, 0).checks.tolist()[:2] == pytest.approx([10 / 16, 1])


def test_papers_passed_over_lower_the_chance_and_the_score_of_their_like() -> None:
    papers = library(20)
    space, ranker = Tfidf().fit(crowded(papers)), Tfidf()
    # Thumbs up on compilers; galaxies are shown, too, and passed over.
    told = replace(votes(papers[40:46], papers[:2]), shown_at=[NOW - HOUR] * 8)
    passing = replace(told, passed=papers[20:30], passed_at=[NOW - HOUR] * 10)
    asked = [papers[35], papers[50]]

    before, after = (
        {pick.paper.id: pick for pick in picks}
        for picks in ranker.rank(space, ranker.learn(space, [told, passing], now=NOW), asked, 2)
    )

    assert after[35].score < before[35].score
    for number in (35, 50):
        assert after[number].probability < before[number].probability


def test_who_passes_nearly_everything_by_is_told_small_chances() -> None:
    """Told .45 came true .13, before what was passed over counted; here one in ten is pressed."""
    papers = library(20)
    space, ranker = Tfidf().fit(crowded(papers)), Tfidf()
    shown = papers[40:60]
    one = replace(
        votes(shown[:2]), shown_at=[NOW - HOUR] * 2, passed=shown[2:], passed_at=[NOW - HOUR] * 18
    )

    (picks,) = ranker.rank(space, ranker.learn(space, [one], now=NOW), papers[:60], 60)

    likeliest = np.mean([pick.probability for pick in picks[:18] if pick.paper not in shown[:2]])
    assert likeliest < 0.25
