"""Whether two texts with the same letters have the same words, and no further symbols."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from hashlib import blake2b
from itertools import chain
from typing import NamedTuple
from unicodedata import category

from larkpost.text.minhash import FORMATTING, fold, squeeze, without_formatting
from larkpost.text.normalize import normal_form, without_marks

_WORD = re.compile(r"\w+")
_BARE_TAG = re.compile(r"</?\w{1,20}\s*+/?>")
# Scripts whose vowels or voiced consonants are marks: those of India and its neighbours, and kana.
_SCRIPTS = (range(0x900, 0x10A0), range(0x1780, 0x1800), range(0x3041, 0x3100))
_LETTERS = (char for char in map(chr, chain(*_SCRIPTS)) if not category(char).startswith("P"))
_MARKED = re.compile(f"[{''.join(_LETTERS)}]+")
_MOST_ABBREVIATED = 50  # authors


class _TextWords(NamedTuple):
    """A key of the folded words of a text; its symbols, and how often it has which odd words."""

    digest: bytes
    symbols: frozenset[str]
    odd: Counter[str]


def has_same_words(text: str, other: str) -> bool:
    """Whether a text has the words of another, except for case and accents, and nothing odd more.

    Letters alone do not show that: with a space after each nobody can read or find a text, and
    symbols such as 🅰 are words to readers. So are words within an HTML comment or tag that nothing
    removed, and a word with letters such as \u0131 or \u03bc for i and mu is found neither by
    searching nor by the ranking. Other marks make other words in scripts such as Devanagari and
    kana. Punctuation does not count.
    """
    if text == other:
        return True
    mine, theirs = _read(text), _read(other)
    is_same = mine.digest == theirs.digest and mine.symbols <= theirs.symbols
    return is_same and mine.odd <= theirs.odd


# A record is compared with up to twenty papers, and those of one title with each of its records.
@lru_cache(maxsize=256)
def _read(text: str) -> _TextWords:
    words = " ".join([*_WORD.findall(fold(text)), *_marked_letters(text)])
    digest = blake2b(words.encode("utf-8", "replace"), digest_size=16).digest()
    return _TextWords(digest, _symbols(text), _hidden_words(text) + _unfindable_words(text))


def _marked_letters(text: str) -> list[str]:
    """Return the letters, with their marks, of scripts in which other marks make other words."""
    if text.isascii():
        return []
    letters = "".join(_MARKED.findall(normal_form("NFKD", without_formatting(text))))
    return [letters] if letters else []


def _symbols(text: str) -> frozenset[str]:
    """Collect the symbols, marks and control characters other than ASCII's."""
    if text.isascii():
        return frozenset()
    composed = normal_form("NFC", text)
    return frozenset(one for one in composed if not one.isascii() and category(one)[0] in "SMC")


def _hidden_words(text: str) -> Counter[str]:
    """Count the words that ``fold`` leaves out as markup, although readers are shown them.

    Tags without attributes are no words, nor are LaTeX's formatting commands, unless half of the
    words are; but each divides a word.
    """
    bare = without_formatting(text)
    if bare == text:
        return Counter()
    shown, words = _BARE_TAG.sub(" ", text), _WORD.findall(bare)
    plain, commands = FORMATTING.subn(" ", shown)
    return Counter(_WORD.findall(plain if 2 * commands <= len(words) else shown)) - Counter(words)


def _unfindable_words(text: str) -> Counter[str]:
    """Count the words whose letters ``fold`` replaces by others than searching or the ranking.

    A single letter is no such word: \u03bc in one copy is mu in another.
    """
    if text.isascii():
        return Counter()
    words = (word for word in _WORD.findall(text) if len(word) > 1 and not word.isascii())
    # All at once, as lines, which no letter adds: word by word takes several times as long.
    lines = "\n".join(words)
    found = without_marks(normal_form("NFKD", lines.lower())).split("\n")
    folded = fold(lines).split("\n")
    return Counter(plain for plain, other in zip(found, folded, strict=True) if plain != other)


def has_authors(authors: tuple[str, ...], names: tuple[str, ...]) -> bool:
    """Whether each of these authors is named, or has initials of the name at the same place.

    A name counts as often as it is there. Initials are compared for few authors, each with one
    name: two lists of 3,000 names have nine million pairs.
    """
    mine, known = _read_names(authors), Counter(_read_names(names))
    left = []
    for at, name in enumerate(mine):
        known[name] -= 1
        if known[name] < 0:
            left.append(at)
    if not left:
        return True
    return len(left) <= _MOST_ABBREVIATED and all(
        at < len(names) and _abbreviates(authors[at], names[at]) for at in left
    )


@lru_cache(maxsize=64)
def _read_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Squeeze each name; one with symbols or markup stays, because these may be words."""
    return tuple(name if _is_odd(name) else squeeze(name) or name for name in names)


def _is_odd(name: str) -> bool:
    return bool(_symbols(name) or _hidden_words(name))


def _abbreviates(short: str, name: str) -> bool:
    """Whether each word of a name begins one of another name, without symbols of its own."""
    words, whole = ([squeeze(word) for word in one.split()] for one in (short, name))
    if _is_odd(short) or not all(words):
        return False
    return all(any(one.startswith(word) for one in whole) for word in words)
