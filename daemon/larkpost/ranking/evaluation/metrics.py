"""Metrics of a ranking, with their confidence intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Scores = NDArray[np.float64]
    Liked = NDArray[np.bool_]

TOP = 10
DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over ``count`` values, with its bootstrap 95 % interval (Efron 1979)."""

    mean: float
    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class Measures:
    """The quality of rankings; all except the gain of one system over another are in 0..1."""

    auc: Estimate
    ndcg: Estimate
    precision: Estimate


def estimate(values: Sequence[float]) -> Estimate:
    """Return mean and interval; zeros for no values."""
    if not len(values):
        return Estimate(0.0, 0.0, 0.0, 0)
    known = np.asarray(values, dtype=np.float64)
    draws = np.random.default_rng(0).integers(0, len(known), (DRAWS, len(known)))
    low, high = np.quantile(known[draws].mean(axis=1), [0.025, 0.975])
    return Estimate(float(known.mean()), float(low), float(high), len(known))


def auc(scores: Scores, liked: Liked) -> float:
    """Return the chance that a liked paper is ranked above another; ties count half."""
    above = scores[liked][:, None] - scores[~liked][None, :]
    return float((np.sign(above) + 1).mean() / 2)


def ndcg(scores: Scores, liked: Liked) -> float:
    """Return nDCG at 10 (Jarvelin & Kekalainen 2002), ties in the order of the list."""
    gains = 1 / np.log2(np.arange(2, TOP + 2))
    hits = liked[np.argsort(-scores, kind="stable")][:TOP]
    return float(gains[: len(hits)] @ hits / gains[: min(TOP, int(liked.sum()))].sum())


def precision(scores: Scores, liked: Liked) -> float:
    """Return the share of liked papers among the first ten."""
    return float(liked[np.argsort(-scores, kind="stable")][:TOP].mean())


def measures(
    scores: Sequence[Scores], liked: Sequence[Liked], *, less: Sequence[Scores] | None = None
) -> Measures:
    """Measure rankings; with ``less``, the paired difference to those scores."""
    found = []
    for measure in (auc, ndcg, precision):
        values = [measure(s, truth) for s, truth in zip(scores, liked, strict=True)]
        if less is not None:
            theirs = [measure(s, truth) for s, truth in zip(less, liked, strict=True)]
            values = [a - b for a, b in zip(values, theirs, strict=True)]
        found.append(estimate(values))
    return Measures(*found)
