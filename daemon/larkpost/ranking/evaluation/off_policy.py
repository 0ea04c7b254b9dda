"""Off-policy estimates: the value of another rule for the explored place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from larkpost.ranking.evaluation.metrics import DRAWS, Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Logged:
    """A place that exploration may have filled.

    ``propensity``: the probability with which its paper got it; ``pool``: the number of papers in
    the draw; ``explored``: whether it is another than the likeliest; ``liked``: whether it got a
    thumb up.
    """

    propensity: float
    pool: int
    explored: bool
    liked: bool


@dataclass(frozen=True, slots=True)
class PolicyValue:
    """The share of thumbs up under a policy for the place.

    ``ips`` is unbiased; ``snips`` divides by the weights instead of the count, which has a small
    bias and less variance (Swaminathan & Joachims 2015).
    """

    ips: Estimate
    snips: Estimate


@dataclass(frozen=True, slots=True)
class OffPolicy:
    """The likeliest paper in every last place, and any paper of the pool in it."""

    likeliest: PolicyValue
    any_paper: PolicyValue


def off_policy(logged: Sequence[Logged]) -> OffPolicy | None:
    """Estimate both policies; None if no place was drawn at random."""
    if not logged:
        return None
    propensity = np.array([max(one.propensity, 1e-9) for one in logged])
    likeliest = np.array([0.0 if one.explored else 1.0 for one in logged]) / propensity
    uniform = np.array([1 / max(1, one.pool) for one in logged]) / propensity
    liked = np.array([float(one.liked) for one in logged])
    return OffPolicy(_value(likeliest, liked), _value(uniform, liked))


def _value(weights: NDArray[np.float64], liked: NDArray[np.float64]) -> PolicyValue:
    """Weight outcomes by inverse propensity (Horvitz & Thompson 1952)."""
    draws = np.random.default_rng(0).integers(0, len(liked), (DRAWS, len(liked)))
    worth, weight = (weights * liked)[draws].sum(axis=1), weights[draws].sum(axis=1)
    total, mass = float((weights * liked).sum()), float(weights.sum())
    return PolicyValue(
        _estimate(total / len(liked), worth / len(liked), len(liked)),
        _estimate(total / max(mass, 1e-9), worth / np.maximum(weight, 1e-9), len(liked)),
    )


def _estimate(value: float, drawn: NDArray[np.float64], count: int) -> Estimate:
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Estimate(value, float(low), float(high), count)
