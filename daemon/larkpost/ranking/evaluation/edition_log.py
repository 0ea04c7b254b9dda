"""The papers that a reader's editions showed, as they were known on a day of the past."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from larkpost.domain import Paper
from larkpost.interfaces import Evidence

if TYPE_CHECKING:
    from larkpost.ranking.evaluation.history import History


@dataclass(frozen=True, slots=True)
class ShownEdition:
    """The papers of an edition, and when it was published."""

    at: datetime
    papers: Sequence[Paper]


@dataclass(frozen=True, slots=True)
class EditionLog:
    """A reader's editions, oldest first; a taste uses those of the last ``look_back``."""

    editions: Sequence[ShownEdition] = ()
    look_back: timedelta = timedelta(0)

    def looked_at(self, voted: Collection[int], now: datetime) -> list[ShownEdition]:
        """Return the recent editions before ``now`` in which a paper of ``voted`` (ids) was."""
        first, last = (
            bisect_left(self.editions, moment, key=lambda one: one.at)
            for moment in (now - self.look_back, now)
        )
        return [
            one
            for one in self.editions[first:last]
            if any(paper.id in voted for paper in one.papers)
        ]


def day_of(moment: datetime) -> date:
    """Return the day (UTC) of a time."""
    return moment.astimezone(UTC).date()


def evidence_before(history: History, count: int, now: datetime) -> Evidence:
    """Return the evidence of the first ``count`` votes and of the editions before ``now``.

    It is that with which an edition of that day was ranked, except for the words of interests. A
    paper that got its thumb later counts as passed over.
    """
    voted = history.voted[:count]
    ids = {paper.id for paper in voted}
    looked = history.log.looked_at(ids, now)
    shown = [(paper, one.at) for one in looked for paper in one.papers]
    shown_at = {paper.id: at for paper, at in shown}
    passed = [(paper, at) for paper, at in shown if paper.id not in ids]
    return Evidence(
        0,
        0,
        voted,
        history.thumbs[:count],
        history.at[:count],
        passed=[paper for paper, _ in passed],
        passed_at=[at for _, at in passed],
        shown_at=[shown_at.get(paper.id) for paper in voted],
    )


def passed_by_day(history: History) -> dict[date, list[Paper]]:
    """Return the papers passed over, by the day (UTC) on which their edition was looked at.

    That is the day of the edition's first thumb. Papers with a thumb on a later day are included.
    """
    votes = zip(history.voted, history.at, strict=True)
    judged = {paper.id: day_of(at) for paper, at in votes}
    found: dict[date, list[Paper]] = {}
    for one in history.log.editions:
        days = [judged[paper.id] for paper in one.papers if paper.id in judged]
        if days:
            day = max(min(days), day_of(one.at))
            passed = [paper for paper in one.papers if judged.get(paper.id, date.max) > day]
            found.setdefault(day, []).extend(passed)
    return found
