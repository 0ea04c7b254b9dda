"""Calibrates scores to probabilities of a thumb up, with leave-one-out scores of the votes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from larkpost.ranking.linear_model import Calibration

if TYPE_CHECKING:
    from larkpost.ranking.tfidf import Floats

# Before a reader has voted: a paper two standard deviations above an average one has an even
# chance. The prior's inverse variance.
SLOPE, OFFSET = 1.0, -2.0
SLOPE_SURE, OFFSET_SURE = 4.0, 1.0
STEPS = 25
LONGEST = 0.7  # Newton's steps may overshoot where chances are near 0 or 1
LEAST_SLOPE = 0.05


def calibrate(scores: Floats, thumbs: Floats, weights: Floats) -> list[Calibration]:
    """Fit ``logistic(slope * score + offset)`` for each row of votes, shrunk to the prior.

    ``scores`` (r, n) are the leave-one-out scores of the votes; ``thumbs`` (r, n) are 1 for a thumb
    up, -1 for a paper without one, 0 for no paper; ``weights`` (r, n) are the weights of the votes.
    Platt scaling (Platt 1999) with normal priors, by Newton's steps; the slope is kept above zero,
    so the probability always rises with the score.
    """
    cast = (thumbs != 0) * weights.astype(np.float64)
    liked = (thumbs > 0).astype(np.float64)
    x = np.clip(scores.astype(np.float64), -20, 20)
    slope = np.full(len(x), SLOPE)
    offset = np.full(len(x), OFFSET)
    for _ in range(STEPS):
        p = logistic(slope[:, None] * x + offset[:, None])
        miss, bend = cast * (liked - p), cast * p * (1 - p)
        by_slope = (miss * x).sum(axis=1) - SLOPE_SURE * (slope - SLOPE)
        by_offset = miss.sum(axis=1) - OFFSET_SURE * (offset - OFFSET)
        a = (bend * x * x).sum(axis=1) + SLOPE_SURE
        b = (bend * x).sum(axis=1)
        c = bend.sum(axis=1) + OFFSET_SURE
        room = a * c - b * b
        step = np.array([c * by_slope - b * by_offset, a * by_offset - b * by_slope]) / room
        slope = np.clip(slope + np.clip(step[0], -LONGEST, LONGEST), LEAST_SLOPE, 10)
        offset = np.clip(offset + np.clip(step[1], -LONGEST, LONGEST), -10, 10)
    return [Calibration(float(s), float(o)) for s, o in zip(slope, offset, strict=True)]


def logistic(x: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + e^-x), without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * x))


def chance(calibration: Calibration, score: float) -> float:
    """Return the probability of a thumb up for a paper with this score."""
    return float(logistic(np.array(calibration.slope * score + calibration.offset)))
