"""The benchmark's own arithmetic, and what it says where there is no data."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from bench import ranking

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

    found = ranking.measure(scores, np.array(order, dtype=bool))

    assert found == pytest.approx(expected, abs=1e-4)


def test_an_interval_holds_the_mean() -> None:
    values = np.random.default_rng(0).random(200)

    low, high = ranking.interval(values)

    assert low < values.mean() < high
    assert high - low < 0.1
