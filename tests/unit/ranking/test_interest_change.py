"""Tests a change of interest: editions show the new one, and old likes fade."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.ranking_factories import NOW, a_paper, library

from larkpost.domain import Thumb
from larkpost.interfaces import Evidence
from larkpost.ranking import TfidfRanker
from larkpost.ranking.training_examples import (
    WEIGHT_BEFORE_CHANGE,
    changed_at,
    kept_share,
    weigh_words,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

DAY = timedelta(days=1)


def morning(number: int) -> datetime:
    return NOW + number * DAY


def read(ups: Sequence[int], size: int = 10) -> Evidence:
    """Make what a reader told of editions with so many thumbs up each, one down, the rest none."""
    papers, thumbs, at, passed, passed_at = [], [], [], [], []
    for day, count in enumerate(ups):
        first = 1 + day * size
        papers += [a_paper(first + place) for place in range(count + 1)]
        thumbs += [Thumb.UP] * count + [Thumb.DOWN]
        at += [morning(day)] * (count + 1)
        passed += [a_paper(first + place) for place in range(count + 1, size)]
        passed_at += [morning(day)] * (size - count - 1)
    cast = [one + timedelta(hours=2) for one in at]
    return Evidence(1, 1, papers, thumbs, cast, (), passed, passed_at, at)


@pytest.mark.parametrize("ups", [[3] * 30, [1] * 30, [0] * 30, [0] * 10 + [4] * 10, [3] * 5, []])
def test_who_likes_as_much_as_before_has_not_changed(ups: list[int]) -> None:
    assert changed_at(read(ups)) is None


@pytest.mark.parametrize("day", [8, 15])
def test_editions_without_thumbs_up_after_many_with_some_tell_of_a_change(day: int) -> None:
    one = read([3] * day + [0] * 6)

    moment = changed_at(one)

    assert moment is not None
    assert morning(day) <= moment <= morning(day + 3)
    share = kept_share(one, moment)
    ups = [float(s) for thumb, s in zip(one.thumbs, share, strict=True) if thumb > 0]
    assert ups == pytest.approx([WEIGHT_BEFORE_CHANGE] * 3 * day)


def test_what_was_liked_before_a_change_stays_faded_once_the_new_is_found() -> None:
    one = read([3] * 12 + [0] * 6 + [3] * 12)

    share = kept_share(one, changed_at(one))

    ups = [float(s) for thumb, s in zip(one.thumbs, share, strict=True) if thumb > 0]
    assert ups == pytest.approx([WEIGHT_BEFORE_CHANGE] * 36 + [1] * 36)


def test_words_that_nothing_liked_before_a_change_holds_count_in_full() -> None:
    galaxies = a_paper(1, "Galaxy and halo")
    one = read([3] * 12 + [0] * 6)
    one = replace(one, papers=[galaxies] * len(one.papers))
    space = TfidfRanker().fit(library(10))
    words = [space.hint("galaxy"), space.hint("protein")]

    assert weigh_words(space, one, words) == pytest.approx([WEIGHT_BEFORE_CHANGE, 1])
    assert weigh_words(space, read([3] * 12), words) == [1, 1]
    assert weigh_words(space, one, []) == []


def test_one_bad_day_is_no_change() -> None:
    assert changed_at(read([3] * 12 + [0] + [3] * 12)) is None


def test_thumbs_on_what_no_edition_showed_tell_of_no_change() -> None:
    one = read([3] * 12 + [0] * 6)

    elsewhere = Evidence(1, 1, one.papers, one.thumbs, one.at)

    assert changed_at(elsewhere) is None
    assert kept_share(elsewhere, None).tolist() == [1] * len(one.papers)
