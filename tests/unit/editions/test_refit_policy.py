"""The fits of a year cost the same each month, however many papers there are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from larkpost.editions.fit_model import NEWEST
from larkpost.editions.refit_policy import EXACT_UP_TO, STALE_AFTER, FitBasis, still_serves

DAILY = 100
START = datetime(2026, 1, 5, tzinfo=UTC)


def fitted_papers(weeks: int) -> list[int]:
    """Return how many papers are read by fits on each weekday, from an empty database on."""
    read = []
    made, at = FitBasis(0, None, 0), START
    days = (week * 7 + weekday for week in range(weeks) for weekday in range(5))
    for number, day in enumerate(days, start=1):
        now = START + timedelta(days=day)
        wanted = FitBasis(number * DAILY, now, 0)
        if still_serves(made, wanted, now - at):
            read.append(0)
        else:
            made, at = wanted, now
            read.append(min(wanted.papers, NEWEST))
    return read


def test_fits_of_twenty_thousand_papers_read_no_more_a_day_than_fits_of_a_few_thousand() -> None:
    read = fitted_papers(60)

    early = read[EXACT_UP_TO // DAILY : 60]  # 2,000 to 6,000 papers
    late = read[200:280]
    assert sum(map(bool, late)) >= 3
    assert sum(late) / len(late) < 1.2 * sum(early) / len(early)


def test_a_model_is_fitted_again_after_four_weeks_without_many_papers() -> None:
    made = FitBasis(5_000, START, 0)
    few = FitBasis(5_001, START + timedelta(days=1), 0)

    assert still_serves(made, few, STALE_AFTER - timedelta(seconds=1))
    assert not still_serves(made, few, STALE_AFTER)


@pytest.mark.parametrize(("papers", "serves"), [(5_499, True), (5_500, False)])
def test_a_model_is_fitted_again_after_a_tenth_more_papers(papers: int, serves: bool) -> None:
    assert still_serves(FitBasis(5_000, START, 0), FitBasis(papers, START, 0), timedelta(1)) == (
        serves
    )
