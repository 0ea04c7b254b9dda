"""Detects when a reader gives more thumbs down than before, and advises what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt

from larkpost.domain import Thumb

A_MONTH = timedelta(days=30)
LATELY, BEFORE = 20, 100  # the most thumbs that are compared: the newest, and those before them
MOST = LATELY + BEFORE  # no other thumbs matter
FEWEST = 10  # the least of each for a comparison
HALF = 0.5  # the least share of downs among the newest
SURE = 2.326  # standard errors: one-sided, a false alarm in a hundred looks


@dataclass(frozen=True, slots=True)
class ManyDowns:
    """Thumbs down among a reader's newest thumbs, and among those before.

    ``since`` is when the first of the newest was given: the proposed date before which to forget.
    """

    downs: int
    thumbs: int
    downs_before: int
    thumbs_before: int
    since: datetime

    @property
    def text(self) -> str:
        """Return the note for an edition: the finding, and what to do."""
        return (
            f"Many thumbs down lately: {self.downs} of your last {self.thumbs},"
            f" and {self.downs_before} of the {self.thumbs_before} before. If your"
            " interests have changed, new words on your page help most, and at once. You can also"
            f" forget your thumbs before {self.since:%Y-%m-%d} there, and restore them later."
        )


def many_downs(cast: Iterable[tuple[datetime, Thumb]], now: datetime) -> ManyDowns | None:
    """Compare the share of downs among a reader's newest thumbs with the share before.

    The newest are those of the last 30 days, ``LATELY`` at most. Returns a result if half of them
    are down and the difference of the two shares is above zero by ``SURE`` standard errors, with
    one success and one failure added to each (Agresti & Caffo 2000). None otherwise, or if there
    are too few thumbs.
    """
    ordered = sorted(cast)
    lately = [at for at, _ in ordered[-LATELY:] if now - at < A_MONTH]
    split = len(ordered) - len(lately)
    newest, before = _downs(ordered[split:]), _downs(ordered[max(0, split - BEFORE) : split])
    if min(len(newest), len(before)) < FEWEST or sum(newest) < HALF * len(newest):
        return None
    if not _is_higher(newest, before):
        return None
    return ManyDowns(sum(newest), len(newest), sum(before), len(before), lately[0])


def _downs(some: Sequence[tuple[datetime, Thumb]]) -> list[bool]:
    return [thumb is Thumb.DOWN for _, thumb in some]


def _is_higher(one: Sequence[bool], other: Sequence[bool]) -> bool:
    """Return whether the share of true values is significantly higher in the first."""
    (first, second), errors = zip(*map(_share, (one, other)), strict=True)
    return bool(first - second > SURE * sqrt(sum(errors)))


def _share(some: Sequence[bool]) -> tuple[float, float]:
    """Return the share of true values, with one of each added, and its variance."""
    share = (sum(some) + 1) / (len(some) + 2)
    return share, share * (1 - share) / (len(some) + 2)
