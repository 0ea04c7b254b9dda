"""The rule when the TF-IDF model is fitted anew: by new papers, by new thumbs, by age."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

# Up to this many papers the space is fitted anew whenever one of them changes, which makes a
# ranking a function of the data alone; beyond, fits are rarer, so that a year of them costs in
# proportion to the papers, and what was learnt of votes in a space can be kept.
EXACT_UP_TO = 2_000
GROWTH = 1.1
STALE_AFTER = timedelta(days=7)
# A reader can take thumbs back and give them again all day long: that is to cost no fit each time.
THUMBS_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class FitBasis:
    """What there is to fit a space to: papers, the last change of a text, thumbs up to learn."""

    papers: int
    updated: datetime | None
    ups: int


def still_serves(made: FitBasis, wanted: FitBasis, age: timedelta) -> bool:
    """Say whether a model that was fitted to ``made``, ``age`` ago, does for what there is now."""
    if not _as_liked(made.ups, wanted.ups) and not timedelta(0) <= age < THUMBS_AFTER:
        return False
    if wanted.papers <= EXACT_UP_TO:
        return (made.papers, made.updated) == (wanted.papers, wanted.updated)
    return wanted.papers < made.papers * GROWTH and age < STALE_AFTER


def _as_liked(before: int, now: int) -> bool:
    return bool(before) == bool(now) and before / GROWTH <= now <= before * GROWTH
