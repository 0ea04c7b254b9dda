"""Tests the batched regressions against the plain solution of the same equations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.helpers.ranking_factories import library

from larkpost.ranking import TfidfRanker, ridge
from larkpost.ranking.model_components import (
    DISLIKED,
    OwnVotes,
    VotedPapers,
    evidence_against_unread,
    regression,
)

if TYPE_CHECKING:
    from larkpost.ranking.tfidf import PaperRows

READERS, VOTES, BACKGROUND = 3, 6, 20
CAST = [4, 6, 1]  # votes of each reader; the rest is padding


def plain(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, float]:
    """Solve one reader's regression with a free intercept: dual coefficients and intercept."""
    n = len(y)
    system = np.ones((n + 1, n + 1))
    system[:n, :n] = x @ x.T + np.diag(1 / weights)
    system[n, n] = 0
    solution = np.linalg.solve(system, np.append(y, 0))
    return solution[:n], solution[n]


@pytest.fixture(scope="module")
def world() -> dict[str, np.ndarray]:
    """Draw points, targets and weights."""
    rng = np.random.default_rng(0)
    real = np.arange(VOTES) < np.array(CAST)[:, None]
    return {
        "background": rng.normal(size=(BACKGROUND, 15)),
        "votes": rng.normal(size=(READERS, VOTES, 15)) * real[:, :, None],
        "targets": rng.integers(0, 2, (READERS, VOTES)) * real * 1.0,
        "weights": rng.uniform(0.5, 2, (READERS, VOTES)) * real,
        "rest": np.array([0.1, 0.2, 0.3]),
    }


@pytest.fixture(scope="module")
def solved(world: dict[str, np.ndarray]) -> ridge.RidgeSolution:
    """Solve for all readers at once."""
    common = ridge.decompose_kernel(world["background"] @ world["background"].T)
    votes = world["votes"]
    return ridge.solve(
        votes @ votes.transpose(0, 2, 1),
        votes @ world["background"].T @ common.vectors,
        world["targets"],
        world["weights"],
        world["rest"],
        common,
    )


def data(world: dict[str, np.ndarray], reader: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    cast = CAST[reader]
    x = np.vstack([world["votes"][reader, :cast], world["background"]])
    y = np.append(world["targets"][reader, :cast], np.zeros(BACKGROUND))
    weights = np.append(world["weights"][reader, :cast], np.full(BACKGROUND, world["rest"][reader]))
    return x, y, weights


@pytest.mark.parametrize("reader", range(READERS))
def test_the_batch_gives_what_each_regression_gives(
    world: dict[str, np.ndarray], solved: ridge.RidgeSolution, reader: int
) -> None:
    x, y, weights = data(world, reader)

    coefficients, intercept = plain(x, y, weights)

    cast = CAST[reader]
    assert solved.votes[reader, :cast] == pytest.approx(coefficients[:cast], abs=1e-5)
    assert solved.background[reader] == pytest.approx(coefficients[cast:], abs=1e-5)
    assert solved.intercept[reader] == pytest.approx(intercept, abs=1e-5)
    assert solved.fitted[reader] == pytest.approx((x @ x.T @ coefficients)[cast:], abs=1e-4)


@pytest.mark.parametrize("reader", range(READERS))
def test_a_vote_left_out_is_scored_as_if_it_had_not_been_cast(
    world: dict[str, np.ndarray], solved: ridge.RidgeSolution, reader: int
) -> None:
    x, y, weights = data(world, reader)
    for vote in range(CAST[reader]):
        others = np.arange(len(y)) != vote

        coefficients, intercept = plain(x[others], y[others], weights[others])

        expected = x[vote] @ x[others].T @ coefficients + intercept
        left_out = solved.left_out[reader, vote] + solved.intercept[reader]
        assert left_out == pytest.approx(expected, abs=1e-4)


def test_what_a_reader_has_read_of_the_background_is_taken_out_by_a_weight_below_zero(
    world: dict[str, np.ndarray],
) -> None:
    """Reader 0's first vote is background paper 3: only the vote may count at that point."""
    background, rest = world["background"], world["rest"][:1]
    votes = world["votes"][:1, : CAST[0]].copy()
    votes[0, 0] = background[3]
    points = np.concatenate([votes, votes[:, :1]], axis=1)
    common = ridge.decompose_kernel(background @ background.T)
    targets = np.append(world["targets"][0, : CAST[0]], 0)[None]
    weights = np.append(world["weights"][0, : CAST[0]], -rest)[None]
    own, seen = points @ points.transpose(0, 2, 1), points @ background.T @ common.vectors

    solved = ridge.solve(own, seen, targets, weights, rest, common)

    unread = np.delete(background, 3, axis=0)
    x = np.vstack([votes[0], unread])
    y = np.append(targets[0, :-1], np.zeros(len(unread)))
    coefficients, intercept = plain(x, y, np.append(weights[0, :-1], np.full(len(unread), rest)))
    at_first = solved.votes[0, 0] + solved.votes[0, -1] + solved.background[0, 3]
    assert at_first == pytest.approx(coefficients[0], abs=1e-4)
    assert solved.votes[0, 1:-1] == pytest.approx(coefficients[1 : CAST[0]], abs=1e-4)
    assert solved.intercept[0] == pytest.approx(intercept, abs=1e-4)
    others = np.arange(len(y)) != 0
    alone, level = plain(x[others], y[others], np.append(weights[0, 1:-1], np.full(19, rest)))
    expected = x[0] @ x[others].T @ alone + level
    assert solved.left_out[0, 0] + solved.intercept[0] == pytest.approx(expected, abs=1e-3)


def test_a_vote_uncast_is_scored_by_its_text_as_papers_to_come_are() -> None:
    """Factors include the reader's own thumb, because their library is among the others."""
    papers = library(20)
    rng = np.random.default_rng(0)
    libraries = [[int(at) for at in rng.choice(60, 8, replace=False)] for _ in range(300)]
    space = TfidfRanker().fit(papers, libraries=libraries)
    cast = [papers[at] for at in libraries[0]]
    rows = space.rows([one.text for one in cast], [one.id for one in cast])
    seen, votes, n = VotedPapers.of(space, rows), np.arange(len(cast))[None], len(cast)
    own = OwnVotes.of(seen.rows, [n], votes)
    thumbs, weights = np.array([[1, -1] * (n // 2)], np.float32), np.ones((1, n), np.float32)
    read = np.zeros((1, 0), dtype=np.intp)  # as if nothing of the background were read
    solved = evidence_against_unread(own, seen.turned[votes], read, thumbs, weights, 5, space)

    told = regression(space, seen, own, votes, solved).part.votes[0]

    def points(of: PaperRows, close: np.ndarray) -> np.ndarray:
        return np.hstack([np.sqrt(0.7) * of.words.toarray(), np.sqrt(0.3) * close])

    background = points(space.background, space.background.close)
    x = np.vstack([points(seen.rows, seen.rows.close), background])
    by_text = points(rows, space.rows([one.text for one in cast]).close)
    y = np.append(np.where(thumbs[0] > 0, 1, DISLIKED), np.zeros(len(background)))
    rest = 5 * (n // 2) / len(background)
    each = np.append(np.ones(n), np.full(len(background), rest))
    _, whole = plain(x, y, each)
    expected = []
    for at in range(n):
        others = np.arange(len(x)) != at
        found, intercept = plain(x[others], y[others], each[others])
        expected.append(by_text[at] @ x[others].T @ found + intercept - whole)
    assert told == pytest.approx(np.array(expected), abs=0.02)
    assert np.abs(solved.left_out[0] - expected).max() > 0.05  # by the place it was cast at


@pytest.mark.parametrize("negative", [0, 7])
def test_a_large_system_is_inverted_as_any_other(negative: int) -> None:
    """What a reader has read of the background has weights below zero, and comes last."""
    rng, size = np.random.default_rng(1), ridge.ALONE_FROM + 30
    points = rng.normal(size=(2, size, 40)).astype(np.float32) / 6
    points[:, size - negative :] = points[:, :negative]
    weights = rng.uniform(0.5, 2, (2, size)).astype(np.float32)
    weights[:, size - negative :] = -0.1
    systems = points @ points.transpose(0, 2, 1)
    systems[:, np.arange(size), np.arange(size)] += 1 / weights

    inverse = ridge.invert(systems, weights >= 0)

    expected = np.linalg.inv(systems.astype(np.float64))
    assert inverse.dtype == np.float32
    assert inverse == pytest.approx(expected, abs=1e-3 * np.abs(expected).max())


def test_a_system_that_is_not_positive_definite_is_inverted_all_the_same() -> None:
    system = np.eye(ridge.ALONE_FROM, dtype=np.float32)[None].copy()
    system[0, 0, 0] = -1

    inverse = ridge.invert(system, np.ones(system.shape[:2], dtype=bool))

    assert inverse == pytest.approx(system)
