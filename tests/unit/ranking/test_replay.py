"""Tests the replay of a history: it uses no future votes, and its measures are right."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.helpers.edition_factories import reader as a_reader

from larkpost.domain import Edition, Identifier, Paper, Pick, Thumb, Vote
from larkpost.editions.evaluate import exploration_log
from larkpost.ranking import History, Logged, ReplayReport, TfidfRanker, evaluate
from larkpost.ranking.evaluation.history import vote_days
from larkpost.ranking.evaluation.off_policy import off_policy
from larkpost.ranking.evaluation.replay import COMMUNITY, LARKPOST, RECENCY, SANITY, Replay, replay

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
DAYS = 12
WORDS = {
    "routing": ["mixture", "experts", "routing", "gates", "tokens", "sparse", "layers", "load"],
    "protein": ["protein", "folding", "amino", "acids", "structures", "cells", "enzymes", "sites"],
}


def a_paper(number: int, day: int) -> Paper:
    theme = list(WORDS)[number % 2]
    draw = random.Random(number)  # noqa: S311 - nothing secret hangs on it
    seen = START + timedelta(days=day, hours=number % 5)
    return Paper(
        id=number,
        uid=f"{number:05}",
        identifier=Identifier("arxiv", f"2603.{number:05}"),
        title=f"{theme} {draw.choice(WORDS[theme])}",
        abstract=" ".join(draw.choices([*WORDS[theme], "study", "method", "results"], k=25)),
        first_seen=seen,
        ingested_at=seen,
        updated=seen,
    )


PAPERS = [a_paper(number, number // 8) for number in range(8 * DAYS)]


def a_history(thumbs: dict[int, Thumb] | None = None) -> History:
    """Of each day's eight papers two of each theme are voted on; routing is liked."""
    voted = [paper for paper in PAPERS if paper.id % 8 < 4]
    return History(
        papers=PAPERS,
        voted=voted,
        thumbs=[(thumbs or {}).get(p.id, Thumb.UP if p.id % 2 == 0 else Thumb.DOWN) for p in voted],
        at=[paper.first_seen + timedelta(hours=2) for paper in voted],
    )


def a_pick(paper: Paper, position: int = 1, **odds: Any) -> Pick:
    return Pick(paper, position, score=1.0, probability=0.5, **odds)


def an_edition(picks: list[Pick], considered: int) -> Edition:
    return Edition(1, a_reader(), START.date(), START, tuple(picks), candidate_count=considered)


@cache
def as_voted() -> Replay:
    return replay(TfidfRanker(), a_history())


@cache
def measured() -> ReplayReport:
    return evaluate(TfidfRanker(), a_history())


def test_a_taste_that_shows_is_found_and_beats_the_newest_first() -> None:
    report = measured()

    assert report.days == DAYS
    assert report.votes == 4 * DAYS
    assert report.systems[LARKPOST].auc.mean > 0.7
    assert report.gains["recency"].auc.low > 0
    assert report.learning[0].votes == 0
    assert report.learning[-1].auc > report.learning[0].auc
    assert {"routing", "experts", "gates"} & {term.term for term in report.drift[-1].terms}
    assert [month.month for month in report.drift] == ["2026-03"]


def test_every_month_with_votes_has_its_strongest_terms() -> None:
    """Also months in which the taste was not learnt anew, for votes became few."""
    whole = a_history()
    months = [START + timedelta(days=31 * number) for number in range(6)]
    late = [paper for paper in PAPERS if paper.id % 8 == 4][:6]

    found = replay(
        TfidfRanker(),
        replace(
            whole,
            voted=[*whole.voted, *late],
            thumbs=[*whole.thumbs, *[Thumb.UP] * len(late)],
            at=[*whole.at, *(moment + timedelta(days=30) for moment in months)],
        ),
    )

    named = [month.month for month in found.drift]
    assert named == ["2026-03", "2026-04", "2026-05", "2026-06", "2026-07", "2026-08", "2026-09"]


def test_chances_come_true_as_often_as_predicted() -> None:
    report = measured()

    # No chance was told on the first morning, before any thumb up.
    first = sum(at.date() == a_history().at[0].date() for at in a_history().at)
    assert sum(one.papers for one in report.calibration) == report.votes - first
    assert report.calibration_error is not None
    assert report.calibration_error < 0.25


def test_a_chance_is_checked_from_the_second_day_with_votes_on() -> None:
    papers = PAPERS[:12]
    thumbs = [Thumb.UP if number % 2 else Thumb.DOWN for number in range(12)]
    one = evaluate(TfidfRanker(), History(PAPERS, papers, thumbs, [START] * 12))
    days = [START + timedelta(days=number // 6) for number in range(12)]
    two = evaluate(TfidfRanker(), History(PAPERS, papers, thumbs, days))

    assert (one.calibration, one.calibration_error) == ((), None)
    assert two.calibration_error is not None
    assert sum(one.papers for one in two.calibration) == 6


def test_a_history_without_votes_gives_an_empty_report() -> None:
    report = evaluate(TfidfRanker(), History(PAPERS, (), (), ()))

    assert (report.votes, report.days, report.calibration_error) == (0, 0, None)
    assert (report.learning, report.drift, report.calibration) == ((), (), ())


@settings(max_examples=4)
@given(day=st.integers(1, DAYS - 1), seed=st.integers(0, 10))
def test_votes_of_a_day_touch_no_score_of_that_day_or_an_earlier_one(day: int, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 - nothing secret hangs on it
    turned = {p.id: draw.choice(list(Thumb)) for p in PAPERS if p.id // 8 >= day}

    as_it_was = as_voted()
    otherwise = replay(TfidfRanker(), a_history(turned))

    for name in (LARKPOST, SANITY, COMMUNITY):
        for before, after in list(zip(as_it_was.scores[name], otherwise.scores[name], strict=True))[
            : day + 1
        ]:
            # Readers learnt from together share sums, so the last digits may differ.
            np.testing.assert_allclose(before, after, atol=1e-3)


def test_what_comes_later_touches_no_earlier_score() -> None:
    whole = a_history()
    until = START + timedelta(days=5)
    kept = [at for at, moment in enumerate(whole.at) if moment < until]
    first = replace(
        whole,
        papers=[paper for paper in PAPERS if paper.first_seen < until],
        voted=[whole.voted[at] for at in kept],
        thumbs=[whole.thumbs[at] for at in kept],
        at=[whole.at[at] for at in kept],
    )

    short, long = replay(TfidfRanker(), first), as_voted()

    assert len(short.days) == 5
    for morning, before, after in zip(
        short.days, short.scores[LARKPOST], long.scores[LARKPOST], strict=False
    ):
        np.testing.assert_allclose(before, after, atol=1e-3, err_msg=str(morning.day))


def test_a_thumb_to_come_takes_no_paper_off_an_earlier_day() -> None:
    whole = a_history()
    later = [paper for paper in PAPERS if paper.id % 8 == 4 and paper.id // 8 < 6]
    otherwise = replay(
        TfidfRanker(),
        replace(
            whole,
            voted=[*whole.voted, *later],
            thumbs=[*whole.thumbs, *[Thumb.UP] * len(later)],
            at=[*whole.at, *[START + timedelta(days=DAYS - 1, hours=9)] * len(later)],
        ),
    )

    as_it_was = as_voted()

    for at in range(DAYS - 1):
        assert otherwise.days[at] == as_it_was.days[at]
        for name in (LARKPOST, RECENCY, COMMUNITY, SANITY):
            np.testing.assert_allclose(
                otherwise.scores[name][at], as_it_was.scores[name][at], atol=1e-3, err_msg=name
            )


def test_upvotes_that_a_dump_tells_today_count_for_no_day() -> None:
    praised = [replace(paper, upvotes=100 * (paper.id % 8 < 4)) for paper in PAPERS]

    voted = [paper for paper in praised if paper.id % 8 < 4]
    found = replay(TfidfRanker(), replace(a_history(), papers=praised, voted=voted))

    assert not any(scores.any() for scores in found.scores[COMMUNITY])


def test_a_day_holds_what_came_since_the_one_before() -> None:
    """So dates tell something where a reader does not vote every day."""
    whole = a_history()
    days = (0, 3, 11)
    kept = [at for at, paper in enumerate(whole.voted) if paper.id // 8 in days]

    first, second, third = vote_days(
        replace(
            whole,
            voted=[whole.voted[at] for at in kept],
            thumbs=[whole.thumbs[at] for at in kept],
            at=[whole.at[at] for at in kept],
        )
    )

    assert {paper.id // 8 for paper in first.papers} == {0}
    assert {paper.id // 8 for paper in second.papers} == {1, 2, 3}
    assert {paper.id // 8 for paper in third.papers} == {5, 6, 7, 8, 9, 10, 11}  # a window


def test_a_dump_that_came_late_is_news_on_the_day_it_was_read() -> None:
    late = replace(PAPERS[4], ingested_at=START + timedelta(days=10))

    found = vote_days(replace(a_history(), papers=[late, *PAPERS[5:]]))

    assert [late.id in {paper.id for paper in one.papers} for one in found].index(True) == 0
    assert late in found[10].papers
    assert late not in found[9].papers


def test_papers_of_a_day_come_the_newest_first_so_that_ties_favour_no_thumb() -> None:
    for morning in vote_days(a_history()):
        keys = [(-paper.first_seen.timestamp(), paper.id) for paper in morning.papers]
        assert keys == sorted(keys)


def test_thumbs_of_others_count_from_the_day_after() -> None:
    paper = PAPERS[1]
    on_the_day = Vote(9, paper.id, Thumb.UP, START + timedelta(hours=1), "test")
    before = replace(on_the_day, at=START - timedelta(days=1))

    scores = {
        vote.at: replay(TfidfRanker(), replace(a_history(), others=[vote])).scores[COMMUNITY][0]
        for vote in (on_the_day, before)
    }

    assert scores[on_the_day.at].max() == 0
    assert scores[before.at].argmax() == [p.id for p in vote_days(a_history())[0].papers].index(1)


def test_a_known_worth_is_recovered_from_places_given_away_by_lot() -> None:
    draw = random.Random(1)  # noqa: S311 - nothing secret hangs on it
    rate, pool = 0.3, 20
    worth = {True: 0.6, False: 0.1}  # of the likeliest paper, of any other
    logged = []
    for _ in range(20_000):
        explored = draw.random() < rate * (pool - 1) / pool
        propensity = rate / pool if explored else 1 - rate + rate / pool
        logged.append(Logged(propensity, pool, explored, draw.random() < worth[not explored]))

    found = off_policy(logged)

    assert found is not None
    for value in (found.likeliest.ips, found.likeliest.snips):
        assert value.low < value.mean < value.high
        assert value.mean == pytest.approx(0.6, abs=0.02)
    of_any = (0.6 + 19 * 0.1) / pool
    for value in (found.any_paper.ips, found.any_paper.snips):
        assert value.low < value.mean < value.high
        assert value.mean == pytest.approx(of_any, abs=0.02)


def test_places_that_no_lot_decided_are_not_logged() -> None:
    drawn = a_pick(PAPERS[4], position=2, propensity=0.05, explored=True, pool=6)
    kept = a_pick(PAPERS[5], position=2, propensity=0.75, pool=4)
    issued = [
        an_edition([a_pick(PAPERS[0]), drawn], considered=20),
        an_edition([a_pick(PAPERS[1]), kept], considered=20),
        an_edition([a_pick(PAPERS[2]), a_pick(PAPERS[3], position=2)], considered=20),
        an_edition([], considered=0),
    ]

    found = exploration_log(issued, {PAPERS[4].id, PAPERS[0].id})

    assert found == [Logged(0.05, 6, True, True), Logged(0.75, 4, False, False)]


def test_without_places_given_away_there_is_nothing_to_estimate() -> None:
    assert off_policy([]) is None


def test_single_thumbs_of_others_tell_a_reader_nothing() -> None:
    """Who votes for a paper and reads how well others foretold that would know who was there."""
    before = START - timedelta(days=1)
    others = [Vote(9 + one, PAPERS[0].id, Thumb.UP, before, "link") for one in range(5)]

    def scores(count: int) -> bool:
        past = replace(a_history(), others=others[:count], fewest=5)
        return any(one.any() for one in replay(TfidfRanker(), past).scores[COMMUNITY])

    assert [scores(count) for count in (1, 4, 5)] == [False, False, True]
