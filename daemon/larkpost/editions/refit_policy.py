"""Decides when the TF-IDF model is fitted again: after new papers, new thumbs, or a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

# Up to this many papers the model is fitted again whenever one of them changes, which makes a
# ranking a function of the data alone; beyond, fits are rarer, so that the cost of a year is
# proportional to the papers, and tastes trained in a model can be cached. A limit of a week would
# make a fit, and the training of every taste after it, cost more the more papers there are.
EXACT_UP_TO = 2_000
GROWTH = 1.1
STALE_AFTER = timedelta(days=28)
# The same while the inbox is being read, which makes each model stale within minutes. Whoever may
# write to it can keep it being read for weeks, so the model may not stay as it is for so long.
GROWTH_MEANWHILE = 2
STALE_AFTER_MEANWHILE = timedelta(days=2)
# A reader can undo and repeat thumbs all day; that must not cause a fit each time.
THUMBS_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class FitBasis:
    """The data for a fit: number of papers, last change of a text, thumbs up to train on."""

    papers: int
    updated: datetime | None
    ups: int


def still_serves(made: FitBasis, wanted: FitBasis, age: timedelta) -> bool:
    """Return whether a model fitted to ``made``, ``age`` ago, still serves the current data."""
    if not _as_liked(made.ups, wanted.ups) and not timedelta(0) <= age < THUMBS_AFTER:
        return False
    if wanted.papers <= EXACT_UP_TO:
        return (made.papers, made.updated) == (wanted.papers, wanted.updated)
    return wanted.papers < made.papers * GROWTH and age < STALE_AFTER


def serves_meanwhile(made: FitBasis, wanted: FitBasis, age: timedelta) -> bool:
    """Return whether a model serves while more papers are being read."""
    is_young = timedelta(0) <= age < STALE_AFTER_MEANWHILE
    return is_young and wanted.papers < made.papers * GROWTH_MEANWHILE


def _as_liked(before: int, now: int) -> bool:
    return bool(before) == bool(now) and before / GROWTH <= now <= before * GROWTH
