"""Tests that training with a cache has the same result as without, whatever changed since."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.helpers.ranking_factories import NOW, a_paper, crowded, library, votes

from larkpost.domain import Thumb
from larkpost.interfaces import Evidence
from larkpost.ranking import TfidfRanker, scoring, training
from larkpost.ranking.paper_row_cache import SparseRow
from larkpost.ranking.taste_cache import Line, TasteCache

if TYPE_CHECKING:
    from larkpost.domain import Paper
    from larkpost.ranking import LinearTaste, TextSpace

DAY = timedelta(days=1)
WORDS = ("protein folding", "galaxy", "compiler loop")


@cache
def world() -> tuple[TextSpace, list[Paper]]:
    """Fit a space in which every part of a taste counts; it is the same for all examples."""
    papers = library(20)
    return TfidfRanker().fit(crowded(papers, 940)), papers


def scores(space: TextSpace, tastes: list[LinearTaste], papers: list[Paper]) -> np.ndarray:
    """Score the papers for each taste."""
    return scoring.score(space, tastes, space.rows([paper.text for paper in papers]))


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[list[Evidence], float, bool, int]]:
    """Draw what is asked on several days: votes come, go and turn, words and settings change."""
    _, papers = world()
    asked = []
    for day in range(draw(st.integers(2, 4))):
        evidence = []
        for interest in range(draw(st.integers(1, 3))):
            some = draw(st.lists(st.sampled_from(papers), max_size=8, unique_by=lambda one: one.id))
            thumbs = [draw(st.sampled_from([Thumb.UP, Thumb.DOWN])) for _ in some]
            ages = [DAY * draw(st.integers(0, 40)) for _ in some]
            words = draw(st.lists(st.sampled_from(WORDS), max_size=2, unique=True))
            at = [NOW - age for age in ages]
            evidence.append(Evidence(1, interest, some, thumbs, at, words))
        half_life = draw(st.sampled_from([0.0, 0.0, 20.0]))
        asked.append((evidence, half_life, draw(st.booleans()), day))
    return asked


def liked(taste: LinearTaste) -> list[int]:
    """Return the ids of the papers with a thumb up, in the order of the votes."""
    found = (taste.ledger.papers[at] for at in taste.liked_votes)
    return [paper.id for paper in found if paper is not None]


@settings(max_examples=40)
@given(histories())
def test_tastes_with_a_cache_are_those_without(
    asked: list[tuple[list[Evidence], float, bool, int]],
) -> None:
    space, papers = world()
    kept = TasteCache()
    for evidence, half_life, accurate, day in [*asked, *asked]:  # and once more, all kept
        now = NOW + DAY * day

        learn = partial(training.learn, space, now=now, half_life_days=half_life, accurate=accurate)

        cached, fresh = learn(evidence, cache=kept), [learn([one])[0] for one in evidence]

        for mine, other in zip(cached, fresh, strict=True):
            expected = scores(space, [other], papers)
            assert scores(space, [mine], papers) == pytest.approx(expected, abs=0.03)
            assert mine.calibration == pytest.approx(other.calibration, abs=0.02)
            assert liked(mine) == liked(other)
        together = learn(evidence)
        assert scores(space, cached, papers) == pytest.approx(
            scores(space, together, papers), abs=0.03
        )


@pytest.mark.parametrize("size", [120, 200])
def test_a_long_history_that_grows_is_learnt_as_if_anew(size: int) -> None:
    space, _ = world()
    many = crowded(library(20), 940)[: size + 40]
    kept = TasteCache()
    for end in (size, size + 1, size + 40, size - 5):
        asked = [votes(many[: end // 2], many[end // 2 : end], ["galaxy"])]
        (cached,) = training.learn(space, asked, now=NOW, cache=kept)
        (fresh,) = training.learn(space, asked, now=NOW)

        assert cached.shares == pytest.approx(fresh.shares, abs=1e-4)
        assert cached.dense == pytest.approx(fresh.dense, abs=1e-3)


def test_what_nobody_changed_is_not_learnt_again(monkeypatch: pytest.MonkeyPatch) -> None:
    space, papers = world()
    learnt: list[int] = []
    real = training._learn_batch

    def counting(space, seen, ballots, *rest):  # type: ignore[no-untyped-def]  # as it is
        learnt.append(len(ballots))
        return real(space, seen, ballots, *rest)

    monkeypatch.setattr(training, "_learn_batch", counting)
    kept, ranker = TasteCache(), TfidfRanker()
    first, second = votes(papers[:5], papers[30:33]), replace(votes(papers[20:24]), interest_id=71)
    for asked in (
        [first, second],
        [first, second],
        [first, replace(second, thumbs=[Thumb.DOWN, *second.thumbs[1:]])],
        [second, first],
    ):
        training.learn(space, asked, now=NOW, accurate=ranker.accurate, cache=kept)

    assert learnt == [2, 1, 1]


def test_a_text_that_changed_is_learnt_anew() -> None:
    space, papers = world()
    kept = TasteCache()
    training.learn(space, [votes(papers[:3])], now=NOW, cache=kept)
    changed = [a_paper(papers[0].id, "Galaxy", "quasar halo redshift"), *papers[1:3]]

    (cached,) = training.learn(space, [votes(changed)], now=NOW, cache=kept)
    (fresh,) = training.learn(space, [votes(changed)], now=NOW)

    assert scores(space, [cached], papers) == pytest.approx(scores(space, [fresh], papers))


def test_a_cache_holds_no_more_than_it_has_room_for() -> None:
    terms = SparseRow(np.zeros(42, np.int32), np.zeros(42, np.float32))
    eight = np.zeros(8, np.float32)
    line = Line(eight, eight, eight, terms, None)  # type: ignore[arg-type]  # no score
    kept = TasteCache(most_bytes=3 * line.size)
    for reader in range(5):
        kept.keep_line((reader, 0), b"key", line)
        kept.keep_line((reader, 0), b"key", line)

    held = [reader for reader in range(5) if kept.line((reader, 0), b"key")]

    assert held == [2, 3, 4]
    assert kept.line((4, 0), b"another key") is None
