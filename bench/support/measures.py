"""Measures the order of a digest, and the interval of a mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from larkpost.ranking.evaluation.metrics import TOP, estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Scores = NDArray[np.float64]


def measure(scores: Scores, liked: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """Return AUC, nDCG@10, precision at 10 and reciprocal rank; ties in the order of the digest."""
    order = np.argsort(-scores, kind="stable")
    hits = liked[order]
    places = np.flatnonzero(hits)
    good, bad = len(places), len(hits) - len(places)
    above = (np.cumsum(~hits)[places]).sum()
    gains = 1 / np.log2(np.arange(2, TOP + 2))
    ideal = gains[: min(TOP, good)].sum()
    return (
        1 - above / (good * bad),
        float(gains[: len(hits)] @ hits[:TOP] / ideal),
        float(hits[:TOP].mean()),
        1 / (1 + int(places[0])),
    )


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the bootstrap 95 % interval of a mean over readers."""
    found = estimate(values.tolist())
    return found.low, found.high
