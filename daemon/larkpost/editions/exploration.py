"""Gives the last place of editions to what readers were never shown, with the odds written down."""

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
    from larkpost.ranking.selection import DuplicateGroups

    Judge = Callable[[Paper], Pick]  # what a reader's interests say of a paper

FARTHEST = 10  # papers among which the lot draws, beside the one that has the place


@dataclass(frozen=True)
class Explorer:
    """What is needed to explore on one morning.

    ``spent`` are the papers (ids) that each reader (id) has had of the candidates, or pressed a
    thumb on. ``rate`` is that of readers who are known: see ``ranking.choice.exploration_rate``.
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
        """Give the last of a reader's picks away by lot, or leave it; its odds are told either way.

        The lot draws among the ``FARTHEST`` candidates from all that the reader was shown or
        pressed a thumb on, and the paper that has the place. What these are is worked out only on
        days on which the place is given away; how many they are is known before.
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
        """Find the candidates farthest from what was shown, today's other picks included."""
        shown = {paper.id: paper for paper in self.candidates if paper.id in spent}
        shown |= {paper.id: paper for one in asked for paper in (*one.papers, *one.passed)}
        ordered = [paper for _, paper in sorted(shown.items())]
        return self._unseen.farthest([*ordered, *(pick.paper for pick in first)], free, FARTHEST)

    @cached_property
    def _unseen(self) -> Unseen:
        from larkpost.ranking.exploration.unseen import compare

        return compare(self.space, self.candidates)
