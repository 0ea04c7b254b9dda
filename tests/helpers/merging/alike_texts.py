"""Texts that are costly to compare, and a count of the comparisons."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from larkpost.db.matching.comparison import duplicate_rules
from larkpost.db.matching.comparison.compared_text import similarity

if TYPE_CHECKING:
    import pytest

    from larkpost.db.matching.comparison.compared_text import ComparedText

TITLE = "Weekly report of the machine learning reading group"


def make_texts(count: int, letters: int, *, shared: float = 0.0) -> list[str]:
    """Make texts of random words; a part of each, 0 to 1, is the same in all after a beginning."""
    source = random.Random(1)  # noqa: S311 - no secret
    common = _words(source, int(letters * shared))
    return [" ".join((*common, *_words(source, int(letters * (1 - shared))))) for _ in range(count)]


def _words(source: random.Random, letters: int) -> list[str]:
    return ["".join(source.choices("abcdefhijklmnop", k=7)) for _ in range(letters // 7)]


def in_other_capitals(title: str, count: int) -> list[str]:
    """Write a title in many ways that differ by capitals only."""
    return [
        "".join(one.upper() if number >> at & 1 else one for at, one in enumerate(title.lower()))
        for number in range(count)
    ]


class ComparisonCount:
    """The pairs of abstracts that were compared letter by letter, in order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pairs: list[tuple[str, str]] = []
        monkeypatch.setattr(duplicate_rules, "similarity", self._compare)

    def _compare(self, a: ComparedText, b: ComparedText, *, at_least: float) -> float:
        self.pairs.append((a.text, b.text))
        return similarity(a, b, at_least=at_least)
