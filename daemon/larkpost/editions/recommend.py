"""Ranks papers for many readers: reads their votes, gets the model, asks the ranker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING

from larkpost import logs
from larkpost.db import editions, papers, popularity, votes
from larkpost.db.value_batches import gather
from larkpost.domain import Paper, Pick, Reader, Thumb
from larkpost.editions import downvote_advice, fallback_picks, second_interest
from larkpost.editions.exploration import Explorer
from larkpost.editions.isolate_failures import bisect_failures
from larkpost.editions.model_cache import ModelCache, fresh_space
from larkpost.editions.training_evidence import evidence
from larkpost.errors import LarkpostError
from larkpost.interfaces import Evidence
from larkpost.log_events import LogEvent

if TYPE_CHECKING:
    from larkpost.db.engine import Connection, Store
    from larkpost.ranking import LinearTaste, TextSpace, TfidfRanker
    from larkpost.ranking.near_duplicates import DuplicateGroups

    Found = dict[int, Sequence[Pick]]  # the papers that each interest of a reader found, best first

log = logs.get_logger(__name__)


UNMATCHED = (
    "None of your interest words helps to choose between the papers here, so these are what other"
    " readers like, then the newest. You can change the words on your page."
)


@dataclass(frozen=True, slots=True)
class RankingRequest:
    """A ranking request: candidates of ``window`` before ``at``.

    ``again`` includes papers picked before. ``limit`` is the number of picks per reader; None uses
    each reader's own number. ``exploration`` is the rate at which a known reader's last place is
    drawn at random; ``thumb_count_step`` is the step of all readers' thumb counts, which order
    papers for untrained readers.
    """

    at: datetime
    window: timedelta
    limit: int | None = None
    again: bool = False
    exploration: float = 0.0
    thumb_count_step: int = popularity.FEWEST


@dataclass(frozen=True, slots=True)
class ReaderRanking:
    """The ranking of one reader: picks, best first, out of ``candidate_count`` candidates.

    ``below`` counts the candidates left out because their probability is under the reader's
    threshold. ``note`` is a text for the reader; ``fault`` the error of training, empty if there
    was none.
    """

    picks: tuple[Pick, ...]
    candidate_count: int
    below: int = 0
    note: str = ""
    fault: str = ""


def end_of(day: date) -> datetime:
    """Return the end (UTC) of a day: papers first seen on it are candidates of that day."""
    return datetime.combine(day, time.max, tzinfo=UTC)


def _ids(readers: Iterable[Reader]) -> list[int]:
    return [reader.id for reader in readers]


def rank(
    store: Store,
    ranker: TfidfRanker,
    readers: Sequence[Reader],
    question: RankingRequest,
    *,
    now: datetime,
    space: TextSpace | None = None,
    spaces: ModelCache | None = None,
) -> dict[int, ReaderRanking]:
    """Return the ranking of each reader, by reader id; every reader has one, maybe empty.

    Without a ``space`` the fresh model is used, from ``spaces`` if a process shares one; it may
    have to be fitted and stored. If there is none, or training fails on a reader's data, that
    reader's papers are chosen without it; other readers are not affected.
    """
    spaces = spaces or ModelCache()
    try:
        shared = space or spaces.fresh(store, ranker, now=now)
    except LarkpostError:
        raise
    except Exception as fault:  # a failed training keeps nobody from their edition
        _tell(readers, fault)
        return {reader.id: _plain(store, reader, question, fault) for reader in readers}

    def learnt(some: Sequence[Reader]) -> dict[int, ReaderRanking]:
        return _learn(store, ranker, shared, some, question, spaces)

    def plain(reader: Reader, fault: Exception) -> dict[int, ReaderRanking]:
        _tell([reader], fault)
        return {reader.id: _plain(store, reader, question, fault)}

    found: dict[int, ReaderRanking] = {}
    for rankings in bisect_failures(readers, learnt, plain):
        found |= rankings
    return found


def _tell(readers: Sequence[Reader], fault: Exception) -> None:
    who = [reader.uid for reader in readers[:3]]
    log.error(LogEvent.TRAINING_FAILED, readers=len(readers), first=who, exc_info=fault)


def _plain(
    store: Store, reader: Reader, question: RankingRequest, fault: Exception
) -> ReaderRanking:
    """Choose papers without training; the ranking says so."""
    with store.read() as connection:
        candidates = papers.candidates(connection, at=question.at, window=question.window)
        spent = {vote.paper_id for vote in votes.of(connection, reader.id)}
        if not question.again:
            spent |= editions.papers_given(connection, [reader.id])[reader.id]
        hot = popularity.trending(
            connection,
            at=question.at,
            window=question.window,
            limit=len(candidates),
            fewest=question.thumb_count_step,
        )
    limit = question.limit or reader.papers_per_edition
    order = [judged.paper.id for judged in hot]
    picks = fallback_picks.choose(reader, candidates, spent, order, limit)
    left = len(candidates) - len(spent & {paper.id for paper in candidates})
    return ReaderRanking(
        picks, left, note=fallback_picks.NOTE, fault=f"{type(fault).__name__}: {fault}"
    )


def _learn(
    store: Store,
    ranker: TfidfRanker,
    space: TextSpace,
    readers: Sequence[Reader],
    question: RankingRequest,
    spaces: ModelCache,
) -> dict[int, ReaderRanking]:
    with store.read() as connection:
        cast = spaces.votes.of_many(connection, _ids(readers))
        asked = evidence(connection, readers, now=question.at, cast=cast, known=spaces.papers)
        candidates = papers.candidates(connection, at=question.at, window=question.window)
        among = [paper.id for paper in candidates]
        picked = {} if question.again else editions.papers_given(connection, _ids(readers), among)
    alike = spaces.duplicates.groups(candidates)
    spent = {
        reader.id: {
            *picked.get(reader.id, ()),
            *(vote.paper_id for vote in cast[reader.id]),
            *alike.copies,
        }
        for reader in readers
    }
    shard = _make_shard(ranker, space, question, candidates, spent, asked, alike)
    tastes = ranker.learn(space, asked, now=question.at)
    found = shard.find_candidates(readers, asked, tastes)
    if lost := [reader for reader in readers if not found.get(reader.id)]:
        with store.read() as connection:
            found |= shard.trending(connection, lost)
    own = gather((one.reader_id, one) for one in asked)
    theirs = gather((one.reader_id, taste) for one, taste in zip(asked, tastes, strict=True))
    rankings = {
        reader.id: shard.ranking(reader, found[reader.id], own[reader.id], theirs[reader.id])
        for reader in readers
    }
    for reader in readers:
        ranking, mine = rankings[reader.id], own[reader.id]
        if reader in lost and any(one.words for one in mine) and not any(o.papers for o in mine):
            rankings[reader.id] = replace(ranking, note=UNMATCHED)
        else:
            offer = second_interest.note(space, reader, mine, now=question.at)
            rankings[reader.id] = _add_notes(ranking, mine, offer, question.at)
    return rankings


def _make_shard(
    ranker: TfidfRanker,
    space: TextSpace,
    question: RankingRequest,
    candidates: Sequence[Paper],
    spent: Mapping[int, set[int]],
    asked: Sequence[Evidence],
    alike: DuplicateGroups,
) -> _ShardRanking:
    """Prepare the ranking of readers: ``spent`` and ``asked`` are theirs."""
    own = [paper for paper in candidates if paper.id not in alike.copies]  # nobody was shown copies
    return _ShardRanking(
        ranker,
        space,
        question,
        candidates,
        ids=frozenset(paper.id for paper in candidates),
        spent=spent,
        alike=alike,
        # A chance is meaningful only after the first thumb up, as in messages.
        untaught=frozenset(one.interest_id for one in asked if Thumb.UP not in one.thumbs),
        explorer=Explorer(space, own, spent, alike, question.exploration, question.at),
    )


def _add_notes(
    ranking: ReaderRanking, asked: Sequence[Evidence], offer: str, now: datetime
) -> ReaderRanking:
    """Add an offer to the note, and advice to a reader who gives more thumbs down than before."""
    cast = (vote for one in asked for vote in zip(one.at, one.thumbs, strict=True))
    found = downvote_advice.many_downs(cast, now)
    note = " ".join(filter(None, [found.text if found else "", ranking.note, offer]))
    return ranking if note == ranking.note else replace(ranking, note=note)


@dataclass(frozen=True, slots=True)
class _ShardRanking:
    """The shared data of the rankings of a batch of readers.

    ``spent`` are the ids of papers to leave out for each reader, copies of others included;
    ``untaught`` are the interests without a thumb up, to which no threshold applies.
    """

    ranker: TfidfRanker
    space: TextSpace
    question: RankingRequest
    candidates: Sequence[Paper]
    ids: frozenset[int]
    spent: Mapping[int, set[int]]
    alike: DuplicateGroups
    untaught: frozenset[int]
    explorer: Explorer

    def find_candidates(
        self,
        readers: Iterable[Reader],
        asked: Sequence[Evidence],
        tastes: Sequence[LinearTaste],
    ) -> dict[int, Found]:
        """Return the papers that the interests find, by reader.

        Untrained interests find nothing.
        """
        from larkpost.ranking import selection

        wanted = {
            (reader.id, interest): most
            for reader in readers
            for interest, most in selection.picks_to_find(
                reader, self._size(reader), self.alike.doubles
            ).items()
        }
        ranked = self.ranker.rank(
            self.space,
            tastes,
            self.candidates,
            [wanted[one.reader_id, one.interest_id] for one in asked],
            excluded=[self.spent[one.reader_id] for one in asked],
        )
        found: dict[int, Found] = {}
        for one, picks in zip(asked, ranked, strict=True):
            if any(pick.positive_terms or pick.negative_terms for pick in picks):
                found.setdefault(one.reader_id, {})[one.interest_id] = picks
        return found

    def trending(self, connection: Connection, lost: Sequence[Reader]) -> dict[int, Found]:
        """Return the papers popular with all readers, for untrained readers."""
        most = max(self._places(reader) + len(self.ids & self.spent[reader.id]) for reader in lost)
        hot = [
            judged.paper
            for judged in popularity.trending(
                connection,
                at=self.question.at,
                window=self.question.window,
                limit=most,
                fewest=self.question.thumb_count_step,
            )
        ]
        left = {
            reader.id: [paper for paper in hot if paper.id not in self.spent[reader.id]][
                : self._places(reader)
            ]
            for reader in lost
        }
        shown = {paper.id: paper for mine in left.values() for paper in mine}
        blank = self.ranker.learn(self.space, [Evidence(0, 0)], now=self.question.at)
        (told,) = self.ranker.rank(self.space, blank, list(shown.values()), len(shown))
        picks = {pick.paper.id: pick for pick in told}
        return {
            reader.id: {
                reader.interests[0].id: [
                    replace(picks[paper.id], position=at, score=0.0)
                    for at, paper in enumerate(left[reader.id], start=1)
                ]
            }
            for reader in lost
        }

    def _size(self, reader: Reader) -> int:
        return self.question.limit or reader.papers_per_edition

    def _places(self, reader: Reader) -> int:
        """Return the number of papers that fill the reader's edition without near-duplicates."""
        return self._size(reader) + min(self.alike.doubles, self._size(reader))

    def ranking(
        self, reader: Reader, found: Found, asked: Sequence[Evidence], tastes: Sequence[LinearTaste]
    ) -> ReaderRanking:
        """Return the reader's picks: shared between interests, above the threshold."""
        from larkpost.ranking import selection

        size = self._size(reader)
        picks = selection.choose(reader, found, size, self.alike, untaught=self.untaught)
        below = 0
        if reader.threshold:
            unasked = selection.choose(replace(reader, threshold=0.0), found, size, self.alike)
            below = len(unasked) - len(picks)
        if self.explorer.rate and not reader.threshold and len(picks) == size > 1:
            judged = partial(_liked_most, self.ranker, self.space, tastes)
            picks = self.explorer.explore(reader, asked, picks, judged)
        candidate_count = len(self.ids) - len(self.ids & self.spent[reader.id])
        silent = {
            interest.id
            for interest in reader.interests
            if interest.id in self.untaught and not interest.words
        }
        note = selection.too_few(reader, found, picks, silent=silent)
        return ReaderRanking(tuple(picks), candidate_count, below, note)


def explain_paper(
    store: Store, ranker: TfidfRanker, reader: Reader, paper: Paper, *, now: datetime
) -> Pick:
    """Score one paper for a reader, by the interest with the highest score."""
    space = fresh_space(store, ranker, now=now)
    with store.read() as connection:
        asked = evidence(connection, [reader], now=now)
    return _liked_most(ranker, space, ranker.learn(space, asked, now=now), paper)


def _liked_most(
    ranker: TfidfRanker, space: TextSpace, tastes: Sequence[LinearTaste], paper: Paper
) -> Pick:
    verdicts = [picks[0] for picks in ranker.rank(space, tastes, [paper], 1)]
    return max(verdicts, key=lambda pick: pick.score)
