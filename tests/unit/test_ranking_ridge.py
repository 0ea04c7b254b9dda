"""The batched regressions against the plain solution of the same equations."""

from __future__ import annotations

import numpy as np
import pytest

from larkpost.ranking import ridge

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
def solved(world: dict[str, np.ndarray]) -> ridge.Solved:
    """Solve for all readers at once."""
    common = ridge.shared(world["background"] @ world["background"].T)
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
    world: dict[str, np.ndarray], solved: ridge.Solved, reader: int
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
    world: dict[str, np.ndarray], solved: ridge.Solved, reader: int
) -> None:
    x, y, weights = data(world, reader)
    for vote in range(CAST[reader]):
        others = np.arange(len(y)) != vote

        coefficients, intercept = plain(x[others], y[others], weights[others])

        expected = x[vote] @ x[others].T @ coefficients + intercept
        left_out = solved.left_out[reader, vote] + solved.intercept[reader]
        assert left_out == pytest.approx(expected, abs=1e-4)
