"""Tests the shown terms: meaningful, without repetition, and true to the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.helpers.ranking_factories import NOW, a_paper, sample, votes

from larkpost.ranking import TfidfRanker
from larkpost.ranking.explanations import contributions, is_sensible, write_out
from larkpost.ranking.words.display_terms import candidates
from larkpost.ranking.words.phrases import MOST_PHRASES, phrases_of
from larkpost.ranking.words.tokenizer import terms
from larkpost.text.term_specificity import term_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from larkpost.domain import Paper, Pick

GENERAL = "times discovered commonly results novel achieves outperforms existing approach large"
TOPICS = "diffusion splatting retrieval robot speech protein video reward agents"


def picks_of(liked: list[Paper], candidates: list[Paper], most: int = 10) -> list[Pick]:
    ranker = TfidfRanker()
    space = ranker.fit([*liked, *candidates])
    tastes = ranker.learn(space, [votes(liked)], now=NOW)
    (picks,) = ranker.rank(space, tastes, candidates, most)
    return picks


def texts_of(title: str, abstract: str = "") -> list[str]:
    return [phrase.text for phrase in phrases_of(title, abstract)]


def test_the_phrases_of_a_long_text_without_spaces_take_little_memory() -> None:
    # 50,000 such characters had 300,000 phrases, and two tables of ten gigabytes.
    text = "".join(map(chr, range(0x4E00, 0x4E00 + 5_000)))
    paper = a_paper(1, "Retrieval", f"Retrieval. {text}")
    space = TfidfRanker().fit([paper])

    found = candidates(space, paper, np.arange(len(space.vocabulary)))

    assert 500 < len(found.phrases) <= MOST_PHRASES
    assert found.members.nbytes + found.telling.nbytes < 10 * 2**20


@pytest.mark.parametrize("word", GENERAL.split())
def test_a_word_that_fits_any_abstract_is_not_shown_by_itself(word: str) -> None:
    assert word not in texts_of(word, f"A {word} of it.")


@pytest.mark.parametrize("word", TOPICS.split())
def test_a_word_of_a_topic_may_be_shown(word: str) -> None:
    assert word in texts_of("", f"We look at {word}.")


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("Training diffusion models in a day", "diffusion models"),
        ("On 3D Gaussian splatting.", "3d gaussian splatting"),
        ("A few-shot anomaly detector", "few-shot anomaly detector"),
        ("What DeepSeek-R1 told", "deepseek-r1"),
    ],
)
def test_words_side_by_side_are_shown_as_their_phrase(text: str, phrase: str) -> None:
    assert phrase in texts_of(text)


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("splatting outperforms diffusion", "splatting outperforms"),  # a verb
        ("speech emotion recognition", "speech emotion"),  # its noun is cut off
        ("few-shot anomaly detection", "shot"),  # half a compound
        ("splatting. Retrieval", "splatting retrieval"),  # two sentences
    ],
)
def test_what_is_no_phrase_is_not_shown_as_one(text: str, broken: str) -> None:
    assert broken not in texts_of(text)


def test_no_two_terms_of_a_pick_have_a_stem_in_common() -> None:
    liked = [a_paper(n, "Robots", f"A robot with robotic arms, robot {n}") for n in range(1, 4)]
    candidates = [a_paper(9, "Robots again", "Robotics for robots: a robotic robot with arms")]

    (pick,) = picks_of(liked, candidates)

    assert pick.shown_terms is not None
    assert sum("robot" in term for term in pick.shown_terms) == 1


def test_the_shown_terms_of_real_abstracts_say_something_and_are_of_the_paper() -> None:
    papers = sample()
    moe = [one for one in papers if "mixture" in one.title.lower()]
    picks = picks_of(moe[:3], [one for one in papers if one not in moe[:3]])
    table = term_table()

    assert (
        sum(len(pick.shown_terms or ()) >= 2 or pick.similar_paper is not None for pick in picks)
        >= 9
    )
    for pick in picks:
        for term in pick.shown_terms or ():
            assert term in " ".join(pick.paper.text.lower().split())
            assert table.grades.get(term, 10) >= 4


def test_a_shown_term_adds_its_share_to_the_score() -> None:
    papers = sample()
    ranker = TfidfRanker()
    space = ranker.fit(papers)
    tastes = ranker.learn(space, [votes(papers[:3])], now=NOW)
    (picks,) = ranker.rank(space, tastes, papers[3:], 10)
    written = write_out(space, tastes)

    for pick in picks:
        found = contributions(space, written, space.rows([pick.paper.text]), 0, [0])
        added = dict(zip((space.vocabulary[at] for at in found.terms), found.added[0], strict=True))
        raised = sum(max(value, 0) for value in added.values())
        for term in pick.shown_terms or ():
            share = sum(added.get(word, 0) for word in set(terms(term))) / raised
            assert share >= 0.0099, term


def test_pairs_of_characters_are_joined_and_shown_once() -> None:
    liked = [a_paper(n, "", "拡散模型による画像生成") for n in range(1, 3)]

    (pick,) = picks_of(liked, [a_paper(9, "", "拡散模型と画像")])

    assert pick.shown_terms
    assert all(len(term) >= 2 for term in pick.shown_terms)
    assert len({c for term in pick.shown_terms for c in term}) == sum(map(len, pick.shown_terms))


def test_a_corpus_of_one_paper_and_a_text_of_nothing_break_nothing() -> None:
    assert [pick.shown_terms for pick in picks_of([a_paper(1, "a")], [a_paper(2, "", "")])] == [()]


@pytest.mark.parametrize(
    ("likeness", "shared", "maturity", "sensible"),
    [
        (0.15, 0.01, 1.0, False),  # themes alone
        (0.28, 0.07, 1.0, False),  # words in common that fit any abstract
        (0.26, 0.30, 1.0, False),
        (0.28, 0.15, 1.0, True),
        (0.34, 0.15, 0.0, False),  # in a small corpus any two papers are more alike
        (0.39, 0.15, 0.0, True),
    ],
)
def test_a_liked_paper_is_told_only_where_it_is_near_enough(
    likeness: float, shared: float, maturity: float, sensible: bool
) -> None:
    assert is_sensible(likeness, shared, maturity) is sensible


def test_an_unrelated_liked_paper_is_kept_for_explain_but_is_no_reason() -> None:
    papers = sample()
    quantum = next(one for one in papers if "Quantum" in one.title)
    picks = picks_of([quantum], [one for one in papers if one is not quantum], most=20)

    unrelated = picks[-1]
    assert unrelated.similar_paper is None
    assert unrelated.nearest == quantum
    assert unrelated.similarity is not None
    assert unrelated.similarity < 0.3


def test_a_pick_matches_an_interest_only_where_a_word_or_a_vote_speaks_for_it() -> None:
    ranker = TfidfRanker()
    papers = [
        a_paper(1, "Galaxy halos", "The halo of a galaxy."),
        a_paper(2, "Protein folding", "How a protein folds."),
        *(a_paper(n, f"Trade {n}", f"Pollen of trade route number {n}") for n in range(3, 12)),
    ]
    space = ranker.fit(papers)
    tastes = ranker.learn(space, [votes(words=["galaxy"])], now=NOW)

    (picks,) = ranker.rank(space, tastes, papers, len(papers))

    assert [pick.paper.id for pick in picks if pick.matches] == [1]


def test_every_grade_of_the_table_is_between_nothing_and_everything() -> None:
    table = term_table()

    assert 5_000 < len(table.grades) < 20_000
    assert set(table.grades.values()) <= set(range(11))
    assert [table.grade(word) for word in ("commonly", "stringently", "zebrafish")] == [0, 0, 10]


def picks_for(words: str, candidates: list[Paper], liked: Sequence[Paper] = ()) -> list[Pick]:
    ranker = TfidfRanker()
    space = ranker.fit([*liked, *candidates])
    tastes = ranker.learn(space, [votes(liked, words=[words])], now=NOW)
    (picks,) = ranker.rank(space, tastes, candidates, len(candidates))
    return picks


def shown_for(words: str, title: str, papers: list[Paper]) -> tuple[str, ...]:
    (pick,) = (pick for pick in picks_for(words, papers) if pick.paper.title.startswith(title))
    return pick.shown_terms or ()


@pytest.mark.parametrize(
    ("interest", "title", "first"),
    [
        ("mixture of experts", "A Survey on Inference", "mixture of experts"),
        ("mixture of experts", "MoETuner", "mixture of experts"),  # said in the singular
        ("Mixture-of-Experts", "A Survey on Inference", "Mixture-of-Experts"),
        ("AI", "General Scales Unlock AI", "AI"),
        ("mixture of experts", "LLM Interactive", "experts"),  # a word alone
    ],
)
def test_the_words_of_an_interest_are_the_first_reason(
    interest: str, title: str, first: str
) -> None:
    assert shown_for(interest, title, sample())[:1] == (first,)


def test_the_words_of_an_interest_are_found_where_there_are_no_spaces() -> None:
    papers = [a_paper(1, "拡散モデル", "拡散モデルによる画像"), a_paper(2, "言語", "言語の本")]

    assert "拡散モデル" in shown_for("拡散モデル", "拡散", papers)


def test_where_no_term_carries_the_score_none_is_shown() -> None:
    picks = picks_for("mixture of experts", sample())
    bare = [pick for pick in picks if sum(one.weight for one in pick.positive_terms) < 0.05]

    assert bare
    assert {pick.shown_terms for pick in bare} == {()}


def test_where_only_general_terms_carry_the_score_the_strongest_is_shown() -> None:
    liked = [a_paper(n, "Results", f"novel results {n}") for n in range(1, 4)]
    others = [a_paper(n, f"Zebra{n}", f"zebra{n} stripes") for n in range(20, 30)]
    picks = picks_of(liked, [a_paper(9, "Results", "results again"), *others])

    assert picks[0].positive_terms
    assert picks[0].positive_terms[0].term == "results"
    assert picks[0].shown_terms == ("results",)


def test_a_term_that_adds_a_tenth_of_the_strongest_is_not_shown_in_its_place() -> None:
    papers = sample()
    moe = [one for one in papers if "mixture" in one.title.lower()][:3]
    picks = picks_of(moe, [one for one in papers if one not in moe], most=30)
    about = [pick for pick in picks if pick.positive_terms[0].term == "moe"]

    assert about
    for pick in about:
        assert any("moe" in term or "experts" in term for term in pick.shown_terms or ())


def test_forms_of_a_short_stem_are_shown_once() -> None:
    liked = [a_paper(n, "Codex solvers", f"solving puzzles by codex solvers {n}") for n in (1, 2)]

    (pick,) = picks_of(liked, [a_paper(9, "Codex solvers", "Codex solvers for solving puzzles.")])

    assert sum("solv" in term for term in pick.shown_terms or ()) == 1


@pytest.mark.parametrize("word", ["high-fidelity", "decoupled", "conditional", "accumulative"])
def test_a_word_of_any_method_is_not_shown_by_itself(word: str) -> None:
    assert word not in texts_of(word, f"A {word} one.")


@pytest.mark.parametrize(
    ("text", "whole", "cut"),
    [
        ("With early exit strategies.", "early exit strategies", "exit strategies"),
        ("On long sequence time-series forecasting.", "time-series forecasting", "sequence time-"),
        ("Its size scales sublinearly.", "", "scales sublinearly"),
        ("A stringently quality-controlled corpus.", "", "stringently"),
    ],
)
def test_a_phrase_is_neither_cut_nor_a_clause(text: str, whole: str, cut: str) -> None:
    found = texts_of("", text)

    assert not whole or whole in found
    assert not any(one.startswith(cut) or one.endswith(cut) for one in found if one != whole)
