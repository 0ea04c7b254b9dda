"""How the neighbours rank, each recipe as its source code or paper tells it, on TF-IDF vectors."""

from __future__ import annotations

from dataclasses import dataclass
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
    from collections.abc import Callable

    from bench._readers import Case, Collection
    from numpy.typing import NDArray

    Scores = NDArray[np.float64]
    Recipe = Callable[[Case], Scores]

SANITY_TOKENS = r"(?u)\b[a-zA-Z_][a-zA-Z0-9_]+\b"
X_TOKENS = r"(?u)\b[a-zA-Z][a-zA-Z0-9_\-]*[a-zA-Z0-9]\b|\b[a-zA-Z]\b|\b[a-zA-Z]+\-[a-zA-Z]+\b"
UNTOUCHED = 5000  # papers that Scholar Inbox draws as weak negatives


def recipes(world: Collection) -> dict[str, Recipe]:
    """Prepare every peer's recipe on the papers of one collection."""
    plain = _vectors(
        world,
        TfidfVectorizer(
            strip_accents="unicode",
            stop_words="english",
            token_pattern=SANITY_TOKENS,
            sublinear_tf=True,
            min_df=2,
            max_df=0.3,
            dtype=np.float32,
        ),
    )
    return {
        "random": _random,
        "recency": _recency(world),
        "arxiv-sanity-lite": _sanity_lite(world),
        "arxiv-sanity-X": _sanity_x(world),
        "Scholar Inbox, logistic regression": _scholar_inbox(world, plain),
        "zotero-arxiv-daily on TF-IDF": _zotero(plain),
        "BM25, thumbs as query": _bm25(world),
        "Rocchio, beta .25": _rocchio(plain),
    }


def _vectors(world: Collection, vectorizer: TfidfVectorizer) -> csr_array:
    """Fit on the corpus, and give the vectors of all papers."""
    vectorizer.fit([world.papers[at].text for at in world.corpus])
    return csr_array(vectorizer.transform([paper.text for paper in world.papers]))


def _random(case: Case) -> Scores:
    return np.random.default_rng([case.reader, len(case.ups), 3]).random(len(case.digest))


def _recency(world: Collection) -> Recipe:
    """Newest first; where papers have no dates, by their number."""
    newest = np.array([(paper.first_seen.timestamp(), paper.id) for paper in world.papers])
    rank = np.lexsort((newest[:, 1], newest[:, 0])).argsort().astype(np.float64)
    return lambda case: rank[case.digest]


def _sanity_lite(world: Collection) -> Recipe:
    """Rank as karpathy/arxiv-sanity-lite: every paper not tagged is a negative, today's too."""
    vectors = _vectors(
        world,
        TfidfVectorizer(
            strip_accents="unicode",
            stop_words="english",
            token_pattern=SANITY_TOKENS,
            ngram_range=(1, 2),
            max_features=20000,
            sublinear_tf=True,
            max_df=0.1,
            min_df=5,
            dtype=np.float32,
        ),
    )
    corpus = vectors[world.corpus]
    place = {int(at): row for row, at in enumerate(world.corpus)}

    def rank(case: Case) -> Scores:
        today = vectors[case.digest]
        labels = np.zeros(corpus.shape[0] + today.shape[0])
        labels[[place[int(at)] for at in case.ups if int(at) in place]] = 1
        extra = vectors[[at for at in case.ups if int(at) not in place]]
        model = LinearSVC(class_weight="balanced", C=0.01, max_iter=10000, tol=1e-6)
        model.fit(vstack([corpus, today, extra]), np.concatenate([labels, np.ones(extra.shape[0])]))
        return np.asarray(model.decision_function(today))

    return rank


def _sanity_x(world: Collection) -> Recipe:
    """Rank as arxiv-sanity-X: negatives are the window and the thumbs down, these five times."""
    vectors = _vectors(
        world,
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


def _scholar_inbox(world: Collection, vectors: csr_array) -> Recipe:
    """Rank as Scholar Inbox section 4.1 (C = 0.1, S = 5, V = 0.8), on TF-IDF vectors."""
    chosen = np.random.default_rng(5).permutation(world.corpus)[:UNTOUCHED]

    def rank(case: Case) -> Scores:
        untouched = np.setdiff1d(chosen, np.concatenate([case.ups, case.downs]))
        ups, downs, rest = len(case.ups), len(case.downs), len(untouched)
        total, mass, share = ups + downs + rest, 5.0, 0.8
        below = share * downs + (1 - share) * rest
        each = [total / ups, total * mass * share / below, total * mass * (1 - share) / below]
        model = LogisticRegression(C=0.1, max_iter=1000)
        model.fit(
            vectors[np.concatenate([case.ups, case.downs, untouched])],
            np.repeat([1, 0, 0], [ups, downs, rest]),
            sample_weight=np.repeat(each, [ups, downs, rest]),
        )
        return np.asarray(model.decision_function(vectors[case.digest]))

    return rank


def _zotero(vectors: csr_array) -> Recipe:
    """Rank as zotero-arxiv-daily: likeness to each liked paper, the newer ones weighing more."""

    def rank(case: Case) -> Scores:
        newest_first = vectors[case.ups[::-1]]
        weights = 1 / (1 + np.log10(np.arange(len(case.ups)) + 1))
        return np.asarray((vectors[case.digest] @ newest_first.T) @ (weights / weights.sum()))

    return rank


def _rocchio(vectors: csr_array) -> Recipe:
    def rank(case: Case) -> Scores:
        profile = np.asarray(vectors[case.ups].mean(axis=0)).ravel()
        if len(case.downs):
            profile = profile - 0.25 * np.asarray(vectors[case.downs].mean(axis=0)).ravel()
        return np.asarray(vectors[case.digest] @ profile)

    return rank


@dataclass(frozen=True, slots=True)
class _Bm25:
    """Okapi BM25 weights of every paper (k1 = 1.5, b = 0.75), and which terms it has."""

    weights: csr_array
    has: csr_array


def _bm25(world: Collection) -> Recipe:
    """Rank as arXivDigest's sample system: BM25, summed over the liked papers' terms."""
    counts = _vectors(
        world,
        TfidfVectorizer(
            stop_words="english",
            token_pattern=SANITY_TOKENS,
            use_idf=False,
            norm=None,
            min_df=2,
            dtype=np.float32,
        ),
    )
    lengths = np.asarray(counts.sum(axis=1)).ravel()
    corpus = counts[world.corpus]
    spread = np.bincount(corpus.indices, minlength=counts.shape[1])
    idf = np.log(1 + (len(world.corpus) - spread + 0.5) / (spread + 0.5))
    norm = 1.5 * (0.25 + 0.75 * lengths / lengths[world.corpus].mean())
    data = counts.data * 2.5 / (counts.data + np.repeat(norm, np.diff(counts.indptr)))
    weights = csr_array((data * idf[counts.indices], counts.indices, counts.indptr), counts.shape)
    has = csr_array((np.ones_like(data), counts.indices, counts.indptr), counts.shape)

    def rank(case: Case) -> Scores:
        query = np.asarray(has[case.ups].sum(axis=0)).ravel()
        return np.asarray(weights[case.digest] @ query)

    return rank
