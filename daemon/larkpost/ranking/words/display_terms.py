"""Chooses the terms that a reader is shown as the reason for a pick.

The contribution of each term is exact, and `explain` gives all of them. The shown terms are chosen
for meaning: generic words are left out, adjacent words are shown as a phrase, words of liked papers
come before others, and no stem comes twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from larkpost.domain import Paper
from larkpost.ranking.words.interest_terms import InterestTerm, stem_text
from larkpost.ranking.words.phrases import ROOT, Phrase, phrases_of
from larkpost.ranking.words.tokenizer import is_unspaced
from larkpost.text.term_specificity import LEAST_PARTICULAR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from larkpost.ranking.tfidf import Floats, Indices, TextSpace

    Doubles = NDArray[np.float64]
    Flags = NDArray[np.bool_]

SHOWN, ENOUGH = 3, 2  # terms at most, and where words that say little add nothing
TRIED = 40  # candidates of the highest value that are looked at for them
LEAST_SHARE, LAST_SHARE = 0.02, 0.01  # of what raises the score, terms and constant
LEAST_OF_CONSTANT = 0.2  # of what no term carries: else that is the reason, and not the terms
LEAST_WEIGHT = 0.03  # what a shown term adds, in standard deviations of the score
LEAST_OF_STRONGEST = 0.1  # of what the strongest term that may be shown adds
LEAST_PARTICULARITY = 0.01  # so that of words that fit any abstract the strongest goes first
BARELY = 0.3  # value of a term that is barely particular
LENT = 0.6  # value of a phrase whose particular words do not raise the score themselves
UNHELD = 0.5  # value of a term that no liked paper holds, against one that some do
SAID_ONCE, SAID_AGAIN = (1.0, 1.1, 1.0), (1.0, 1.4, 1.5)  # value of a phrase by its words


@dataclass(frozen=True, slots=True)
class CandidateTerms:
    """The displayable terms of one paper: c words and phrases.

    ``members`` (t, c) is 1 where a term of the paper is in a phrase, ``telling`` (t, c) where it is
    a particular one, too; ``values`` (c) is what each says, ``barely`` (c) marks those that say
    little. ``words`` are the names of the terms, ``particular`` (t) how particular each is,
    ``text`` the stems of title and abstract, to find an interest's phrase in.
    """

    phrases: Sequence[Phrase]
    members: Floats
    telling: Floats
    values: Floats
    barely: Flags
    words: Sequence[str]
    particular: Floats
    text: str


def candidates(space: TextSpace, paper: Paper, terms: Indices) -> CandidateTerms:
    """Find the displayable terms of a paper whose terms are these t columns of the model."""
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
    return CandidateTerms(
        found,
        members,
        members * telling[:, None],
        values,
        barely,
        list(place),
        space.particularity[terms],
        stem_text(f"{paper.title}\n{paper.abstract}"),
    )


def _value(phrase: Phrase) -> float:
    """Return what a phrase is worth: more than a word, and most where it is said again."""
    return (SAID_AGAIN if phrase.said > 1 else SAID_ONCE)[min(len(phrase.terms), 3) - 1]


class DisplayTerms(NamedTuple):
    """The terms to show one reader, best first; ``held`` where a liked paper holds one."""

    terms: tuple[str, ...]
    held: bool


def choose_terms(
    found: CandidateTerms,
    told: Doubles,
    held: Flags,
    bias: Doubles,
    interests: Sequence[Sequence[InterestTerm]],
) -> list[DisplayTerms]:
    """Choose the terms to show for each of r readers.

    ``told`` (r, t) is what each term of the paper adds, 0 if it is not to be told, below 0
    where it lowers the score; ``held`` (r, t) whether a paper that the reader likes, or the words
    of the interest, hold it; ``bias`` (r) what no term carries; ``interests`` (r) what of the
    reader's interest the paper holds, see ``interest_terms``: always fit to be shown, and first.
    """
    raising = told > 0
    constant = np.maximum(bias, 0)[:, None]
    total = (told * raising).sum(axis=1, keepdims=True) + constant
    floors = np.maximum(LEAST_WEIGHT, LEAST_OF_CONSTANT * constant)
    summed = told @ found.members
    holding = (held & raising) @ found.members > 0
    # A phrase says what its most particular words say, and most if they raise the score.
    own = raising @ found.telling > 0
    value = summed * found.values * np.where(own, 1, LENT) * np.where(holding, 1, UNHELD)
    value[summed < _least(found, summed, np.maximum(floors, LAST_SHARE * total), interests)] = 0
    weak: Flags = np.asarray(found.barely | (summed < LEAST_SHARE * total))
    order = np.argsort(-value, axis=1, kind="stable")[:, :TRIED]
    best = np.take_along_axis(value, order, axis=1)
    floors = np.maximum(floors, LEAST_SHARE * total)[:, 0]
    chosen = []
    for n, (line, sizes) in enumerate(zip(order.tolist(), best.tolist(), strict=True)):
        worth = [at for at, size in zip(line, sizes, strict=True) if size > 0]
        first = [one for one in interests[n] if one.weight >= floors[n]]
        shown = _distinct(found, worth, weak[n], first)
        terms = (*(one.text for one in first), *(found.phrases[at].text for at in shown))
        is_held = bool(first) or bool(holding[n, shown].any())
        chosen.append(DisplayTerms(terms or _only_term(found, told[n], floors[n]), is_held))
    return chosen


def _least(
    found: CandidateTerms,
    summed: Doubles,
    floors: Doubles,
    interests: Sequence[Sequence[InterestTerm]],
) -> Doubles:
    """Return what a shown phrase has to add for each reader (r, 1): a tenth of the strongest."""
    strongest = summed.max(axis=1, initial=0, where=~found.barely)
    asked = [max((one.weight for one in mine), default=0.0) for mine in interests]
    strongest = np.maximum(strongest, asked)[:, None]
    return np.asarray(np.maximum(floors, LEAST_OF_STRONGEST * strongest))


def _only_term(found: CandidateTerms, told: Doubles, least: float) -> tuple[str, ...]:
    """Return the term that carries a score which no particular one does; none if none does."""
    carrying = np.flatnonzero(told >= least)
    if not len(carrying):
        return ()
    worth = told[carrying] * np.maximum(found.particular[carrying], LEAST_PARTICULARITY)
    return (found.words[int(carrying[worth.argmax()])],)


def _distinct(
    found: CandidateTerms, order: Sequence[int], weak: Flags, first: Sequence[InterestTerm]
) -> list[int]:
    """Take the next few of which no two have a stem in common, weak ones only where need is."""
    room, shown = SHOWN - len(first), list[int]()
    seen = set[str]().union(*(one.stems for one in first))
    roots = {stem[:ROOT] for stem in seen}
    if room < 1:
        return shown
    for at in order:
        phrase = found.phrases[at]
        if not phrase.stems.isdisjoint(seen) or (weak[at] and len(shown) >= room - SHOWN + ENOUGH):
            continue
        if not phrase.roots.isdisjoint(roots) and _has_twin(phrase.stems, seen):
            continue
        shown.append(at)
        if len(shown) == room:
            break
        seen |= phrase.stems
        roots |= phrase.roots
    return shown


def _has_twin(stems: Iterable[str], seen: Iterable[str]) -> bool:
    """Return whether a stem begins another one, or a pair of characters shares one with another."""
    return any(
        is_unspaced(one) or one.startswith(other) or other.startswith(one)
        for one in stems
        for other in seen
        if one[:ROOT] == other[:ROOT] or is_unspaced(one)
    )
