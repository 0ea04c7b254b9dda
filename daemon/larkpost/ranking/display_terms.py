"""Chooses the terms that a reader is shown as the reason for a pick.

What a term adds to the score is exact, and `explain` gives all of it. What is shown is a choice
for meaning: words that fit any abstract are left out, words that stand side by side are shown as
the phrase that they make, words of the liked papers go before others, and no stem comes twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from larkpost.ranking.phrases import ROOT, phrases_of
from larkpost.ranking.term_table import LEAST_PARTICULAR
from larkpost.ranking.terms import is_unspaced

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from larkpost.domain import Paper
    from larkpost.ranking.phrases import Phrase
    from larkpost.ranking.space import Floats, Indices, TextSpace

    Doubles = NDArray[np.float64]
    Flags = NDArray[np.bool_]

SHOWN, ENOUGH = 3, 2  # terms at most, and where words that say little add nothing
TRIED = 40  # candidates of the highest value that are looked at for them
LEAST_SHARE, LAST_SHARE = 0.02, 0.01  # of what all terms that raise the score add
BARELY = 0.3  # value of a term that is barely particular
LENT = 0.6  # value of a phrase whose particular words do not raise the score themselves
UNHELD = 0.5  # value of a term that no liked paper holds, against one that some do
SAID_ONCE, SAID_AGAIN = (1.0, 1.1, 1.0), (1.0, 1.4, 1.5)  # value of a phrase by its words


@dataclass(frozen=True, slots=True)
class Candidates:
    """What of one paper may be shown: c words and phrases.

    ``places`` (c, words) are those of its words among the paper's t terms, t where there is none;
    ``particular`` (c, words) is how particular each word is, ``lent`` (c) the least value of the
    phrase for that, ``values`` (c) what it is worth as a phrase; ``barely`` (c) marks those that
    say little.
    """

    phrases: Sequence[Phrase]
    places: Indices
    particular: Floats
    lent: Floats
    values: Floats
    barely: Flags


def candidates(space: TextSpace, paper: Paper, terms: Indices) -> Candidates:
    """Find what may be shown of a paper whose terms are these t columns of the space."""
    place = {space.vocabulary[at]: n for n, at in enumerate(terms.tolist())}
    phrases = phrases_of(paper.title, paper.abstract)
    found = [one for one in phrases if not place.keys().isdisjoint(one.terms)]
    wide, none = max((len(one.terms) for one in found), default=1), len(place)
    where = [[place.get(word, none) for word in one.terms] for one in found]
    places = np.array([one + [none] * (wide - len(one)) for one in where], dtype=np.intp)
    places = places.reshape(len(found), wide)
    whole = np.array([one.particular for one in found], dtype=np.float32)
    barely = whole < LEAST_PARTICULAR
    values = np.array([_value(one) for one in found], dtype=np.float32)
    return Candidates(
        found,
        places,
        np.append(space.particularity[terms], np.float32(0))[places],
        LENT * whole,
        np.where(barely, BARELY * values, values),
        barely,
    )


def _value(phrase: Phrase) -> float:
    """Give what a phrase is worth: more than a word, and most where it is said again."""
    return (SAID_AGAIN if phrase.said > 1 else SAID_ONCE)[min(len(phrase.terms), 3) - 1]


class Chosen(NamedTuple):
    """The terms to show one reader, the best first; ``held`` where a liked paper holds one."""

    terms: tuple[str, ...]
    held: bool


def choose_terms(found: Candidates, raised: Doubles, held: Flags) -> list[Chosen]:
    """Choose the terms to show for each of r readers.

    ``raised`` (r, t) is what each term of the paper adds, 0 where it is not to be told, below 0
    where it lowers the score; ``held`` (r, t) whether a paper that the reader likes, or the words
    of the interest, hold it.
    """
    places = found.places
    padded = np.zeros((len(raised), raised.shape[1] + 1))
    padded[:, :-1] = raised
    added = padded[:, places]
    raising = added > 0
    total = raised.clip(0).sum(axis=1, keepdims=True)
    summed = added.sum(axis=2)
    flags = np.zeros(padded.shape, dtype=bool)
    flags[:, :-1] = held
    holding: Flags = np.asarray((flags[:, places] & raising).any(axis=2))
    # A phrase says what its most particular word says, and most if that word raises the score.
    own = (raising * found.particular).max(axis=2)
    value = summed * np.maximum(own, found.lent) * np.where(holding, 1, UNHELD) * found.values
    value[summed < LAST_SHARE * total] = 0
    weak: Flags = np.asarray(found.barely | (summed < LEAST_SHARE * total))
    order = np.argsort(-value, axis=1, kind="stable")[:, :TRIED]
    best = np.take_along_axis(value, order, axis=1)
    chosen = []
    for line, sizes, mine, feeble in zip(order.tolist(), best.tolist(), holding, weak, strict=True):
        worth = [at for at, size in zip(line, sizes, strict=True) if size > 0]
        shown = _distinct(found, worth, feeble)
        chosen.append(
            Chosen(tuple(found.phrases[at].text for at in shown), bool(mine[shown].any()))
        )
    return chosen


def _distinct(found: Candidates, order: Sequence[int], weak: Flags) -> list[int]:
    """Take the first few of which no two have a stem in common, weak ones only where need is."""
    shown: list[int] = []
    seen: set[str] = set()
    roots: set[str] = set()
    for at in order:
        phrase = found.phrases[at]
        if not phrase.stems.isdisjoint(seen) or (weak[at] and len(shown) >= ENOUGH):
            continue
        if not phrase.roots.isdisjoint(roots) and _has_twin(phrase.stems, seen):
            continue
        shown.append(at)
        if len(shown) == SHOWN:
            break
        seen |= phrase.stems
        roots |= phrase.roots
    return shown


def _has_twin(stems: Iterable[str], seen: Iterable[str]) -> bool:
    """Say whether a stem begins another one, or a pair of characters shares one with another."""
    return any(
        is_unspaced(one) or one.startswith(other) or other.startswith(one)
        for one in stems
        for other in seen
        if one[:ROOT] == other[:ROOT] or is_unspaced(one)
    )
