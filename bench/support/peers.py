"""The peers' recipes for ranking, from their source code or papers, on TF-IDF vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, vstack
from sklearn.feature_extraction.text import (  # type: ignore[import-untyped]  # it has no types
    TfidfVectorizer,
)
from sklearn.linear_model import (  # type: ignore[import-untyped]  # it has no types
    LogisticRegression,
)
from sklearn.svm import LinearSVC  # type: ignore[import-untyped]  # it has no types

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.support.readers import Case, Collection
    from numpy.typing import NDArray

    Scores = NDArray[np.float64]
    Recipe = Callable[[Case], Scores]

SANITY_TOKENS = r"(?u)\b[a-zA-Z_][a-zA-Z0-9_]+\b"
X_TOKENS = r"(?u)\b[a-zA-Z][a-zA-Z0-9_\-]*[a-zA-Z0-9]\b|\b[a-zA-Z]\b|\b[a-zA-Z]+\-[a-zA-Z]+\b"
UNTOUCHED = 5000  # papers that Scholar Inbox draws as weak negatives
DIMENSIONS = 10_000  # of its sparse vectors
MASS, SHARE = 5.0, 0.8  # its S and V: weight of all negatives, and share of thumbs down in it
K1, B = 1.2, 0.75  # the defaults of Elasticsearch's BM25, which arXivDigest uses


def recipes(world: Collection) -> dict[str, Recipe]:
    """Prepare every peer's recipe on the papers of one collection."""
    return {
        "random": _random,
        "recency": _recency(world),
        "arxiv-sanity-lite": _sanity_lite(world),
        "arxiv-sanity-X": _sanity_x(world),
        "Scholar Inbox, logistic regression": _scholar_inbox(world),
        "zotero-arxiv-daily on TF-IDF": _zotero(world),
        "BM25, thumbs as query": _bm25(world),
        "Rocchio, beta .25": _rocchio(world),
    }


def plain_terms(most: int | None = None) -> TfidfVectorizer:
    """Make the vectoriser for recipes that only say TF-IDF, or that use embeddings."""
    return TfidfVectorizer(
        strip_accents="unicode",
        stop_words="english",
        token_pattern=SANITY_TOKENS,
        sublinear_tf=True,
        min_df=2,
        max_df=0.3,
        max_features=most,
        dtype=np.float32,
    )


def _vectors(
    texts: Sequence[str], fitted_on: NDArray[np.intp], vectorizer: TfidfVectorizer
) -> csr_array:
    """Fit on the papers with these numbers, and return the vectors of all."""
    vectorizer.fit([texts[at] for at in fitted_on])
    return csr_array(vectorizer.transform(texts))


def _texts(world: Collection) -> list[str]:
    return [paper.text for paper in world.papers]


def _with_candidates(world: Collection) -> NDArray[np.intp]:
    """Return the papers for programs that fit on all papers, including today's."""
    return np.union1d(world.corpus, world.pool)


def _random(case: Case) -> Scores:
    return np.random.default_rng([case.reader, len(case.ups), 3]).random(len(case.digest))


def _recency(world: Collection) -> Recipe:
    """Rank newest first; papers without dates by number."""
    newest = np.array([(paper.first_seen.timestamp(), paper.id) for paper in world.papers])
    rank = np.lexsort((newest[:, 1], newest[:, 0])).argsort().astype(np.float64)
    return lambda case: rank[case.digest]


def sanity_terms() -> TfidfVectorizer:
    """Make the vectoriser of karpathy/arxiv-sanity-lite."""
    return TfidfVectorizer(
        strip_accents="unicode",
        stop_words="english",
        token_pattern=SANITY_TOKENS,
        ngram_range=(1, 2),
        max_features=20000,
        sublinear_tf=True,
        max_df=0.1,
        min_df=5,
        dtype=np.float32,
    )


def _sanity_lite(world: Collection) -> Recipe:
    vectors = _vectors(_texts(world), _with_candidates(world), sanity_terms())
    return sanity_lite(vectors, world.corpus)


def sanity_lite(vectors: csr_array, papers: NDArray[np.intp]) -> Recipe:
    """Rank as karpathy/arxiv-sanity-lite: each untagged paper is a negative, also today's.

    ``papers`` are the known rows other than those of the case.
    """
    corpus = vectors[papers]
    place = {int(at): row for row, at in enumerate(papers)}

    def rank(case: Case) -> Scores:
        today = vectors[case.digest]
        labels = np.zeros(corpus.shape[0] + today.shape[0])
        labels[[place[int(at)] for at in case.ups if int(at) in place]] = 1
        extra = vectors[[at for at in case.ups if int(at) not in place]]
        model = LinearSVC(class_weight="balanced", C=0.01, max_iter=10000, tol=1e-6, random_state=0)
        model.fit(vstack([corpus, today, extra]), np.concatenate([labels, np.ones(extra.shape[0])]))
        return np.asarray(model.decision_function(today))

    return rank


def _sanity_x(world: Collection) -> Recipe:
    """Rank as arxiv-sanity-X: negatives are the window, and the thumbs down five times."""
    vectors = _vectors(
        _texts(world),
        _with_candidates(world),
        TfidfVectorizer(
            stop_words="english",
            token_pattern=X_TOKENS,
            ngram_range=(1, 2),
            max_features=100_000,
            sublinear_tf=True,
            max_df=0.5,
            min_df=10,
            dtype=np.float32,
        ),
    )

    def rank(case: Case) -> Scores:
        today = vectors[case.digest]
        papers = vstack([vectors[case.ups], vectors[case.downs], today])
        sizes = [len(case.ups), len(case.downs), len(case.digest)]
        model = LinearSVC(
            class_weight="balanced", C=0.02, tol=1e-3, max_iter=5000, dual=False, random_state=42
        )
        weights = np.repeat([1.0, 5.0, 1.0], sizes)
        model.fit(papers, np.repeat([1, 0, 0], sizes), sample_weight=weights)
        return np.asarray(model.decision_function(today))

    return rank


def inbox_weights(ups: int, downs: int, rest: int) -> tuple[float, float, float]:
    """Return Scholar Inbox's weights of a thumb up, a thumb down, and a paper without one."""
    total = ups + downs + rest
    below = SHARE * downs + (1 - SHARE) * rest
    return total / ups, total * MASS * SHARE / below, total * MASS * (1 - SHARE) / below


def _scholar_inbox(world: Collection) -> Recipe:
    """Rank as Scholar Inbox section 4.1 (C = 0.1, S = 5, V = 0.8), on its TF-IDF of 10k terms."""
    vectors = _vectors(_texts(world), world.corpus, plain_terms(DIMENSIONS))
    chosen = np.random.default_rng(5).permutation(world.corpus)[:UNTOUCHED]

    def rank(case: Case) -> Scores:
        untouched = np.setdiff1d(chosen, np.concatenate([case.ups, case.downs]))
        sizes = len(case.ups), len(case.downs), len(untouched)
        model = LogisticRegression(C=0.1, max_iter=1000)
        model.fit(
            vectors[np.concatenate([case.ups, case.downs, untouched])],
            np.repeat([1, 0, 0], sizes),
            sample_weight=np.repeat(inbox_weights(*sizes), sizes),
        )
        return np.asarray(model.decision_function(vectors[case.digest]))

    return rank


def rank_weights(count: int) -> Scores:
    """Return zotero-arxiv-daily's weights of a library's papers, newest first; sum 1."""
    weights = 1 / (1 + np.log10(np.arange(count) + 1))
    return np.asarray(weights / weights.sum())


def _zotero(world: Collection) -> Recipe:
    """Rank as zotero-arxiv-daily: similarity to liked abstracts, newer ones weighing more."""
    vectors = _vectors([paper.abstract for paper in world.papers], world.corpus, plain_terms())

    def rank(case: Case) -> Scores:
        newest_first = vectors[case.ups[::-1]]
        return np.asarray((vectors[case.digest] @ newest_first.T) @ rank_weights(len(case.ups)))

    return rank


def _rocchio(world: Collection) -> Recipe:
    return rocchio(_vectors(_texts(world), world.corpus, plain_terms()))


def rocchio(vectors: csr_array) -> Recipe:
    """Rank by the centroid of the liked papers minus a quarter of that of the disliked ones."""

    def rank(case: Case) -> Scores:
        profile = np.asarray(vectors[case.ups].mean(axis=0)).ravel()
        if len(case.downs):
            profile = profile - 0.25 * np.asarray(vectors[case.downs].mean(axis=0)).ravel()
        return np.asarray(vectors[case.digest] @ profile)

    return rank


def _bm25(world: Collection) -> Recipe:
    """Rank as arXivDigest's sample system: BM25, summed over the liked papers' terms."""
    index = _with_candidates(world)
    counts = _vectors(
        _texts(world),
        index,
        TfidfVectorizer(
            stop_words="english",
            token_pattern=SANITY_TOKENS,
            use_idf=False,
            norm=None,
            dtype=np.float32,
        ),
    )
    lengths = np.asarray(counts.sum(axis=1)).ravel()
    spread = np.bincount(counts[index].indices, minlength=counts.shape[1])
    idf = np.log(1 + (len(index) - spread + 0.5) / (spread + 0.5))
    norm = K1 * (1 - B + B * lengths / lengths[index].mean())
    data = counts.data * (K1 + 1) / (counts.data + np.repeat(norm, np.diff(counts.indptr)))
    weights = csr_array((data * idf[counts.indices], counts.indices, counts.indptr), counts.shape)
    has = csr_array((np.ones_like(data), counts.indices, counts.indptr), counts.shape)

    def rank(case: Case) -> Scores:
        query = np.asarray(has[case.ups].sum(axis=0)).ravel()
        return np.asarray(weights[case.digest] @ query)

    return rank
