"""Tests the words of interests: by stems, by categories, and hints for words without a match."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.helpers.ranking_factories import NOW, a_paper, library, votes

from larkpost.ranking import TextSpace, TfidfRanker
from larkpost.ranking.linear_model import NamedTerms
from larkpost.ranking.tfidf import fit
from larkpost.ranking.words.find_terms import Unmatched
from larkpost.text.unverified import Unverified

if TYPE_CHECKING:
    from larkpost.domain import Paper

TEXTS = [
    "A robot that learns to walk on ice",
    "Robotic hands for surgery and robots in kitchens",
    "Protein folding by annealing",
    "Folded proteins in cells",
    "Glacier retreat seen from radar",
]


def with_categories(paper: Paper, *categories: str) -> Paper:
    return replace(paper, categories=categories)


@pytest.fixture(scope="module")
def space() -> TextSpace:
    papers = [a_paper(number, text) for number, text in enumerate(TEXTS)]
    categories = [("cs.RO",), ("cs.RO", "cs.HC"), ("q-bio.BM",), ("q-bio.BM",), ("physics.ao-ph",)]
    return fit(with_categories(one, *its) for one, its in zip(papers, categories, strict=True))


@pytest.mark.parametrize("words", ["robot", "robots", "Robotics", "ROBOT"])
def test_all_forms_of_a_word_mean_all_forms_in_the_corpus(space: TextSpace, words: str) -> None:
    assert set(space.hint(words)) >= {"robot", "robotic", "robots"}


def test_a_category_means_what_tells_its_papers_from_the_others(space: TextSpace) -> None:
    for words in ("cs.RO", "cs.ro", " cs.RO "):
        told = space.hint(words)
        assert {"robot", "surgery"} <= set(told)
        assert not {"protein", "glacier"} & set(told)


def from_feed(number: int, *categories: str) -> Paper:
    paper = with_categories(a_paper(number, "Jackpots and roulette for everybody"), *categories)
    return replace(paper, unverified=Unverified.ALL, text_source="source a-blog")


def test_a_feed_does_not_say_what_the_words_of_an_interest_mean() -> None:
    papers = [a_paper(number, text) for number, text in enumerate(TEXTS)]
    listed = [with_categories(one, "cs.RO") for one in papers[:2]] + papers[2:]
    hostile = [from_feed(100 + at, "protein", "Protein folding", "cs.RO") for at in range(5)]

    before, after = fit(listed), fit([*listed, *hostile])

    for words in ("protein", "protein folding", "cs.RO"):
        assert before.hint(words).keys() == after.hint(words).keys() != set()


def test_a_code_of_arxiv_that_only_feeds_have_means_what_tells_their_papers_from_others() -> None:
    papers = [a_paper(number, text) for number, text in enumerate(TEXTS)]

    space = fit([*papers, from_feed(100, "q-fin.GN")])

    assert {"jackpots", "roulette"} <= set(space.hint("q-fin.GN"))


def test_a_category_speaks_for_its_own_papers_and_a_word_for_those_that_hold_it(
    space: TextSpace,
) -> None:
    surgery = with_categories(a_paper(9, "Robots in surgery"), "cs.CV")
    walking = with_categories(a_paper(10, "Balance of legged machines"), "cs.RO")
    category, word = NamedTerms.of(space, ["cs.ro"]), NamedTerms.of(space, ["robots"])
    terms = {space.column["robots"], space.column["surgery"]}

    assert category.speak_for(walking, set())
    assert not category.speak_for(surgery, terms)  # though its words are typical of cs.RO
    assert word.speak_for(surgery, terms)
    assert not word.speak_for(walking, set())


@pytest.mark.parametrize("name", ["Biomolecules", "biomolecules"])
def test_a_category_of_arxiv_is_found_by_its_name(space: TextSpace, name: str) -> None:
    assert "protein" in space.hint(name)


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("robots", []),
        ("protein folding", []),
        ("cs.HC", []),
        ("robtos", [("robtos", ("robots",))]),
        ("protein foldng", [("foldng", ("folding",))]),
        ("glacierz and radars", [("glacierz", ("glacier",))]),
        ("cs.RR", [("cs.RR", ("cs.ro",))]),
        ("volcanology", [("volcanology", ())]),
        ("3D", [("3D", ())]),
        ("xyz", [("xyz", ())]),
        ("astro-ph.CO robots", [("astro-ph.CO", ())]),
        ("walk.ice", []),
    ],
)
def test_words_that_mean_nothing_are_reported_with_the_nearest(
    space: TextSpace, phrase: str, expected: list[tuple[str, tuple[str, ...]]]
) -> None:
    found = space.lexicon.find_unmatched(phrase)

    assert found == [Unmatched(word, phrase, near) for word, near in expected]


def test_an_interest_in_a_category_ranks_its_papers_first() -> None:
    papers = [
        with_categories(paper, f"x.{number // 12}") for number, paper in enumerate(library(12))
    ]
    ranker = TfidfRanker()
    space = ranker.fit(papers)

    for number in range(3):
        taste = ranker.learn(space, [votes(words=[f"x.{number}"])], now=NOW)
        (picks,) = ranker.rank(space, taste, papers, 10)
        assert {pick.paper.categories for pick in picks} == {(f"x.{number}",)}


def test_categories_are_kept_with_a_space_and_change_no_ranking_of_thumbs() -> None:
    papers = library(12)
    told = [with_categories(paper, "cs.CL", "cs.LG") for paper in papers[:12]] + papers[12:]
    ranker = TfidfRanker()
    plain, space = ranker.fit(papers), ranker.fit(told)
    again = ranker.space_from(space.to_bytes())

    assert again is not None
    assert again.categories == space.categories
    assert set(space.categories) == {"cs.cl", "cs.lg"}
    asked = votes(ups=papers[:3], downs=papers[20:22])
    ranked = [
        [pick.score for pick in ranker.rank(one, ranker.learn(one, [asked], now=NOW), papers, 9)[0]]
        for one in (plain, space, again)
    ]
    assert ranked[0] == ranked[1] == ranked[2]


def test_an_empty_corpus_knows_no_word() -> None:
    space = fit([])

    assert space.hint("robots") == {}
    assert space.categories == {}
    assert [one.word for one in space.lexicon.find_unmatched("robots")] == ["robots"]


def common_words(count: int = 60) -> list[Paper]:
    """Make papers: half contain *learning*, and three contain rare forms of it or *gates*."""
    rare = {0: "Gates for learning", 1: "A machine learns", 2: "Gates that we learn of"}
    rng = np.random.default_rng(1)
    others = [" ".join(f"term{word}" for word in rng.choice(200, 8)) for _ in range(count)]
    return [
        a_paper(at, rare.get(at, "Learning" if at % 2 else "Study"), others[at])
        for at in range(count)
    ]


def first(space: TextSpace, papers: list[Paper], words: str, limit: int) -> list[int]:
    ranker = TfidfRanker()
    tastes = ranker.learn(space, [votes(words=[words])], now=NOW)
    (picks,) = ranker.rank(space, tastes, papers, limit)
    return [pick.paper.id for pick in picks]


def test_a_word_in_too_many_papers_is_not_replaced_by_its_rare_forms() -> None:
    papers = common_words()
    space = fit(papers)

    assert "learns" in space.vocabulary
    assert space.hint("learning") == space.hint("learns") == {}
    assert set(space.hint("gates learning")) == {"gates"}
    assert set(first(space, papers, "gates learning", 2)) == {0, 2}
    assert space.column["learns"] not in NamedTerms.of(space, ["gates learning"]).terms


def test_a_word_in_too_many_papers_is_reported_and_its_typing_errors_lead_to_it() -> None:
    space = fit(common_words())

    assert space.lexicon.find_unmatched("gates learning") == [
        Unmatched("learning", "gates learning", ())
    ]
    assert space.lexicon.find_unmatched("lerning") == [
        Unmatched("lerning", "lerning", ("learning",))
    ]


def test_an_interest_of_words_in_too_many_papers_ranks_the_newest_first() -> None:
    papers = [replace(paper, first_seen=NOW) for paper in common_words()]
    papers[40] = replace(papers[40], first_seen=NOW + timedelta(hours=1))

    assert first(fit(papers), papers, "learning", 3) == [40, 0, 1]


@pytest.mark.parametrize("count", [60, 1200])
def test_all_forms_of_a_word_weigh_what_one_term_in_as_many_papers_would(count: int) -> None:
    rng = np.random.default_rng(2)
    held = {0: "robot gates", 1: "robot gates", **dict.fromkeys(range(2, 14), "robots")}
    texts = [
        " ".join([held.get(at, "other"), *(f"term{n}" for n in rng.choice(300, 8))])
        for at in range(count)
    ]
    split = fit(a_paper(at, "", text) for at, text in enumerate(texts))
    whole = fit(a_paper(at, "", text.replace("robots", "robot")) for at, text in enumerate(texts))

    def likeness(space: TextSpace, term: str) -> float:
        """Return what a term adds to a paper's similarity to the hint, before normalisation."""
        at = space.column[term]
        hint = space.rows([space.hint("robotics gates")]).words.toarray()[0]
        return float(hint[at] * space.idf[at] * space.sharpness[at] / hint[space.column["gates"]])

    assert likeness(split, "robot") == pytest.approx(likeness(whole, "robot"), rel=1e-3)
    assert likeness(split, "robots") == pytest.approx(likeness(whole, "robot"), rel=1e-3)


def test_the_rarest_form_of_a_word_ranks_no_higher_in_a_large_corpus() -> None:
    rng = np.random.default_rng(3)
    held = {at: "robotic" if at < 2 else "robots" for at in range(40)}
    papers = [
        a_paper(at, "", " ".join([held.get(at, "other"), *(f"w{n}" for n in rng.choice(400, 9))]))
        for at in range(1200)
    ]
    ranked = first(fit(papers), papers, "robot", 60)

    assert set(ranked) >= set(range(40))
    assert not {0, 1} & set(ranked[:2])


def test_words_that_only_begin_alike_are_no_forms_of_each_other() -> None:
    texts = ["Code generation and generated tests", "Generalizing to general graphs", "Generic GPU",
             "GPUs for organs", "The organization of cells"]  # fmt: skip
    space = fit(a_paper(number, text) for number, text in enumerate(texts))

    assert set(space.hint("generate")) == {"generation", "generated"}
    assert set(space.hint("generalization")) == {"generalizing", "general"}
    assert set(space.hint("GPU")) == {"gpu", "gpus"}
    assert set(space.hint("organ")) == {"organs"}
