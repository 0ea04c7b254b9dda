"""Grades how specific a word is to a topic: ``diffusion`` is specific, ``commonly`` is not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

GRADES = 10  # a grade of the table divided by this is a specificity from 0 to 1
LEAST_PARTICULAR = 0.6  # the required grade of a shown term, or of one word of a phrase
BARELY_PARTICULAR = 0.45  # the least grade
# Adverbs missing in the table: "stringently"; not "butterfly", "monopoly", "superfamily".
_ADVERB = re.compile(r"[a-z]{5,}(?<!anoma)(?<!assemb)(?<!fami)(?<!po)(?<!f)ly")
_PATH = Path(__file__).with_name("term_specificity.txt")


@dataclass(frozen=True, slots=True)
class TermTable:
    """The shipped table; unknown words count as fully specific nouns.

    ``grades`` (0 to 10) by word; ``heads`` are general words that may end a phrase (*model*),
    ``never`` words that may not be in one (*achieves*); any other may begin one.
    """

    grades: dict[str, int]
    heads: frozenset[str]
    never: frozenset[str]

    def grade(self, word: str) -> int:
        """Return how specific a word is, from 0 (fits any abstract) to 10."""
        found = self.grades.get(word)
        if found is None:
            return 0 if _ADVERB.fullmatch(word) else GRADES
        return found

    def is_particular(self, word: str) -> bool:
        """Return whether a word names a topic by itself."""
        return self.grade(word) >= LEAST_PARTICULAR * GRADES

    def may_begin(self, word: str) -> bool:
        """Return whether a phrase may begin with the word, or contain it."""
        return word not in self.never and not (
            word not in self.grades and _ADVERB.fullmatch(word) is not None
        )

    def may_end(self, word: str) -> bool:
        """Return whether a phrase may end with the word."""
        return word in self.heads or (word not in self.grades and self.may_begin(word))


@cache
def term_table() -> TermTable:
    """Read the table, once (100 KB, some milliseconds)."""
    grades: dict[str, int] = {}
    kinds: dict[str, set[str]] = {"head": set(), "modifier": set(), "never": set()}
    for line in _PATH.read_text("utf-8").splitlines():
        if not line.startswith("#"):
            grade, kind, *words = line.split()
            grades |= dict.fromkeys(words, int(grade))
            kinds[kind].update(words)
    return TermTable(grades, frozenset(kinds["head"]), frozenset(kinds["never"]))
