"""Publishes editions that are due by readers' timetables, or requested by hand."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache, partial
from itertools import chain, groupby
from math import inf
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from larkpost.db import editions, readers, votes
from larkpost.db.coordination import job_status
from larkpost.db.editions import PreparedEdition
from larkpost.db.popularity import FEWEST
from larkpost.db.usage import old_editions, vote_eligibility
from larkpost.db.value_batches import split_by_weight
from larkpost.domain import Edition, Reader
from larkpost.editions import empty_day_reasons, empty_notice, recommend
from larkpost.editions.clock_correction import replace_message_ids
from larkpost.editions.isolate_failures import bisect_failures
from larkpost.editions.model_cache import ModelCache
from larkpost.editions.recommend import RankingRequest, ReaderRanking
from larkpost.editions.training_evidence import training_work
from larkpost.errors import LarkpostError
from larkpost.render.email.mime import message_id
from larkpost.schedule import local_date, next_after, timetable_of

if TYPE_CHECKING:
    from larkpost.db.engine import Connection, Store
    from larkpost.ranking import TextSpace, TfidfRanker

SHARD = 250  # readers that are ranked together, and committed
SHARD_WORK = 9_000  # of a shard, see ``training_work``: some seconds
HEAVY = 1_000  # work of a reader who comes after others: a second or two
LONGEST_CATCH_UP = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class PublishContext:
    """The dependencies of publishing: database, ranker, default window, mail domain.

    ``exploration`` is the rate at which an edition's last place is drawn at random;
    ``thumb_count_step`` is the step of all readers' thumb counts, which order papers for untrained
    readers; ``spaces`` is the shared model.
    """

    store: Store
    ranker: TfidfRanker
    window: timedelta
    domain: str
    exploration: float = 0.0
    thumb_count_step: int = FEWEST
    spaces: ModelCache = field(default_factory=ModelCache)

    def question(self, request: EditionRequest) -> RankingRequest:
        """Make the ranking request for an edition; after missed days its window covers them all."""
        window = _window(request, self.window)
        return RankingRequest(
            request.at,
            window,
            exploration=self.exploration,
            thumb_count_step=self.thumb_count_step,
        )


@dataclass(frozen=True, slots=True)
class EditionRequest:
    """A request for one edition: its reader, its local day, and the time ``at`` of its data.

    ``since`` is the first local day that was missed, None if none was; ``next_slot`` is the
    reader's new slot.
    """

    reader: Reader
    day: date
    at: datetime
    since: date | None
    next_slot: datetime | None

    @property
    def at_slot(self) -> bool:
        """Whether the reader's timetable made the request, and not a person."""
        return self.next_slot != self.reader.next_slot


class PublishOutcome(StrEnum):
    """The outcome of a request."""

    PUBLISHED = "published"
    ALREADY_PUBLISHED = "already_published"  # that day's edition stays unchanged
    EMPTY = "empty"  # no paper to publish
    BELOW_THRESHOLD = "below_threshold"  # papers, but none above the reader's threshold
    FAILED = "failed"  # an error; the slot stays, and is tried again


# Outcomes that are reported for a whole day (UTC), not only for the last run.
_COUNTED_BY_DAY = (
    PublishOutcome.PUBLISHED,
    PublishOutcome.EMPTY,
    PublishOutcome.BELOW_THRESHOLD,
)


@dataclass(frozen=True, slots=True)
class PublishResult:
    """A request, its outcome, and the published edition of that day, if any.

    ``fault`` describes an error: of publishing, or only of training (then the papers were chosen
    without it).
    """

    request: EditionRequest
    outcome: PublishOutcome
    edition: Edition | None = None
    fault: str = ""


def due(reader: Reader, now: datetime) -> EditionRequest:
    """Make the request of a reader whose slot is due.

    Missed slots (the machine slept) make one catch-up edition for the latest slot's day, never
    several editions.
    """
    if reader.next_slot is None:
        raise ValueError(f"reader {reader.id} has no slot")
    timetable = timetable_of(reader)
    missed = day = local_date(reader.zone, reader.next_slot)
    following = next_after(timetable, reader.next_slot, last=day)
    while following <= now:
        day = local_date(reader.zone, following)
        following = next_after(timetable, following, last=day)
    return EditionRequest(reader, day, now, missed if missed < day else None, following)


def all_due(
    readers: Iterable[Reader], now: datetime
) -> tuple[list[EditionRequest], list[PublishResult]]:
    """Return the requests of readers whose slots are due, and the results of those that fail."""
    occasions: list[EditionRequest] = []
    lost: list[PublishResult] = []
    for reader in readers:
        try:
            occasions.append(due(reader, now))
        except Exception as fault:  # a time zone that this machine does not know
            failed = EditionRequest(reader, now.date(), now, None, reader.next_slot)
            lost.append(PublishResult(failed, PublishOutcome.FAILED, fault=_in_words(fault)))
    return occasions, lost


def by_hand(reader: Reader, now: datetime, day: date | None = None) -> EditionRequest:
    """Make a request by hand: today's edition, or that of a given day."""
    if day is None:
        return EditionRequest(reader, local_date(reader.zone, now), now, None, reader.next_slot)
    return EditionRequest(reader, day, min(now, recommend.end_of(day)), None, reader.next_slot)


@dataclass(slots=True)
class _PublishSummary:
    """The outcomes of the editions that were due, and their errors."""

    tally: Counter[PublishOutcome] = field(default_factory=Counter)
    failed: set[int] = field(default_factory=set)  # readers
    problem: str = ""
    unlearnt: int = 0
    fault: str = ""

    def take(self, result: PublishResult) -> None:
        """Count a result."""
        self.tally[result.outcome] += 1
        if result.outcome is PublishOutcome.FAILED:
            self.failed.add(result.request.reader.id)
            self.problem = self.problem or result.fault
        elif result.fault:
            self.unlearnt += 1
            self.fault = self.fault or result.fault


def publish_due(
    context: PublishContext,
    *,
    now: datetime,
    moved: Callable[[], None] = lambda: None,
    stopped: Callable[[], bool] = lambda: False,
    seconds: float = inf,
) -> Counter[PublishOutcome]:
    """Publish every edition that is due, one shard of readers at a time; calls ``moved`` after it.

    Readers whose thumbs do not count for others come last, and after so many ``seconds`` not at
    all: they stay due, as do all when ``stopped``. An edition that cannot be published does not
    stop the others, and stays due.
    """
    day, began = _PublishSummary(), monotonic()
    while not stopped():
        with context.store.read() as connection:
            found = readers.due(connection, now, limit=SHARD + len(day.failed))
            left = [reader for reader in found if reader.id not in day.failed]
            counting = vote_eligibility.counting_since(connection, [one.id for one in left[:1]])
        is_late = monotonic() - began > seconds
        if not left or (is_late and left[0].id not in counting):
            break
        occasions, lost = all_due(left, now)
        done = next(_publish_shards(context, occasions, now), [])
        for result in (*lost, *done):
            day.take(result)
        ids = [one.request.reader.id for one in done]
        old_editions.drop(context.store, ids, now=now, window=context.window)
        moved()
    if day.tally:
        with context.store.begin() as connection:
            _note(connection, day, now)
    return day.tally


def _note(connection: Connection, day: _PublishSummary, now: datetime) -> None:
    """Record the outcomes of the editions, and of training if that changed."""
    happened = job_status.latest(connection)
    counts = {str(outcome): n for outcome, n in day.tally.items()}
    if (earlier := happened.get("publish")) and earlier.at.date() == now.date():
        for outcome in _COUNTED_BY_DAY:
            if n := earlier.detail.get(outcome, 0):
                counts[outcome] = counts.get(outcome, 0) + n
    problem = {"problem": day.problem} if day.failed else {}
    job_status.record(connection, "publish", ok=not day.failed, now=now, **counts, **problem)
    before = happened.get("learn")
    if day.unlearnt:
        facts = {"readers": day.unlearnt, "problem": day.fault}
        job_status.record(connection, "learn", ok=False, now=now, **facts)
    elif day.tally[PublishOutcome.PUBLISHED] and before is not None and not before.ok:
        job_status.record(connection, "learn", ok=True, now=now)


def publish(
    context: PublishContext, occasions: Sequence[EditionRequest], *, now: datetime
) -> list[PublishResult]:
    """Rank and publish these requests, in shards with equal candidates, in order within those.

    A reader without a paper gets no edition, only the next slot: a late dump is in the next
    edition. An error in one request does not stop the others.
    """
    return list(chain.from_iterable(_publish_shards(context, occasions, now)))


def _publish_shards(
    context: PublishContext, occasions: Sequence[EditionRequest], now: datetime
) -> Iterator[list[PublishResult]]:
    """Rank and publish some requests at a time, committing their editions."""

    def together(some: Sequence[EditionRequest]) -> list[PublishResult]:
        question = context.question(some[0])
        asking = [request.reader for request in some]
        rankings = recommend.rank(
            context.store, context.ranker, asking, question, now=now, spaces=context.spaces
        )
        with context.store.begin() as connection:
            return list(_carry_out(connection, some, rankings, context))

    def alone(request: EditionRequest, fault: Exception) -> list[PublishResult]:
        return [PublishResult(request, PublishOutcome.FAILED, fault=_in_words(fault))]

    for shard in _shards(context, occasions):
        yield list(chain.from_iterable(bisect_failures(shard, together, alone)))


def _in_words(fault: Exception) -> str:
    """Describe an error and its place; expected errors are described by their message."""
    if isinstance(fault, LarkpostError):
        return f"{fault} ({fault.hint})" if fault.hint else str(fault)
    *_, frame = traceback.extract_tb(fault.__traceback__)
    return f"{type(fault).__name__}: {fault} ({Path(frame.filename).name}:{frame.lineno})"


def draft(
    context: PublishContext,
    request: EditionRequest,
    *,
    now: datetime,
    space: TextSpace | None = None,
) -> Edition:
    """Return the edition as it would be published; its id is 0.

    With a ``space`` nothing is stored; without one a fitted model may be stored.
    """
    question, asking = context.question(request), [request.reader]
    ranking = recommend.rank(
        context.store,
        context.ranker,
        asking,
        question,
        now=now,
        space=space,
        spaces=context.spaces,
    )
    return _edition(request, ranking[request.reader.id])


def _shards(
    context: PublishContext, occasions: Sequence[EditionRequest]
) -> Iterator[list[EditionRequest]]:
    """Split requests by candidates, then by work; readers who count, and the quick, come first."""
    ids = [one.reader.id for one in occasions]
    with context.store.read() as connection:
        thumbs = votes.count_each(connection, ids)
        counting = vote_eligibility.counting_since(connection, ids)

    def key(request: EditionRequest) -> tuple[bool, bool, datetime, timedelta]:
        question, is_other = context.question(request), request.reader.id not in counting
        return is_other, work(request) > HEAVY, question.at, question.window

    def work(request: EditionRequest) -> int:
        return training_work(request.reader, thumbs.get(request.reader.id, 0), counting)

    for _, alike in groupby(sorted(occasions, key=key), key=key):
        yield from split_by_weight(list(alike), work, most=SHARD, weight=SHARD_WORK)


def _window(request: EditionRequest, usual: timedelta) -> timedelta:
    if request.since is None:
        return usual
    gap = request.day - request.since + timedelta(days=1)
    return min(max(usual, gap), LONGEST_CATCH_UP)


def _edition(request: EditionRequest, ranking: ReaderRanking) -> Edition:
    return Edition(
        id=0,
        reader=request.reader,
        date=request.day,
        published_at=request.at,
        picks=ranking.picks,
        catch_up_from=request.since,
        candidate_count=ranking.candidate_count,
        note=ranking.note,
    )


def _carry_out(
    connection: Connection,
    occasions: Sequence[EditionRequest],
    rankings: Mapping[int, ReaderRanking],
    context: PublishContext,
) -> Iterator[PublishResult]:
    window = context.question(occasions[0]).window
    why = cache(
        partial(empty_day_reasons.of_reader, connection, now=occasions[0].at, window=window)
    )
    full = [one for one in occasions if rankings[one.reader.id].picks]
    prepared = replace_message_ids(
        connection,
        [_prepare(one, rankings[one.reader.id], context.domain) for one in full],
        context.domain,
    )
    made = dict(zip(full, editions.publish_many(connection, prepared), strict=True))
    for request in occasions:
        ranking = rankings[request.reader.id]
        if edition := made.get(request):
            yield PublishResult(request, PublishOutcome.PUBLISHED, edition, ranking.fault)
            continue
        moved = not ranking.picks and readers.advance(connection, request.reader, request.next_slot)
        if existing := editions.on(connection, request.reader.id, request.day):
            yield PublishResult(request, PublishOutcome.ALREADY_PUBLISHED, existing)
        else:
            if moved and request.at_slot and empty_notice.wants_notice(request.reader, request.at):
                because = why(bool(ranking.below))
                empty_notice.owe(connection, request.reader, request.day, because, now=request.at)
            yield PublishResult(
                request, PublishOutcome.BELOW_THRESHOLD if ranking.below else PublishOutcome.EMPTY
            )


def _prepare(request: EditionRequest, ranking: ReaderRanking, domain: str) -> PreparedEdition:
    reader = request.reader
    return PreparedEdition(
        reader=reader,
        day=request.day,
        picks=ranking.picks,
        now=request.at,
        next_slot=request.next_slot,
        message_id=message_id(reader.uid, request.day, domain) if reader.address else None,
        catch_up_from=request.since,
        candidate_count=ranking.candidate_count,
        note=ranking.note,
    )
