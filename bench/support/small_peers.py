"""The peers' recipes if the whole corpus is a list or two; see also ``peers``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from bench.support import peers
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import (  # type: ignore[import-untyped]  # it has no types
    TfidfVectorizer,
)
from sklearn.linear_model import (  # type: ignore[import-untyped]  # it has no types
    LogisticRegression,
)

if TYPE_CHECKING:
    from bench.support.peers import Recipe, Scores
    from bench.support.readers import Case, Collection

ROCCHIO, REGRESSION = "Rocchio, beta .25", "logistic regression on the thumbs"
BETA = 0.25


def recipes(world: Collection) -> dict[str, Recipe]:
    """Prepare the recipes on one small collection, plain TF-IDF in several settings.

    The settings are words of two papers or more and the title once, every word, and the title
    twice, so that we do not compare with a setting that happens to suit a peer badly.
    """
    settings = {
        "": _vectors(world, title=1, least=2),
        ", title twice": _vectors(world, title=2, least=2),
        ", title twice, every word": _vectors(world, title=2, least=1),
    }
    told: dict[str, Recipe] = {}
    for setting, vectors in settings.items():
        told[f"{ROCCHIO}{setting}"] = rocchio(vectors, BETA)
        told[f"{REGRESSION}{setting}"] = regression(vectors)
        told[f"TF-IDF centroid{setting}"] = rocchio(vectors, 0)
    named = peers.recipes(world)
    return told | {name: named[name] for name in _NAMED}


_NAMED = (
    "zotero-arxiv-daily on TF-IDF",
    "BM25, thumbs as query",
    "arxiv-sanity-lite",
    "arxiv-sanity-X",
)


def rocchio(vectors: csr_array, beta: float) -> Recipe:
    """Rank by the centroid of the liked papers minus ``beta`` times that of the others."""

    def rank(case: Case) -> Scores:
        profile = np.asarray(vectors[case.ups].mean(axis=0)).ravel()
        if beta and len(case.downs):
            profile = profile - beta * np.asarray(vectors[case.downs].mean(axis=0)).ravel()
        return np.asarray(vectors[case.digest] @ profile)

    return rank


def regression(vectors: csr_array) -> Recipe:
    """Rank by a logistic regression on the thumbs; by the centroid if none is down."""
    alone = rocchio(vectors, 0)

    def rank(case: Case) -> Scores:
        if not len(case.downs):
            return alone(case)
        labels = np.repeat([1, 0], [len(case.ups), len(case.downs)])
        model = LogisticRegression(max_iter=500)
        model.fit(vectors[np.concatenate([case.ups, case.downs])], labels)
        return np.asarray(model.decision_function(vectors[case.digest]))

    return rank


def _vectors(world: Collection, *, title: int, least: int) -> csr_array:
    """Return TF-IDF rows of words in ``least`` papers or more, with the title repeated."""
    vectorizer = TfidfVectorizer(
        strip_accents="unicode",
        stop_words="english",
        token_pattern=peers.SANITY_TOKENS,
        sublinear_tf=True,
        min_df=least,
        max_df=0.3,
        dtype=np.float32,
    )
    texts = [" ".join([paper.title] * title + [paper.abstract]) for paper in world.papers]
    return csr_array(vectorizer.fit_transform(texts))
