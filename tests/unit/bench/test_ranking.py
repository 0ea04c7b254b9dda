"""Tests the benchmark's own arithmetic, and its message without data."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from bench import ranking
from bench.support import goals, readers
from bench.support.measures import interval, measure
from tests.helpers.bench_worlds import a_world

if TYPE_CHECKING:
    from pathlib import Path


def test_without_data_it_says_so_and_ends_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["ranking", "--data", str(tmp_path)])

    assert ranking.main() == 0

    assert capsys.readouterr().out.startswith(f"skipped: no readers' data in {tmp_path}")


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ([1, 1, 0, 0], (1.0, 1.0, 0.5, 1.0)),
        ([0, 0, 1, 1], (0.0, 0.5706, 0.5, 1 / 3)),
        ([1, 0, 1, 0], (0.75, 0.9197, 0.5, 1.0)),
    ],
)
def test_the_measures_are_the_textbooks(order: list[int], expected: tuple[float, ...]) -> None:
    scores = np.array([4.0, 3.0, 2.0, 1.0])

    found = measure(scores, np.array(order, dtype=bool))

    assert found == pytest.approx(expected, abs=1e-4)


def test_an_interval_holds_the_mean() -> None:
    values = np.random.default_rng(0).random(200)

    low, high = interval(values)

    assert low < values.mean() < high
    assert high - low < 0.1


def a_line(recipe: str, k: int, auc: float, spread: float = 0.01) -> dict[str, Any]:
    return {
        "collection": "citeulike-t",
        "digest": "random",
        "k": k,
        "recipe": recipe,
        "auc": auc,
        "auc_interval": [auc - spread, auc + spread],
        "ndcg": 0.5,
        "ndcg_interval": [0.4, 0.6],
        "ndcg_ours_less_this": [0.01 * (4 - k), -0.001, 0.01 * (4 - k)],
    }


def test_goals_are_reported_with_what_is_reached_and_what_may_be() -> None:
    lines = [
        *(a_line(goals.OURS, k, auc) for k, auc in ((1, 0.77), (3, 0.855), (5, 0.80))),
        *(a_line(goals.ROCCHIO, k, 0.70) for k in (1, 3, 5)),
    ]

    told = goals.goals(lines)

    rows = [[part.strip() for part in row.split("|")[2:-1]] for row in told.splitlines()]
    auc = [row for row in rows if row[:1] == ["auc"]]
    assert [(row[1], row[2], row[4]) for row in auc] == [
        ("1", "0.765", "yes"),
        ("3", "0.860", "within noise"),
        ("5", "0.885", "no"),
    ]
    assert auc[0][5:] == ["+0.070", "+0.076"]
    assert "nDCG@10 on random digests: Rocchio, beta .25 on citeulike-t at k = 5." in told
    assert "108 papers" in told


def test_an_error_of_calibration_is_how_far_chances_are_from_what_came_true() -> None:
    sure = goals.Told(np.full(10, 0.95), np.array([True] * 9 + [False]))
    unsure = goals.Told(np.full(10, 0.35), np.array([True] * 5 + [False] * 5))

    assert goals.calibration_error([sure]) == pytest.approx(0.05)
    assert goals.calibration_error([sure, unsure]) == pytest.approx((0.05 + 0.15) / 2)
    assert goals.calibrated("5 up, 5 down", [sure, unsure]).startswith(
        "| 5 up, 5 down | 2 | 20 | 0.100 ["
    )


def test_slow_peers_see_cases_from_all_over_and_are_paired_with_the_same() -> None:
    chosen = ranking.subset(250, 60)

    assert len(set(chosen)) == 60
    assert 100 < chosen.mean() < 150
    assert list(chosen) == list(ranking.subset(250, 60))
    ours = np.arange(250.0)[:, None].repeat(4, axis=1) / 250
    some = ranking.Cell("w", False, 1, "slow", ours[chosen] - 0.25, chosen)
    every = ranking.Cell("w", False, 1, ranking.OURS, ours, np.arange(250))

    (_, line) = ranking.summary([every, some])

    assert line["auc_ours_less_this"] == pytest.approx([0.25, 0.25, 0.25])
    printed = ranking.table([line])
    assert all(title in printed for title in ("AUC", "nDCG@10", "P@10", "MRR"))


def test_ties_are_broken_by_the_digest_which_is_in_random_order() -> None:
    found = [
        measure(np.zeros(100), case.liked)[0]
        for k in range(1, 21)
        for case in readers.cases(a_world(newest=False), k, near=False)
    ]

    assert np.mean(found) == pytest.approx(0.5, abs=0.05)


def test_a_whole_run_on_a_small_world_has_every_part() -> None:
    world = replace(a_world(), name="arxiv-readers")

    lines = ranking.summary(list(ranking.quality(world, most=5, slow=5)))

    assert {line["k"] for line in lines} == {1, 5, 20}
    assert "arxiv-readers random, Larkpost" in goals.goals(lines)
    assert "| 20 up, 20 down | 1 | 20 |" in ranking.calibration(world, most=5)
