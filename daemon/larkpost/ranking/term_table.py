"""How particular a word is to a topic: ``diffusion`` is, ``commonly`` fits any abstract."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from larkpost.ranking.space import Floats

GRADES = 10  # a grade of the table over this is a particularity from 0 to 1
LEAST_PARTICULAR = 0.6  # what a term that is shown should be; of a phrase, one of its words
BARELY_PARTICULAR = 0.45  # what it must be
_PATH = Path(__file__).with_name("term_table.txt")


@dataclass(frozen=True, slots=True)
class TermTable:
    """The shipped table; words that it does not hold are wholly particular nouns.

    ``grades`` (0 to 10) by word; ``heads`` are general words that may end a phrase (*model*),
    ``never`` words that may not stand in one (*achieves*); any other may begin one.
    """

    grades: dict[str, int]
    heads: frozenset[str]
    never: frozenset[str]

    def particularity(self, words: Sequence[str]) -> Floats:
        """Give how particular each of v words is, from 0 (fits any abstract) to 1."""
        found = [self.grades.get(word, GRADES) for word in words]
        return np.array(found, dtype=np.float32) / np.float32(GRADES)

    def may_end(self, word: str) -> bool:
        """Say whether a phrase may end with the word."""
        return word in self.heads or word not in self.grades


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
