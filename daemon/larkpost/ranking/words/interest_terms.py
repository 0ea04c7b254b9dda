"""Finds the words of a reader's interest in a paper."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from heapq import heapify, heappop, heappush
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


@lru_cache(maxsize=4096)
def _typed_words(phrase: str) -> Mapping[str, str]:
    """Return the words of a phrase as typed, by their plain form."""
    return {plain_form(word): word for word in phrase.split()}


def interest_terms(
    named: NamedTerms, text: str, words: Mapping[int, str], raised: Mapping[int, float]
) -> list[InterestTerm]:
    """Return the terms of an interest that raise a paper's score, strongest first, no stem twice.

    A phrase is shown as typed if the paper contains it in any form of its words, else the contained
    words. ``text`` is the paper's text from ``stem_text``; ``words`` and ``raised`` are its terms
    and their contributions, by columns.
    """
    queue = [
        _QueuedTerm(-sum(raised[at] for at in columns), "", named.phrases[place][0], columns)
        for place, columns in _raising_phrases(named, raised).items()
    ]
    heapify(queue)
    kept: list[InterestTerm] = []
    seen: set[str] = set()
    # A phrase raises the score at least as much as each of its words, so it waits for its turn:
    # a reader may have hundreds of phrases, of which three words are shown.
    while queue and len(kept) < MOST:
        first = heappop(queue)
        if first.term is None:
            if not seen.issuperset(stem_of(words[at]) for at in first.columns):
                for one in _terms_of_phrase(first.phrase, first.columns, text, words, raised):
                    heappush(queue, _QueuedTerm(-one.weight, one.text, term=one))
        elif seen.isdisjoint(first.term.stems):
            kept.append(first.term)
            seen |= first.term.stems
    return kept


class _QueuedTerm(NamedTuple):
    """A term, or a phrase whose terms weigh no more; ordered by weight, phrases first, by text."""

    weight: float
    text: str
    phrase: str = ""
    columns: tuple[int, ...] = ()
    term: InterestTerm | None = None


def _raising_phrases(named: NamedTerms, raised: Mapping[int, float]) -> dict[int, tuple[int, ...]]:
    """Return the columns that raise the score, by the place of the phrase that has them."""
    held: dict[int, tuple[int, ...]] = {}
    for at in sorted(raised):
        if raised[at] > 0:
            for place in named.holders.get(at, ()):
                held[place] = (*held.get(place, ()), at)
    return held


def _terms_of_phrase(
    phrase: str,
    columns: Sequence[int],
    text: str,
    words: Mapping[int, str],
    raised: Mapping[int, float],
) -> list[InterestTerm]:
    """Return the phrase as one term if a paper contains it, else the words that it contains."""
    if (stem := _stem_phrase(phrase)).strip() and stem in text:
        stems = frozenset(stem_of(words[at]) for at in columns)
        typed = " ".join(phrase.split())
        return [InterestTerm(typed, stems, sum(raised[at] for at in columns))]
    return _single_words(phrase, columns, words, raised)


def _single_words(
    phrase: str, columns: Sequence[int], words: Mapping[int, str], raised: Mapping[int, float]
) -> list[InterestTerm]:
    """Return the words of a phrase, each in the form with the highest contribution."""
    by_stem: dict[str, list[int]] = {}
    for at in sorted(columns, key=lambda at: (-raised[at], words[at])):
        by_stem.setdefault(stem_of(words[at]), []).append(at)
    typed = _typed_words(phrase)
    return [
        InterestTerm(
            next((typed[words[at]] for at in forms if words[at] in typed), words[forms[0]]),
            frozenset([stem]),
            sum(raised[at] for at in forms),
        )
        for stem, forms in by_stem.items()
    ]
