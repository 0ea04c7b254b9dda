"""TF-IDF of a growing collection: each text is tokenised once, and weighted day by day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array, vstack
from sklearn.feature_extraction.text import (  # type: ignore[import-untyped]  # it has no types
    CountVectorizer,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sklearn.feature_extraction.text import TfidfVectorizer


@dataclass(frozen=True, slots=True)
class GrowingVectors:
    """Counts of terms: of papers in order (n, t), and of other texts (m, t).

    ``up_to`` returns the vectors that a ``TfidfVectorizer`` with these settings, fitted on the
    first papers, computes for them and for the other texts.
    """

    papers: csr_array
    beside: csr_array
    least: int
    most_share: float
    most_terms: int | None

    @classmethod
    def of(
        cls, papers: Sequence[str], beside: Sequence[str], terms: TfidfVectorizer
    ) -> GrowingVectors:
        """Count the terms as ``terms`` tokenises them; it must use sublinear counts and idf."""
        asked = terms.get_params()
        names = ("strip_accents", "stop_words", "token_pattern", "ngram_range")
        counting = CountVectorizer(**{name: asked[name] for name in names}, dtype=np.float32)
        counts = csr_array(counting.fit_transform(papers))
        others = csr_array(counting.transform(beside)) if beside else counts[:0]
        return cls(counts, others, asked["min_df"], asked["max_df"], asked["max_features"])

    def up_to(self, papers: int) -> csr_array:
        """Weight the first papers (p, t'), followed by the other texts (m, t')."""
        some = self.papers[:papers]
        spread = np.bincount(some.indices, minlength=some.shape[1])
        kept = np.flatnonzero((spread >= self.least) & (spread <= self.most_share * papers))
        if self.most_terms is not None and len(kept) > self.most_terms:
            times = np.bincount(some.indices, weights=some.data, minlength=some.shape[1])[kept]
            kept = np.sort(kept[(-times.astype(np.float32)).argsort()[: self.most_terms]])
        idf = np.log((1 + papers) / (1 + spread[kept])) + 1
        rows = csr_array(vstack([some[:, kept], self.beside[:, kept]]))
        rows.data = ((1 + np.log(rows.data)) * idf[rows.indices]).astype(np.float32)
        return _at_length_one(rows)


def _at_length_one(rows: Any) -> csr_array:
    """Divide rows by their lengths; empty ones stay empty."""
    norms = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    rows.data /= np.repeat(np.maximum(norms, 1e-12), np.diff(rows.indptr)).astype(np.float32)
    return csr_array(rows)
