"""A reader's history as days to replay: the papers voted on, and other candidates."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import numpy as np

from larkpost.domain import Paper, Thumb, Vote
from larkpost.ranking.evaluation.edition_log import EditionLog, day_of, passed_by_day

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from larkpost.ranking.evaluation.off_policy import Logged

    Moments = NDArray[np.float64]

DIGEST = 50  # papers per day
WINDOW = timedelta(days=7)  # of an edition, the default of ranking.window_days
GROWTH = 1.15  # the taste is trained again when the thumbs grew by this factor,
LATER_GROWTH = 1.3  # and, to bound the time, less often from the 61st day on
EARLY = 60


@dataclass(frozen=True, slots=True)
class History:
    """A reader's past: candidate ``papers``, and parallel lists of thumbs, oldest first.

    ``others`` are the thumbs of other readers, oldest first; ``logged`` the places that exploration
    may have filled. Thumbs of others count in steps of ``fewest``. ``stream`` are the papers since
    the reader's first edition, ``shown`` the ids of those in an edition or with a thumb. ``log``
    are the editions with a thumb. The words of interests are left out: their history is unknown.
    """

    papers: Sequence[Paper]
    voted: Sequence[Paper]
    thumbs: Sequence[Thumb]
    at: Sequence[datetime]
    others: Sequence[Vote] = ()
    logged: Sequence[Logged] = ()
    fewest: int = 1
    stream: Sequence[Paper] = ()
    shown: frozenset[int] = frozenset()
    log: EditionLog = field(default_factory=EditionLog)


@dataclass(frozen=True, slots=True)
class VoteDay:
    """A day (UTC) with votes: papers to rank, by id, and which of them were liked and voted on.

    ``before`` votes were cast on earlier days; ``lesson`` of them were used for training.
    ``passed`` are the papers passed over that day in editions; they are not ranked again.
    """

    day: date
    before: int
    lesson: int
    papers: tuple[Paper, ...]
    liked: tuple[bool, ...]
    voted: tuple[bool, ...]
    passed: tuple[Paper, ...] = ()


def vote_days(history: History) -> list[VoteDay]:
    """Return the days with votes, in order.

    The papers voted on that day are joined by others without a thumb, up to 50 in all, drawn per
    day from the new papers of an edition's window: those since the previous day, and those of the
    days of the voted papers. Papers passed over on an earlier day are left out; otherwise their age
    alone would distinguish them from the day's papers. The order is that of an edition without a
    taste: newest first, then by id.
    """
    by_day: dict[date, list[int]] = defaultdict(list)
    for number, moment in enumerate(history.at):
        by_day[day_of(moment)].append(number)
    offer, passed = CandidatePapers.of(history), passed_by_day(history)
    found: list[VoteDay] = []
    lesson = 0
    last = date.min
    for day, numbers in sorted(by_day.items()):
        before = min(numbers)
        if before >= lesson * (GROWTH if len(found) < EARLY else LATER_GROWTH):
            lesson = before
        voted = {history.voted[at].id: history.thumbs[at] is Thumb.UP for at in numbers}
        own = {history.voted[at].id: history.voted[at] for at in numbers}
        papers = [*own.values(), *offer.others(list(own.values()), last, day)]
        last = day
        papers.sort(key=lambda paper: (-paper.first_seen.timestamp(), paper.id))
        found.append(
            VoteDay(
                day,
                before,
                lesson,
                tuple(papers),
                tuple(voted.get(one.id, False) for one in papers),
                tuple(one.id in voted for one in papers),
                tuple(passed.get(day, ())),
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class CandidatePapers:
    """Papers (n), oldest first, with the data that decides on which days they were candidates.

    ``seen`` and ``arrived`` are seconds since 1970, ``days`` the day of ``seen`` and ``judged``
    that of the thumb as ordinals, infinite without one.
    """

    papers: Sequence[Paper]
    seen: Moments
    arrived: Moments
    days: Moments
    judged: Moments

    @classmethod
    def of(cls, history: History) -> CandidatePapers:
        """Build the arrays from a history."""
        votes = zip(history.voted, history.at, strict=True)
        cast = {paper.id: float(day_of(moment).toordinal()) for paper, moment in votes}
        papers = sorted(history.papers, key=lambda paper: (paper.first_seen, paper.id))
        return cls(
            papers,
            np.array([paper.first_seen.timestamp() for paper in papers]),
            np.array([paper.ingested_at.timestamp() for paper in papers]),
            np.array([float(day_of(paper.first_seen).toordinal()) for paper in papers]),
            np.array([cast.get(paper.id, np.inf) for paper in papers]),
        )

    def others(self, voted: Sequence[Paper], last: date, day: date) -> list[Paper]:
        """Draw papers from after the ``last`` day, always the same for the same ``day``.

        They had no thumb up to the day's end. Papers with a later thumb are candidates like all
        others: leaving them out would use future information.
        """
        start = max(day - WINDOW, last) + timedelta(days=1)
        since = datetime.combine(start, time(), UTC).timestamp()
        end = (datetime.combine(day, time(), UTC) + timedelta(days=1)).timestamp()
        fresh = (self.seen < end) & (
            (self.seen >= since) | ((self.arrived >= since) & (self.arrived < end))
        )
        beside = np.isin(self.days, [day_of(paper.first_seen).toordinal() for paper in voted])
        found = np.flatnonzero((fresh | beside) & (self.judged > day.toordinal()))
        wanted = min(max(0, DIGEST - len(voted)), len(found))
        draw = random.Random(day.toordinal())  # noqa: S311 - nothing secret hangs on it
        return [self.papers[at] for at in draw.sample(found.tolist(), wanted)]
