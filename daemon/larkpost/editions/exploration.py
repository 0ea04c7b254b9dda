"""Gives the last place of some editions to papers unlike those shown, and records the odds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from larkpost.domain import Paper, Pick, Reader, Thumb
from larkpost.interfaces import Evidence
from larkpost.schedule import local_date

if TYPE_CHECKING:
    from larkpost.ranking import TextSpace
    from larkpost.ranking.exploration.unseen import Unseen
    from larkpost.ranking.near_duplicates import DuplicateGroups

    Judge = Callable[[Paper], Pick]  # the scores of a paper from a reader's interests

FARTHEST = 10  # papers in the draw, beside the one that has the place


@dataclass(frozen=True)
class Explorer:
    """The data for exploration in one run.

    ``spent`` maps readers (ids) to the candidates (ids) that they got or gave a thumb to. ``rate``
    applies to known readers: see ``ranking.selection.exploration_rate``.
    """

    space: TextSpace
    candidates: Sequence[Paper]
    spent: Mapping[int, Collection[int]]
    alike: DuplicateGroups
    rate: float
    at: datetime

    def explore(
        self, reader: Reader, asked: Sequence[Evidence], picks: Sequence[Pick], judge: Judge
    ) -> list[Pick]:
        """Replace the last of a reader's picks by a random draw, or leave it; records the odds.

        The draw is among the ``FARTHEST`` candidates from all papers that the reader was shown or
        judged, and the paper that has the place. These are computed only when the place is given
        away; their number is known before.
        """
        from larkpost.ranking import selection

        *first, last = picks
        taken = {self.alike.of(pick.paper.id) for pick in picks}
        passed = (paper.id for one in asked for paper in one.passed)
        spent = {*self.spent[reader.id], *passed}
        free = [
            paper
            for paper in self.candidates
            if paper.id not in spent and self.alike.of(paper.id) not in taken
        ]
        ups = sum(thumb is Thumb.UP for one in asked for thumb in one.thumbs)
        rate = selection.exploration_rate(self.rate, ups)
        day = local_date(reader.zone, self.at)
        if not selection.is_given_away(reader.uid, day, rate):
            pool = min(FARTHEST, len(free)) + 1
            kept = selection.chance_to_keep(rate, pool)
            return [*first, replace(last, propensity=kept, pool=pool)]
        far = {paper.id: paper for paper in self._farthest(asked, spent, first, free)}
        drawn = selection.draw(reader.uid, day, far, last.paper.id, rate)
        if drawn.paper is None:
            return [*first, replace(last, propensity=drawn.propensity, pool=drawn.pool)]
        new = judge(far[drawn.paper])
        names = {interest.id: interest.name for interest in reader.interests}
        return [
            *first,
            replace(
                new,
                position=last.position,
                interest=names.get(new.interest_id or 0, "") if new.matches else "",
                explored=True,
                propensity=drawn.propensity,
                pool=drawn.pool,
            ),
        ]

    def _farthest(
        self,
        asked: Sequence[Evidence],
        spent: Collection[int],
        first: Sequence[Pick],
        free: Sequence[Paper],
    ) -> list[Paper]:
        """Find the candidates farthest from all shown papers, including today's other picks."""
        shown = {paper.id: paper for paper in self.candidates if paper.id in spent}
        shown |= {paper.id: paper for one in asked for paper in (*one.papers, *one.passed)}
        ordered = [paper for _, paper in sorted(shown.items())]
        return self._unseen.farthest([*ordered, *(pick.paper for pick in first)], free, FARTHEST)

    @cached_property
    def _unseen(self) -> Unseen:
        from larkpost.ranking.exploration.unseen import compare

        return compare(self.space, self.candidates)
