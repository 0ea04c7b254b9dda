"""Tests the recipe of arxiv-sanity-lite, with which readers' histories are also replayed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.feature_extraction.text import (  # type: ignore[import-untyped]  # it has no types
    TfidfVectorizer,
)
from sklearn.svm import LinearSVC  # type: ignore[import-untyped]  # it has no types
from tests.helpers.ranking_factories import a_paper, library

from larkpost.ranking.evaluation.arxiv_sanity import ArxivSanity

ODD = replace(
    a_paper(9000, "Élan vital_2 of 3dx and x1", "The protein, a Protein: FOLDING residue é"),
    authors=("Zoë Ångström", "B. Folding"),
)


def its_vectorizer(papers: int) -> TfidfVectorizer:
    """Make the one of its compute.py; with few papers, without bounds on document frequency."""
    few = papers < 100
    return TfidfVectorizer(
        input="content",
        encoding="utf-8",
        decode_error="replace",
        strip_accents="unicode",
        lowercase=True,
        analyzer="word",
        stop_words="english",
        token_pattern=r"(?u)\b[a-zA-Z_][a-zA-Z0-9_]+\b",
        ngram_range=(1, 2),
        max_features=20000,
        norm="l2",
        use_idf=True,
        smooth_idf=True,
        sublinear_tf=True,
        max_df=1.0 if few else 0.1,
        min_df=1 if few else 5,
    )


@pytest.mark.parametrize("each", [10, 100])
def test_vectors_and_scores_are_those_of_its_own_source(each: int) -> None:
    corpus = [*library(each), ODD]
    today = [replace(paper, id=paper.id + 10_000) for paper in library(12)]
    texts = {paper.id: f"{paper.text} {' '.join(paper.authors)}" for paper in (*corpus, *today)}
    vectorizer = its_vectorizer(len(corpus)).fit([texts[paper.id] for paper in corpus])
    liked = corpus[:5]

    vectors = ArxivSanity.of([*today, *corpus]).fit(corpus, today)
    (scores,) = vectors.scores(liked, today, [today])

    theirs = vectorizer.transform([texts[paper.id] for paper in corpus])
    ours = vectors.rows[[vectors.place[paper.id] for paper in corpus]]
    np.testing.assert_allclose((ours @ ours.T).toarray(), (theirs @ theirs.T).toarray(), atol=1e-5)
    assert ours.shape == theirs.shape
    everything = vectorizer.transform([texts[paper.id] for paper in (*corpus, *today)])
    model = LinearSVC(class_weight="balanced", C=0.01, max_iter=10000, tol=1e-6, random_state=0)
    model.fit(everything, [paper in liked for paper in (*corpus, *today)])
    np.testing.assert_allclose(
        scores, model.decision_function(everything[len(corpus) :]), atol=2e-3
    )


def test_without_thumbs_up_or_words_everything_is_alike() -> None:
    papers = [a_paper(1, "...", "1 2 3"), a_paper(2, "--", "")]

    vectors = ArxivSanity.of(papers).fit(papers, [])

    for liked in ([], papers[:1], papers):
        (scores,) = vectors.scores(liked, papers, [papers])
        assert not scores.any()
