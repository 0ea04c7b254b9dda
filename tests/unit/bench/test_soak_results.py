"""Tests the results that the soak prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.soak import Soaked, record, show
from bench.support.soak_visitors import Visits

if TYPE_CHECKING:
    import pytest


def visits(*seconds: float) -> Visits:
    return Visits({"read": list(seconds)})


def test_a_soak_prints_visits_ticks_and_when_the_newsletter_came(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = Soaked(visits(0.010), visits(0.020, 0.300), 5.0, gaps=[5.0, 5.2], newsletter=4.61)

    show(record(found, 0.25))

    out = capsys.readouterr().out
    assert "read           1     10.0     10.0       2" in out
    assert "2 ticks, at most 5.2 s apart\nthe newsletter came after 4.6 s\n" in out
    assert "NOT KEPT: the honest p99 was 300 ms" in out


def test_a_newsletter_that_did_not_come_is_a_broken_condition(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show(record(Soaked(visits(0.010), visits(0.020), 5.0, gaps=[5.0]), 0.25))

    assert capsys.readouterr().out.endswith("NOT KEPT: the newsletter did not come\n")
