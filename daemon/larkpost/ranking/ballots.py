"""What an interest has been told, as rows with weights: votes, papers passed over, words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from larkpost.ranking.change import KEPT, changed_at, kept_share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from larkpost.domain import Paper
    from larkpost.ranking.space import Floats, Indices, TextSpace
    from larkpost.seams import Evidence

DOWN = 1.0
PASSED = 0.1  # a paper that was shown and got no thumb: most of what is liked gets none either
HINT = 1.0  # an interest's words weigh one thumb, whatever else is known
MOST_VOTES = 1000  # the newest count; half the room is kept for thumbs up, half for those down
MOST_PASSED = 60  # the newest of about as many mornings as a week has
OUTSIDE = 10.0  # a thumb on what no edition showed tells of chances as 10 / (10 + papers shown)


@dataclass(frozen=True, slots=True)
class Ballot:
    """One interest's rows of the ledger: votes, then papers passed over, then hints.

    ``thumbs`` are 1 or -1, of what was passed -1; ``weights`` are above zero. ``checks`` tells
    how far each counts where chances are held against what came: 1 for what an edition showed.
    """

    votes: Indices
    thumbs: Floats
    weights: Floats
    checks: Floats
    cast: int
    hints: int

    @property
    def liked(self) -> Indices:
        """Give the votes that are thumbs up of the reader."""
        return self.votes[: self.cast][self.thumbs[: self.cast] > 0]

    @property
    def read(self) -> int:
        """Count the rows that are papers: all but the hints, which come last."""
        return len(self.votes) - self.hints


def newest(one: Evidence) -> Evidence:
    """Leave out the oldest votes where there are too many, of each kind those over its room.

    A reader who says no to a thousand papers must not lose what they have said yes to.
    """
    one = replace(one, passed=one.passed[-MOST_PASSED:], passed_at=one.passed_at[-MOST_PASSED:])
    surplus = len(one.papers) - MOST_VOTES
    if surplus <= 0:
        return one
    ups = [at for at, thumb in enumerate(one.thumbs) if thumb > 0]
    downs = [at for at, thumb in enumerate(one.thumbs) if thumb <= 0]
    room = max(MOST_VOTES // 2, MOST_VOTES - len(downs))
    kept = sorted([*ups[-room:], *downs[-(MOST_VOTES - min(room, len(ups))) :]])
    return replace(
        one,
        papers=[one.papers[at] for at in kept],
        thumbs=[one.thumbs[at] for at in kept],
        at=[one.at[at] for at in kept],
        shown_at=[one.shown_at[at] for at in kept] if one.shown_at else (),
    )


def ballot(
    one: Evidence, rows: Sequence[int], hints: int, now: datetime, half_life_days: float
) -> Ballot:
    """Weigh what one interest was told; ``rows`` are those of its votes, passed papers, hints."""
    thumbs = np.array([float(thumb) for thumb in one.thumbs], dtype=np.float32)
    moment = changed_at(one)
    said = HINT if moment is None else HINT * KEPT
    weights = np.where(thumbs > 0, kept_share(one, moment), DOWN)
    weights = np.concatenate([weights, np.full(len(one.passed), PASSED)]).astype(np.float32)
    if half_life_days > 0:
        days = [(now - at).total_seconds() / 86400 for at in (*one.at, *one.passed_at)]
        weights *= np.float32(0.5) ** (np.maximum(days, 0) / np.float32(half_life_days))
    return Ballot(
        np.array(rows, dtype=np.intp),
        np.concatenate([thumbs, np.full(len(one.passed), -1), np.ones(hints)]).astype(np.float32),
        np.concatenate([np.maximum(weights, 1e-4), np.full(hints, said)]).astype(np.float32),
        np.concatenate([_checks(one), np.zeros(hints)]).astype(np.float32),
        len(thumbs),
        hints,
    )


def _checks(one: Evidence) -> Floats:
    """Tell how far each vote and each passed paper counts where chances are checked (n).

    A chance is that of a thumb up on a paper that is shown. So papers count that were shown since
    the oldest of those passed over that are known; what else was voted on counts less, the more
    of them there are.
    """
    since = one.passed_at[0] if one.passed_at else None
    shown = [at is not None and (since is None or at >= since) for at in one.shown_at]
    of_late = np.array(shown or [False] * len(one.papers), dtype=bool)
    outside = OUTSIDE / (OUTSIDE + of_late.sum() + len(one.passed))
    votes = np.where(of_late, 1, outside)
    return np.concatenate([votes, np.ones(len(one.passed))]).astype(np.float32)


def shelve(
    space: TextSpace, evidence: Sequence[Evidence], now: datetime, half_life_days: float
) -> tuple[list[Paper | None], list[str | Mapping[str, float]], list[Ballot]]:
    """Place every paper and every interest's words once, with their texts; number votes by them."""
    papers: list[Paper | None] = []
    texts: list[str | Mapping[str, float]] = []
    places: dict[int, int] = {}
    ballots = []
    for one in map(newest, evidence):
        rows = []
        for paper in (*one.papers, *one.passed):
            if (at := places.get(paper.id)) is None:
                at = places[paper.id] = len(papers)
                papers.append(paper)
                texts.append(paper.text)
            rows.append(at)
        hints = [hint for words in one.words if (hint := space.hint(words))]
        rows += range(len(papers), len(papers) + len(hints))
        papers += [None] * len(hints)
        texts += hints
        ballots.append(ballot(one, rows, len(hints), now, half_life_days))
    return papers, texts, ballots
