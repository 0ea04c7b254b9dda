"""A replay uses what editions showed, as the daemon does, and nothing from the future."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from tests.unit.ranking.test_replay import DAYS, PAPERS, START, a_history

from larkpost.domain import Paper, Thumb
from larkpost.interfaces import Evidence
from larkpost.ranking import EditionLog, History, LinearTaste, ShownEdition, TextSpace, TfidfRanker
from larkpost.ranking.evaluation.edition_log import evidence_before, passed_by_day
from larkpost.ranking.evaluation.history import vote_days
from larkpost.ranking.evaluation.replay import LARKPOST, evaluate, replay

HOUR = timedelta(hours=1)
LOOK_BACK = timedelta(days=5)


def a_day(number: int) -> datetime:
    return datetime.combine((START + timedelta(days=number)).date(), datetime.min.time(), UTC)


def with_editions(days: int = DAYS) -> History:
    """Each day's edition has the four papers with a thumb and two without."""
    history = a_history()
    issued = [
        ShownEdition(START + timedelta(days=day, hours=5), PAPERS[8 * day : 8 * day + 6])
        for day in range(days)
    ]
    return _replace_log(history, issued)


def _replace_log(history: History, issued: Sequence[ShownEdition]) -> History:
    return History(
        history.papers, history.voted, history.thumbs, history.at, log=EditionLog(issued, LOOK_BACK)
    )


class RecordingRanker(TfidfRanker):
    """The ranker; ``asked`` is all evidence that it learnt from."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Evidence] = []

    def learn(
        self, space: TextSpace, evidence: Sequence[Evidence], *, now: datetime
    ) -> list[LinearTaste]:
        self.asked += evidence
        return super().learn(space, evidence, now=now)


def test_a_taste_of_a_past_day_knows_the_editions_before_it_and_what_they_passed_over() -> None:
    found = evidence_before(with_editions(), 8, a_day(2))

    assert [one.id for one in found.papers] == [0, 1, 2, 3, 8, 9, 10, 11]
    first, second = START + 5 * HOUR, START + timedelta(days=1, hours=5)
    assert list(found.shown_at) == [first] * 4 + [second] * 4
    assert [one.id for one in found.passed] == [4, 5, 12, 13]
    assert list(found.passed_at) == [first, first, second, second]


def test_editions_older_than_the_daemon_looks_back_do_not_count() -> None:
    found = evidence_before(with_editions(), 4 * DAYS, a_day(DAYS))

    whole_days = [at for at in found.shown_at if at is not None]
    assert min(whole_days) >= a_day(DAYS) - LOOK_BACK
    assert list(found.shown_at).count(None) == 4 * (DAYS - 5)


def test_an_edition_without_a_thumb_so_far_counts_for_nothing() -> None:
    found = evidence_before(with_editions(), 4, a_day(2))

    assert [one.id for one in found.passed] == [4, 5]


def test_every_taste_of_a_replay_learns_from_the_editions_of_earlier_days() -> None:
    ranker, history = RecordingRanker(), with_editions()

    days = replay(ranker, history).days

    lessons = {one.lesson: one for one in reversed(days)}
    asked = {len(one.papers): one for one in ranker.asked}
    assert set(asked) == set(lessons)
    assert len(asked) > 3
    for count, day in lessons.items():
        start = datetime.combine(day.day, datetime.min.time(), UTC)
        assert all(at is None or at < start for at in asked[count].shown_at)
        assert any(at is not None for at in asked[count].shown_at) == bool(count)
        assert len(asked[count].passed) == 2 * min(count // 4, 5)


def test_an_edition_to_come_changes_no_earlier_score() -> None:
    known, later = (replay(TfidfRanker(), with_editions(days)) for days in (6, DAYS))

    voted = slice(0, 4)
    for day in range(7):
        assert np.array_equal(known.scores[LARKPOST][day], later.scores[LARKPOST][day])
        assert np.array_equal(known.chances[day][voted], later.chances[day][voted])
    assert not np.array_equal(known.chances[-1][voted], later.chances[-1][voted])


def test_predicted_probabilities_are_checked_on_papers_passed_over_too() -> None:
    report, alone = (evaluate(TfidfRanker(), one) for one in (with_editions(), a_history()))

    votes = sum(one.papers for one in alone.calibration)
    passed = 2 * (DAYS - 1)  # no probability before the first thumb up
    assert sum(one.papers for one in report.calibration) == votes + passed
    share = sum(one.papers * one.observed for one in report.calibration)
    assert round(share) == sum(
        thumb is Thumb.UP and paper.id >= 8
        for paper, thumb in zip(a_history().voted, a_history().thumbs, strict=True)
    )


def test_a_paper_is_passed_over_on_the_day_of_its_editions_first_thumb() -> None:
    papers: list[Paper] = PAPERS[:4]
    shown = ShownEdition(START, papers)
    late = History(
        PAPERS,
        papers[:2],
        [Thumb.UP, Thumb.DOWN],
        [START + timedelta(days=1), START + timedelta(days=3)],
        log=EditionLog([shown], LOOK_BACK),
    )

    found = passed_by_day(late)

    assert {day: [one.id for one in some] for day, some in found.items()} == {
        (START + timedelta(days=1)).date(): [1, 2, 3]
    }
    assert [len(one.passed) for one in vote_days(late)] == [3, 0]
