"""Tests the TF-IDF model: its terms, its serialization, and damaged bytes."""

from __future__ import annotations

import gc
import io
import weakref
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.helpers.ranking_factories import NOW, THEMES, a_paper, crowded, library, votes

from larkpost.ranking import TfidfRanker
from larkpost.ranking.tfidf import fit, maturity
from larkpost.ranking.words import choose_terms
from larkpost.ranking.words.tokenizer import MOST_TERMS, terms
from larkpost.text.unverified import Unverified

if TYPE_CHECKING:
    from collections.abc import Callable

PAPERS = library(20)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # case and accents are nothing, words of one letter and numbers are no terms
        ("Schrödinger's Équation, x 2 3D", ["schrodinger", "equation"]),
        ("the mixture-of-experts", ["mixture", "experts"]),  # stop words carry no taste
        ("GPT4_turbo", ["gpt4_turbo"]),
        ("専門家混合", ["専門", "門家", "家混", "混合"]),  # no spaces: pairs of characters
        ("語", ["語"]),
        ("Модель", ["модель"]),
        ("", []),
    ],
)
def test_a_text_is_cut_into_terms(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


def test_the_rows_have_length_one_or_nothing() -> None:
    space = fit(PAPERS)

    rows = space.rows(["protein folding", "", "nothing_known_here"])

    lengths = np.asarray(rows.words.multiply(rows.words).sum(axis=1)).ravel()
    assert lengths == pytest.approx([1, 0, 0], abs=1e-5)
    assert np.linalg.norm(rows.broad, axis=1) == pytest.approx([1, 0, 0], abs=1e-5)


def test_a_term_of_nearly_every_paper_is_left_out() -> None:
    corpus = [a_paper(n, f"everywhere word{n}") for n in range(30)]

    assert "everywhere" not in fit(corpus).vocabulary


def test_a_feed_with_endless_made_up_words_adds_few_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose_terms, "MOST_OF_SOURCE", 50)
    made_up = " ".join(f"word{at}" for at in range(1_000))
    often = replace(a_paper(9001, "casino", "casino"), unverified=7, text_source="source a-blog")
    endless = replace(often, id=9002, uid=a_paper(9002, "").uid, abstract=f"casino {made_up}")

    vocabulary = fit([*PAPERS, often, endless]).vocabulary

    assert set(fit(PAPERS).vocabulary) <= set(vocabulary)
    assert len(vocabulary) <= len(fit(PAPERS).vocabulary) + 50
    assert "casino" in vocabulary


@pytest.mark.parametrize("text", ["word " * 9_000, "mélange " * 6_000, "専門家混合" * 9_000])
def test_a_text_has_few_more_terms_than_long_abstracts(text: str) -> None:
    assert len(terms(text)) == MOST_TERMS


@pytest.mark.parametrize("unverified", [Unverified.ALL, Unverified.ABSTRACT])  # or adds abstracts
def test_a_feed_that_puts_all_words_into_its_papers_takes_none_from_the_vocabulary(
    unverified: Unverified,
) -> None:
    words = " ".join(sorted({word for paper in PAPERS for word in paper.abstract.split()}))
    hostile = [
        replace(a_paper(9000 + at, "", words), unverified=unverified, text_source="source a-blog")
        for at in range(len(PAPERS))
    ]

    space = fit([*PAPERS, *hostile])

    assert set(fit(PAPERS).vocabulary) <= set(space.vocabulary)
    assert fit(hostile).vocabulary == ()  # with nothing else to compare them with


def test_in_a_small_corpus_a_word_of_the_title_counts_more_than_one_of_the_abstract() -> None:
    small, large = fit(PAPERS), fit(crowded(PAPERS))

    for space, more in ((small, True), (large, False)):
        title, abstract = (space.column[term] for term in ("enzyme", "galaxy"))
        (row,) = space.rows(["enzyme\ngalaxy"]).plain.toarray()
        ratio = row[title] / row[abstract] / (space.idf[title] / space.idf[abstract])
        assert ratio == pytest.approx(1 + np.log(2) if more else 1, abs=1e-4)


@pytest.mark.parametrize(
    ("papers", "expected"), [(0, 0), (150, 0), (450, 0.5), (750, 1), (9999, 1)]
)
def test_a_small_corpus_turns_evenly_into_a_large_one(papers: int, expected: float) -> None:
    assert maturity(papers) == pytest.approx(expected)


def test_papers_of_a_theme_lie_nearer_than_others() -> None:
    space = fit(PAPERS)
    one, alike, other = space.rows(
        [THEMES["proteins"], "enzyme binding helix chain", THEMES["galaxies"]]
    ).fine

    assert one @ alike > one @ other + 0.3


def test_a_kept_space_ranks_exactly_alike() -> None:
    ranker = TfidfRanker()
    space = ranker.fit(PAPERS)
    kept = ranker.space_from(space.to_bytes())
    assert kept is not None

    fresh, again = (
        ranker.rank(of, ranker.learn(of, [votes(PAPERS[:4], PAPERS[30:33])], now=NOW), PAPERS, 60)
        for of in (space, kept)
    )

    assert fresh == again
    assert kept.to_bytes() == space.to_bytes()


def test_an_empty_space_is_kept_too() -> None:
    ranker = TfidfRanker()

    kept = ranker.space_from(ranker.fit([]).to_bytes())

    assert kept is not None
    assert kept.vocabulary == ()


def test_a_kept_space_holds_no_pickle() -> None:
    body = fit(PAPERS).to_bytes()

    with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
        assert int(arrays["format"]) > 0
        assert all(arrays[name].dtype != np.dtype(object) for name in arrays.files)


@pytest.mark.parametrize("where", [0, 10, 100, 500, -1])
def test_a_flipped_or_cut_byte_never_raises(where: int) -> None:
    body = bytearray(fit(PAPERS[:25]).to_bytes())
    cut = bytes(body[:where])
    body[where] ^= 0xFF

    ranker = TfidfRanker()

    assert ranker.space_from(cut) is None
    ranker.space_from(bytes(body))


def with_companions() -> bytes:
    liked = [[n % 20, (n + 1) % 20, 20 + n % 20] for n in range(300)]
    return TfidfRanker().fit(PAPERS, libraries=liked).to_bytes()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("through", lambda was: was[:3]),
        ("through", lambda was: was[:, :-1]),
        ("through", lambda was: was.ravel()),
        ("through", lambda was: was * np.nan),
        ("ids", lambda was: was[:-1]),
        ("ids", lambda was: was[:, None]),
        ("ids", lambda was: was * 1.0),
        ("places", lambda was: was[:-1]),
        ("places", lambda was: was[:, :-1]),
        ("places", lambda was: was * np.float16(np.inf)),
        ("unread", lambda was: was.repeat(2)),
        ("unread", lambda was: was.astype(np.complex64)),
        ("base", lambda was: was[:3]),
        ("base", lambda was: was[:, None]),
        ("base", lambda was: was.astype(np.complex64)),
        ("spread", lambda was: -100 * was),
        ("spread", lambda was: was + 1000),
        ("spread", lambda was: was.astype(np.float32) * np.nan),
        ("spread", lambda was: was[:, None]),
        ("papers", lambda was: was - 10_000),
        ("papers", lambda was: was // was),
        ("format", lambda was: np.array([was, was])),
        ("vocabulary", lambda was: np.frombuffer(was.tobytes().replace(b"helix", b"chain"), "u1")),
        ("axes", lambda was: was[:, :-1]),
        ("axes", lambda was: was[None]),
        ("axes", lambda was: was[:-1]),
        ("indices", lambda was: was + 1000),
        ("indices", lambda was: -was),
        ("indptr", lambda was: was[::-1]),
    ],
)
def test_arrays_that_do_not_go_together_are_none(name: str, change: Callable[[Any], Any]) -> None:
    with np.load(io.BytesIO(with_companions()), allow_pickle=False) as arrays:
        kept = dict(arrays)
    same, other = io.BytesIO(), io.BytesIO()
    np.savez_compressed(same, **kept)
    np.savez_compressed(other, **{**kept, name: change(kept[name])})

    assert TfidfRanker().space_from(same.getvalue()) is not None
    assert TfidfRanker().space_from(other.getvalue()) is None


@pytest.mark.parametrize("body", [b"", b"not a space", b"PK\x03\x04", b"\x80\x05K\x01."])
def test_what_is_no_space_is_none(body: bytes) -> None:
    assert TfidfRanker().space_from(body) is None


def test_a_space_of_another_format_is_none() -> None:
    body = io.BytesIO()
    np.savez(body, format=np.int64(999))

    assert TfidfRanker().space_from(body.getvalue()) is None


def test_arrays_that_do_not_fit_each_other_are_none() -> None:
    with np.load(io.BytesIO(fit(PAPERS).to_bytes()), allow_pickle=False) as arrays:
        told = {name: arrays[name] for name in arrays.files}
    for name, wrong in (
        ("spread", told["spread"][:-1]),
        ("axes", told["axes"][:, :-1]),
        ("axes", np.full_like(told["axes"], np.inf)),
        ("indices", told["indices"] + len(told["spread"])),
        ("data", told["data"][:-3]),
    ):
        body = io.BytesIO()
        with np.errstate(invalid="ignore"):
            np.savez(body, **{**told, name: wrong})

        assert TfidfRanker().space_from(body.getvalue()) is None, name


def test_a_model_that_is_replaced_is_freed_without_a_collection() -> None:
    """The daemon exempts its objects from collections, so a model in a cycle was never freed."""
    papers = library(20)
    ranker = TfidfRanker()
    space = ranker.space_from(ranker.fit(crowded(papers, 940)).to_bytes())
    assert space is not None
    ranker.rank(space, ranker.learn(space, [votes(papers[:9])], now=NOW), papers[20:30], 5)
    is_alive = weakref.ref(space)
    gc.disable()
    try:
        del space
        assert is_alive() is None
    finally:
        gc.enable()
