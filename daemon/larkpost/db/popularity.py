"""Counts the thumbs of papers, and ranks trending ones.

Only thumbs that count for others are used (``counted_readers``), and everything visible, including
the order of papers, is made from counts in steps (``rounded_count``).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from math import log2
from operator import itemgetter

from sqlalchemy import Connection, Label, Subquery, case, func, select

from larkpost.db import schema
from larkpost.db.paper_rows import get
from larkpost.db.papers import fresh
from larkpost.db.usage.vote_eligibility import counts
from larkpost.db.value_batches import gather, rows_among
from larkpost.db.votes import on_public
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
    today, found = at.astimezone(UTC).date(), []
    for number, seen, upvotes, up, down in connection.execute(candidates.where(*fresh(at, window))):
        up, down = rounded_count(up, fewest), rounded_count(down, fewest)
        found.append((heat(up, down, upvotes, _days(seen, today)), seen, number, up, down))
    # Sorting is stable. One sort by all three would need a key made in Python for each candidate.
    found.sort(key=itemgetter(2))
    found.sort(key=itemgetter(1), reverse=True)
    found.sort(key=itemgetter(0), reverse=True)
    best = found[:limit]
    papers = get(connection, [number for _, _, number, _, _ in best])
    return [Judged(papers[number], up, down, hot) for hot, _, number, up, down in best]


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
    likers = _likers(connection, least, at)
    total = func.coalesce(func.sum(likers.c.ups), 0)
    readers, ups = connection.execute(select(func.count(), total).select_from(likers)).one()
    return CommonTastes(readers, int(ups))


def libraries(connection: Connection, *, least: int, at: datetime) -> list[frozenset[int]]:
    """Read the liked papers (ids) of each reader who likes ``least`` or more."""
    vote, likers = _vote.c, _likers(connection, least, at)
    rows = connection.execute(
        select(vote.reader_id, vote.paper_id)
        .join_from(_vote, likers, likers.c.reader_id == vote.reader_id)
        .where(vote.thumb == Thumb.UP.value, on_public(connection), counts(at))
        .order_by(vote.reader_id)
    )
    return list(map(frozenset, gather((row.reader_id, row.paper_id) for row in rows).values()))


def thumbs(connection: Connection, *, without: int) -> list[Vote]:
    """Read the thumbs of all readers but one on public papers, oldest first.

    They include all that count for others, now or later.
    """
    counted = (on_public(connection), _vote.c.counts_from.is_not(None))
    others = select(_vote).where(_vote.c.reader_id != without, *counted)
    rows = connection.execute(others.order_by(_vote.c.at, _vote.c.paper_id))
    return [
        Vote(row.reader_id, row.paper_id, Thumb(row.thumb), row.at, row.source, row.interest_id)
        for row in rows
    ]


def _likers(connection: Connection, least: int, at: datetime) -> Subquery:
    ups = func.count().label("ups")
    liked = (_vote.c.thumb == Thumb.UP.value, on_public(connection), counts(at))
    liking = select(_vote.c.reader_id, ups).where(*liked)
    return liking.group_by(_vote.c.reader_id).having(func.count() >= least).subquery()


@lru_cache(maxsize=10_000)  # most papers of a day share one heat
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


def _days(seen: datetime, today: date) -> int:
    """Count the days (UTC) since a paper was first seen: papers of one day have the same age."""
    return max(0, (today - seen.date()).days)
