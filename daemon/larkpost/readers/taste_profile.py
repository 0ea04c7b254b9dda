"""Caches the taste profiles of readers: terms, their change by month, a replay of the votes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from larkpost import logs
from larkpost.db import fitted_models, papers, popularity, votes
from larkpost.domain import Interest, Reader
from larkpost.editions.evaluate import FEWEST
from larkpost.errors import LarkpostError
from larkpost.log_events import LogEvent
from larkpost.readers.compute_profile import ProfileRequest, compute_here

if TYPE_CHECKING:
    from larkpost.db.engine import Store
    from larkpost.ranking import ReplayReport, TextSpace, TfidfRanker
    from larkpost.readers.compute_profile import ComputeProfile
    from larkpost.readers.taste_summary import TasteSummary

log = logs.get_logger(__name__)

MOST_CACHED = 256
# When a history is replayed again: see ``TasteProfileCache``.
AGAIN, MOST_REPLAYS, GROWTH = timedelta(hours=1), 4, 1.15
AFTER_FAILURE = timedelta(minutes=10)  # until a replay or process that failed is tried again
MANY = 1_000  # from so many thumbs on a profile takes a second or more, so it is computed as rarely


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
    """The times of replays within the last hour, and the last result; none if it failed.

    ``failed`` is the time of the last computation if that failed, with a replay or without.
    """

    at: tuple[datetime, ...] = ()
    report: ReplayReport | None = None
    failed: datetime | None = None

    def waits(self, now: datetime) -> bool:
        """Return whether the last computation failed too recently to try again."""
        return self.failed is not None and timedelta(0) <= now - self.failed < AFTER_FAILURE


class TasteProfileCache:
    """Caches profiles: reading and replaying a history takes seconds, so one is done at a time.

    A profile stays until a vote or a paper comes or goes, an interest changes, or there is a newer
    model; the replay is at most an hour old, or older if nothing changed. For a reader with
    ``MANY`` thumbs the profile is computed at most four times per hour: with 20,000 votes each one
    cost nine seconds of a core. ``compute`` is the function that computes; the daemon's does it in
    a separate process, unless there are too few votes for a replay. Where it fails the terms are
    computed here without a replay, for ten minutes.
    """

    def __init__(self, compute: ComputeProfile = compute_here) -> None:
        self._compute = compute
        self._kept: OrderedDict[int, _CachedProfile] = OrderedDict()
        self._replays: OrderedDict[int, _RecentReplay] = OrderedDict()
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
            recent = self._replays.get(reader.id) if mark.votes >= FEWEST else None
            recent = recent or _RecentReplay()
            request = ProfileRequest(reader, now, _is_due(recent, mark.votes, now), fewest)
            if mark.votes < FEWEST or recent.waits(now):
                summary = compute_here(store, ranker, space, request).summary
            else:
                summary, recent = self._try_to_compute(store, ranker, space, request, recent)
                self._record(reader, recent)
            failed = recent.failed is not None and recent.report is None
            return self._keep(reader, mark, TasteProfile(summary, recent.report, failed), now)

    def forget(self, reader_id: int) -> None:
        """Drop the entries of a removed reader."""
        self._kept.pop(reader_id, None)
        self._replays.pop(reader_id, None)

    def _try_to_compute(
        self,
        store: Store,
        ranker: TfidfRanker,
        space: Callable[[], TextSpace],
        request: ProfileRequest,
        recent: _RecentReplay,
    ) -> tuple[TasteSummary, _RecentReplay]:
        """Compute, and return the summary and the replay to show from now on.

        If that fails, compute the summary here: the page can do without a replay and says so.
        """
        now = request.now
        try:
            summary, report = self._compute(store, ranker, space, request)
        except LarkpostError:  # the whole page would fail, or is to
            raise
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
            if request.replays:
                log.warning(LogEvent.REPLAY_FAILED, problem=problem, exc_info=True)
            else:
                log.warning(LogEvent.TASTE_FAILED, problem=problem, exc_info=True)
            here = request._replace(replays=False)
            summary, report = compute_here(store, ranker, space, here)
            recent = recent._replace(failed=now)
        else:
            recent = recent._replace(failed=None)
        if request.replays:
            recent = recent._replace(at=(*_lately(recent.at, now), now), report=report)
        return summary, recent

    def _record(self, reader: Reader, recent: _RecentReplay) -> None:
        self._replays[reader.id] = recent
        self._replays.move_to_end(reader.id)
        if len(self._replays) > MOST_CACHED:
            self._replays.popitem(last=False)

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


def _is_due(recent: _RecentReplay, votes: int, now: datetime) -> bool:
    """Return whether to replay so many votes, which takes seconds of a core.

    It is done once per hour; up to four times if votes were undone or increased by 15 %.
    """
    if votes < FEWEST or recent.waits(now):
        return False
    lately = _lately(recent.at, now)
    if recent.report is None or not lately:
        return True
    same = recent.report.votes <= votes < recent.report.votes * GROWTH
    return not same and len(lately) < MOST_REPLAYS


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
        cast = votes.extent(connection, reader.id)
        newest = fitted_models.newest_id(connection)
        return _ProfileKey(
            cast.count,
            cast.latest,
            papers.extent(connection),
            reader.interests,
            reader.offer_declined,
            newest,
        )
