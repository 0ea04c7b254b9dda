"""The goals of the ranking on real readers, and a report on whether it reaches them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    Line = Mapping[str, Any]

OURS, TOGETHER = "Larkpost", "Larkpost, with other readers' thumbs"
ROCCHIO = "Rocchio, beta .25"
ALL, SOME, FEW = (1, 3, 5, 10, 20, 50), (1, 5, 20), (5, 20)
BINS = 10
MOST_ERROR = 0.05
UNMEASURED = (
    "Not measured here: the list of 108 papers by its themes (python -m bench.first_day). Near "
    "misses (--near-misses) and time (--speed) are measured by themselves."
)


class Goal(NamedTuple):
    """The least mean of a recipe at each k; ``rocchio`` is Rocchio's when goals were set."""

    collection: str
    digest: str
    recipe: str
    measure: str
    k: tuple[int, ...]
    least: tuple[float, ...]
    rocchio: tuple[float, ...]


_AUC = (0.689, 0.798, 0.837, 0.862, 0.893, 0.894)
_NDCG = (0.392, 0.531, 0.585, 0.609, 0.676, 0.651)
_C, _A = "citeulike-t", "arxiv-readers"
GOALS = (
    Goal(_C, "random", OURS, "auc", ALL, (0.765, 0.860, 0.885, 0.900, 0.922, 0.920), _AUC),
    Goal(_C, "random", OURS, "ndcg", ALL, (0.425, 0.560, 0.615, 0.642, 0.707, 0.680), _NDCG),
    Goal(_C, "random", TOGETHER, "auc", ALL, (0.835, 0.900, 0.915, 0.920, 0.935, 0.926), _AUC),
    Goal(_C, "random", TOGETHER, "ndcg", ALL, (0.475, 0.607, 0.645, 0.666, 0.717, 0.685), _NDCG),
    Goal(_C, "near", OURS, "auc", FEW, (0.720, 0.735), (0.695, 0.711)),
    Goal(_C, "near", TOGETHER, "auc", FEW, (0.730, 0.742), (0.695, 0.711)),
    Goal(_A, "random", OURS, "auc", SOME, (0.690, 0.780, 0.842), (0.676, 0.770, 0.836)),
)


def goals(lines: Sequence[Line]) -> str:
    """Format each goal with its figure, its interval, whether it is reached, and both lifts.

    A lift is the recipe's mean minus Rocchio's: one in this run, one of the goal over Rocchio's
    figure of that time. Cells that were not run are left out.
    """
    found = {(one["collection"], one["digest"], one["recipe"], one["k"]): one for one in lines}
    told = ["", "### Goals", ""]
    told.append("| where | measure | k | goal | here | reached | over Rocchio | in the goal |")
    told.append("|---" * 8 + "|")
    for goal in GOALS:
        for k, least, rocchio in zip(goal.k, goal.least, goal.rocchio, strict=True):
            place = goal.collection, goal.digest
            mine, theirs = (found.get((*place, of, k)) for of in (goal.recipe, ROCCHIO))
            if mine is None or theirs is None:
                continue
            value, (low, high) = mine[goal.measure], mine[f"{goal.measure}_interval"]
            where = f"{' '.join(place)}, {goal.recipe}"
            told.append(
                f"| {where} | {goal.measure} | {k} | {least:.3f}"
                f" | {value:.3f} [{low:.3f}, {high:.3f}] | {verdict(value, high, least)}"
                f" | {value - theirs[goal.measure]:+.3f} | {least - rocchio:+.3f} |"
            )
    return "\n".join([*told, "", behind(lines), "", UNMEASURED])


def behind(lines: Sequence[Line]) -> str:
    """List the peers that are clearly better: in nDCG@10, on random digests, paired."""
    ahead = [
        f"{one['recipe']} on {one['collection']} at k = {one['k']}"
        for one in lines
        if one["digest"] == "random"
        and not one["recipe"].startswith(OURS)
        and one["ndcg_ours_less_this"][2] < 0
    ]
    told = "; ".join(ahead) if ahead else "nobody"
    return f"Surely ahead of {OURS} in nDCG@10 on random digests: {told}."


def verdict(value: float, high: float, least: float) -> str:
    """Describe whether a mean reaches a goal; it is undecided if only its interval does."""
    if value >= least:
        return "yes"
    return "within noise" if high >= least else "no"


@dataclass(frozen=True, slots=True)
class Told:
    """The predicted chances of one reader's held-out votes, and the votes."""

    chances: NDArray[np.float64]
    liked: NDArray[np.bool_]


def calibration_error(told: Iterable[Told]) -> float:
    """Return the expected calibration error over all votes, in ten bins (Naeini et al. 2015)."""
    every = list(told)
    chances = np.concatenate([one.chances for one in every])
    liked = np.concatenate([one.liked for one in every])
    which = np.minimum((chances * BINS).astype(int), BINS - 1)
    gaps = np.bincount(which, weights=chances - liked, minlength=BINS)
    return float(np.abs(gaps).sum() / len(chances))


def calibrated(name: str, told: Sequence[Told], draws: int = 200) -> str:
    """Format a cell of held-out votes, with a bootstrap 95 % interval over readers."""
    rng = np.random.default_rng(0)
    error = calibration_error(told)
    drawn = [
        calibration_error([told[at] for at in rng.integers(0, len(told), len(told))])
        for _ in range(draws)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975])
    votes = sum(len(one.liked) for one in told)
    reached = verdict(-error, -float(low), -MOST_ERROR)
    return (
        f"| {name} | {len(told)} | {votes} | {error:.3f} [{low:.3f}, {high:.3f}]"
        f" | {MOST_ERROR} | {reached} |"
    )
