"""Finds the words and phrases that describe the subject of a paper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from larkpost.ranking.words.tokenizer import TERM, UNSPACED, is_stop_word, is_unspaced, plain_form
from larkpost.text.stemming import stem_of
from larkpost.text.term_specificity import BARELY_PARTICULAR, GRADES, term_table

LONGEST_PHRASE = 3  # words, a compound counts as one
LONGEST_RUN = 6  # pairs of characters, in scripts without spaces
MOST_CACHED = 256  # papers of about 35 KB each: more than a batch of readers is shown
# Words and phrases of a paper. Of 4,000 of arXiv none has over 100, but a text in a script without
# spaces has six for each character, and anybody may write 50,000 characters into a feed.
MOST_PHRASES = 1_000
ROOT = 4  # letters
ATTACHED = frozenset({"early", "long"})  # "early exit strategies" are no "exit strategies"
IN_TITLE = 2  # how often a phrase in the title counts
# A word or a compound (few-shot, qwen2.5-7b), with a dimension (3d) before it; or a run of
# characters of a script without spaces.
_HYPHEN = "[-\u2010\u2011]"
_WORD = f"[^\\W{UNSPACED}]+"
_UNIT = re.compile(
    rf"[{UNSPACED}]+|(?:\b\d[a-z] )?{_WORD}(?:(?:{_HYPHEN}|(?<=\d)\.(?=\d)){_WORD})*"
)


class Phrase(NamedTuple):
    """A word or phrase: its text, terms, number of occurrences, and specificity (0 to 1).

    ``stems`` are those of its terms, ``roots`` the common part of related stems: the first letters,
    or the characters of scripts without spaces.
    """

    text: str
    terms: tuple[str, ...]
    said: int
    particular: float
    stems: frozenset[str]
    roots: frozenset[str]


class _PhraseUnit(NamedTuple):
    """A unit that is shown whole: a word, a compound, or a pair of characters; and its position."""

    text: str
    terms: tuple[str, ...]
    start: int
    end: int


@lru_cache(maxsize=MOST_CACHED)
def phrases_of(title: str, abstract: str) -> tuple[Phrase, ...]:
    """Return the words and phrases of a paper that are specific enough to be shown.

    Of a long text they are those of its beginning: ``MOST_PHRASES``.
    """
    said: dict[str, int] = {}
    terms: dict[str, tuple[str, ...]] = {}
    for weight, text in ((IN_TITLE, title), (1, abstract)):
        for shown, parts in _spans(plain_form(text)):
            if len(said) >= MOST_PHRASES:
                break
            said[shown] = said.get(shown, 0) + weight
            terms[shown] = parts
    return tuple(
        _phrase(shown, terms[shown], count, grade)
        for shown, count in said.items()
        if (grade := _grade(shown, terms[shown])) >= BARELY_PARTICULAR * GRADES
    )


def _phrase(shown: str, terms: tuple[str, ...], said: int, grade: int) -> Phrase:
    stems = frozenset(map(stem_of, terms))
    if is_unspaced(shown):
        roots = frozenset(shown)
    else:
        roots = frozenset(stem[:ROOT] for stem in stems if len(stem) >= ROOT)
    return Phrase(shown, terms, said, grade / GRADES, stems, roots)


def _grade(shown: str, terms: tuple[str, ...]) -> int:
    """Grade a phrase: by the table, or else by its most specific word."""
    table = term_table()
    if (known := table.grades.get(shown)) is not None:
        return 0 if shown in table.never else known
    return max(map(table.grade, terms))


def _spans(plain: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the text and the terms of each unit, and of each run of units that is a phrase."""
    run: list[_PhraseUnit] = []
    for unit in _units(plain):
        yield unit.text, unit.terms
        if run and not _is_joined(plain, run[-1], unit):
            yield from _in_run(plain, run)
            run = []
        run.append(unit)
    yield from _in_run(plain, run)


def _in_run(plain: str, run: list[_PhraseUnit]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the phrases of adjacent units.

    A phrase contains no verb, and its main noun is at its end: the end of the run, or a verb,
    follows it.
    """
    if len(run) < 2:
        return
    table = term_table()
    unspaced = is_unspaced(run[0].text)
    most = LONGEST_RUN if unspaced else LONGEST_PHRASE
    begins = [table.may_begin(unit.text) for unit in run]
    for last in range(1, len(run)):
        follows = last + 1 < len(run) and begins[last + 1] and not unspaced
        if follows or not table.may_end(run[last].text):
            continue
        for first in range(last - 1, max(-1, last - most), -1):
            if not begins[first]:
                break
            if first and run[first - 1].text in ATTACHED:
                continue
            units = run[first : last + 1]
            parts = tuple(term for unit in units for term in unit.terms)
            yield plain[units[0].start : units[-1].end], parts


def _units(plain: str) -> Iterator[_PhraseUnit]:
    for match in _UNIT.finditer(plain):
        text, start = match[0], match.start()
        if text.isalpha() and text.isascii():
            if len(text) > 1 and not is_stop_word(text):
                yield _PhraseUnit(text, (text,), start, match.end())
        elif is_unspaced(text):
            for at in range(max(1, len(text) - 1)):
                pair = text[at : at + 2]
                yield _PhraseUnit(pair, (pair,), start + at, start + at + 2)
        else:
            terms = tuple(term for term in TERM.findall(text) if not is_stop_word(term))
            if terms:
                yield _PhraseUnit(text, terms, start, match.end())


def _is_joined(plain: str, one: _PhraseUnit, other: _PhraseUnit) -> bool:
    if other.start == one.end + 1:
        return plain[one.end] == " "
    return other.start == one.start + 1 and is_unspaced(other.text)
