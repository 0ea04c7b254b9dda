"""A baseline: the recipe of karpathy/arxiv-sanity-lite, a linear SVM per reader."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from larkpost.domain import Paper
from larkpost.ranking.term_matrix import weigh
from larkpost.ranking.words.tokenizer import LONGEST_TEXT, is_stop_word

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Scores = NDArray[np.float64]

WORD = re.compile(r"(?u)\b[a-zA-Z_][a-zA-Z0-9_]+\b")
ENOUGH = 100  # with fewer papers the limits on document frequency would leave no term
MOST_TERMS, RAREST, COMMONEST = 20_000, 5, 0.1


@dataclass(frozen=True)
class ArxivSanity:
    """Papers by id with their counts of words and pairs of words, for any vocabulary.

    Texts are tokenised once; ``Vectors`` of any corpus are made from the counts.
    """

    place: dict[int, int]
    counts: csr_array

    @classmethod
    def of(cls, papers: Iterable[Paper]) -> ArxivSanity:
        """Count each paper once."""
        each = {paper.id: paper for paper in papers}
        texts = [" ".join((paper.text, *paper.authors)) for paper in each.values()]
        return cls({number: at for at, number in enumerate(each)}, _count_terms(texts))

    def fit(self, corpus: Collection[Paper], others: Collection[Paper]) -> Vectors:
        """Return vectors of a corpus, as in arxiv-sanity's ``compute.py``, and of other papers."""
        known = {paper.id for paper in corpus}
        rest = {paper.id for paper in others} - known
        ids = [*sorted(known), *sorted(rest)]
        counts = self.counts[[self.place[one] for one in ids]]
        spread = np.bincount(counts[: len(known)].indices, minlength=counts.shape[1])
        few = len(known) < ENOUGH
        least, most = (1, len(known)) if few else (RAREST, COMMONEST * len(known))
        kept = np.flatnonzero((spread >= least) & (spread <= most))
        if len(kept) > MOST_TERMS:
            often = np.asarray(counts[: len(known)].sum(axis=0)).ravel()[kept]
            kept = np.sort(kept[np.argsort(-often, kind="stable")[:MOST_TERMS]])
        idf = np.log((1 + len(known)) / (1 + spread[kept])) + 1
        vectors = weigh(_columns(counts, kept), idf.astype(np.float32))
        return Vectors({one: at for at, one in enumerate(ids)}, vectors, len(known))


@dataclass(frozen=True)
class Vectors:
    """TF-IDF rows of papers, by id; the first ``corpus`` rows are the papers of the fit."""

    place: dict[int, int]
    rows: csr_array
    corpus: int

    def scores(
        self, liked: Sequence[Paper], today: Sequence[Paper], digests: Sequence[Sequence[Paper]]
    ) -> list[Scores]:
        """Score digests as arxiv-sanity's ``serve.py`` does.

        All papers that are not liked are negatives: the corpus, and ``today``'s papers.
        """
        ups = {self.place[paper.id] for paper in liked}
        seen = sorted({*range(self.corpus), *(self.place[paper.id] for paper in today), *ups})
        labels = np.array([at in ups for at in seen])
        if not labels.any() or labels.all() or not self.rows.shape[1]:
            return [np.zeros(len(digest)) for digest in digests]
        from sklearn.svm import LinearSVC  # type: ignore[import-untyped]  # it has no types

        model = LinearSVC(
            class_weight="balanced", C=0.01, max_iter=10000, tol=1e-6, random_state=0
        ).fit(self.rows[seen], labels)
        places = [[self.place[one.id] for one in digest] for digest in digests]
        return [
            np.asarray(model.decision_function(self.rows[some]), dtype=np.float64)
            for some in places
        ]


def _count_terms(texts: Sequence[str]) -> csr_array:
    """Count words and pairs of neighbours, as CountVectorizer(ngram_range=(1, 2)) does.

    Words are replaced by numbers, and paired as numbers, which takes a quarter of the time.
    """
    from sklearn.feature_extraction.text import (  # type: ignore[import-untyped]  # it has no types
        strip_accents_unicode,
    )

    number: defaultdict[str, int] = defaultdict()
    number.default_factory = number.__len__
    cut = [
        [
            number[word]
            for word in WORD.findall(strip_accents_unicode(text[:LONGEST_TEXT].lower()))
            if not is_stop_word(word)
        ]
        for text in texts
    ]
    sizes = np.array([len(one) for one in cut], dtype=np.intp)
    words = np.fromiter((word for one in cut for word in one), np.int64, sizes.sum())
    paper = np.repeat(np.arange(len(cut)), sizes)
    pairs = paper[1:] == paper[:-1]
    coded = (words[:-1] + 1) * len(number) + words[1:]
    terms, column = np.unique(np.concatenate([words, coded[pairs]]), return_inverse=True)
    place = np.concatenate([paper, paper[1:][pairs]])
    ones = np.ones(len(column), dtype=np.float32)
    counts = csr_array((ones, (place, column)), shape=(len(cut), len(terms)))
    counts.sum_duplicates()
    return counts


def _columns(rows: csr_array, kept: NDArray[np.intp]) -> csr_array:
    """Keep these columns, in order."""
    where = np.full(rows.shape[1], -1, dtype=np.int32)
    where[kept] = np.arange(len(kept))
    moved = where[rows.indices]
    inside = moved >= 0
    ends = np.concatenate([[0], np.cumsum(inside)])[rows.indptr].astype(np.int32)
    return csr_array((rows.data[inside], moved[inside], ends), shape=(rows.shape[0], len(kept)))
