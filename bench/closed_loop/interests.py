"""Hidden interests of the closed loop: rules on words and categories, unknown to the rankers."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from math import inf, log
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sklearn.feature_extraction.text import (  # type: ignore[import-untyped]  # it has no types
    CountVectorizer,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.closed_loop.stream import Document
    from numpy.typing import NDArray
    from scipy.sparse import csc_array

    Flags = NDArray[np.bool_]
    Ints = NDArray[np.intp]
    Shares = NDArray[np.float64]

TOKENS = r"(?u)\b[a-z][a-z-]{2,}\b"
RAREST, COMMONEST = 0.0015, 0.06  # share of papers that contain a word which a rule may use
SEEDS = (0.003, 0.04)  # the same, for the first word of a rule
TITULAR, SEED_TITULAR = 0.12, 0.30  # the least share of a word's papers that have it in the title
KIN, LEAST_KIN = 3, 0.12  # the first word of a rule has related words: mean cosine of the nearest
GROUP = 12  # the most words of a rule
TRIES = 400
NEAR_ENOUGH = 1.3  # how far a rule's share of papers may be from the wanted one, as a ratio
MOST_SHARED = 0.2  # the largest share of papers in common with the same reader's others


class Kind(StrEnum):
    """The condition of a rule on a paper."""

    WORDS = "words"  # any of its words
    CATEGORY = "category"  # any of its words, and a category
    TOPIC = "topic"  # two of its words


class _Try(NamedTuple):
    """A rule: its first word, its number of words, its error in size (a logarithm)."""

    kind: Kind
    seed: int
    many: int
    off: float


class Interest(NamedTuple):
    """A rule, and the papers of the stream that match it (n).

    ``words`` begins with the first word of the rule.
    """

    kind: Kind
    words: tuple[str, ...]
    category: str
    relevant: Flags


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Words for rules, and the papers (n) that contain each of them (w).

    ``title_share`` (w) is the share of the papers with a word that have it in the title: it is high
    for words that say what a paper is about. ``categories`` (n, c) are the papers' own.
    """

    words: Sequence[str]
    presence: csc_array
    counts: NDArray[np.float64]
    title_share: NDArray[np.float64]
    names: Sequence[str]
    categories: Flags
    _groups: dict[int, Ints] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, documents: Sequence[Document]) -> Lexicon:
        """Count the words of all papers of a stream."""
        counting = CountVectorizer(
            binary=True,
            stop_words="english",
            token_pattern=TOKENS,
            min_df=RAREST,
            max_df=COMMONEST,
            dtype=np.float32,
        )
        presence = counting.fit_transform(one.text for one in documents).tocsc()
        counting.set_params(vocabulary=counting.vocabulary_)
        titles = counting.transform(one.title for one in documents)
        counts = np.asarray(presence.sum(axis=0), dtype=np.float64).ravel()
        names = sorted({kind for one in documents for kind in one.categories})
        place = {name: at for at, name in enumerate(names)}
        categories = np.zeros((len(documents), len(names)), dtype=bool)
        for line, one in enumerate(documents):
            categories[line, [place[kind] for kind in one.categories]] = True
        return cls(
            counting.get_feature_names_out().tolist(),
            presence,
            counts,
            np.asarray(titles.sum(axis=0)).ravel() / counts,
            names,
            categories,
        )

    def seeds(self) -> Ints:
        """Return the words that a rule may begin with."""
        share = self.counts / self.presence.shape[0]
        known = (share >= SEEDS[0]) & (share <= SEEDS[1]) & (self.title_share >= SEED_TITULAR)
        return np.flatnonzero(known)

    def group(self, seed: int) -> Ints:
        """Return a word and the words that occur most often in the same papers.

        Empty if it has no related words.
        """
        if seed not in self._groups:
            self._groups[seed] = self._group(seed)
        return self._groups[seed]

    def _group(self, seed: int) -> Ints:
        together = np.asarray((self.presence[:, [seed]].T @ self.presence).todense()).ravel()
        cosine = together / np.sqrt(self.counts * self.counts[seed])
        cosine[self.title_share < TITULAR] = 0
        cosine[seed] = 2
        order = np.argsort(-cosine, kind="stable")[:GROUP]
        if cosine[order[1 : KIN + 1]].mean() < LEAST_KIN:
            return order[:0]
        return order


@dataclass(frozen=True, slots=True)
class Stretch:
    """The part of a stream for which interests are drawn: papers ``first`` up to ``end``.

    ``presence`` and ``categories`` are the lexicon's rows of these papers.
    """

    lexicon: Lexicon
    presence: csc_array
    categories: Flags
    seeds: Ints
    _sizes: dict[tuple[Kind, int], Shares] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, lexicon: Lexicon, first: int, end: int) -> Stretch:
        """Cut a part out of a stream."""
        presence = lexicon.presence[first:end].tocsc()
        return cls(lexicon, presence, lexicon.categories[first:end], lexicon.seeds())

    def draw(self, rng: np.random.Generator, share: float, taken: Flags) -> Interest:
        """Draw an interest in about this share of the papers, with few ``taken`` (n) ones.

        If no rule of many tries has nearly that share, the nearest is returned. Raises ValueError
        if no word has related words, so that no rule can be made.
        """
        tries = [self._try(rng, int(seed), share) for seed in rng.choice(self.seeds, TRIES)]
        near = [one for one in tries if one.off <= log(NEAR_ENOUGH)]
        for one in (*near, *sorted(tries, key=lambda one: one.off)):
            if one.off < inf:
                rule = self._rule(one)
                if (rule.relevant & taken).sum() <= MOST_SHARED * rule.relevant.sum():
                    return rule
        raise ValueError("no rule can be made of these papers")

    def _try(self, rng: np.random.Generator, seed: int, share: float) -> _Try:
        """Take the number of a group's words with which a random rule is nearest to the share."""
        kind = list(Kind)[int(rng.integers(len(Kind)))]
        if (sizes := self._sizes.get((kind, seed))) is None:
            sizes = self._sizes[kind, seed] = self._holding(kind, seed).mean(axis=0)
        off = np.abs(np.log(np.maximum(sizes, 1e-9) / share))
        if not sizes.any():
            return _Try(kind, seed, 0, inf)
        return _Try(kind, seed, int(off.argmin()) + 1, float(off.min()))

    def _rule(self, chosen: _Try) -> Interest:
        kind, seed, many, _ = chosen
        words = tuple(self.lexicon.words[at] for at in self.lexicon.group(seed)[:many])
        category = self.lexicon.names[self._category_of(seed)] if kind is Kind.CATEGORY else ""
        return Interest(kind, words, category, self._holding(kind, seed)[:, many - 1])

    def _holding(self, kind: Kind, seed: int) -> Flags:
        """Return which papers match the rule with one, two and more words of a group (n, g)."""
        group = self.lexicon.group(seed)
        held = self.presence[:, group].toarray() > 0
        wide = np.asarray(held.cumsum(axis=1) >= (2 if kind is Kind.TOPIC else 1))
        if kind is Kind.CATEGORY:
            wide &= self.categories[:, [self._category_of(seed)]]
        return wide

    def _category_of(self, seed: int) -> int:
        """Return the position of the category that most papers with a word have."""
        holding = self.presence[:, [seed]].toarray().ravel() > 0
        return int(self.categories[holding].sum(axis=0).argmax())
