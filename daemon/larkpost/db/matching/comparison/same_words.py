"""Whether two texts with the same letters have the same words, and no further symbols."""

from __future__ import annotations

import re
from unicodedata import category

from larkpost.text.minhash import fold
from larkpost.text.normalize import normal_form

_WORD = re.compile(r"\w+")


def has_same_words(text: str, other: str) -> bool:
    """Whether a text has the words of another, except for case and accents, and only its symbols.

    Letters alone do not show that: with a space after each nobody can read or find a text, and
    symbols such as 🅰 are words to readers. Punctuation, LaTeX and HTML do not count.
    """
    if text == other:
        return True
    return _words(text) == _words(other) and _symbols(text) <= _symbols(other)


def _words(text: str) -> list[str]:
    return _WORD.findall(fold(text))


def _symbols(text: str) -> set[str]:
    """Collect the symbols, marks and control characters other than ASCII's."""
    if text.isascii():
        return set()
    composed = normal_form("NFC", text)
    return {one for one in composed if not one.isascii() and category(one)[0] in "SMC"}
