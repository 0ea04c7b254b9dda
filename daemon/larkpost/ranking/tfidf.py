"""The TF-IDF model of a corpus with its latent themes; one for all readers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from larkpost.domain import Paper
from larkpost.ranking import ridge
from larkpost.ranking.paper_row_cache import NameCache, RowCache
from larkpost.ranking.taste_cache import TasteCache
from larkpost.ranking.term_matrix import (
    count_matrix,
    scale_to_unit,
    to_half_precision,
    unit,
    weigh,
)
from larkpost.ranking.words.choose_terms import choose_terms
from larkpost.ranking.words.find_terms import Lexicon, category_terms
from larkpost.ranking.words.tokenizer import count_stems, terms
from larkpost.text.term_specificity import GRADES, term_table
from larkpost.text.unverified import own_source

if TYPE_CHECKING:
    from larkpost.ranking.collaborative import CollaborativeFactors

    Texts = Sequence[str | Mapping[str, float]]
    Ids = Sequence[int | None]

THEMES = 200  # latent dimensions at most
SHARED_THEMES = 400  # the same with collaborative factors, which need finer themes
PER_THEME = 5  # papers per theme: more themes would only separate single papers
PER_SMALL_THEME = 10  # the same in a small corpus
BROAD = 100  # the strongest of them, which carry the coarse themes
SAMPLE = 5000  # papers of the corpus that are stored, at most
BACKGROUND = 200  # stored papers that are weak negative evidence
FAST_BACKGROUND = 100  # the same in fast mode
SMALL, LARGE = 150, 750  # papers: a corpus up to the first is small, from the second on large
WORD_SHARE, CLOSE_SHARE = 0.7, 0.3  # shares of the two similarities, see ``kernel_shares``
PRIOR = 20  # the weight of a term's share in the corpus, in papers

Floats = NDArray[np.float32]
Indices = NDArray[np.intp]


@dataclass(frozen=True)
class PaperRows:
    """Papers as rows of a model.

    ``plain`` (n, terms): l2 rows of TF-IDF; ``words`` (n, terms): the same with the rarer terms
    stressed, l2 again, with the same places filled. ``themes`` (n, d): plain rows projected on the
    axes, not scaled. ``close`` (n, c): l2 rows of the features for similarity other than words: the
    coarse themes or, if there are any, the collaborative factors. ``bulk`` (n): the sum of the
    plain weights, large for a text with many subjects.
    """

    plain: csr_array
    words: csr_array
    themes: Floats
    close: Floats
    bulk: Floats

    def __len__(self) -> int:
        return int(self.themes.shape[0])

    def __getitem__(self, index: Indices) -> PaperRows:
        return PaperRows(
            csr_array(self.plain[index]),
            csr_array(self.words[index]),
            self.themes[index],
            self.close[index],
            self.bulk[index],
        )

    @cached_property
    def broad(self) -> Floats:
        """Return the coarse themes as l2 rows (n, up to 100)."""
        return unit(self.themes[:, :BROAD])

    @cached_property
    def fine(self) -> Floats:
        """Return all themes as l2 rows (n, d)."""
        return unit(self.themes)


@dataclass(frozen=True)
class TextSpace:
    """The fitted TF-IDF model.

    ``vocabulary`` (v terms, sorted); ``spread`` (v) the number of papers with each term;
    ``stem_spread`` (v) the number with any word of its stem; ``too_common`` the words in too many
    papers to be terms, with how many; ``papers`` the size of the corpus; ``axes`` (d, v) the
    singular vectors, strongest first; ``plain`` papers of the corpus in random order; ``unread``
    the ids of the first of them, which serve as weak negative evidence; ``companions`` the
    collaborative factors, if there are enough readers; ``categories`` the terms by which the papers
    of each category differ from the others, as columns, by its name in lower case.
    """

    vocabulary: tuple[str, ...]
    spread: NDArray[np.int32]
    stem_spread: NDArray[np.int32]
    too_common: Mapping[str, int]
    papers: int
    axes: Floats
    plain: csr_array
    unread: NDArray[np.int64]
    companions: CollaborativeFactors | None = None
    categories: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @cached_property
    def column(self) -> dict[str, int]:
        """Return the column of a term."""
        return {term: at for at, term in enumerate(self.vocabulary)}

    @property
    def maturity(self) -> float:
        """Return the position of the corpus between small (0) and large (1)."""
        return maturity(self.papers)

    @cached_property
    def idf(self) -> Floats:
        """Return the smooth inverse document frequency (v)."""
        return _idf(self.spread, self.papers)

    @cached_property
    def sharpness(self) -> Floats:
        """Return the factors that stress the rarer terms (v).

        Each is the square root of a term's log odds in one liked paper against the corpus, with a
        prior of 20 papers (Robertson & Sparck Jones 1976). In a small corpus it is 1, because
        nearly every term is rare there.
        """
        return _sharpness(self.spread, self.papers)

    @cached_property
    def prior(self) -> Floats:
        """Return how many of 20 papers of the corpus have each term (v)."""
        return _prior(self.spread, self.papers)

    @cached_property
    def particularity(self) -> Floats:
        """Return how specific each term is to a topic (v), from 0 (fits any abstract) to 1."""
        grade = term_table().grade
        return np.array([grade(term) for term in self.vocabulary], np.float32) / np.float32(GRADES)

    @cached_property
    def sample(self) -> PaperRows:
        """Return the stored papers of the corpus as rows."""
        return self.points(self.plain)

    @cached_property
    def background(self) -> PaperRows:
        """Return the papers that serve as weak negative evidence, and a blank page.

        The blank page keeps the scale of scores defined in a corpus of one paper or none.
        """
        papers = len(self.unread)
        plain = csr_array(self.plain[:papers])
        ends = np.append(plain.indptr, plain.indptr[-1])
        width = len(self.vocabulary)
        shape = papers + 1, width
        return self.points(
            csr_array((plain.data, plain.indices, ends), shape), self.unread.tolist()
        )

    @cached_property
    def background_kernel(self) -> Floats:
        """Return the similarities of the background's papers in the regressions (b, b)."""
        words = (self.background.words @ self.background.words.T).toarray()
        close = self.background.close @ self.background.close.T
        word_share, close_share = self.kernel_shares
        return np.asarray(word_share * words + close_share * close, dtype=np.float32)

    @cached_property
    def common(self) -> ridge.BackgroundKernel:
        """Return the decomposed kernel of the background, for the regressions."""
        return ridge.decompose_kernel(self.background_kernel)

    @property
    def kernel_shares(self) -> tuple[float, float]:
        """Return the weights of similarity in words and of ``close`` similarity in the regression.

        In a large corpus coarse themes worsen the ranking of a reader's own picks; in a small one
        they compensate for words that few papers share; see docs/ranking.md.
        """
        themes = CLOSE_SHARE * (1 - self.maturity if self.companions is None else 1)
        return 1 - themes, themes

    @cached_property
    def echoes(self) -> Floats:
        """Return the sample's words projected on the themes (s, d)."""
        return np.asarray(self.sample.words @ self.axes.T, dtype=np.float32)

    @cached_property
    def usual_likeness(self) -> float:
        """Return the average similarity of two papers of the corpus."""
        from larkpost.ranking.similarity import mean_likeness

        return mean_likeness(self.background)

    @cached_property
    def lexicon(self) -> Lexicon:
        """Return the lexicon, which finds the model's terms for an interest's words."""
        return Lexicon.of(self)

    def hint(self, words: str) -> dict[str, float]:
        """Return an interest's words as terms, of one stem or one category, and their counts.

        A paper with any form of a word is as similar to the hint as if all forms were one term, in
        as many papers as have any of them: otherwise the rarest spelling would weigh most.
        """
        column, ratio = self.column, self._stem_ratio
        forms = self.lexicon.forms_of(words)
        # In a row a count weighs 1 + log(count) times the idf; see ``weigh``.
        counts = {term: float(np.exp(ratio[column[term]] ** 2 - 1)) for term in forms}
        return counts | dict.fromkeys(self.lexicon.category_terms_of(words), 1.0)

    @cached_property
    def _stem_ratio(self) -> Floats:
        """Return the stressed weight of each term's stem over that of the term (v), at most 1."""
        stem = _idf(self.stem_spread, self.papers) * _sharpness(self.stem_spread, self.papers)
        return np.asarray(stem / (self.idf * self.sharpness), dtype=np.float32)

    def forget_derived(self) -> None:
        """Drop all that was derived from the model and cached; what is needed is made again."""
        for name in [*vars(self)]:
            if isinstance(getattr(type(self), name, None), cached_property):
                vars(self).pop(name, None)  # another thread may have dropped it

    def to_bytes(self) -> bytes:
        """Return the arrays as npz with a format number, never a pickle."""
        from larkpost.ranking.serialization import space_to_bytes

        return space_to_bytes(self)

    def rows(self, texts: Texts, ids: Ids = (), names: Sequence[bytes] = ()) -> PaperRows:
        """Return the points of these texts, in order; a text without a known term is all zeros.

        The first line of a text is its title; a hint replaces a text by its counts. Papers whose
        ids are given get their own collaborative factors; see ``RowCache`` for ``names``.
        """
        rows = self._row_cache.rows(texts, names)
        return self._points(rows.plain, rows.themes, ids)

    def names(self, papers: Sequence[Paper]) -> list[bytes]:
        """Return the keys of the papers' texts in the cache of rows."""
        return self._name_cache.names(papers)

    @cached_property
    def _name_cache(self) -> NameCache:
        return NameCache()

    @cached_property
    def learnt(self) -> TasteCache:
        """Return the cache of tastes trained in this model."""
        return TasteCache()

    @cached_property
    def _row_cache(self) -> RowCache:
        # No reference to this model: in a cycle it would stay in memory (garbage_collection.py).
        column, idf, papers = self.column, self.idf, self.papers
        return RowCache(
            lambda texts: weigh(count_matrix(_count_terms(texts, papers), column), idf), self.axes
        )

    def points(self, plain: csr_array, ids: Ids = ()) -> PaperRows:
        """Return the points of papers whose l2 TF-IDF rows are known."""
        return self._points(plain, np.asarray(plain @ self.axes.T, dtype=np.float32), ids)

    def _points(self, plain: csr_array, themes: Floats, ids: Ids) -> PaperRows:
        data = plain.data * self.sharpness[plain.indices]
        words = csr_array((data, plain.indices, plain.indptr), shape=plain.shape)
        scale_to_unit(words)
        if self.companions is None:
            close = unit(themes[:, :BROAD])
        else:
            close = self.companions.embed(unit(themes), ids)
        return PaperRows(
            plain, words, themes, close, np.asarray(plain.sum(axis=1), dtype=np.float32)
        )

    def _weigh(self, counted: Sequence[Counter[str]]) -> csr_array:
        return weigh(count_matrix(counted, self.column), self.idf)


def fit(papers: Iterable[Paper], *, themes: int = THEMES, unread: int = BACKGROUND) -> TextSpace:
    """Fit a model to a corpus of any size, the empty one included, with at most ``themes``.

    At most ``unread`` papers of it serve as weak negative evidence. The same papers give the same
    model, whatever their order and ids.
    """
    ordered = sorted(papers, key=lambda paper: paper.uid)
    counted = _count_terms([paper.text for paper in ordered], len(ordered))
    sources = [own_source(paper) for paper in ordered]
    vocabulary, spread, common = choose_terms(counted, sources)
    stem_spread = count_stems(counted, vocabulary, spread)
    blank = np.zeros((0, len(vocabulary)), dtype=np.float32)
    plain, none = csr_array(blank), np.zeros(0, dtype=np.int64)
    unfitted = TextSpace(vocabulary, spread, stem_spread, common, len(ordered), blank, plain, none)
    plain = unfitted._weigh(counted)
    chosen = np.random.default_rng(0).permutation(len(ordered))[:SAMPLE]
    return replace(
        unfitted,
        # Rounded as in the stored form, so that a model read from it ranks exactly the same.
        axes=_axes(plain, themes).astype(np.float16).astype(np.float32),
        plain=to_half_precision(csr_array(plain[chosen])),
        unread=np.array([ordered[at].id for at in chosen[:unread]], dtype=np.int64),
        categories=category_terms(ordered, plain),
    )


def maturity(papers: int) -> float:
    """Return the position of a corpus of so many papers between small (0) and large (1).

    The best parameters of a small corpus fade linearly into those of a large one, so that no single
    paper changes a reader's list abruptly.
    """
    return min(1.0, max(0.0, (papers - SMALL) / (LARGE - SMALL)))


def _idf(spread: NDArray[np.int32], papers: int) -> Floats:
    return (np.log((1 + papers) / (1 + spread)) + 1).astype(np.float32)


def _prior(spread: NDArray[np.int32], papers: int) -> Floats:
    return (PRIOR * (np.maximum(spread, 1) / max(1, papers))).astype(np.float32)


def _sharpness(spread: NDArray[np.int32], papers: int) -> Floats:
    return (np.log1p(1 / _prior(spread, papers)) ** (maturity(papers) / 2)).astype(np.float32)


def _count_terms(texts: Texts, papers: int) -> list[Counter[str]]:
    """Count the terms of texts; in a small corpus the title, the first line, counts twice."""
    again = 1 - maturity(papers)
    counted = []
    for text in texts:
        if not isinstance(text, str):
            counted.append(Counter[str](text))
            continue
        one = Counter[str](terms(text))
        for term in terms(text.partition("\n")[0]) if again else ():
            one[term] += again  # type: ignore[assignment]  # a count may be a fraction
        counted.append(one)
    return counted


def _axes(plain: csr_array, most: int) -> Floats:
    """Find the singular vectors (d, v), strongest first (Deerwester et al. 1990).

    In a small corpus their lengths are their strengths, because weak ones are mostly chance there.
    """
    count, width = plain.shape
    fade = 1 - maturity(count)
    per = PER_THEME + fade * (PER_SMALL_THEME - PER_THEME)
    dimensions = min(most, int(count / per), width - 1)
    if dimensions < 2 or plain.nnz == 0:
        return np.zeros((0, width), dtype=np.float32)
    from sklearn.utils.extmath import (  # type: ignore[import-untyped]  # it has no types
        randomized_svd,
    )

    rounds = 4 + round(12 * fade)  # small corpora are fast, and have similar singular values
    _, sizes, axes = randomized_svd(plain, dimensions, n_iter=rounds, random_state=0)
    return np.asarray(axes * ((sizes / sizes[0]) ** fade)[:, None], dtype=np.float32)
