"""Makes the taste profile of a reader: terms, their change by month, a replay of the votes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from larkpost import logs
from larkpost.db import fitted_models, papers, popularity, votes
from larkpost.domain import Interest, Paper, Reader, TermWeight, Vote
from larkpost.editions.evaluate import FEWEST, evaluate
from larkpost.editions.second_interest import Offer, find_offer
from larkpost.editions.training_evidence import evidence
from larkpost.errors import LarkpostError
from larkpost.interfaces import Evidence
from larkpost.log_events import LogEvent

if TYPE_CHECKING:
    from larkpost.db.engine import Store
    from larkpost.ranking import AverageReasons, ReplayReport, TextSpace, TfidfRanker
    from larkpost.readers.replay_apart import Evaluate

log = logs.get_logger(__name__)

MOST_TERMS = 10  # words for, and against
AMONG = 200  # papers over which the words are averaged
MONTHS = 12
MOST_CACHED = 256
# When a history is replayed again: see ``TasteProfileCache``.
AGAIN, MOST_REPLAYS, GROWTH = timedelta(hours=1), 4, 1.15
AFTER_FAILURE = timedelta(minutes=10)  # until a replay that failed is tried again
MANY = 1_000  # from so many thumbs on a profile takes a second or more, so it is computed as rarely


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


def tell(
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
    return Leaning(
        interest,
        tuple(TermWeight(term, weight) for term, weight in strongest if weight > 0)[:MOST_TERMS],
        tuple(TermWeight(term, weight) for term, weight in strongest if weight < 0)[:MOST_TERMS],
    )


def _sum_weights(reasons: AverageReasons) -> dict[str, float]:
    """Return what each word adds to a paper or takes from it, on average."""
    total = dict(reasons.raised)
    for term, weight in reasons.lowered.items():
        total[term] = total.get(term, 0.0) + weight
    return total


class TasteProfile(NamedTuple):
    """The whole taste profile of a reader; no report if there are too few votes.

    Nor is there one if the replay ``failed``.
    """

    summary: TasteSummary
    report: ReplayReport | None
    failed: bool = False


class _CachedProfile(NamedTuple):
    """The last profile, its key, and the times of computation within the hour."""

    mark: _ProfileKey
    profile: TasteProfile
    at: tuple[datetime, ...]


class _RecentReplay(NamedTuple):
    """The times of replays within the last hour, and the last result; none if it ``failed``."""

    at: tuple[datetime, ...] = ()
    report: ReplayReport | None = None
    failed: datetime | None = None


class TasteProfileCache:
    """Caches profiles: reading and replaying a history takes seconds, so one is done at a time.

    A profile stays until a vote or a paper comes or goes, an interest changes, or there is a newer
    model; the replay is at most an hour old, or older if nothing changed. For a reader with
    ``MANY`` thumbs the profile is computed at most four times per hour: with 20,000 votes each one
    cost nine seconds of a core. ``replay`` is the function that replays; the daemon's does it in a
    separate process. A replay that failed is tried again after ten minutes.
    """

    def __init__(self, replay: Evaluate | None = None) -> None:
        self._evaluate = replay
        self._kept: OrderedDict[int, _CachedProfile] = OrderedDict()
        self._reports: OrderedDict[int, _RecentReplay] = OrderedDict()
        self._lock = Lock()

    def of(
        self,
        store: Store,
        ranker: TfidfRanker,
        space: Callable[[], TextSpace],
        reader: Reader,
        *,
        now: datetime,
        fewest: int = popularity.FEWEST,
    ) -> TasteProfile:
        """Return a reader's profile, cached or computed; ``space`` is called only to compute it.

        Votes of others count in steps of ``fewest`` thumbs.
        """
        mark = _mark(store, reader)
        if known := self._recall(reader, mark, now):
            return known
        with self._lock:
            if known := self._recall(
                reader, mark, now
            ):  # the previous holder of the lock may have cached it
                return known
            summary = tell(store, ranker, space(), reader, now=now)
            told = self._replay(store, ranker, reader, mark.votes, fewest, now)
            profile = TasteProfile(summary, told.report, failed=told.failed is not None)
            return self._keep(reader, mark, profile, now)

    def forget(self, reader_id: int) -> None:
        """Drop the entries of a removed reader."""
        self._kept.pop(reader_id, None)
        self._reports.pop(reader_id, None)

    def _replay(
        self,
        store: Store,
        ranker: TfidfRanker,
        reader: Reader,
        votes: int,
        fewest: int,
        now: datetime,
    ) -> _RecentReplay:
        """Replay a reader's votes, which takes seconds of a core, or return the recent result.

        It runs once per hour; up to four times if votes were undone or increased by 15 %.
        """
        if votes < FEWEST:
            return _RecentReplay()
        told = self._reports.get(reader.id, _RecentReplay())
        if told.failed and timedelta(0) <= now - told.failed < AFTER_FAILURE:
            return told
        lately = _lately(told.at, now)
        if told.report and lately:
            same = told.report.votes <= votes < told.report.votes * GROWTH
            if same or len(lately) >= MOST_REPLAYS:
                return told
        report = self._try_replay(store, ranker, reader, fewest)
        told = _RecentReplay((*lately, now), report, failed=None if report else now)
        self._reports[reader.id] = told
        self._reports.move_to_end(reader.id)
        if len(self._reports) > MOST_CACHED:
            self._reports.popitem(last=False)
        return told

    def _try_replay(
        self, store: Store, ranker: TfidfRanker, reader: Reader, fewest: int
    ) -> ReplayReport | None:
        """Replay; None if that failed, because the page can do without and says so."""
        try:
            return (self._evaluate or evaluate)(store, ranker, reader, fewest=fewest)
        except LarkpostError:  # the whole page would fail, or is to
            raise
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
            log.warning(LogEvent.REPLAY_FAILED, problem=problem, exc_info=True)
            return None

    def _recall(self, reader: Reader, mark: _ProfileKey, now: datetime) -> TasteProfile | None:
        known = self._kept.get(reader.id)
        if known is None:
            return None
        if known.profile.failed and not timedelta(0) <= now - known.at[-1] < AFTER_FAILURE:
            return None
        often = mark.votes >= MANY and len(_lately(known.at, now)) >= MOST_REPLAYS
        return known.profile if known.mark == mark or often else None

    def _keep(
        self, reader: Reader, mark: _ProfileKey, told: TasteProfile, now: datetime
    ) -> TasteProfile:
        before = self._kept.get(reader.id)
        at = (*_lately(before.at if before else (), now), now)[-MOST_REPLAYS:]
        self._kept[reader.id] = _CachedProfile(mark, told, at)
        self._kept.move_to_end(reader.id)
        if len(self._kept) > MOST_CACHED:
            self._kept.popitem(last=False)
        return told


def _lately(moments: Sequence[datetime], now: datetime) -> list[datetime]:
    return [at for at in moments if timedelta(0) <= now - at < AGAIN]


class _ProfileKey(NamedTuple):
    """The inputs of a taste, read before anything else, so that later changes give another key."""

    votes: int
    latest: datetime | None
    extent: papers.Extent
    interests: tuple[Interest, ...]
    offer_declined: datetime | None
    space: int | None


def _mark(store: Store, reader: Reader) -> _ProfileKey:
    with store.read() as connection:
        cast = votes.of(connection, reader.id)
        latest = max((one.at for one in cast), default=None)
        newest = fitted_models.newest_id(connection)
        return _ProfileKey(
            len(cast),
            latest,
            papers.extent(connection),
            reader.interests,
            reader.offer_declined,
            newest,
        )
