"""Chooses the terms that a reader is shown as the reason for a pick.

The contribution of each term is exact, and `explain` shows all of them. The shown terms are chosen
for meaning: generic words are left out, adjacent words are shown as a phrase, words of liked papers
come before others, and no stem comes twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from larkpost.domain import Paper
from larkpost.ranking.words.interest_terms import InterestTerm, stem_text
from larkpost.ranking.words.phrases import MOST_CACHED, ROOT, Phrase, phrases_of
from larkpost.ranking.words.tokenizer import is_unspaced
from larkpost.text.term_specificity import LEAST_PARTICULAR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from larkpost.ranking.tfidf import Floats, Indices, TextSpace

    Doubles = NDArray[np.float64]
    Flags = NDArray[np.bool_]

SHOWN, ENOUGH = 3, 2  # the most terms; from two on, unspecific words are not added
TRIED = 40  # the number of candidates of the highest value that are tried
LEAST_SHARE, LAST_SHARE = 0.02, 0.01  # shares of the sum of all that raises the score
LEAST_OF_CONSTANT = 0.2  # of the part of no term, which otherwise is the reason
LEAST_WEIGHT = 0.03  # the least contribution of a shown term, in standard deviations of the score
LEAST_OF_STRONGEST = 0.1  # the same, as a share of the strongest displayable term's
LEAST_PARTICULARITY = 0.01  # so that the strongest of several generic words goes first
BARELY = 0.3  # value of a term that is barely specific
LENT = 0.6  # value of a phrase whose specific words do not raise the score themselves
UNHELD = 0.5  # value of a term that no liked paper contains, relative to others
SAID_ONCE, SAID_AGAIN = (1.0, 1.1, 1.0), (1.0, 1.4, 1.5)  # value of a phrase by its number of words


@dataclass(frozen=True, slots=True)
class CandidateTerms:
    """The displayable terms of one paper: c words and phrases.

    ``rows`` (m) are the places of the paper's terms, of t, that are in a phrase; ``members`` (m, c)
    is 1 if such a term is in a phrase, ``telling`` (m, c) if it is a specific one, too; ``values``
    (c) are their values, ``barely`` (c) marks unspecific ones.
    ``words`` are the names of the terms, ``particular`` (t) their specificity, ``text`` the stems
    of title and abstract, to find an interest's phrase.
    """

    phrases: Sequence[Phrase]
    rows: Indices
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
    places, columns = np.array(where, dtype=np.intp).reshape(-1, 2).T
    rows, lines = np.unique(places, return_inverse=True)
    members = np.zeros((len(rows), len(found)), dtype=np.float32)
    members[lines, columns] = 1
    telling = space.particularity[terms[rows]] >= LEAST_PARTICULAR
    whole = np.array([one.particular for one in found], dtype=np.float32)
    barely = whole < LEAST_PARTICULAR
    values = whole * np.array([_value(one) for one in found], dtype=np.float32)
    values = np.where(barely, BARELY * values, values)
    return CandidateTerms(
        found,
        rows,
        members,
        members * telling[:, None],
        values,
        barely,
        list(place),
        space.particularity[terms],
        _stem_paper(paper.title, paper.abstract),
    )


@lru_cache(maxsize=MOST_CACHED)
def _stem_paper(title: str, abstract: str) -> str:
    return stem_text(f"{title}\n{abstract}")


def _value(phrase: Phrase) -> float:
    """Return the value of a phrase: more than that of a word, most if the phrase is repeated."""
    return (SAID_AGAIN if phrase.said > 1 else SAID_ONCE)[min(len(phrase.terms), 3) - 1]


class DisplayTerms(NamedTuple):
    """The terms to show one reader, best first; ``held`` marks those in a liked paper."""

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

    ``told`` (r, t) is the contribution of each term of the paper, 0 if it is not to be shown,
    negative if it lowers the score; ``held`` (r, t) whether a liked paper, or the words of the
    interest, contain it; ``bias`` (r) the part of no term; ``interests`` (r) the terms of the
    reader's interest in the paper, see ``interest_terms``: they may be shown, and come first.
    """
    raising = told > 0
    constant = np.maximum(bias, 0)[:, None]
    total = (told * raising).sum(axis=1, keepdims=True) + constant
    floors = np.maximum(LEAST_WEIGHT, LEAST_OF_CONSTANT * constant)
    summed = told[:, found.rows] @ found.members
    holding = (held & raising)[:, found.rows] @ found.members > 0
    # The value of a phrase is that of its most specific words, higher if they raise the score.
    own = raising[:, found.rows] @ found.telling > 0
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
    """Return the least contribution of a shown phrase (r, 1): a tenth of the strongest one's."""
    strongest = summed.max(axis=1, initial=0, where=~found.barely)
    asked = [max((one.weight for one in mine), default=0.0) for mine in interests]
    strongest = np.maximum(strongest, asked)[:, None]
    return np.asarray(np.maximum(floors, LEAST_OF_STRONGEST * strongest))


def _only_term(found: CandidateTerms, told: Doubles, least: float) -> tuple[str, ...]:
    """Return the term that is the reason for a score without specific terms; may be empty."""
    carrying = np.flatnonzero(told >= least)
    if not len(carrying):
        return ()
    worth = told[carrying] * np.maximum(found.particular[carrying], LEAST_PARTICULARITY)
    return (found.words[int(carrying[worth.argmax()])],)


def _distinct(
    found: CandidateTerms, order: Sequence[int], weak: Flags, first: Sequence[InterestTerm]
) -> list[int]:
    """Choose the next few terms without a common stem; weak ones only if there are too few."""
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
    """Return whether a stem begins another one, or two pairs of characters share a character."""
    return any(
        is_unspaced(one) or one.startswith(other) or other.startswith(one)
        for one in stems
        for other in seen
        if one[:ROOT] == other[:ROOT] or is_unspaced(one)
    )
