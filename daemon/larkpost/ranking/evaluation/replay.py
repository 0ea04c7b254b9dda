"""Replays a reader's history day by day, and measures the quality of the ranking.

No future information is used: a day is ranked by thumbs of earlier days, in a model of texts first
seen up to that day.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from itertools import groupby
from math import log1p
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it has no types

from larkpost.domain import Paper, Thumb
from larkpost.ranking import scoring
from larkpost.ranking.calibration import logistic
from larkpost.ranking.evaluation.arxiv_sanity import ArxivSanity
from larkpost.ranking.evaluation.drift import TasteMonth, strongest
from larkpost.ranking.evaluation.edition_log import evidence_before
from larkpost.ranking.evaluation.history import History, VoteDay, vote_days
from larkpost.ranking.evaluation.metrics import Measures, auc, measures, ndcg
from larkpost.ranking.evaluation.off_policy import OffPolicy, off_policy
from larkpost.ranking.exploration.stream_coverage import Coverage, measure_coverage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from larkpost.ranking.linear_model import LinearTaste
    from larkpost.ranking.ranker import TfidfRanker
    from larkpost.ranking.tfidf import TextSpace

    Scores = NDArray[np.float64]

LARKPOST, RECENCY, COMMUNITY = "larkpost", "recency", "community thumbs"
SANITY = "arxiv-sanity-lite"
CORPUS = 2000  # the newest texts on which a replay fits a model
BINS = 10
EDGES = (0, 1, 3, 5, 10, 20, 40, 80, 160, 320, 640, 1280)


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Papers with a predicted chance of ``low``..``high``: count, predicted and observed share.

    The papers are those voted on, and those of editions that were looked at and passed over.
    """

    low: float
    high: float
    papers: int
    predicted: float
    observed: float


@dataclass(frozen=True, slots=True)
class TrainingCut:
    """The quality of the days after this many votes, up to the next training."""

    votes: int
    days: int
    auc: float
    ndcg: float


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """The results of a replay.

    ``systems`` has each ranking with its measures over ``vote_days``; ``gains`` the paired
    differences of Larkpost to each other one. ``calibration_error`` is the expected one (Naeini et
    al. 2015), None without papers that had a predicted chance. All of these measure only shown
    papers; ``coverage`` describes the rest, None if there are too few papers.
    """

    votes: int
    days: int
    systems: dict[str, Measures]
    gains: dict[str, Measures]
    calibration: tuple[CalibrationBin, ...]
    calibration_error: float | None
    learning: tuple[TrainingCut, ...]
    drift: tuple[TasteMonth, ...]
    off_policy: OffPolicy | None
    coverage: Coverage | None = None


@dataclass(frozen=True, slots=True)
class Replay:
    """The scores of each ranking for the papers of each day.

    ``chances`` are the predictions for the papers voted on, then for those passed over.
    """

    days: list[VoteDay]
    scores: dict[str, list[Scores]]
    chances: list[Scores]
    drift: tuple[TasteMonth, ...]


def evaluate(ranker: TfidfRanker, history: History) -> ReplayReport:
    """Replay a history and measure it; the report of an empty history is empty."""
    # There are hundreds of small products: threads would wait longer than they compute.
    with threadpool_limits(limits=1):
        replayed = replay(ranker, history)
        covered = measure_coverage(ranker, history.stream, history.shown)
    days = replayed.days
    useful = [at for at, one in enumerate(days) if 0 < sum(one.liked) < len(one.liked)]
    scores = {name: [found[at] for at in useful] for name, found in replayed.scores.items()}
    truth = [np.array(days[at].liked) for at in useful]
    others = [name for name in scores if name != LARKPOST]
    bins, error = _calibration(days, replayed.chances, history)
    return ReplayReport(
        votes=len(history.voted),
        days=len(useful),
        systems={name: measures(found, truth) for name, found in scores.items()},
        gains={name: measures(scores[LARKPOST], truth, less=scores[name]) for name in others},
        calibration=bins,
        calibration_error=error,
        learning=_curve([days[at] for at in useful], scores[LARKPOST]),
        drift=replayed.drift,
        off_policy=off_policy(history.logged),
        coverage=covered,
    )


def replay(ranker: TfidfRanker, history: History) -> Replay:
    """Rank every day with the knowledge of that day, with our ranking and the others.

    The taste is trained again when there are 15 % more thumbs, the model is fitted again on the
    first day of a month if twice as many papers are known.
    """
    days = vote_days(history)
    eras = list(_eras(history, days))
    known = (paper for era in eras for paper in era.known)
    sanity = ArxivSanity.of((*history.voted, *_papers(days), *known))
    ours: list[Scores] = []
    chances: list[Scores] = []
    theirs: list[Scores] = []
    drift: list[TasteMonth] = []
    for era in eras:
        space = ranker.fit(era.known)
        tastes = _learn(ranker, space, history, era)
        scores = _score(space, tastes, era.cut_numbers, [one.papers for one in era.days])
        ours += scores
        passed = _score(space, tastes, era.cut_numbers, [one.passed for one in era.days])
        chances += _chances(tastes, era, scores, passed)
        theirs += _by_sanity(sanity, history, era)
        drift += _drift(ranker, space, tastes, history, era)
    newest = [np.array([paper.first_seen.timestamp() for paper in one.papers]) for one in days]
    found = {
        LARKPOST: ours,
        RECENCY: newest,
        COMMUNITY: _by_community(history, days),
        SANITY: theirs,
    }
    return Replay(days, found, chances, tuple(drift))


@dataclass(frozen=True, slots=True)
class ReplayPeriod:
    """Days that are ranked with one model, and the texts that it is fitted on.

    ``lessons`` are runs of days with the number of votes used for them.
    """

    known: list[Paper]
    days: list[VoteDay]

    @property
    def lessons(self) -> list[tuple[int, list[VoteDay]]]:
        """Return the runs in order."""
        runs = groupby(self.days, key=lambda one: one.lesson)
        return [(count, list(run)) for count, run in runs]

    @property
    def cut_numbers(self) -> list[int]:
        """Return the number of each day's lesson."""
        return [number for number, (_, run) in enumerate(self.lessons) for _ in run]


def _eras(history: History, days: Sequence[VoteDay]) -> Iterator[ReplayPeriod]:
    """Return runs of days with the texts that their model is fitted on."""
    papers = {paper.id: paper for paper in (*history.papers, *history.voted)}
    ordered = sorted(papers.values(), key=lambda paper: (paper.first_seen, paper.id))
    seen = [paper.first_seen for paper in ordered]
    run: list[VoteDay] = []
    month, fitted = "", 0
    for day in days:
        end = datetime.combine(day.day, time(), UTC) + timedelta(days=1)
        known = bisect_left(seen, end)
        if f"{day.day:%Y-%m}" != month and known >= 2 * fitted:
            if run:
                yield ReplayPeriod(ordered[max(0, fitted - CORPUS) : fitted], run)
            run, fitted = [], known
        month = f"{day.day:%Y-%m}"
        run.append(day)
    if run:
        yield ReplayPeriod(ordered[max(0, fitted - CORPUS) : fitted], run)


def _papers(days: Sequence[VoteDay]) -> Iterator[Paper]:
    return (paper for day in days for paper in day.papers)


def _learn(
    ranker: TfidfRanker, space: TextSpace, history: History, era: ReplayPeriod
) -> list[LinearTaste]:
    """Train a taste for each lesson, from votes and editions of earlier days alone."""
    days = [datetime.combine(run[0].day, time(), UTC) for _, run in era.lessons]
    asked = [
        replace(evidence_before(history, count, day), reader_id=number)
        for number, ((count, _), day) in enumerate(zip(era.lessons, days, strict=True))
    ]
    if not ranker.half_life_days:
        return ranker.learn(space, asked, now=days[0])
    # The weight of a vote depends on the day.
    return [ranker.learn(space, [one], now=day)[0] for one, day in zip(asked, days, strict=True)]


def _score(
    space: TextSpace,
    tastes: Sequence[LinearTaste],
    lines: Sequence[int],
    days: Sequence[Sequence[Paper]],
) -> list[Scores]:
    """Score each day's papers by the taste of its line; each text is tokenised once."""
    papers = {paper.id: paper for some in days for paper in some}
    if not papers:
        return [np.zeros(0)] * len(days)
    place = {number: at for at, number in enumerate(papers)}
    rows = space.rows([paper.text for paper in papers.values()])
    scores = scoring.score(space, tastes, rows).astype(np.float64).round(5)
    return [
        scores[line, np.array([place[paper.id] for paper in some], dtype=np.intp)]
        for line, some in zip(lines, days, strict=True)
    ]


def _chances(
    tastes: Sequence[LinearTaste],
    era: ReplayPeriod,
    scores: Sequence[Scores],
    passed: Sequence[Scores],
) -> list[Scores]:
    lines = [tastes[line].calibration for line in era.cut_numbers]
    seen = [
        np.concatenate([of[np.array(one.voted)], others])
        for one, of, others in zip(era.days, scores, passed, strict=True)
    ]
    return [logistic(line.slope * of + line.offset) for line, of in zip(lines, seen, strict=True)]


def _drift(
    ranker: TfidfRanker,
    space: TextSpace,
    tastes: Sequence[LinearTaste],
    history: History,
    era: ReplayPeriod,
) -> Iterator[TasteMonth]:
    """Return each month's strongest terms by the taste of its last day, with that day's votes."""
    last = {
        f"{one.day:%Y-%m}": (line, one) for line, one in zip(era.cut_numbers, era.days, strict=True)
    }
    for month, (line, one) in last.items():
        votes = zip(history.voted[: one.before + sum(one.voted)], history.thumbs, strict=False)
        liked = [paper for paper, thumb in votes if thumb is Thumb.UP]
        yield TasteMonth(month, strongest(ranker, space, tastes[line], liked))


def _by_sanity(sanity: ArxivSanity, history: History, era: ReplayPeriod) -> list[Scores]:
    """Score as arxiv-sanity, trained on the same texts and thumbs at the same times as ours."""
    vectors = sanity.fit(era.known, [*history.voted, *_papers(era.days)])
    scores: list[Scores] = []
    for count, run in era.lessons:
        votes = zip(history.voted[:count], history.thumbs, strict=False)
        liked = [paper for paper, thumb in votes if thumb is Thumb.UP]
        scores += vectors.scores(liked, run[0].papers, [one.papers for one in run])
    return scores


def _by_community(history: History, days: Sequence[VoteDay]) -> list[Scores]:
    """Score by the thumbs that other readers had given before the day, up over down.

    The upvotes of dumps are left out, because only today's are known. Counts are in steps, because
    the quality on a reader's own thumbs could reveal single thumbs of others.
    """
    ups: Counter[int] = Counter()
    downs: Counter[int] = Counter()
    scores: list[Scores] = []
    done = 0
    for day in days:
        start = datetime.combine(day.day, time(), UTC)
        while done < len(history.others) and history.others[done].at < start:
            vote = history.others[done]
            (ups if vote.thumb is Thumb.UP else downs)[vote.paper_id] += 1
            done += 1
        told = [(ups[paper.id], downs[paper.id]) for paper in day.papers]
        scores.append(_community_scores(told, history.fewest))
    return scores


def _community_scores(told: Sequence[tuple[int, int]], fewest: int) -> Scores:
    """Score by thumbs up and down, in steps of ``fewest`` as readers see them."""
    steps = [[count // fewest * fewest for count in pair] for pair in told]
    return np.array([log1p(liked) - log1p(not_liked) for liked, not_liked in steps])


def _calibration(
    days: Sequence[VoteDay], chances: Sequence[Scores], history: History
) -> tuple[tuple[CalibrationBin, ...], float | None]:
    """Compare predicted chances with votes, in ten bins of chance; papers passed over got none.

    No chance is predicted before the first thumb up, so days up to that one are left out.
    """
    knowing = [at for at, one in enumerate(days) if Thumb.UP in history.thumbs[: one.before]]
    if not knowing:
        return (), None
    told = np.concatenate([chances[at] for at in knowing])
    checked = [days[at] for at in knowing]
    true = np.concatenate(
        [[*np.array(one.liked)[np.array(one.voted)], *[False] * len(one.passed)] for one in checked]
    )
    which = np.minimum((told * BINS).astype(int), BINS - 1)
    bins = tuple(
        CalibrationBin(
            at / BINS,
            (at + 1) / BINS,
            int(inside.sum()),
            float(told[inside].mean()),
            float(true[inside].mean()),
        )
        for at in range(BINS)
        for inside in [which == at]
        if inside.any()
    )
    error = sum(one.papers * abs(one.predicted - one.observed) for one in bins) / len(told)
    return bins, float(error)


def _curve(days: Sequence[VoteDay], scores: Sequence[Scores]) -> tuple[TrainingCut, ...]:
    """Average days by the number of votes before them: 0, 1-2, 3-4, 5-9, then doubling."""
    groups: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for day, found in zip(days, scores, strict=True):
        edge = EDGES[int(np.searchsorted(EDGES, day.before, side="right")) - 1]
        truth = np.array(day.liked)
        groups[edge].append((auc(found, truth), ndcg(found, truth)))
    return tuple(
        TrainingCut(edge, len(values), *(float(mean) for mean in np.mean(values, axis=0)))
        for edge, values in sorted(groups.items())
    )
