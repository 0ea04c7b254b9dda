"""A reader's history as days to replay: what was voted on, beside what else was there."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import numpy as np

from larkpost.domain import Paper, Thumb, Vote

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from larkpost.ranking.evaluation.off_policy import Logged

    Moments = NDArray[np.float64]

DIGEST = 50  # papers of a morning
WINDOW = timedelta(days=7)  # of an edition, as ranking.window_days has it unless told otherwise
GROWTH = 1.15  # the taste is learnt anew when there are as many times the thumbs,
LATER_GROWTH = 1.3  # and, to bound the time, less often from the 61st morning on
EARLY = 60


@dataclass(frozen=True, slots=True)
class History:
    """A reader's past: ``papers`` that were on offer, thumbs side by side and oldest first.

    ``others`` are the thumbs of other readers, oldest first; ``logged`` the places that the lot
    might have given away. The thumbs of others are known in steps of ``fewest``. ``stream`` are the
    papers that came since the reader's first edition, ``shown`` the ids of those that an edition
    had or a thumb was pressed on. The words of interests are not here: nobody knows since when
    they are.
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


@dataclass(frozen=True, slots=True)
class VoteDay:
    """A day (UTC) with votes: papers to rank, by id, which of them were liked, which voted on.

    ``before`` votes were cast on earlier days; ``lesson`` of them have been learnt from.
    """

    day: date
    before: int
    lesson: int
    papers: tuple[Paper, ...]
    liked: tuple[bool, ...]
    voted: tuple[bool, ...]


def day_of(moment: datetime) -> date:
    """Give the day (UTC) of a moment."""
    return moment.astimezone(UTC).date()


def vote_days(history: History) -> list[VoteDay]:
    """Give the days with votes, in order.

    Beside the papers voted on that day stand others that had no thumb yet, up to 50 in all, drawn
    by the day from an edition's window, as far as it is news: what came since the morning
    before, and on the days of the voted papers. What the reader passed over on an earlier
    morning is left out, else its age alone would tell it from today's. They come as an edition
    has them where nothing is known of a taste: the newest first, then by id.
    """
    by_day: dict[date, list[int]] = defaultdict(list)
    for number, moment in enumerate(history.at):
        by_day[day_of(moment)].append(number)
    offer = CandidatePapers.of(history)
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
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class CandidatePapers:
    """Papers (n), the oldest first, with what decides on which mornings they were on offer.

    ``seen`` and ``arrived`` are seconds since 1970, ``days`` the day of ``seen`` and ``judged``
    that of the thumb as ordinals, infinite where there is none.
    """

    papers: Sequence[Paper]
    seen: Moments
    arrived: Moments
    days: Moments
    judged: Moments

    @classmethod
    def of(cls, history: History) -> CandidatePapers:
        """Lay out a history's papers."""
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
        """Draw papers that came after the ``last`` morning, the same for the same ``day``.

        They had no thumb up to the day's end. What gets one later was on offer like any other:
        to leave it out would be to know.
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
