"""Finds the words of a reader's interest in a paper."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from larkpost.ranking.words.tokenizer import UNSPACED, plain_form
from larkpost.text.stemming import stem_of

if TYPE_CHECKING:
    from larkpost.ranking.linear_model import NamedTerms

MOST = 3  # of the strongest
_WORD = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}_]+")


class InterestTerm(NamedTuple):
    """A phrase or word of an interest that occurs in a paper, and its contribution to the score."""

    text: str
    stems: frozenset[str]
    weight: float


def stem_text(text: str) -> str:
    """Return the stems of all words of a text, with spaces around each, for finding phrases."""
    return f" {' '.join(map(stem_of, _WORD.findall(plain_form(text))))} "


@lru_cache(maxsize=4096)
def _stem_phrase(phrase: str) -> str:
    return stem_text(phrase)


def interest_terms(
    named: NamedTerms, text: str, words: Mapping[int, str], raised: Mapping[int, float]
) -> list[InterestTerm]:
    """Return the terms of an interest that raise a paper's score, strongest first, no stem twice.

    A phrase is shown as typed if the paper contains it in any form of its words, else the contained
    words. ``text`` is the paper's text from ``stem_text``; ``words`` and ``raised`` are its terms
    and their contributions, by columns.
    """
    found: list[InterestTerm] = []
    for phrase, columns in named.phrases:
        mine = [at for at in columns if raised.get(at, 0) > 0]
        if not mine:
            continue
        stems = frozenset(stem_of(words[at]) for at in mine)
        if (stem := _stem_phrase(phrase)).strip() and stem in text:
            typed = " ".join(phrase.split())
            found.append(InterestTerm(typed, stems, sum(raised[at] for at in mine)))
        else:
            found += _single_words(phrase, mine, words, raised)
    return _without_twins(sorted(found, key=lambda one: (-one.weight, one.text)))


def _single_words(
    phrase: str, columns: Sequence[int], words: Mapping[int, str], raised: Mapping[int, float]
) -> list[InterestTerm]:
    """Return the words of a phrase, each in the form with the highest contribution."""
    by_stem: dict[str, list[int]] = {}
    for at in sorted(columns, key=lambda at: (-raised[at], words[at])):
        by_stem.setdefault(stem_of(words[at]), []).append(at)
    typed = {plain_form(word): word for word in phrase.split()}
    return [
        InterestTerm(
            next((typed[words[at]] for at in forms if words[at] in typed), words[forms[0]]),
            frozenset([stem]),
            sum(raised[at] for at in forms),
        )
        for stem, forms in by_stem.items()
    ]


def _without_twins(found: Sequence[InterestTerm]) -> list[InterestTerm]:
    kept: list[InterestTerm] = []
    for one in found:
        if all(one.stems.isdisjoint(other.stems) for other in kept):
            kept.append(one)
    return kept[:MOST]
