"""Tests for any text that fast paths return what the slow way does."""

from __future__ import annotations

import re
from hashlib import blake2b
from zlib import crc32

from hypothesis import given
from hypothesis import strategies as st

from larkpost.db.search.tokenize import stems, words
from larkpost.text.identifiers import parse_identifier
from larkpost.text.minhash import sketch, squeeze
from larkpost.text.normalize import clean, squash
from larkpost.text.stemming import stem_words
from larkpost.text.urls import encode_url

LOOKED_AT = "\u1ebf"  # a text with this letter is looked at character by character
TEXTS = st.text(
    st.one_of(
        st.characters(codec="utf-8"),
        st.sampled_from(
            "aygd XYZ09.-_/~&<>\\\n\t\r\u00e9\u0301\u200b\u00a0\u2019\u201c\u2126\u2028"
        ),
    ),
    max_size=60,
)


def test_every_character_is_cleaned_alike_alone_and_in_a_text_that_is_looked_at() -> None:
    characters = [chr(code) for code in range(0x110000) if chr(code).isprintable()]
    for text in (*characters, *(3 * one for one in characters[:5000])):
        assert clean(f"{text}{LOOKED_AT}") == clean(text) + LOOKED_AT, ascii(text)


@given(TEXTS)
def test_a_text_is_squashed_alike_whether_or_not_it_is_looked_at(text: str) -> None:
    assert squash(text) == " ".join(squash(f"{LOOKED_AT} {text}").split()[1:])


@given(TEXTS, st.text("yabc gd", max_size=200))
def test_a_sketch_takes_the_lowest_of_each_first_letter_in_turn(title: str, abstract: str) -> None:
    text = (squeeze(title) + squeeze(abstract)).encode("utf-8", "replace")
    chosen: list[bytes] = []
    for first in (b"y", b"g", b"d", b"[^ygd]"):
        found = set(re.findall(rb"(?=(%b.{11}))" % first, text, re.DOTALL))
        chosen += sorted(found, key=crc32)[: 8 - len(chosen)]
    digests = (blake2b(one, digest_size=8).digest() for one in chosen or [text])
    assert sketch(title, abstract) == {int.from_bytes(d, "big", signed=True) for d in digests}


@given(st.text(st.characters(codec="ascii"), max_size=80), st.integers(0, 200))
def test_words_of_ascii_are_runs_of_letters_and_digits_cut_at_64(text: str, run: int) -> None:
    text = f"{text}{'aB' * run} {text}"
    expected = re.findall(r"[a-z0-9]{1,64}", text.lower())
    assert words(text) == expected
    assert stems(text) == stem_words(expected)


@given(st.text("aB 1-.<i>&;\\\u2018\u2019\u201c\u201d\u2013\u2014\u2026"))
def test_typographic_punctuation_is_ignored_alike_with_and_without_other_letters(text: str) -> None:
    looked_at = f"{text} {LOOKED_AT}"
    assert words(looked_at) == [*words(text), "e"]
    assert stems(looked_at) == [*stems(text), "e"]
    assert squeeze(looked_at) == f"{squeeze(text)}e"
    assert squeeze(f"<b\u201c>{text}") == f"b{squeeze(text)}"


@given(
    st.sampled_from(["http", "https", "HTTPS", "ftp"]),
    st.text("ab1-_.", min_size=1, max_size=80),
    st.text("aZ9/._-%?#&=~", max_size=30),
)
def test_an_address_is_spelled_alike_whether_or_not_it_looks_plain(
    scheme: str, host: str, path: str
) -> None:
    plain = f"{scheme}://{host}/{path}".partition("?")[0].partition("#")[0]
    looked_at = encode_url(f"{plain}~")
    assert encode_url(plain) == looked_at[:-1]


@given(st.sampled_from(["2508.13426", "0704.0001", "2508.1342", "1501.00001", "1401.00001"]))
def test_an_address_of_arxiv_names_the_paper_that_its_id_names(number: str) -> None:
    for page in ("abs/{}", "pdf/{}", "abs/{}v2", "pdf/{}v12"):
        quick = parse_identifier(f"https://arxiv.org/{page.format(number)}")
        in_full = parse_identifier(f"https://export.arxiv.org/{page.format(number)}")
        assert quick.scheme == in_full.scheme
        assert quick.scheme == "url" or quick == in_full
