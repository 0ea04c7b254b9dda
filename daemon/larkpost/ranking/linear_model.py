"""The linear model of an interest: a function of a paper's features, in dual form."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from larkpost.domain import Paper

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from larkpost.ranking.tfidf import Floats, Indices, PaperRows, TextSpace


class Calibration(NamedTuple):
    """``probability = logistic(slope * score + offset)``; the slope is above zero."""

    slope: float
    offset: float


class Columns(NamedTuple):
    """The meaning of the columns of a ledger."""

    background: slice
    close: slice
    themes: slice
    bulk: int
    bias: int

    @classmethod
    def of(cls, space: TextSpace) -> Columns:
        """Return the columns for a TF-IDF model."""
        rows = space.background
        themes = 0 if space.companions else rows.themes.shape[1]
        a, b, c = (int(end) for end in np.cumsum([len(rows), rows.close.shape[1], themes]))
        return cls(slice(0, a), slice(a, b), slice(b, c), c, c + 1)

    @property
    def width(self) -> int:
        """Return the number of columns."""
        return self.bias + 1


@dataclass(frozen=True)
class TrainingVotes:
    """The tastes of all readers that were trained together.

    ``papers`` (u) are the voted papers, each once, None if a row represents the words of an
    interest; ``rows`` (u) their points; ``shares`` (r, u) the coefficient of each vote; ``words``
    (v, r) the sum of the votes' stressed words times these; ``dense`` (r, width) the weights
    outside votes, see ``Columns``; ``terms`` (v, r) weights of plain terms, without columns if
    tastes were trained in fast mode.
    """

    papers: tuple[Paper | None, ...]
    rows: PaperRows
    shares: csr_array
    words: Floats
    dense: Floats
    terms: Floats
    columns: Columns


@dataclass(frozen=True)
class NamedTerms:
    """The meaning of an interest's words: terms (columns), and categories in lower case.

    ``phrases`` are the words as the reader typed them, each with its terms (columns).
    """

    terms: frozenset[int] = frozenset()
    categories: frozenset[str] = frozenset()
    phrases: tuple[tuple[str, frozenset[int]], ...] = ()

    @classmethod
    def of(cls, space: TextSpace, words: Sequence[str]) -> NamedTerms:
        """Look up an interest's words.

        A category names papers by their categories: its typical terms are in nearly every paper.
        """
        phrases = tuple(
            (phrase, frozenset(space.column[term] for term in space.lexicon.forms_of(phrase)))
            for phrase in words
        )
        terms = frozenset[int]().union(*(columns for _, columns in phrases))
        categories = {name for phrase in words for name in space.lexicon.categories_of(phrase)}
        return cls(terms, frozenset(categories), phrases)

    @cached_property
    def holders(self) -> Mapping[int, Sequence[int]]:
        """Return the places of the phrases that have a term, by its column."""
        places: defaultdict[int, list[int]] = defaultdict(list)
        for place, (_, columns) in enumerate(self.phrases):
            for at in columns:
                places[at].append(place)
        return places

    def speak_for(self, paper: Paper, terms: Set[int]) -> bool:
        """Return whether one of the words is in a paper with these terms, or is its category."""
        own = {category.casefold() for category in paper.categories}
        return not self.terms.isdisjoint(terms) or not self.categories.isdisjoint(own)


@dataclass(frozen=True, slots=True, eq=False)
class LinearTaste:
    """One line of a ledger: the score of a paper, in standard deviations above an ordinary one.

    It is the sum of words * its stressed words, background * (background words . words), close
    . its coarse themes or collaborative factors, themes . its themes if there are no collaborative
    factors, bulk * its bulk, terms . its plain words, and the bias.
    """

    reader_id: int
    interest_id: int
    ledger: TrainingVotes
    place: int
    liked_votes: Indices
    calibration: Calibration
    named: NamedTerms

    @property
    def votes(self) -> Indices:
        """Return the rows of the ledger that were voted on."""
        start, end = self.ledger.shares.indptr[self.place : self.place + 2]
        return np.asarray(self.ledger.shares.indices[start:end], dtype=np.intp)

    @property
    def shares(self) -> Floats:
        """Return the coefficient of each vote."""
        start, end = self.ledger.shares.indptr[self.place : self.place + 2]
        return np.asarray(self.ledger.shares.data[start:end], dtype=np.float32)

    @property
    def dense(self) -> Floats:
        """Return the weights that are not in votes; see ``Columns``."""
        return np.asarray(self.ledger.dense[self.place])

    @property
    def words(self) -> Floats:
        """Return the weights of stressed words that come from votes (v)."""
        return np.asarray(self.ledger.words[:, self.place])

    @property
    def terms(self) -> Floats:
        """Return the weights of plain terms (v), or nothing if it was trained in fast mode."""
        return np.asarray(self.ledger.terms[:, self.place : self.place + 1].ravel())

    @property
    def hints(self) -> Indices:
        """Return the rows of the ledger that represent the words of the interest: the last ones."""
        papers, votes = self.ledger.papers, self.votes
        first = len(votes)
        while first and papers[votes[first - 1]] is None:
            first -= 1
        return votes[first:]

    @property
    def speaking(self) -> Indices:
        """Return the rows of the ledger that represent the interest: its liked papers and words."""
        return np.concatenate([self.liked_votes, self.hints])
