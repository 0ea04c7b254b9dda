"""Chooses the terms that a reader is shown as the reason for a pick.

What a term adds to the score is exact, and `explain` gives all of it. What is shown is a choice
for meaning: words that fit any abstract are left out, words that stand side by side are shown as
the phrase that they make, words of the liked papers go before others, and no stem comes twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import Stemmer

from larkpost.ranking.term_table import GRADES, term_table
from larkpost.ranking.terms import Token, is_unspaced, tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from larkpost.domain import Paper
    from larkpost.ranking.space import Floats, Indices, TextSpace

    Doubles = NDArray[np.float64]
    Flags = NDArray[np.bool_]

SHOWN = 3  # terms at most
TRIED = 40  # candidates of the highest value that are looked at for them
LEAST_SHARE = 0.02  # of what all terms that raise the score add
LEAST_PARTICULAR = 0.6  # what a term must be to be shown; of a phrase, its most particular word
UNHELD = 0.5  # value of a term that no liked paper holds, against one that some do
SAID_ONCE, SAID_AGAIN = (1.0, 1.1, 1.0), (1.0, 1.4, 1.5)  # value of a phrase by its words
LONGEST_PHRASE = 3  # words
LONGEST_RUN = 6  # pairs of characters, in scripts without spaces
TWINS = 5  # letters from which on a stem that begins another one is its twin
LONGEST_PREFIX = 30  # characters of a compound before its first term
_COMPOUND_START = re.compile(r"(?<![\w-])(?:\d[a-z] |(?:\w+[-\u2010\u2011])+)$")
_COMPOUND_END = re.compile(r"(?:[-\u2010\u2011]\w+)*")


@dataclass(frozen=True, slots=True)
class Candidates:
    """What of one paper may be shown: c words and phrases.

    ``places`` (c, words) are those of its words among the paper's t terms, t where there is none;
    ``values`` (c) what each is worth as a phrase; ``particular`` (t + 1) how particular each term
    is.
    """

    texts: tuple[str, ...]
    stems: tuple[frozenset[str], ...]
    places: Indices
    values: Floats
    particular: Floats


class _Span(NamedTuple):
    text: str
    terms: tuple[str, ...]


def candidates(space: TextSpace, paper: Paper, terms: Indices) -> Candidates:
    """Find what may be shown of a paper whose terms are these t columns of the space."""
    place = {space.vocabulary[at]: n for n, at in enumerate(terms.tolist())}
    particular = np.append(space.particularity[terms], np.float32(0))
    good = particular >= LEAST_PARTICULAR
    said: dict[tuple[str, ...], int] = {}
    texts: dict[tuple[str, ...], str] = {}
    table = term_table()
    for weight, text in ((2, paper.title), (1, paper.abstract)):
        for span in _spans(text):
            if span.text in table.grades and "-" in span.text:
                telling = table.grades[span.text] >= LEAST_PARTICULAR * GRADES
            else:
                telling = any(good[place.get(word, -1)] for word in span.terms)
            if telling:
                said[span.terms] = said.get(span.terms, 0) + weight
                texts.setdefault(span.terms, span.text)
    wide = max(map(len, said), default=1)
    none = len(place)
    places = [[place.get(w, none) for w in one] + [none] * (wide - len(one)) for one in said]
    values = [(SAID_AGAIN if n > 1 else SAID_ONCE)[min(len(one), 3) - 1] for one, n in said.items()]
    return Candidates(
        tuple(texts.values()),
        tuple(frozenset(map(_stem, one)) for one in said),
        np.array(places, dtype=np.intp).reshape(len(said), wide),
        np.array(values, dtype=np.float32),
        particular,
    )


class Chosen(NamedTuple):
    """The terms to show one reader, the best first; ``held`` where a liked paper holds one."""

    terms: tuple[str, ...]
    held: bool


def choose_terms(found: Candidates, raised: Doubles, held: Flags) -> list[Chosen]:
    """Choose the terms to show for each of r readers.

    ``raised`` (r, t) is what each term of the paper adds, 0 where it is not to be told; ``held``
    (r, t) whether a paper that the reader likes, or the words of the interest, hold it.
    """
    blank = np.zeros((len(raised), 1))
    added = np.hstack([raised, blank])
    telling = added * found.particular * np.hstack([np.where(held, 1, UNHELD), blank])
    total = added.sum(axis=1)
    general = (found.particular < LEAST_PARTICULAR) | (added > 0)
    summed = added[:, found.places].sum(axis=2)
    value = telling[:, found.places].sum(axis=2) * found.values
    value[~general[:, found.places].all(axis=2)] = 0
    value[summed < LEAST_SHARE * total[:, None]] = 0
    order = np.argsort(-value, axis=1, kind="stable")[:, :TRIED]
    best = np.take_along_axis(value, order, axis=1)
    holding = np.hstack([held & (raised > 0), blank.astype(bool)])[:, found.places].any(axis=2)
    chosen = []
    for line, sizes, mine in zip(order.tolist(), best.tolist(), holding, strict=True):
        shown = _distinct(found, [at for at, size in zip(line, sizes, strict=True) if size > 0])
        chosen.append(Chosen(tuple(found.texts[at] for at in shown), bool(mine[shown].any())))
    return chosen


def _distinct(found: Candidates, order: Sequence[int]) -> list[int]:
    """Take the first few of which no two have a stem in common."""
    shown: list[int] = []
    seen: set[str] = set()
    for at in order:
        stems = found.stems[at]
        if stems.isdisjoint(seen) and not any(_twins(a, b) for a in stems for b in seen):
            shown.append(at)
            seen |= stems
            if len(shown) == SHOWN:
                break
    return shown


def _twins(one: str, other: str) -> bool:
    """Say whether two stems are of one family: one begins with the other."""
    if is_unspaced(one):
        return not set(one).isdisjoint(other)
    short, long = sorted((one, other), key=len)
    return len(short) >= TWINS and long.startswith(short)


@lru_cache(maxsize=65536)
def _stem(term: str) -> str:
    return str(_STEMMER.stemWord(term))


_STEMMER = Stemmer.Stemmer("english")


class _Unit(NamedTuple):
    """A word, a compound (``few-shot``), or a pair of characters of a script without spaces."""

    text: str
    terms: tuple[str, ...]
    start: int
    end: int


def _spans(text: str) -> Iterator[_Span]:
    """Yield each unit, and each run of units side by side that makes a phrase."""
    plain, found = tokens(text)
    units = list(_units(plain, found))
    for unit in units:
        yield _Span(unit.text, unit.terms)
    for run in _runs(plain, units):
        most = LONGEST_RUN if is_unspaced(run[0].terms[0]) else LONGEST_PHRASE
        for first in range(len(run)):
            for last in range(first + 1, min(first + most, len(run))):
                words = run[first : last + 1]
                if _makes_phrase(words, run[last + 1 : last + 2]):
                    shown = plain[words[0].start : words[-1].end]
                    yield _Span(shown, tuple(term for word in words for term in word.terms))


def _units(plain: str, found: Sequence[Token]) -> Iterator[_Unit]:
    """Put the terms of one compound together; a dimension (``3d``) goes with what follows it."""
    at = 0
    while at < len(found):
        first = found[at]
        start, end = first.start, first.end
        if not is_unspaced(first.term):
            start = _compound_start(plain, start)
            end = _COMPOUND_END.match(plain, end).end()  # type: ignore[union-attr]  # may be empty
        upto = at + 1
        while upto < len(found) and found[upto].start < end and not is_unspaced(first.term):
            upto += 1
        yield _Unit(plain[start:end], tuple(one.term for one in found[at:upto]), start, end)
        at = upto


def _compound_start(plain: str, start: int) -> int:
    before = _COMPOUND_START.search(plain, max(0, start - LONGEST_PREFIX), start)
    return before.start() if before else start


def _runs(plain: str, units: Sequence[_Unit]) -> Iterator[list[_Unit]]:
    """Yield the longest runs of units with no more between them than a space."""
    run: list[_Unit] = []
    for unit in units:
        if run and not _joined(plain, run[-1], unit):
            if len(run) > 1:
                yield run
            run = []
        run.append(unit)
    if len(run) > 1:
        yield run


def _joined(plain: str, one: _Unit, other: _Unit) -> bool:
    if is_unspaced(one.terms[0]) or is_unspaced(other.terms[0]):
        return other.start == one.start + 1
    return plain[one.end : other.start] == " "


def _makes_phrase(words: Sequence[_Unit], after: Sequence[_Unit]) -> bool:
    """Say whether units make a phrase: no verbs, and the noun that they describe is among them."""
    table = term_table()
    *before, last = words
    if not table.may_end(last.text) or not all(table.may_begin(word.text) for word in before):
        return False
    return is_unspaced(last.text) or not after or not table.may_begin(after[0].text)
