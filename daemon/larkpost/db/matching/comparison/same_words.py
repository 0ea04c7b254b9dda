"""Whether two texts with the same letters have the same words, and no further symbols."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple
from unicodedata import category

from larkpost.text.minhash import fold, squeeze
from larkpost.text.normalize import normal_form

_WORD = re.compile(r"\w+")
_MOST_ABBREVIATED = 50  # authors


class _TextWords(NamedTuple):
    digest: bytes
    symbols: frozenset[str]


def has_same_words(text: str, other: str) -> bool:
    """Whether a text has the words of another, except for case and accents, and only its symbols.

    Letters alone do not show that: with a space after each nobody can read or find a text, and
    symbols such as 🅰 are words to readers. Punctuation, LaTeX and HTML do not count.
    """
    if text == other:
        return True
    mine, theirs = _read(text), _read(other)
    return mine.digest == theirs.digest and mine.symbols <= theirs.symbols


# A record is compared with up to twenty papers, and those of one title with each of its records.
@lru_cache(maxsize=256)
def _read(text: str) -> _TextWords:
    words = " ".join(_WORD.findall(fold(text)))
    digest = blake2b(words.encode("utf-8", "replace"), digest_size=16).digest()
    return _TextWords(digest, _symbols(text))


def _symbols(text: str) -> frozenset[str]:
    """Collect the symbols, marks and control characters other than ASCII's."""
    if text.isascii():
        return frozenset()
    composed = normal_form("NFC", text)
    return frozenset(one for one in composed if not one.isascii() and category(one)[0] in "SMC")


def has_authors(authors: tuple[str, ...], names: tuple[str, ...]) -> bool:
    """Whether each of these authors is named, or has initials of the name at the same place.

    Initials are compared for few authors, each with one name: two lists of 3,000 names have nine
    million pairs.
    """
    mine, theirs = _read_names(authors), _read_names(names)
    known = set(theirs)
    left = [at for at, name in enumerate(mine) if name not in known]
    if not left:
        return True
    return len(left) <= _MOST_ABBREVIATED and all(
        at < len(names) and _abbreviates(authors[at], names[at]) for at in left
    )


@lru_cache(maxsize=64)
def _read_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Squeeze each name; one with symbols is kept as it is, because they may be words."""
    return tuple(name if _symbols(name) else squeeze(name) or name for name in names)


def _abbreviates(short: str, name: str) -> bool:
    """Whether each word of a name begins one of another name, without symbols of its own."""
    words, whole = ([squeeze(word) for word in one.split()] for one in (short, name))
    if _symbols(short) or not all(words):
        return False
    return all(any(one.startswith(word) for one in whole) for word in words)
