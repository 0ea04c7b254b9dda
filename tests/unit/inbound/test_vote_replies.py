"""Tests thumbs in the reply to a newsletter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larkpost.domain import Thumb
from larkpost.inbound.vote_replies import votes_in

UP, DOWN = Thumb.UP, Thumb.DOWN


@pytest.mark.parametrize(
    ("text", "votes"),
    [
        ("3 + 5 -", {3: UP, 5: DOWN}),
        ("3+ 5-", {3: UP, 5: DOWN}),
        ("3+, 5-; 7 +", {3: UP, 5: DOWN, 7: UP}),
        ("+3 -5", {3: UP, 5: DOWN}),
        ("#3 + 5. -", {3: UP, 5: DOWN}),
        ("3 + 5 \N{MINUS SIGN}", {3: UP, 5: DOWN}),
        ("3 👍 5 👎🏽", {3: UP, 5: DOWN}),
        ("3 +\n5 -\n", {3: UP, 5: DOWN}),
        ("3 + 3 -", {3: DOWN}),
        ("Good morning,\n3 +\nthank you", {3: UP}),
        ("I like 3 + more of it", {}),
        ("3 5", {}),
        ("+ -", {}),
        ("3 + five -", {}),
        ("+49 30 12345", {}),
        ("1234 +", {}),
        ("", {}),
    ],
)
def test_a_line_of_numbers_and_signs_is_read(text: str, votes: dict[int, Thumb]) -> None:
    assert votes_in(text) == votes


@pytest.mark.parametrize(
    "quote",
    [
        "> 5 -",
        "On Friday, 7 August 2026, Larkpost wrote:\n5 -",
        "Am 07.08.2026 um 08:00 schrieb Larkpost:\n5 -",
        "-- \n5 -",
        "-----Original Message-----\n5 -",
        "From: Larkpost\n5 -",
        "________________________________\n5 -",
    ],
)
def test_what_is_quoted_or_signed_is_no_vote(quote: str) -> None:
    assert votes_in(f"3 +\n\n{quote}") == {3: UP}


def test_long_lines_are_left_alone_quickly() -> None:
    assert votes_in("3 + " * 100_000) == {}
    assert votes_in("3 " * 100_000) == {}


@given(st.dictionaries(st.integers(0, 999), st.sampled_from(Thumb), min_size=1, max_size=30))
def test_what_is_written_is_read(votes: dict[int, Thumb]) -> None:
    behind = " ".join(f"{n} {'+' if thumb is UP else '-'}" for n, thumb in votes.items())
    before = " ".join(f"{'+' if thumb is UP else '-'}{n}" for n, thumb in votes.items())

    assert votes_in(behind) == votes
    assert votes_in(before) == votes
