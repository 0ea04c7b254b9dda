"""Tests the chance of a thumb up: it rises with the score, and is right if there are votes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from larkpost.ranking.calibration import OFFSET, SLOPE, calibrate, chance, logistic

if TYPE_CHECKING:
    from larkpost.ranking.linear_model import Calibration


def told(scores: list[float], thumbs: list[int]) -> Calibration:
    s, t = np.array([scores], dtype=np.float32), np.array([thumbs], dtype=np.float32)
    (found,) = calibrate(s, t, np.ones_like(t))
    return found


def expected_error(chances: np.ndarray, liked: np.ndarray) -> float:
    which = np.minimum((chances * 10).astype(int), 9)
    gaps = [
        abs(chances[which == at].mean() - liked[which == at].mean()) * (which == at).sum()
        for at in range(10)
        if (which == at).any()
    ]
    return float(sum(gaps) / len(chances))


def test_without_votes_the_prior_stands() -> None:
    assert told([0.0], [0]) == pytest.approx((SLOPE, OFFSET))


def test_few_votes_move_it_little_and_many_much() -> None:
    few, many = told([0.5], [1]), told([0.5] * 200, [1] * 200)

    assert 0 < few[1] - OFFSET < 1 < many[1] - OFFSET


@pytest.mark.parametrize("thumbs", [[1] * 30, [-1] * 30, [1, -1] * 15])
def test_the_chance_rises_with_the_score_whatever_the_votes(thumbs: list[int]) -> None:
    scores = list(np.linspace(3, -3, 30))  # the best scores were disliked, if anything

    slope, _ = found = told(scores, thumbs)

    assert slope > 0
    rising = [chance(found, score) for score in (-100, -1, 0, 1, 100)]
    assert rising == sorted(rising)
    assert all(0 <= value <= 1 for value in rising)


@pytest.mark.parametrize(("slope", "offset"), [(1.5, -1.0), (0.5, 0.5), (3.0, -4.0)])
def test_with_enough_votes_the_chances_come_true(slope: float, offset: float) -> None:
    rng = np.random.default_rng(1)
    scores = rng.normal(1, 1.5, 2000)
    liked = rng.random(2000) < logistic(slope * scores + offset)
    thumbs = [1 if up else -1 for up in liked[:1000]]

    found = told(list(scores[:1000]), thumbs)

    chances = logistic(found[0] * scores[1000:] + found[1])
    assert expected_error(chances, liked[1000:]) <= 0.05


def test_far_out_scores_do_not_overflow() -> None:
    found = told([1e30, -1e30, 5.0], [1, -1, 1])

    assert np.isfinite(found).all()
    assert chance(found, 1e9) == 1
