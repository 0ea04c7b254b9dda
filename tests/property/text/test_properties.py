"""Tests for any text that cleaning is idempotent, and keys ignore typesetting."""

from __future__ import annotations

import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from larkpost.errors import UsageError
from larkpost.text.email_address import address_key, spell_address
from larkpost.text.identifiers import identifier_url, parse_identifier
from larkpost.text.markup import clean_markup, cut_preamble, plain_latex
from larkpost.text.minhash import sketch, squeeze, text_marks, title_key
from larkpost.text.normalize import clean, count_unwanted, one_line, squash
from larkpost.text.urls import encode_url

ANY = st.text(st.characters(exclude_categories=()), max_size=200)
WORDS = st.lists(st.from_regex(r"[A-Za-z0-9]{1,12}", fullmatch=True), min_size=1, max_size=60)

# Marks of several classes that are to be sorted, decomposed and composed, joiners and fillers.
AWKWARD = st.text(
    st.sampled_from(
        "e\n -\u00ad\u200b\u200c\u200d\ufe0f\u034f\u3164\u00a0\u0344\u0958\u0915\u093c\u094d\u0628"
        "\u064b\u0301\u0323❤😀\u2adc\u1100\u1161\u11a8\uff76\uff9e\u09c7\u09be\u0f73\ufb2c"
    ),
    max_size=60,
)


@given(ANY | AWKWARD)
def test_clean_text_is_clean(text: str) -> None:
    once = clean(text)

    assert clean(once) == once
    assert count_unwanted(once) == 0
    assert unicodedata.is_normalized("NFC", once)
    once.encode("utf-8")


@given(ANY | AWKWARD)
def test_squashed_text_is_one_line_and_stays(text: str) -> None:
    once = squash(text)

    assert squash(once) == once
    assert "\n" not in once
    assert "  " not in once


@given(ANY)
def test_one_line_prints_as_one_line(text: str) -> None:
    line = one_line(text)

    assert len(line.splitlines()) <= 1
    assert not any(unicodedata.bidirectional(c) in {"RLO", "LRO", "RLE", "LRE"} for c in line)


@given(st.text(st.characters(categories=["L", "Nd", "P"]), max_size=60), st.data())
def test_what_nobody_sees_changes_nothing(text: str, data: st.DataObject) -> None:
    unseen = st.text(st.sampled_from("\u200b\u00ad\u200e\u202e\u2060\ufeff\u3164\U000e0041"))
    strewn = "".join(character + data.draw(unseen) for character in text)

    assert clean(strewn) == clean(text)
    assert squash(f"{strewn}\u00a0{strewn}") == squash(f"{text} {text}")


@given(WORDS, st.lists(st.sampled_from([" ", "  ", "\n", "\n  ", "\t"]), min_size=60, max_size=60))
def test_case_wraps_and_spaces_leave_keys_and_sketch(words: list[str], gaps: list[str]) -> None:
    text = " ".join(words)
    reset = "".join(word + gap for word, gap in zip(words, gaps, strict=False)).swapcase()

    assert title_key(reset) == title_key(text)
    assert sketch(reset, reset) == sketch(text, text)
    assert text_marks(reset, reset) == text_marks(text, text)
    assert squeeze(reset) == squeeze(text)


@given(ANY, ANY)
def test_keys_and_sketches_fit_their_columns(title: str, abstract: str) -> None:
    assert 0 <= len(title_key(clean(title))) <= 64
    numbers = sketch(title, abstract)
    assert 1 <= len(numbers) <= 8
    assert all(-(2**63) <= number < 2**63 for number in numbers)
    assert len(str(text_marks(title, abstract).name)) == len("text:") + 16


@given(WORDS)
def test_latex_without_a_backslash_is_untouched(words: list[str]) -> None:
    assert plain_latex(" ".join(words)) == " ".join(words)


@given(WORDS)
def test_words_without_markup_are_untouched(words: list[str]) -> None:
    assert clean_markup(" ".join(words)) == " ".join(words)


@given(ANY | st.text(r"<>&;\\{}$~`'-/!abps# \n", max_size=200))
def test_any_text_can_be_cleaned_of_markup(text: str) -> None:
    cut_preamble(clean_markup(text))


VALUES = st.from_regex(r"[A-Za-z0-9./:?#&=_-]{1,40}", fullmatch=True)
NAMES = st.builds(
    "{}{}".format, st.sampled_from(["arxiv:", "doi:10.1/", "https://", "x:", ""]), VALUES
)


@given(NAMES | ANY)
def test_whatever_names_a_paper_names_it_again(text: str) -> None:
    try:
        name = parse_identifier(text)
    except UsageError:
        return
    assert parse_identifier(str(name)) == name


@given(st.from_regex(r"[a-z0-9._+-]{1,20}@[A-Za-zäöü0-9.-]{1,30}", fullmatch=True) | ANY)
def test_an_address_is_compared_without_case_and_sent_to_as_typed(text: str) -> None:
    try:
        spelt = spell_address(text)
    except UsageError:
        return
    assert spell_address(spelt) == spelt
    assert "\n" not in spelt
    local, _, domain = spelt.rpartition("@")
    for other in (local.upper(), local.lower(), local.casefold(), local.swapcase()):
        if len(other) <= 64:  # "ß" is "SS" in capitals
            assert address_key(f"{other}@{domain}") == address_key(spelt)


ADDRESSES = st.builds(
    "{}{}{}".format,
    st.sampled_from(["https://", "HTTP://", "https://[::1]", "https://bücher.example/", ""]),
    st.from_regex(r"[a-z0-9.:@\[\]-]{0,20}", fullmatch=True),
    ANY.map(lambda text: text[:40]),
)


@given(ADDRESSES | ANY)
def test_an_address_is_ascii_leads_to_the_web_and_stays(text: str) -> None:
    address = encode_url(text)

    assert encode_url(address) == address
    assert address.isascii()
    if address:
        assert address.startswith(("http://", "https://"))
        assert re.fullmatch(r"[!#-;=?-\[\]_a-z~%]+", address)


@given(st.from_regex(r"10\.[0-9]{4,9}/[!-~]{1,60}", fullmatch=True))
def test_the_address_of_a_doi_names_it_again(text: str) -> None:
    try:
        name = parse_identifier(f"doi:{text}")
    except UsageError:
        return
    if name.scheme == "doi" and not name.value.endswith("/"):
        assert parse_identifier(identifier_url(name)) == name
