"""The words of interests: by their stems, by categories, and what is near to those of nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.ranking_papers import NOW, a_paper, library, votes

from larkpost.ranking import TextSpace, Tfidf
from larkpost.ranking.lexicon import Unmatched
from larkpost.ranking.space import fit
from larkpost.ranking.taste import Named

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
    assert set(space.hint(words).split()) >= {"robot", "robotic", "robots"}


def test_a_category_means_what_tells_its_papers_from_the_others(space: TextSpace) -> None:
    for words in ("cs.RO", "cs.ro", " cs.RO "):
        told = space.hint(words).split()
        assert {"robot", "surgery"} <= set(told)
        assert not {"protein", "glacier"} & set(told)


def test_a_category_speaks_for_its_own_papers_and_a_word_for_those_that_hold_it(
    space: TextSpace,
) -> None:
    surgery = with_categories(a_paper(9, "Robots in surgery"), "cs.CV")
    walking = with_categories(a_paper(10, "Balance of legged machines"), "cs.RO")
    category, word = Named.of(space, ["cs.ro"]), Named.of(space, ["robots"])
    terms = {space.column["robots"], space.column["surgery"]}

    assert category.speak_for(walking, set())
    assert not category.speak_for(surgery, terms)  # though its words are typical of cs.RO
    assert word.speak_for(surgery, terms)
    assert not word.speak_for(walking, set())


@pytest.mark.parametrize("name", ["Biomolecules", "biomolecules"])
def test_a_category_of_arxiv_is_found_by_its_name(space: TextSpace, name: str) -> None:
    assert "protein" in space.hint(name).split()


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
    ],
)
def test_words_that_mean_nothing_are_told_with_the_nearest(
    space: TextSpace, phrase: str, expected: list[tuple[str, tuple[str, ...]]]
) -> None:
    found = space.lexicon.unmatched(phrase)

    assert found == [Unmatched(word, phrase, near) for word, near in expected]


def test_an_interest_in_a_category_ranks_its_papers_first() -> None:
    papers = [
        with_categories(paper, f"x.{number // 12}") for number, paper in enumerate(library(12))
    ]
    ranker = Tfidf()
    space = ranker.fit(papers)

    for number in range(3):
        taste = ranker.learn(space, [votes(words=[f"x.{number}"])], now=NOW)
        (picks,) = ranker.rank(space, taste, papers, 10)
        assert {pick.paper.categories for pick in picks} == {(f"x.{number}",)}


def test_categories_are_kept_with_a_space_and_change_no_ranking_of_thumbs() -> None:
    papers = library(12)
    told = [with_categories(paper, "cs.CL", "cs.LG") for paper in papers[:12]] + papers[12:]
    ranker = Tfidf()
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

    assert space.hint("robots") == ""
    assert space.categories == {}
    assert [one.word for one in space.lexicon.unmatched("robots")] == ["robots"]
