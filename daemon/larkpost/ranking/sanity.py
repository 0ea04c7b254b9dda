"""The recipe of karpathy/arxiv-sanity-lite, to be compared with: a linear SVM a reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import (  # type: ignore[import-untyped]  # it has no types
    TfidfVectorizer,
)
from sklearn.svm import LinearSVC  # type: ignore[import-untyped]  # it has no types

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from larkpost.domain import Paper

WORD = r"(?u)\b[a-zA-Z_][a-zA-Z0-9_]+\b"
ENOUGH = 100  # below as many papers its bounds on document frequency would leave no term


class Sanity:
    """Vectors of a fixed set of papers, as its ``compute.py`` makes them."""

    def __init__(self, papers: Sequence[Paper]) -> None:
        self.place = {paper.id: at for at, paper in enumerate(papers)}
        few = len(papers) < ENOUGH
        vectorizer = TfidfVectorizer(
            strip_accents="unicode",
            stop_words="english",
            token_pattern=WORD,
            ngram_range=(1, 2),
            max_features=20000,
            sublinear_tf=True,
            max_df=1.0 if few else 0.1,
            min_df=1 if few else 5,
            dtype=np.float32,
        )
        texts = [" ".join((paper.text, *paper.authors)) for paper in papers]
        try:
            self.vectors: csr_array | None = csr_array(vectorizer.fit_transform(texts))
        except ValueError:  # no text has a term that it keeps
            self.vectors = None

    def scores(
        self, liked: Sequence[int], digests: Sequence[NDArray[np.intp]]
    ) -> list[NDArray[np.float64]]:
        """Score digests as its ``serve.py`` does: what is not liked is a negative, all of it."""
        count = 0 if self.vectors is None else self.vectors.shape[0]
        if self.vectors is None or not liked or len(set(liked)) == count:
            return [np.zeros(len(digest)) for digest in digests]
        labels = np.zeros(count)
        labels[list(liked)] = 1
        model = LinearSVC(class_weight="balanced", C=0.01, max_iter=10000, tol=1e-6)
        model.fit(self.vectors, labels)
        return [
            np.asarray(model.decision_function(self.vectors[digest]), dtype=np.float64)
            for digest in digests
        ]
