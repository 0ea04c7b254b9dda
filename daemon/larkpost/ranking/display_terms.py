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

    ``members`` (t, c) is 1 where a term of the paper is in a phrase, ``telling`` (t, c) where it is
    a particular one, too; ``values`` (c) is what each says, ``barely`` (c) marks those that say
    little.
    """

    phrases: Sequence[Phrase]
    members: Floats
    telling: Floats
    values: Floats
    barely: Flags


def candidates(space: TextSpace, paper: Paper, terms: Indices) -> Candidates:
    """Find what may be shown of a paper whose terms are these t columns of the space."""
    place = {space.vocabulary[at]: n for n, at in enumerate(terms.tolist())}
    phrases = phrases_of(paper.title, paper.abstract)
    found = [one for one in phrases if not place.keys().isdisjoint(one.terms)]
    where = [(place[w], at) for at, one in enumerate(found) for w in one.terms if w in place]
    members = np.zeros((len(place), len(found)), dtype=np.float32)
    members[tuple(np.array(where, dtype=np.intp).reshape(-1, 2).T)] = 1
    telling = space.particularity[terms] >= LEAST_PARTICULAR
    whole = np.array([one.particular for one in found], dtype=np.float32)
    barely = whole < LEAST_PARTICULAR
    values = whole * np.array([_value(one) for one in found], dtype=np.float32)
    values = np.where(barely, BARELY * values, values)
    return Candidates(found, members, members * telling[:, None], values, barely)


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
    raising = raised > 0
    total = (raised * raising).sum(axis=1, keepdims=True)
    summed = raised @ found.members
    holding = (held & raising) @ found.members > 0
    # A phrase says what its most particular words say, and most if they raise the score.
    own = raising @ found.telling > 0
    value = summed * found.values * np.where(own, 1, LENT) * np.where(holding, 1, UNHELD)
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
