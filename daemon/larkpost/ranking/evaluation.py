"""Replays a reader's history morning by morning, and measures what the ranking was worth.

Nothing is known before its time: what a morning is ranked by are thumbs of earlier days, in a
space of the texts first seen up to that day or before.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it has no types

from larkpost.domain import Thumb
from larkpost.ranking import scoring
from larkpost.ranking.calibration import logistic
from larkpost.ranking.coldstart import community
from larkpost.ranking.drift import Month, strongest
from larkpost.ranking.measures import Measures, auc, measures, ndcg
from larkpost.ranking.mornings import History, Morning, mornings
from larkpost.ranking.offpolicy import OffPolicy, off_policy
from larkpost.ranking.sanity import Sanity
from larkpost.seams import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from larkpost.domain import Paper
    from larkpost.ranking.ranker import Tfidf
    from larkpost.ranking.space import TextSpace
    from larkpost.ranking.taste import LinearTaste

    Scores = NDArray[np.float64]

LARKPOST, RECENCY, COMMUNITY = "larkpost", "recency", "community thumbs"
SANITY = "arxiv-sanity-lite"
CORPUS = 2000  # texts that a space is fitted on in a replay, the newest known
BINS = 10
EDGES = (0, 1, 3, 5, 10, 20, 40, 80, 160, 320, 640, 1280)


@dataclass(frozen=True, slots=True)
class Bin:
    """Votes whose chance was told within ``low``..``high``: how many, told and come true."""

    low: float
    high: float
    votes: int
    told: float
    came_true: float


@dataclass(frozen=True, slots=True)
class Lesson:
    """How well the mornings went that came after this many votes, up to the next lesson's."""

    votes: int
    mornings: int
    auc: float
    ndcg: float


@dataclass(frozen=True, slots=True)
class Report:
    """What the replay found.

    ``systems`` holds each way of ranking with its measures over ``mornings``; ``gains`` what
    Larkpost has more than each other, morning by morning. ``calibration_error`` is the expected
    one (Naeini et al. 2015), None without votes to check.
    """

    votes: int
    mornings: int
    systems: dict[str, Measures]
    gains: dict[str, Measures]
    calibration: tuple[Bin, ...]
    calibration_error: float | None
    learning: tuple[Lesson, ...]
    drift: tuple[Month, ...]
    off_policy: OffPolicy | None


@dataclass(frozen=True, slots=True)
class Replay:
    """What each way of ranking gave the papers of each morning.

    ``chances`` are those told for the papers that were voted on.
    """

    mornings: list[Morning]
    scores: dict[str, list[Scores]]
    chances: list[Scores]
    drift: tuple[Month, ...]


def evaluate(ranker: Tfidf, history: History) -> Report:
    """Replay a history and measure it; an empty one gives an empty report."""
    # Hundreds of small products: threads wait for each other longer than they count.
    with threadpool_limits(limits=1):
        replayed = replay(ranker, history)
    days = replayed.mornings
    useful = [at for at, one in enumerate(days) if 0 < sum(one.liked) < len(one.liked)]
    scores = {name: [found[at] for at in useful] for name, found in replayed.scores.items()}
    truth = [np.array(days[at].liked) for at in useful]
    others = [name for name in scores if name != LARKPOST]
    bins, error = _calibration(days, replayed.chances)
    return Report(
        votes=len(history.voted),
        mornings=len(useful),
        systems={name: measures(found, truth) for name, found in scores.items()},
        gains={name: measures(scores[LARKPOST], truth, less=scores[name]) for name in others},
        calibration=bins,
        calibration_error=error,
        learning=_curve([days[at] for at in useful], scores[LARKPOST]),
        drift=replayed.drift,
        off_policy=off_policy(history.logged),
    )


def replay(ranker: Tfidf, history: History) -> Replay:
    """Rank every morning as it would have been ranked, by us and by the others.

    The taste is learnt anew when thumbs grew by 15 %, the space fitted anew on the first
    morning of a month by which twice as many papers are known.
    """
    days = mornings(history)
    sanity = _sanity(history, days)
    scores: dict[str, list[Scores]] = {LARKPOST: [], SANITY: []}
    chances: list[Scores] = []
    drift: dict[str, Month] = {}
    for known, some in _eras(history, days):
        space = ranker.fit(known)
        for taste, alike in _lessons(ranker, space, history, some):
            ours = _scored(space, taste, alike)
            scores[LARKPOST] += ours
            chances += [_chances(taste, one, of) for one, of in zip(alike, ours, strict=True)]
            scores[SANITY] += _by_sanity(sanity, history, alike)
            month = alike[-1].day.isoformat()[:7]
            drift[month] = Month(month, strongest(ranker, space, taste))
    newest = [np.array([paper.first_seen.timestamp() for paper in one.papers]) for one in days]
    found = {
        LARKPOST: scores[LARKPOST],
        RECENCY: newest,
        COMMUNITY: _by_community(history, days),
        SANITY: scores[SANITY],
    }
    return Replay(days, found, chances, tuple(drift.values()))


def _eras(history: History, days: Sequence[Morning]) -> Iterator[tuple[list[Paper], list[Morning]]]:
    """Give runs of mornings with the texts that their space is fitted on."""
    papers = {paper.id: paper for paper in (*history.papers, *history.voted)}
    ordered = sorted(papers.values(), key=lambda paper: (paper.first_seen, paper.id))
    seen = [paper.first_seen for paper in ordered]
    run: list[Morning] = []
    month, fitted = "", 0
    for morning in days:
        end = datetime.combine(morning.day, time(), UTC) + timedelta(days=1)
        known = bisect_left(seen, end)
        if morning.day.isoformat()[:7] != month and known >= 2 * fitted:
            if run:
                yield ordered[max(0, fitted - CORPUS) : fitted], run
            run, fitted = [], known
        month = morning.day.isoformat()[:7]
        run.append(morning)
    if run:
        yield ordered[max(0, fitted - CORPUS) : fitted], run


def _sanity(history: History, days: Sequence[Morning]) -> Sanity:
    """Give arxiv-sanity all the texts beforehand: it takes long to begin, and favours it if any."""
    papers = {paper.id: paper for paper in (*history.voted, *_papers(days))}
    for paper in history.papers[: max(0, CORPUS - len(papers))]:
        papers.setdefault(paper.id, paper)
    return Sanity(list(papers.values()))


def _papers(days: Sequence[Morning]) -> Iterator[Paper]:
    return (paper for morning in days for paper in morning.papers)


def _lessons(
    ranker: Tfidf, space: TextSpace, history: History, days: Sequence[Morning]
) -> Iterator[tuple[LinearTaste, list[Morning]]]:
    """Give each taste with the mornings it serves, learnt from votes of earlier days alone."""
    runs = [(count, list(some)) for count, some in groupby(days, key=lambda one: one.lesson)]
    asked = [
        Evidence(
            number,
            0,
            history.voted[:count],
            history.thumbs[:count],
            history.at[:count],
            history.words,
        )
        for number, (count, _) in enumerate(runs)
    ]
    now = datetime.combine(days[0].day, time(), UTC)
    if not ranker.half_life_days:
        tastes = ranker.learn(space, asked, now=now)
    else:  # what a vote weighs depends on the day
        tastes = [
            ranker.learn(space, [one], now=datetime.combine(some[0].day, time(), UTC))[0]
            for one, (_, some) in zip(asked, runs, strict=True)
        ]
    for taste, (_, some) in zip(tastes, runs, strict=True):
        yield taste, some


def _scored(space: TextSpace, taste: LinearTaste, days: Sequence[Morning]) -> list[Scores]:
    rows = space.rows([paper.text for paper in _papers(days)])
    scores = scoring.score(space, [taste], rows)[0].astype(np.float64).round(5)
    return list(np.split(scores, np.cumsum([len(one.papers) for one in days])[:-1]))


def _chances(taste: LinearTaste, morning: Morning, scores: Scores) -> Scores:
    slope, offset = taste.calibration
    return logistic(slope * scores[np.array(morning.voted)] + offset)


def _by_sanity(sanity: Sanity, history: History, days: Sequence[Morning]) -> list[Scores]:
    votes = zip(history.voted[: days[0].lesson], history.thumbs, strict=False)
    liked = sorted({sanity.place[paper.id] for paper, thumb in votes if thumb is Thumb.UP})
    digests = [np.array([sanity.place[paper.id] for paper in one.papers]) for one in days]
    return sanity.scores(liked, digests)


def _by_community(history: History, days: Sequence[Morning]) -> list[Scores]:
    """Score by the thumbs that other readers had given before the day."""
    counts: dict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))
    scores: list[Scores] = []
    done = 0
    for morning in days:
        start = datetime.combine(morning.day, time(), UTC)
        while done < len(history.others) and history.others[done].at < start:
            vote = history.others[done]
            ups, downs = counts[vote.paper_id]
            up = vote.thumb is Thumb.UP
            counts[vote.paper_id] = (ups + up, downs + (not up))
            done += 1
        liking = community(morning.papers, counts)
        scores.append(np.array([liking[paper.id] for paper in morning.papers]))
    return scores


def _calibration(
    days: Sequence[Morning], chances: Sequence[Scores]
) -> tuple[tuple[Bin, ...], float | None]:
    """Compare the chances told with how the votes fell, in ten bins of chance."""
    if not days:
        return (), None
    told = np.concatenate(chances)
    true = np.concatenate([np.array(one.liked)[np.array(one.voted)] for one in days])
    which = np.minimum((told * BINS).astype(int), BINS - 1)
    bins = tuple(
        Bin(
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
    error = sum(one.votes * abs(one.told - one.came_true) for one in bins) / len(told)
    return bins, float(error)


def _curve(days: Sequence[Morning], scores: Sequence[Scores]) -> tuple[Lesson, ...]:
    """Average mornings by how many votes came before: 0, 1-2, 3-4, 5-9, then doubling."""
    groups: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for morning, found in zip(days, scores, strict=True):
        edge = EDGES[int(np.searchsorted(EDGES, morning.before, side="right")) - 1]
        truth = np.array(morning.liked)
        groups[edge].append((auc(found, truth), ndcg(found, truth)))
    return tuple(
        Lesson(edge, len(values), *(float(mean) for mean in np.mean(values, axis=0)))
        for edge, values in sorted(groups.items())
    )
