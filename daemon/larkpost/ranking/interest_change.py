"""Finds that a reader's interests have changed: editions bring fewer thumbs up than before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import bdtr

if TYPE_CHECKING:
    from datetime import datetime

    from larkpost.interfaces import Evidence
    from larkpost.ranking.tfidf import Floats

WEIGHT_BEFORE_CHANGE = 0.15  # what a thumb up of before a change counts for
UNLIKELY = 0.003  # a fall that is less likely than this by chance is a change
BEFORE, LONGEST = 12, 10  # editions before a fall, and at most of the fall
SHORTEST = 3


def kept_share(one: Evidence, moment: datetime | None) -> Floats:
    """Tell how much each vote counts (n): 1, and less where it is older than a change."""
    share = np.ones(len(one.papers), dtype=np.float32)
    if moment is not None:
        share[[at < moment for at in one.at]] = WEIGHT_BEFORE_CHANGE
    return share


def changed_at(one: Evidence) -> datetime | None:
    """Find the last edition from which thumbs up were fewer than those before it foretold.

    It may be some editions into the fall: in those there was next to nothing to be liked.

    Of the editions in which some thumb was pressed, those up to ``LONGEST`` from one on are held
    against the ``BEFORE`` ahead of it: the thumbs up among their papers must be so few that as few
    would have come by chance with less than ``UNLIKELY`` (the lower tail of the binomial). None
    where there is no such edition.
    """
    when = [at for at in one.shown_at if at is not None]
    up = [t > 0 for at, t in zip(one.shown_at, one.thumbs, strict=False) if at is not None]
    moments, place = np.unique([*when, *one.passed_at], return_inverse=True)
    shown = np.bincount(place, minlength=len(moments))
    ups = np.bincount(place[: len(up)], weights=up, minlength=len(moments))
    total, liked = (np.concatenate([[0], one.cumsum()]) for one in (shown, ups))
    for start in range(len(moments) - SHORTEST, SHORTEST, -1):
        first = max(0, start - BEFORE)
        rate = (liked[start] - liked[first] + 0.5) / (total[start] - total[first] + 5)
        ends = np.arange(start + SHORTEST, min(start + LONGEST, len(moments)) + 1)
        fell = bdtr(liked[ends] - liked[start], total[ends] - total[start], rate)
        if (fell < UNLIKELY).any():
            return moments[start]  # type: ignore[no-any-return]  # numpy keeps the object
    return None
