"""Tests that a regression updated by the votes that changed is that of all votes, solved anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from tests.helpers.ranking_factories import NOW, crowded, library, votes

from larkpost.ranking import TfidfRanker, ridge, scoring, training
from larkpost.ranking.incremental.vote_inverse import VoteInverse, VoteRows, solve, update
from larkpost.ranking.taste_cache import TasteCache

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Points = NDArray[np.float64]

REST = 0.7  # the weight of a background paper
UNREAD = 12
PAPERS = 40


def unit_rows(count: int, seed: int) -> Points:
    """Make rows of length one, most of whose terms are zero."""
    rng = np.random.default_rng(seed)
    rows = rng.random((count, 60)) * (rng.random((count, 60)) < 0.3)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


BACKGROUND = unit_rows(UNREAD, 0)
POINTS = np.vstack([BACKGROUND[:2], unit_rows(PAPERS - 2, 1)])  # two papers are in the background


def cast(chosen: list[int], heavy: set[int], *, hint: bool) -> tuple[VoteRows, Points]:
    """Make the votes on some papers, the ``heavy`` ones with another weight; and their points."""
    points = POINTS[chosen]
    names = [b"paper %d" % at for at in chosen]
    weights = np.array([0.15 if at in heavy else 1.0 for at in chosen])
    if hint:  # the words of an interest, which are those of a paper of the background
        points = np.vstack([points, BACKGROUND[5:6]])
        names, weights = [*names, b"words"], np.append(weights, 0.6)
    words = csr_array(points.astype(np.float32))
    return VoteRows(names, weights.astype(np.float32), words, int(hint)), points


def plain(points: Points, targets: Points, weights: Points, read: set[int]) -> tuple[Points, float]:
    """Solve the regression with its background in one piece; unread papers have the target 0.

    Returns the coefficients of the votes, and the intercept.
    """
    unread = np.delete(BACKGROUND, sorted(read), axis=0)
    x = np.vstack([points, unread])
    size = len(x)
    bordered = np.ones((size + 1, size + 1))
    bordered[:size, :size] = x @ x.T + np.diag(1 / np.append(weights, np.full(len(unread), REST)))
    bordered[size, size] = 0
    found = np.linalg.solve(bordered, np.concatenate([targets, np.zeros(len(unread) + 1)]))
    return found[: len(points)], float(found[size])


def solved(
    inverse: VoteInverse, cast_votes: VoteRows, targets: Points
) -> tuple[ridge.RidgeSolution, NDArray[np.intp]]:
    """Solve with an inverse; also returns the position of each row's vote."""
    order = inverse.order(cast_votes)
    kernel = (BACKGROUND @ BACKGROUND.T).astype(np.float32)
    mine = targets.astype(np.float32)[order]
    return solve(inverse, mine, cast_votes.weights[order], REST, kernel), order


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[list[int], set[int], bool]]:
    """Draw the votes of some days: papers come and go, weights change, words come and go."""
    days = []
    chosen = draw(st.lists(st.integers(0, PAPERS - 1), min_size=20, max_size=30, unique=True))
    heavy: set[int] = set()
    for _ in range(draw(st.integers(1, 5))):
        for _ in range(draw(st.integers(0, 3))):
            paper = draw(st.integers(0, PAPERS - 1))
            if paper in chosen:
                chosen = [one for one in chosen if one != paper]
            else:
                chosen = [*chosen, paper]
        if draw(st.booleans()):
            heavy = heavy ^ {draw(st.integers(0, PAPERS - 1))}
        days.append((list(chosen), set(heavy), draw(st.booleans())))
    return days


@settings(max_examples=60)
@given(histories(), st.integers(0, 1000))
def test_an_updated_regression_is_that_of_all_votes(
    days: list[tuple[list[int], set[int], bool]], seed: int
) -> None:
    background = csr_array(BACKGROUND.astype(np.float32))
    inverse: VoteInverse | None = None
    for chosen, heavy, hint in days:
        cast_votes, points = cast(chosen, heavy, hint=hint)
        inverse = update(inverse, cast_votes, background)
        targets = np.random.default_rng(seed).random(len(points))

        found, order = solved(inverse, cast_votes, targets)

        weights = cast_votes.weights.astype(np.float64)
        read = {at for at in range(2) if at in chosen}
        expected, intercept = plain(points, targets, weights, read)
        assert found.votes[0] == pytest.approx(expected[order], abs=2e-4)
        assert found.intercept[0] == pytest.approx(intercept, abs=2e-4)
        coefficients = np.concatenate([found.votes[0], found.background[0]])
        everywhere = np.vstack([points[order], BACKGROUND])
        fitted = BACKGROUND @ everywhere.T @ coefficients
        assert found.fitted[0] == pytest.approx(fitted, abs=1e-3)


def test_a_vote_left_out_is_scored_as_if_it_had_not_been_cast() -> None:
    background = csr_array(BACKGROUND.astype(np.float32))
    cast_votes, points = cast(list(range(24)), {3, 4}, hint=True)
    inverse = update(None, cast(list(range(22)), {3}, hint=True)[0], background)
    inverse = update(inverse, cast_votes, background)
    targets = np.random.default_rng(1).random(len(points))

    found, order = solved(inverse, cast_votes, targets)

    weights = cast_votes.weights.astype(np.float64)
    for row, vote in enumerate(order.tolist()):
        others = np.arange(len(points)) != vote
        read = set(range(2))
        alone, intercept = plain(points[others], targets[others], weights[others], read)
        unread = np.delete(BACKGROUND, [0, 1], axis=0)
        coefficients = background_coefficients(points[others], alone, unread, intercept)
        expected = points[vote] @ points[others].T @ alone + points[vote] @ unread.T @ coefficients
        assert found.left_out[0, row] == pytest.approx(
            expected + intercept - found.intercept[0], abs=1e-3
        )


def background_coefficients(
    points: Points, alone: Points, unread: Points, intercept: float
) -> Points:
    """Return the coefficients of unread papers, whose target is 0, given those of the votes."""
    system = unread @ unread.T + np.eye(len(unread)) / REST
    return np.asarray(np.linalg.solve(system, -intercept - unread @ points.T @ alone))


def test_rounding_does_not_add_up_over_a_year_of_updates() -> None:
    background = csr_array(BACKGROUND.astype(np.float32))
    chosen = list(range(20))
    inverse: VoteInverse | None = None
    for day in range(250):
        others = [at for at in range(PAPERS) if at not in chosen]
        chosen = [*chosen[1:], others[day % len(others)]]
        cast_votes, points = cast(chosen, {day % PAPERS}, hint=True)
        inverse = update(inverse, cast_votes, background)
    assert inverse is not None
    targets = np.random.default_rng(1).random(len(points))

    found, _ = solved(inverse, cast_votes, targets)
    anew, _ = solved(update(None, cast_votes, background), cast_votes, targets)

    order = inverse.order(cast_votes)
    assert found.votes[0][np.argsort(order)] == pytest.approx(anew.votes[0], abs=1e-4)
    assert found.fitted == pytest.approx(anew.fitted, abs=1e-4)


def test_few_changed_votes_are_not_an_occasion_to_solve_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    background = csr_array(BACKGROUND.astype(np.float32))
    before = update(None, cast(list(range(30)), set(), hint=True)[0], background)
    monkeypatch.setattr("larkpost.ranking.incremental.vote_inverse.invert", None)

    for chosen in ([*range(30), 33], list(range(2, 30)), list(range(30))):
        before = update(before, cast(chosen, set(), hint=True)[0], background)

    assert len(before.keys) == 31


@pytest.mark.parametrize("accurate", [True, False])
def test_a_long_history_is_learnt_as_short_ones_are(
    accurate: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    papers = crowded(library(20), 940)
    space = TfidfRanker(accurate=accurate).fit(papers)
    asked = [votes(papers[:70], papers[70:130], ["galaxy"])]
    seen = space.rows([paper.text for paper in papers])

    (updated,) = training.learn(space, asked, now=NOW, accurate=accurate, cache=TasteCache())
    monkeypatch.setattr(ridge, "ALONE_FROM", 1000)
    (batched,) = training.learn(space, asked, now=NOW, accurate=accurate)

    expected = scoring.score(space, [batched], seen)
    assert scoring.score(space, [updated], seen) == pytest.approx(expected, abs=0.01)
    assert updated.calibration == pytest.approx(batched.calibration, abs=0.01)
    assert not np.array_equal(updated.shares, batched.shares)  # they were computed differently
