"""Tests that copies of a text, or of a list of authors, have no further words."""

from __future__ import annotations

from unicodedata import normalize

import pytest

from larkpost.db.matching.comparison import same_words
from larkpost.db.matching.comparison.same_words import has_authors, has_same_words
from larkpost.text.minhash import squeeze

SYMBOLS = "\U0001f172\U0001f170\U0001f182"


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("The Naïve U-Net", "the naive u-net"),
        ("On $\\alpha$ decay", "On \N{GREEK SMALL LETTER ALPHA} decay"),
        ("<i>Ferries</i> that wait.", "Ferries that wait"),
        ("Ferries", f"Ferries {SYMBOLS}"),
        ("Sorting in $\\mathcal{O}(n)$ time", "Sorting in O(n) time"),
        ("Maps of $\\mathbb{R}^n$ to itself", "Maps of \u211d^n to itself"),
        ("An $\\varepsilon$-greedy agent", "An \u03b5-greedy agent"),
        ("Bounds $\\left(x\\right)$ for everybody", "Bounds (x) for everybody"),
        (
            "\u0939\u093f\u0902\u0926\u0940 \u092a\u093e\u0920\u0964",
            "\u0939\u093f\u0902\u0926\u0940 \u092a\u093e\u0920.",
        ),  # Hindi's full stop
        ("\u30c7\u30fc\u30bf\u30fb\u30d9\u30fc\u30b9", "\u30c7\u30fc\u30bf \u30d9\u30fc\u30b9"),
    ],
)
def test_typesetting_is_no_other_word(text: str, other: str) -> None:
    assert has_same_words(text, other)


@pytest.mark.parametrize(
    "text", ["F e r r i e s", f"Ferries {SYMBOLS}", "Ferries\u202e", "F\u0335erries", "Ferry"]
)
def test_spaces_symbols_marks_and_control_characters_are(text: str) -> None:
    assert not has_same_words(text, "Ferries")


@pytest.mark.parametrize(
    "text",
    [
        "Multi-modal ferr\u0131es",  # a dotless i
        "\N{GREEK SMALL LETTER MU}lti-modal ferries",
        "Multi-modal \U0001d405\U0001d404\U0001d411\U0001d411\U0001d408\U0001d404\U0001d412",
        "Multi-modal <!-- join our casino --> ferries",
        '<a href="casino">Multi-modal</a> ferries',
        "Multi-modal fe<i></i>rries",
        "Multi-modal f\\textbf\u00e9rries",
        "Multi-modal \\left \\right \\left ferries",
    ],
)
def test_letters_that_no_search_finds_and_hidden_words_are_other_words(text: str) -> None:
    assert not has_same_words(text, "Multi-modal ferries")
    assert has_same_words("Multi-modal ferries", text)
    assert has_same_words(text, text.replace("ferries", "Ferries"))


@pytest.mark.parametrize(
    ("authors", "is_same"),
    [
        ((), True),
        (("A. Lovelace",), True),
        (("Alan Turing", "Ada Lovelace"), True),
        (("Lovelace", "Alan M. Turing"), False),
        (("Ada Lovelace", "Evil One"), False),
        (("Ada Lovelace",) * 3_000, False),
        (("Ada Lovelace", SYMBOLS), False),
        ((f"Ada {SYMBOLS} Lovelace",), False),
        (("Ada Lovelace<!-- casino -->",), False),
    ],
)
def test_authors_are_named_in_full_or_with_initials_and_no_others(
    authors: tuple[str, ...], is_same: bool
) -> None:
    assert has_authors(authors, ("Ada Lovelace", "Alan Turing")) == is_same


def test_each_author_of_long_lists_is_compared_with_few_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[str] = []

    def count(text: str) -> str:
        calls.append(text)
        return squeeze(text)

    monkeypatch.setattr(same_words, "squeeze", count)
    names = tuple(f"Ada{n} Lovelace{n}" for n in range(1_000))

    assert has_authors(names[::-1], names)
    assert not has_authors(tuple(f"A. Lovelace{n}" for n in range(1_000)), names)
    assert len(calls) <= 5_000


@pytest.mark.parametrize(
    ("text", "other"),
    [
        (
            "\u0939\u093f\u0902\u0926\u0940 \u092a\u093e\u0920",
            "\u0939\u093e\u0902\u0926\u093f \u092a\u0940\u0920",
        ),
        (
            "\u30d0\u30b0\u3092\u767a\u898b\u3059\u308b",
            "\u30cf\u30b0\u3092\u767a\u898b\u3059\u308b",
        ),
    ],
)  # Hindi with other vowels, Japanese without a voiced consonant
def test_other_marks_make_other_words_where_they_are_vowels_or_consonants(
    text: str, other: str
) -> None:
    assert squeeze(text) == squeeze(other)
    assert not has_same_words(other, text)
    assert has_same_words(normalize("NFD", text), text)
