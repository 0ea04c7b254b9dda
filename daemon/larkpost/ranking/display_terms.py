"""Chooses the terms that a reader is shown as the reason for a pick.

What a term adds to the score is exact, and `explain` gives all of it. What is shown is a choice
for meaning: words that fit any abstract are left out, words that stand side by side are shown as
the phrase that they make, words of the liked papers go before others, and no stem comes twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from larkpost.ranking.phrases import phrases_of
from larkpost.ranking.term_table import LEAST_PARTICULAR
from larkpost.ranking.terms import is_unspaced

if TYPE_CHECKING:
    from collections.abc import Sequence

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
TWINS = 5  # letters from which on a stem that begins another one is its twin


@dataclass(frozen=True, slots=True)
class Candidates:
    """What of one paper may be shown: c words and phrases.

    ``places`` (c, words) are those of its words among the paper's t terms, t where there is none;
    ``values`` (c) what each is worth as a phrase; ``particular`` (t + 1) how particular each term
    is, ``whole`` (c) the most particular word of each phrase.
    """

    phrases: Sequence[Phrase]
    places: Indices
    values: Floats
    particular: Floats
    whole: Floats


def candidates(space: TextSpace, paper: Paper, terms: Indices) -> Candidates:
    """Find what may be shown of a paper whose terms are these t columns of the space."""
    place = {space.vocabulary[at]: n for n, at in enumerate(terms.tolist())}
    found = [one for one in phrases_of(paper.title, paper.abstract) if not place.keys().isdisjoint(one.terms)]
    wide, none = max((len(one.terms) for one in found), default=1), len(place)
    blanks = [[none] * n for n in range(wide + 1)]
    places = [[place.get(w, none) for w in one.terms] + blanks[wide - len(one.terms)] for one in found]
    values = [
        (SAID_AGAIN if one.said > 1 else SAID_ONCE)[min(len(one.terms), 3) - 1] for one in found
    ]
    return Candidates(
        found,
        np.array(places, dtype=np.intp).reshape(len(found), wide),
        np.array(values, dtype=np.float32),
        np.append(space.particularity[terms], np.float32(0)),
        np.array([one.particular for one in found], dtype=np.float32),
    )


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
    blank = np.zeros((len(raised), 1))
    added = np.hstack([raised, blank])
    total = np.maximum(added, 0).sum(axis=1, keepdims=True)
    summed = added[:, found.places].sum(axis=2)
    held = np.hstack([held & (raised > 0), blank.astype(bool)])
    holding = held[:, found.places].any(axis=2)
    # A phrase says what its most particular word says, and most if that word raises the score.
    own = np.where(added > 0, found.particular, 0)[:, found.places].max(axis=2)
    value = summed * np.maximum(own, LENT * found.whole) * np.where(holding, 1, UNHELD) * found.values
    barely = found.whole < LEAST_PARTICULAR
    value *= np.where(barely, BARELY, 1)
    value[summed < LAST_SHARE * total] = 0
    weak = barely | (summed < LEAST_SHARE * total)
    order = np.argsort(-value, axis=1, kind="stable")[:, :TRIED]
    best = np.take_along_axis(value, order, axis=1)
    chosen = []
    for line, sizes, mine, feeble in zip(order.tolist(), best.tolist(), holding, weak, strict=True):
        worth = [at for at, size in zip(line, sizes, strict=True) if size > 0]
        shown = _distinct(found, worth, feeble)
        chosen.append(Chosen(tuple(found.phrases[at].text for at in shown), bool(mine[shown].any())))
    return chosen


def _distinct(found: Candidates, order: Sequence[int], weak: Flags) -> list[int]:
    """Take the first few of which no two have a stem in common, weak ones only where need is."""
    shown: list[int] = []
    seen: set[str] = set()
    for at in order:
        stems = found.phrases[at].stems
        if weak[at] and len(shown) >= ENOUGH:
            continue
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
