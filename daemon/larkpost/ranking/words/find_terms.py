"""Finds the model's terms for an interest's words, and the closest ones for unknown words."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import OSA

from larkpost.ranking.words.tokenizer import terms
from larkpost.text.arxiv_categories import ALL_CODES, ARCHIVES, CODES
from larkpost.text.stemming import stem_words, strict_stems
from larkpost.text.unverified import is_unverified

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from larkpost.domain import Paper
    from larkpost.ranking.tfidf import TextSpace

MOST_CATEGORIES = 500  # the categories with most papers
CATEGORY_TERMS = 100  # that distinguish a category from the others
NEAREST = 3
SHORTEST = 4  # the least length of a word with near words, in characters
PER_SLIP = 4  # characters per wrong letter: up to 7 letters one, up to 11 two
MOST_SLIPS = 3
MOST_PHRASES = 4_000  # whose meaning is cached, about 1 KB each
CODE = re.compile(r"([a-z]+(?:-[a-z]+)*)\.[a-z]+(?:-[a-z]+)*", re.IGNORECASE)


class _PhraseMeaning(NamedTuple):
    """The terms that are forms of a phrase's words, and the categories that it names."""

    forms: tuple[str, ...]
    categories: tuple[str, ...]


class Unmatched(NamedTuple):
    """A ``word`` of an interest's ``phrase`` that matches nothing in the model.

    ``near`` has words that differ by a few letters, closest first.
    """

    word: str
    phrase: str
    near: tuple[str, ...]


@dataclass(frozen=True)
class Lexicon:
    """The terms of a model by their stems, and its categories.

    ``by_stem`` leaves out stems that are ``too_common``: a form of them is in too many papers to be
    a term. ``spread`` counts the papers of every word, including those.
    """

    by_stem: Mapping[str, tuple[str, ...]]
    too_common: frozenset[str]
    spread: Mapping[str, int]
    categories: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, space: TextSpace) -> Lexicon:
        """Group the terms of a model by their stems."""
        too_common = frozenset(strict_stems(space.too_common))
        by_stem: defaultdict[str, list[str]] = defaultdict(list)
        for term, stem in zip(space.vocabulary, strict_stems(space.vocabulary), strict=True):
            if stem not in too_common:
                by_stem[stem].append(term)
        categories = {
            name: tuple(space.vocabulary[at] for at in columns)
            for name, columns in space.categories.items()
        }
        spread = dict(zip(space.vocabulary, space.spread.tolist(), strict=True))
        forms = {stem: tuple(same) for stem, same in by_stem.items()}
        return cls(forms, too_common, spread | dict(space.too_common), categories)

    def forms_of(self, phrase: str) -> tuple[str, ...]:
        """Return the terms that are forms of a phrase's words; a category's code is no word."""
        return self._meaning(phrase).forms

    def categories_of(self, phrase: str) -> tuple[str, ...]:
        """Return the categories that a phrase names by code or by arXiv's name, in lower case."""
        return self._meaning(phrase).categories

    def _meaning(self, phrase: str) -> _PhraseMeaning:
        """Look a phrase up, once: every ranking asks for all phrases of all its readers."""
        known = self._phrases.get(phrase)
        if known is None:
            words = (word for word in phrase.split() if not self._is_code(word))
            forms = [term for word in words for one in terms(word) for term in self._forms(one)]
            known = _PhraseMeaning(tuple(forms), tuple(self._named_categories(phrase)))
            if len(self._phrases) >= MOST_PHRASES:
                self._phrases.clear()
            self._phrases[phrase] = known
        return known

    @cached_property
    def _phrases(self) -> dict[str, _PhraseMeaning]:
        return {}

    def _named_categories(self, phrase: str) -> list[str]:
        name = " ".join(phrase.split()).casefold()
        codes = (word for word in name.split() if self._is_code(word))
        named = dict.fromkeys((name, *CODES.get(name, ()), *codes))
        return [one for one in named if one in self.categories]

    def category_terms_of(self, phrase: str) -> list[str]:
        """Return the terms that distinguish the categories that a phrase names."""
        return [term for name in self.categories_of(phrase) for term in self.categories[name]]

    def find_unmatched(self, phrase: str) -> list[Unmatched]:
        """Return the words of a phrase without a match, with the closest words that match.

        A word without terms of its own (*of*, *3D*) counts only if the phrase has no other word.
        """
        whole = " ".join(phrase.split()).casefold()
        if any(one == whole or one in CODES.get(whole, ()) for one in self.categories_of(phrase)):
            return []
        cut = {word: terms(word) for word in phrase.split()}
        if not any(cut.values()):
            return [Unmatched(phrase, phrase, self._near(phrase))]
        return [
            Unmatched(word, phrase, self._near(word))
            for word, its in cut.items()
            if its and not self._means_something(word, its)
        ]

    def _means_something(self, word: str, its: Sequence[str]) -> bool:
        if self._is_code(word):
            return word.casefold() in self.categories
        return any(self._forms(term) for term in its)

    def _is_code(self, word: str) -> bool:
        """Return whether a word is written like a category of arXiv or of the model's papers."""
        plain = word.casefold()
        if plain in self.categories or plain in ALL_CODES:
            return True
        written = CODE.fullmatch(plain)
        return written is not None and (written[1] in ARCHIVES or written[1] in self.archives)

    @cached_property
    def archives(self) -> frozenset[str]:
        """Return the part before the dot in the categories of papers in the model."""
        return frozenset(name.partition(".")[0] for name in self.categories if "." in name)

    def _forms(self, word: str) -> tuple[str, ...]:
        (stem,) = strict_stems([word])
        return self.by_stem.get(stem, ())

    def _near(self, word: str) -> tuple[str, ...]:
        """Find the nearest words, or codes for a code; none for a word that is only too common."""
        plain = word.casefold()
        if not self.too_common.isdisjoint(strict_stems(terms(word))):
            return ()
        if len(plain) < SHORTEST:
            return ()
        slips = min(MOST_SLIPS, len(plain) // PER_SLIP)
        known = [*self.categories, *(() if self._is_code(word) else self.spread)]
        close = process.extract(plain, known, scorer=OSA.distance, score_cutoff=slips, limit=None)
        ordered = sorted(close, key=lambda one: (one[1], -self.spread.get(one[0], 0), one[0]))
        by_stem: dict[str, str] = {}
        for (name, _, _), stem in zip(ordered, stem_words(o[0] for o in ordered), strict=True):
            by_stem.setdefault(stem, name)
        return tuple(by_stem.values())[:NEAREST]


def category_terms(papers: Sequence[Paper], plain: csr_array) -> dict[str, tuple[int, ...]]:
    """Return the columns that are highest in the papers of each category, strongest first.

    ``plain`` (n, v) has the row of each paper. The terms are those with a mean weight in the
    category that is most above the mean of all papers (a Rocchio profile).

    A category is that of authorities' papers. In a feed only arXiv's codes are categories, if no
    authority has them: it could name any word of readers' interests as the category of its papers.
    """
    listed: defaultdict[str, list[int]] = defaultdict(list)
    others: defaultdict[str, list[int]] = defaultdict(list)
    for at, paper in enumerate(papers):
        names = {" ".join(name.split()).casefold() for name in paper.categories} - {""}
        is_of_feed = is_unverified(paper)
        for name in names & ALL_CODES if is_of_feed else names:
            (others if is_of_feed else listed)[name].append(at)
    commonest = [*_commonest(listed), *_commonest(others, listed)][:MOST_CATEGORIES]
    if not commonest:
        return {}
    middle = np.asarray(plain.mean(axis=0)).ravel()
    members = {**others, **listed}
    return {name: _standing_out(plain, members[name], middle) for name in sorted(commonest)}


def _commonest(members: Mapping[str, list[int]], known: Collection[str] = ()) -> list[str]:
    """Order the categories other than ``known`` by their number of papers, most first."""
    return sorted(members.keys() - known, key=lambda name: (-len(members[name]), name))


def _standing_out(plain: csr_array, rows: list[int], middle: np.ndarray) -> tuple[int, ...]:
    mean = np.asarray(plain[np.array(rows)].mean(axis=0)).ravel()
    # If every paper is of the category, no term distinguishes it, and its own terms are used.
    above = (mean - middle if len(rows) < plain.shape[0] else mean).round(6)
    order = np.argsort(-above, kind="stable")[:CATEGORY_TERMS]
    return tuple(int(at) for at in order if above[at] > 0)
