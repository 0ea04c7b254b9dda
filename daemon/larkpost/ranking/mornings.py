"""A reader's history as mornings to be replayed: what was voted on, beside what else was there."""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from larkpost.domain import Thumb

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from larkpost.domain import Paper, Vote
    from larkpost.ranking.offpolicy import Logged

DIGEST = 50  # papers of a morning
WINDOW = timedelta(days=7)
GROWTH = 1.15  # the taste is learnt anew when there are as many times the thumbs


@dataclass(frozen=True, slots=True)
class History:
    """A reader's past: ``papers`` that were on offer, thumbs side by side and oldest first.

    ``words`` are those of the reader's interests; ``others`` the thumbs of other readers, oldest
    first; ``logged`` the places that were given away by lot.
    """

    papers: Sequence[Paper]
    voted: Sequence[Paper]
    thumbs: Sequence[Thumb]
    at: Sequence[datetime]
    words: Sequence[str] = ()
    others: Sequence[Vote] = ()
    logged: Sequence[Logged] = ()


@dataclass(frozen=True, slots=True)
class Morning:
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


def mornings(history: History) -> list[Morning]:
    """Give the days with votes, in order.

    Beside the papers voted on that day stand others that never got a thumb, first seen in the
    same days (of the week before where there are none), up to 50 in all, drawn by the day.
    """
    by_day: dict[date, list[int]] = defaultdict(list)
    for number, moment in enumerate(history.at):
        by_day[day_of(moment)].append(number)
    ever = {paper.id for paper in history.voted}
    fresh = sorted(
        (paper for paper in history.papers if paper.id not in ever),
        key=lambda paper: (paper.first_seen, paper.id),
    )
    seen = [paper.first_seen for paper in fresh]
    found: list[Morning] = []
    lesson = 0
    for day, numbers in sorted(by_day.items()):
        before = min(numbers)
        if before >= lesson * GROWTH:
            lesson = before
        voted = {history.voted[at].id: history.thumbs[at] is Thumb.UP for at in numbers}
        papers = {history.voted[at].id: history.voted[at] for at in numbers}
        others = _others(fresh, seen, list(papers.values()), day)
        papers |= {paper.id: paper for paper in others}
        # Sorted by id, so that ties do not favour what was voted on.
        ids = sorted(papers)
        found.append(
            Morning(
                day,
                before,
                lesson,
                tuple(papers[one] for one in ids),
                tuple(voted.get(one, False) for one in ids),
                tuple(one in voted for one in ids),
            )
        )
    return found


def _others(
    fresh: Sequence[Paper], seen: Sequence[datetime], voted: Sequence[Paper], day: date
) -> list[Paper]:
    """Draw papers that were new when the voted ones were, the same for the same day."""
    first = min(paper.first_seen for paper in voted)
    last = max(paper.first_seen for paper in voted)
    start, end = _midnight(day_of(first)), _midnight(day_of(last)) + timedelta(days=1)
    low, high = bisect_left(seen, start), bisect_left(seen, end)
    if low == high:
        end = _midnight(day) + timedelta(days=1)
        low, high = bisect_right(seen, end - WINDOW), bisect_left(seen, end)
    wanted = min(max(0, DIGEST - len(voted)), high - low)
    draw = random.Random(day.toordinal())  # noqa: S311 - nothing secret hangs on it
    return [fresh[at] for at in draw.sample(range(low, high), wanted)]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
