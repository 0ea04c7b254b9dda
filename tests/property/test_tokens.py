"""Tests that tokens decode to what was signed, and that no other text is accepted."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larkpost.errors import InvalidToken
from larkpost.token_routes import Purpose
from larkpost.tokens import Tokens

KEY = bytes(range(32))
OTHER = bytes(range(1, 33))
TOKENS = Tokens([KEY])

numbers = st.lists(st.integers(min_value=0, max_value=2**63 - 1), max_size=4)
purposes = st.sampled_from(get_args(Purpose))


@given(purposes, numbers)
def test_what_was_signed_comes_back(purpose: Purpose, numbers: list[int]) -> None:
    token = TOKENS.sign(purpose, *numbers)

    assert TOKENS.verify(purpose, token) == tuple(numbers)


@given(purposes, st.integers(0, 2**31), st.integers(0, 2**32 - 1))
def test_a_token_for_a_row_of_a_million_readers_stays_short(
    purpose: Purpose, row: int, stamp: int
) -> None:
    token = TOKENS.sign(purpose, row, stamp)

    assert len(token) <= 40
    assert set(token) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


@given(purposes, numbers, st.data())
def test_every_altered_character_is_refused(
    purpose: Purpose, numbers: list[int], data: st.DataObject
) -> None:
    token = TOKENS.sign(purpose, *numbers)
    place = data.draw(st.integers(0, len(token) - 1))
    altered = data.draw(st.characters().filter(lambda c: c != token[place]))

    with pytest.raises(InvalidToken):
        TOKENS.verify(purpose, token[:place] + altered + token[place + 1 :])


@given(purposes, numbers, st.data())
def test_every_cut_and_every_addition_is_refused(
    purpose: Purpose, numbers: list[int], data: st.DataObject
) -> None:
    token = TOKENS.sign(purpose, *numbers)
    place = data.draw(st.integers(0, len(token) - 1))
    added = data.draw(
        st.text(min_size=1, max_size=5) | st.sampled_from(["=", "==", ".", "A", "\n"])
    )

    for altered in (token[:place], token[place + 1 :], token[:place] + added + token[place:]):
        if altered != token:
            with pytest.raises(InvalidToken):
                TOKENS.verify(purpose, altered)
    with pytest.raises(InvalidToken):
        TOKENS.verify(purpose, token + added)


@given(st.text())
def test_any_text_is_refused_without_another_error(text: str) -> None:
    with pytest.raises(InvalidToken):
        TOKENS.verify("vote", text)


@given(purposes, purposes, numbers)
def test_a_token_serves_its_own_purpose_only(
    purpose: Purpose, other: Purpose, numbers: list[int]
) -> None:
    token = TOKENS.sign(purpose, *numbers)

    if other != purpose:
        with pytest.raises(InvalidToken):
            TOKENS.verify(other, token)


@given(purposes, numbers, st.binary(min_size=32, max_size=40).filter(lambda key: key != KEY))
def test_a_token_of_another_key_is_refused(
    purpose: Purpose, numbers: list[int], key: bytes
) -> None:
    forged = Tokens([key]).sign(purpose, *numbers)

    with pytest.raises(InvalidToken):
        TOKENS.verify(purpose, forged)


@given(purposes, numbers, st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_after_a_rotation_old_links_open_and_new_ones_use_the_first_key(
    purpose: Purpose, numbers: list[int], new: bytes, old: bytes
) -> None:
    rotated = Tokens([new, old])

    assert rotated.verify(purpose, Tokens([old]).sign(purpose, *numbers)) == tuple(numbers)
    assert rotated.sign(purpose, *numbers) == Tokens([new]).sign(purpose, *numbers)


def test_all_256_last_characters_but_one_are_refused() -> None:
    """The last base64 digit of 16 bytes has spare bits; they must not be free to choose."""
    token = TOKENS.sign("leave", 7)

    taken = []
    for code in range(256):
        try:
            TOKENS.verify("leave", token[:-1] + chr(code))
        except InvalidToken:
            continue
        taken.append(chr(code))

    assert taken == [token[-1]]


def test_without_the_old_key_its_links_are_refused() -> None:
    token = TOKENS.sign("page", 1)

    with pytest.raises(InvalidToken):
        Tokens([OTHER]).verify("page", token)
