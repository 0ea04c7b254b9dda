"""Counts the thumbs of papers, and ranks trending ones.

Only thumbs that count for others are used (``counted_readers``), and everything visible, including
the order of papers, is made from counts in steps (``rounded_count``).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import log2
from typing import Any

from sqlalchemy import Connection, Label, Row, Subquery, case, func, select

from larkpost.db import schema
from larkpost.db.paper_rows import get
from larkpost.db.papers import fresh
from larkpost.db.usage.vote_eligibility import counts
from larkpost.db.value_batches import gather, rows_among
from larkpost.db.votes import ON_PUBLIC
from larkpost.domain import Paper, Thumb, Vote

_vote = schema.vote

# With these numbers a paper without thumbs never overtakes one that is a day younger by its upvotes
# alone: 0.5 / 0.4 is less than 2 ** (1 / 3), the decay of a day.
HALF_LIFE = 3.0  # days
PRIOR = 4.0  # the weight of the prior, in thumbs
LOWEST, HIGHEST = 0.4, 0.5  # the expected share of thumbs up, by the dump's upvotes
FEWEST = 5  # the least shown number of thumbs: the default of web.thumb_count_step
HALF_WAY = 20  # upvotes at which the expected share is half-way


@dataclass(frozen=True, slots=True)
class Judged:
    """A paper, its displayable thumbs up and down, and its heat."""

    paper: Paper
    ups: int
    downs: int
    heat: float


def trending(
    connection: Connection, *, at: datetime, window: timedelta, limit: int, fewest: int = FEWEST
) -> list[Judged]:
    """Rank the candidates of the ``window`` before ``at`` by ``heat``, the hottest first.

    Only thumbs that count ``at`` that moment do, in steps of ``fewest``; otherwise the order would
    reveal single thumbs. Without votes the newest come first, and those of one day by their
    upvotes. Ties: the newest first, then by id.
    """
    paper = schema.paper.c
    ups, downs = _number_of(Thumb.UP, at), _number_of(Thumb.DOWN, at)
    candidates = select(paper.id, paper.first_seen, paper.upvotes, ups, downs)
    found = []
    for row in connection.execute(candidates.where(*fresh(at, window))):
        up, down = rounded_count(row.ups, fewest), rounded_count(row.downs, fewest)
        found.append((heat(up, down, row.upvotes, _days(row, at)), up, down, row))
    found.sort(key=lambda one: (-one[0], -one[3].first_seen.timestamp(), one[3].id))
    papers = get(connection, [one[3].id for one in found[:limit]])
    return [Judged(papers[row.id], up, down, hot) for hot, up, down, row in found[:limit]]


def rounded_count(count: int, fewest: int) -> int:
    """Round a count of thumbs down to a whole step of ``fewest``, 0 below the first.

    Smaller counts would reveal single votes, and an increase by one would reveal the latest
    visitor's vote.
    """
    return count // fewest * fewest


def tallies(
    connection: Connection, paper_ids: Collection[int], *, at: datetime, fewest: int = FEWEST
) -> dict[int, tuple[int, int]]:
    """Count thumbs up and down on these papers, as ``rounded_count``; no entry without thumbs."""
    up = func.sum(case((_vote.c.thumb == Thumb.UP.value, 1), else_=0))
    counted = select(_vote.c.paper_id, up, func.count()).where(counts(at))
    rows = rows_among(
        connection, counted.group_by(_vote.c.paper_id), _vote.c.paper_id, set(paper_ids)
    )
    return {
        paper_id: tally
        for paper_id, ups, cast in rows
        if any(tally := (rounded_count(ups, fewest), rounded_count(cast - ups, fewest)))
    }


@dataclass(frozen=True, slots=True)
class CommonTastes:
    """The number of readers who like several papers, and of their thumbs up."""

    readers: int
    ups: int


def common_tastes(connection: Connection, *, least: int, at: datetime) -> CommonTastes:
    """Count the readers who like ``least`` papers or more, and their thumbs up."""
    likers = _likers(least, at)
    total = func.coalesce(func.sum(likers.c.ups), 0)
    readers, ups = connection.execute(select(func.count(), total).select_from(likers)).one()
    return CommonTastes(readers, int(ups))


def libraries(connection: Connection, *, least: int, at: datetime) -> list[frozenset[int]]:
    """Read the liked papers (ids) of each reader who likes ``least`` or more."""
    vote, likers = _vote.c, _likers(least, at)
    rows = connection.execute(
        select(vote.reader_id, vote.paper_id)
        .join_from(_vote, likers, likers.c.reader_id == vote.reader_id)
        .where(vote.thumb == Thumb.UP.value, ON_PUBLIC, counts(at))
        .order_by(vote.reader_id)
    )
    return list(map(frozenset, gather((row.reader_id, row.paper_id) for row in rows).values()))


def thumbs(connection: Connection, *, without: int) -> list[Vote]:
    """Read the thumbs of all readers but one on public papers, oldest first.

    They include all that count for others, now or later.
    """
    counted = (ON_PUBLIC, _vote.c.counts_from.is_not(None))
    others = select(_vote).where(_vote.c.reader_id != without, *counted)
    rows = connection.execute(others.order_by(_vote.c.at, _vote.c.paper_id))
    return [
        Vote(row.reader_id, row.paper_id, Thumb(row.thumb), row.at, row.source, row.interest_id)
        for row in rows
    ]


def _likers(least: int, at: datetime) -> Subquery:
    ups = func.count().label("ups")
    liked = (_vote.c.thumb == Thumb.UP.value, ON_PUBLIC, counts(at))
    liking = select(_vote.c.reader_id, ups).where(*liked)
    return liking.group_by(_vote.c.reader_id).having(func.count() >= least).subquery()


def heat(ups: int, downs: int, upvotes: int | None, days: int) -> float:
    """Return the heat of a paper: log2 of the share of thumbs up, halved for every 3 days of age.

    The share is the posterior mean of a Beta prior over Bernoulli thumbs (Gelman et al., Bayesian
    Data Analysis, 3rd ed., 2.4), ``(ups + m q) / (ups + downs + m)``, with m = 4 and q between
    0.4 and 0.5 by the dump's upvotes. The decay is exponential; its logarithm still distinguishes
    old papers, for which the power itself would vanish.
    """
    told = max(0, upvotes or 0)
    expected = LOWEST + (HIGHEST - LOWEST) * told / (told + HALF_WAY)
    share = (ups + PRIOR * expected) / (ups + downs + PRIOR)
    return log2(share) - days / HALF_LIFE


def _number_of(thumb: Thumb, at: datetime) -> Label[int]:
    """Count the thumbs of a kind on a paper: two ranges of an index per paper, without sorting."""
    vote, name = _vote.c, "ups" if thumb is Thumb.UP else "downs"
    mine = (vote.paper_id == schema.paper.c.id, vote.thumb == thumb.value, counts(at))
    return select(func.count()).where(*mine).scalar_subquery().label(name)


def _days(row: Row[Any, Any, Any, Any, Any], at: datetime) -> int:
    """Count the days (UTC) since a paper was first seen: papers of one day have the same age."""
    seen: datetime = row.first_seen
    return max(0, (at.astimezone(UTC).date() - seen.date()).days)
