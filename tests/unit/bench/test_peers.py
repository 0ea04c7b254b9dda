"""Tests the benchmark's recipes of peers against their source code and papers."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from math import log, log10

import numpy as np
import pytest
from bench.support import peers, readers
from sklearn.feature_extraction.text import (  # type: ignore[import-untyped]  # it has no types
    TfidfVectorizer,
)
from sklearn.svm import LinearSVC  # type: ignore[import-untyped]  # it has no types
from tests.helpers.bench_worlds import CUT, a_case, a_world

CASE = a_case([30, 90, 300], [1, 31, 62], [*range(CUT, CUT + 12)])


@cache
def world() -> readers.Collection:
    return a_world()


@cache
def recipes() -> dict[str, peers.Recipe]:
    return peers.recipes(world())


def test_every_recipe_ranks_the_liked_theme_above_the_others() -> None:
    theme = CASE.digest % 3 == 0

    for name, rank in recipes().items():
        if name not in {"random", "recency"}:
            scores = rank(CASE)
            assert scores[theme].mean() > scores[~theme].mean(), name


@pytest.mark.parametrize("counts", [(2, 3, 5), (1, 0, 5000), (50, 50, 5000)])
def test_scholar_inbox_weighs_its_classes_as_its_paper_says(counts: tuple[int, int, int]) -> None:
    ups, downs, rest = counts
    total = sum(counts)

    up, down, untouched = peers.inbox_weights(*counts)

    assert ups * up == pytest.approx(total)
    assert downs * down + rest * untouched == pytest.approx(5 * total)  # S
    assert down / untouched == pytest.approx(0.8 / 0.2)  # V
    if counts == (2, 3, 5):
        assert down == pytest.approx(10 * 5 * 0.8 / (0.8 * 3 + 0.2 * 5))


def test_zotero_weighs_the_newest_most() -> None:
    weights = peers.rank_weights(4)

    assert weights.sum() == pytest.approx(1)
    assert weights / weights[0] == pytest.approx([1 / (1 + log10(at)) for at in (1, 2, 3, 4)])
    twice = a_case([30, 31], [], [30, 31])
    scores = recipes()["zotero-arxiv-daily on TF-IDF"](twice)
    assert scores[1] > scores[0]  # thumbs come the oldest first


def test_zotero_reads_abstracts_alone() -> None:
    whole = world()
    retitled = replace(whole, papers=[replace(one, title="same") for one in whole.papers])
    name = "zotero-arxiv-daily on TF-IDF"

    scores = peers.recipes(retitled)[name](CASE)

    np.testing.assert_allclose(scores, recipes()[name](CASE), atol=1e-6)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(
            peers.recipes(retitled)["Rocchio, beta .25"](CASE),
            recipes()["Rocchio, beta .25"](CASE),
            atol=1e-6,
        )


def test_arxiv_sanity_knows_the_words_of_todays_candidates() -> None:
    whole = world()
    new = [
        replace(one, abstract=f"{one.abstract} neologism") if one.id >= CUT else one
        for one in whole.papers
    ]
    texts = [paper.text for paper in new]

    scores = peers.recipes(replace(whole, papers=new))["arxiv-sanity-lite"](CASE)

    vectorizer = TfidfVectorizer(
        strip_accents="unicode",
        stop_words="english",
        token_pattern=r"(?u)\b[a-zA-Z_][a-zA-Z0-9_]+\b",
        ngram_range=(1, 2),
        max_features=20000,
        sublinear_tf=True,
        max_df=0.1,
        min_df=5,
        dtype=np.float32,
    )
    vectors = vectorizer.fit_transform(texts)
    shown = [*range(CUT), *CASE.digest]
    labels = np.isin(shown, CASE.ups)
    model = LinearSVC(class_weight="balanced", C=0.01, max_iter=10000, tol=1e-6, random_state=0)
    model.fit(vectors[shown], labels)
    np.testing.assert_allclose(scores, model.decision_function(vectors[CASE.digest]), atol=2e-3)


def test_bm25_is_that_of_elasticsearch_with_its_defaults() -> None:
    case = a_case([30], [], [CUT, CUT + 1])
    stop = TfidfVectorizer(stop_words="english", token_pattern=peers.SANITY_TOKENS).build_analyzer()
    cut = [stop(paper.text) for paper in world().papers]
    mean = sum(map(len, cut)) / len(cut)

    scores = recipes()["BM25, thumbs as query"](case)

    for at, score in zip(case.digest, scores, strict=True):
        by_hand = 0.0
        for term in set(cut[30]):
            often = cut[at].count(term)
            having = sum(term in one for one in cut)
            idf = log(1 + (len(cut) - having + 0.5) / (having + 0.5))
            by_hand += idf * often * 2.2 / (often + 1.2 * (0.25 + 0.75 * len(cut[at]) / mean))
        assert score == pytest.approx(by_hand, rel=1e-4)


def test_scholar_inbox_has_ten_thousand_dimensions() -> None:
    assert peers.plain_terms(peers.DIMENSIONS).max_features == 10_000


def test_recency_puts_the_newest_first_and_of_one_day_the_highest_number() -> None:
    whole = world()
    undated = replace(whole, papers=[replace(one, first_seen=readers.DAY) for one in whole.papers])

    for papers in (whole, undated):
        scores = peers.recipes(papers)["recency"](CASE)
        assert (np.diff(scores) > 0).all()
