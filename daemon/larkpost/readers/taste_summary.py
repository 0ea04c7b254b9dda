"""Summarises the taste of a reader: the terms for and against, and their change by month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from larkpost.db import papers, votes
from larkpost.domain import Interest, Paper, Reader, TermWeight, Vote
from larkpost.editions.second_interest import Offer, find_offer
from larkpost.editions.training_evidence import evidence
from larkpost.interfaces import Evidence

if TYPE_CHECKING:
    from larkpost.db.engine import Store
    from larkpost.ranking import AverageReasons, TextSpace, TfidfRanker

MOST_TERMS = 10  # words for, and against
AMONG = 200  # papers over which the words are averaged
MONTHS = 12


@dataclass(frozen=True, slots=True)
class Leaning:
    """The words for and against in an interest: how much each adds to a paper, on average."""

    interest: Interest
    toward: tuple[TermWeight, ...]
    away: tuple[TermWeight, ...]


@dataclass(frozen=True, slots=True)
class TermChange:
    """How much each word added or took, with the votes up to the end of a month (``2026-08``)."""

    month: str
    weights: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TasteSummary:
    """The taste of a reader: of each interest now, and of all together by month.

    ``offer`` is an interest that they might want as well.
    """

    leanings: tuple[Leaning, ...]
    months: tuple[TermChange, ...]
    offer: Offer | None = None


def summarize(
    store: Store, ranker: TfidfRanker, space: TextSpace, reader: Reader, *, now: datetime
) -> TasteSummary:
    """Compute a reader's taste from the ranker's reasons for the newest papers.

    The months are the last ``MONTHS`` in which the reader voted; each uses the votes up to its end,
    and the same papers.
    """
    with store.read() as connection:
        asked = evidence(connection, [reader], now=now)
        cast = votes.of(connection, reader.id)
        seen = papers.get(connection, {one.paper_id for one in cast})
        newest = papers.corpus(connection, until=now, limit=AMONG, withdrawn=False)
    by_month = _by_month(reader, cast, seen)
    tastes = ranker.learn(space, [*asked, *by_month.values()], now=now)
    told = [_sum_weights(reasons) for reasons in ranker.average_reasons(space, tastes, newest)]
    return TasteSummary(
        leanings=tuple(map(_leaning, reader.interests, told)),
        months=tuple(map(TermChange, by_month, told[len(asked) :])),
        offer=find_offer(space, reader, asked, now=now),
    )


def _by_month(
    reader: Reader, cast: Sequence[Vote], seen: Mapping[int, Paper]
) -> dict[str, Evidence]:
    """Return the taste from all votes up to the end of each month, of all interests."""
    ends = {f"{one.at:%Y-%m}": number for number, one in enumerate(cast, start=1)}
    return {
        month: Evidence(
            reader_id=reader.id,
            interest_id=reader.interests[0].id,
            papers=[seen[one.paper_id] for one in cast[:end]],
            thumbs=[one.thumb for one in cast[:end]],
            at=[one.at for one in cast[:end]],
            words=[word for interest in reader.interests for word in interest.words],
        )
        for month, end in list(ends.items())[-MONTHS:]
    }


def _leaning(interest: Interest, told: Mapping[str, float]) -> Leaning:
    strongest = sorted(told.items(), key=lambda one: (-abs(one[1]), one[0]))
    toward = tuple(TermWeight(term, weight) for term, weight in strongest if weight > 0)
    away = tuple(TermWeight(term, weight) for term, weight in strongest if weight < 0)
    return Leaning(interest, toward[:MOST_TERMS], away[:MOST_TERMS])


def _sum_weights(reasons: AverageReasons) -> dict[str, float]:
    """Return what each word adds to a paper or takes from it, on average."""
    raised, lowered = reasons.raised, reasons.lowered
    return {term: raised.get(term, 0.0) + lowered.get(term, 0.0) for term in {**raised, **lowered}}
