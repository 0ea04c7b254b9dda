"""Days of the week as people write them in settings and commands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larkpost.settings import day_names, read_days


@given(st.frozensets(st.integers(0, 6), min_size=1))
def test_weekdays_written_are_read_back(days: frozenset[int]) -> None:
    assert read_days(day_names(days)) == days
    assert read_days(",".join(day_names(days))) == days
    assert read_days(sorted(days)) == days


@pytest.mark.parametrize(
    ("text", "days"), [("mon, tue", {0, 1}), ("Monday", {0}), ("sat sun", {5, 6}), ("thurs", {3})]
)
def test_weekdays_are_read_as_people_write_them(text: str, days: set[int]) -> None:
    assert read_days(text) == days


@pytest.mark.parametrize("text", ["m", "t", "mo", "x", "7", "mon-x", "mon-"])
def test_a_word_that_is_no_weekday_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=text):
        read_days(text)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("mon-fri", {0, 1, 2, 3, 4}),
        ("MON - Fri", {0, 1, 2, 3, 4}),
        ("monday\u2013friday", {0, 1, 2, 3, 4}),
        ("fri-mon", {4, 5, 6, 0}),
        ("sun-sat", set(range(7))),
        ("tue-tue", {1}),
        ("mon-wed, sat", {0, 1, 2, 5}),
        ("mon wed-thu", {0, 2, 3}),
        ("weekdays", {0, 1, 2, 3, 4}),
        ("Weekend", {5, 6}),
        ("daily", set(range(7))),
        (["mon-wed", "sun"], {0, 1, 2, 6}),
    ],
)
def test_weekdays_may_be_ranges_and_words_for_several(text: object, days: set[int]) -> None:
    assert read_days(text) == days


@pytest.mark.parametrize("text", ["mon-", "-fri", "mon-fri-sun", "mon-someday", "-", "", "nightly"])
def test_what_is_no_range_of_weekdays_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="weekday"):
        read_days(text)
