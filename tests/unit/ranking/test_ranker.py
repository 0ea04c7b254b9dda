"""Tests the ranker's interface: good orders, missing values, and no crash."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.helpers.ranking_factories import FILLER, NOW, THEMES, a_paper, library, themed, votes

from larkpost.domain import Thumb
from larkpost.interfaces import Evidence
from larkpost.ranking import TfidfRanker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from larkpost.domain import Paper, Pick

PAPERS = library(20)
PROTEINS, GALAXIES, COMPILERS = PAPERS[:20], PAPERS[20:40], PAPERS[40:]


def ranked(
    evidence: Evidence, candidates: Sequence[Paper], *, corpus: Sequence[Paper] = PAPERS
) -> list[Pick]:
    ranker = TfidfRanker()
    space = ranker.fit(corpus)
    (picks,) = ranker.rank(space, ranker.learn(space, [evidence], now=NOW), candidates, 1000)
    return picks


def share_on_top(picks: Sequence[Pick], wanted: Sequence[Paper]) -> float:
    ids = {paper.id for paper in wanted}
    return sum(pick.paper.id in ids for pick in picks[: len(ids)]) / len(ids)


def test_two_thumbs_put_their_theme_on_top() -> None:
    picks = ranked(votes(PROTEINS[:2]), PAPERS[2:])

    assert share_on_top(picks, PROTEINS[2:]) > 0.9


def test_words_alone_start_an_interest() -> None:
    picks = ranked(votes(words=["galaxy cluster"]), PAPERS)

    assert share_on_top(picks, GALAXIES) > 0.7


def test_words_are_found_in_singular_and_plural() -> None:
    singular = ranked(votes(words=["galaxy"]), [a_paper(900, "One galaxy"), *COMPILERS])
    plural = ranked(votes(words=["compilers"]), [a_paper(900, "A compiler"), *GALAXIES])

    assert singular[0].paper.id == 900
    assert plural[0].paper.id == 900


def test_thumbs_outgrow_the_words_an_interest_began_with() -> None:
    picks = ranked(votes(PROTEINS[:10], words=["compiler"]), [*PROTEINS[10:], *COMPILERS])

    assert share_on_top(picks, PROTEINS[10:]) > 0.8


def test_thumbs_down_alone_push_their_theme_down() -> None:
    picks = ranked(votes(downs=COMPILERS[:3]), [*COMPILERS[3:], *GALAXIES])

    assert share_on_top(picks, GALAXIES) > 0.9


def test_a_thumb_down_counts_against_what_is_like_it() -> None:
    liked = votes(PROTEINS[:3])
    torn = votes(PROTEINS[:3], GALAXIES[:3])
    ranker = TfidfRanker()
    space = ranker.fit(PAPERS)

    tastes = ranker.learn(space, [liked, torn], now=NOW)
    before, after = ranker.rank(space, tastes, GALAXIES[3:], 100)
    assert np.mean([p.score for p in after]) < np.mean([p.score for p in before])


def test_wrong_thumbs_down_do_not_undo_what_is_liked() -> None:
    picks = ranked(votes(PROTEINS[:5], PROTEINS[5:10]), [*PROTEINS[10:], *COMPILERS, *GALAXIES])

    assert share_on_top(picks, PROTEINS[10:]) > 0.8


def test_without_votes_the_newest_comes_first_and_ties_go_by_id() -> None:
    old, new, twin = a_paper(1, "b", hours_old=9), a_paper(3, "c"), a_paper(2, "d")

    picks = ranked(votes(), [old, new, twin])

    assert [pick.paper.id for pick in picks] == [2, 3, 1]
    assert {pick.score for pick in picks} == {0.0}


def test_equal_scores_go_newest_first_then_by_id() -> None:
    same = [a_paper(n, "galaxy halo", "survey", hours_old=h) for n, h in ((4, 1), (3, 0), (2, 1))]

    picks = ranked(votes(GALAXIES[:2]), same)

    assert [pick.paper.id for pick in picks] == [3, 2, 4]


@pytest.mark.parametrize("size", [0, 1, 2, 5, 19, 21])
@pytest.mark.parametrize(
    "evidence",
    [
        votes(),
        votes(PROTEINS[:3]),
        votes(downs=PROTEINS[:3]),
        votes(PROTEINS[:2], PROTEINS[:2]),  # contradictory
        votes([a_paper(800)], [a_paper(801)]),  # of papers without a word
        votes(words=["", "  ", "zzyzx", "protein"]),
    ],
    ids=["nothing", "ups", "downs", "contradictory", "wordless", "words"],
)
def test_a_corpus_of_any_size_and_any_votes_give_a_whole_list(
    size: int, evidence: Evidence
) -> None:
    candidates = [*PAPERS[15:30], a_paper(700), a_paper(701, "?!", "...")]

    picks = ranked(evidence, candidates, corpus=PAPERS[:size])

    assert [pick.position for pick in picks] == list(range(1, len(candidates) + 1))
    assert all(np.isfinite(pick.score) and 0 <= pick.probability <= 1 for pick in picks)


@pytest.mark.parametrize(
    "text",
    [
        "Модель языка и обучение нейронных сетей",
        "大規模言語モデルの専門家混合について",
        "نموذج لغوي كبير",
        "\N{MATHEMATICAL BOLD CAPITAL A}\N{ROCKET} \x00 \ud800",
        "word",
        "a" * 100_000,
    ],
)
def test_any_language_and_any_text_has_a_finite_score(text: str) -> None:
    strange = a_paper(999, text, text)

    picks = ranked(votes([strange, *PROTEINS[:2]]), [strange, *GALAXIES])

    assert all(np.isfinite(pick.score) for pick in picks)


def test_other_scripts_are_learnt_too() -> None:
    about_experts = [a_paper(n, f"大規模言語モデルの専門家混合 {n}") for n in range(300, 310)]
    about_weather = [a_paper(n, f"天気予報と気象衛星の観測 {n}") for n in range(310, 320)]
    corpus = [*PAPERS, *about_experts, *about_weather]

    picks = ranked(votes(about_experts[:2]), [*about_experts[2:], *about_weather], corpus=corpus)

    assert share_on_top(picks, about_experts[2:]) == 1


def test_a_paper_stuffed_with_every_keyword_does_not_win() -> None:
    every = " ".join(word for words in THEMES.values() for word in words.split())
    stuffed = a_paper(999, "everything", f"{every} {FILLER} " * 500)

    picks = ranked(votes(PROTEINS[:5]), [*PROTEINS[5:], *GALAXIES, stuffed])

    place = next(pick.position for pick in picks if pick.paper.id == 999)
    assert place > 10


def test_a_reader_with_a_flood_of_votes_is_learnt_from_the_newest() -> None:
    flood = [themed("compilers", n) for n in range(3000)]
    newest = [themed("proteins", n) for n in range(5000, 6000)]

    picks = ranked(votes([*flood, *newest]), [*PROTEINS, *COMPILERS])

    assert share_on_top(picks, PROTEINS) > 0.9


def test_an_old_vote_fades_by_its_half_life() -> None:
    ranker = TfidfRanker(half_life_days=30)
    space = ranker.fit(PAPERS)
    long_ago = NOW.replace(year=2024)
    evidence = Evidence(
        1, 1, [*COMPILERS[:5], *PROTEINS[:2]], [Thumb.UP] * 7, [long_ago] * 5 + [NOW] * 2
    )

    tastes = ranker.learn(space, [evidence], now=NOW)

    (picks,) = ranker.rank(space, tastes, [*PROTEINS[2:], *COMPILERS[5:]], 1000)
    assert share_on_top(picks, PROTEINS[2:]) > 0.9


def test_an_excluded_paper_is_not_picked() -> None:
    ranker = TfidfRanker()
    space = ranker.fit(PAPERS)
    tastes = ranker.learn(space, [votes(PROTEINS[:3]), votes()], now=NOW)
    barred = {paper.id for paper in PROTEINS[:15]}

    first, second = ranker.rank(space, tastes, PAPERS, 1000, excluded=[barred, ()])

    assert barred.isdisjoint(pick.paper.id for pick in first)
    assert len(second) == len(PAPERS)


def test_no_more_than_the_limit_are_picked() -> None:
    ranker = TfidfRanker()
    space = ranker.fit(PAPERS)
    tastes = ranker.learn(space, [votes(PROTEINS[:3])], now=NOW)

    for limit in (0, 1, 10):
        assert [len(picks) for picks in ranker.rank(space, tastes, PAPERS, limit)] == [limit]


def test_nobody_and_nothing_give_empty_lists() -> None:
    ranker = TfidfRanker()
    space = ranker.fit(PAPERS)

    assert ranker.learn(space, [], now=NOW) == []
    assert ranker.rank(space, [], PAPERS, 10) == []
    assert ranker.rank(space, ranker.learn(space, [votes()], now=NOW), [], 10) == [[]]


def test_readers_learnt_together_and_alone_get_the_same() -> None:
    ranker = TfidfRanker()
    space = ranker.fit(PAPERS)
    crowd = [
        votes(PROTEINS[:3]),
        votes(),
        votes(GALAXIES[:9], COMPILERS[:4]),
        votes(words=["linker"]),
    ]

    together = ranker.rank(space, ranker.learn(space, crowd, now=NOW), PAPERS, 20)

    for one, picks in zip(crowd, together, strict=True):
        (alone,) = ranker.rank(space, ranker.learn(space, [one], now=NOW), PAPERS, 20)
        assert [pick.paper.id for pick in alone] == [pick.paper.id for pick in picks]
        assert [p.score for p in alone] == pytest.approx([p.score for p in picks], abs=1e-4)


def test_tastes_of_several_lessons_are_ranked_in_one_call() -> None:
    ranker = TfidfRanker()
    space = ranker.fit(PAPERS)
    (first,) = ranker.learn(space, [votes(PROTEINS[:3])], now=NOW)
    (second,) = ranker.learn(space, [votes(GALAXIES[:3])], now=NOW)

    (proteins, galaxies) = ranker.rank(space, [first, second], PAPERS, 10)

    assert share_on_top(proteins, PROTEINS[:10]) + share_on_top(galaxies, GALAXIES[:10]) > 0.8
    assert proteins[0].paper.id < 20 <= galaxies[0].paper.id < 40


def test_learning_in_a_hurry_agrees_on_what_is_on_top() -> None:
    fast = TfidfRanker(accurate=False)
    space = fast.fit(PAPERS)
    tastes = fast.learn(space, [votes(PROTEINS[:3])], now=NOW)

    (picks,) = fast.rank(space, tastes, PAPERS[3:], 1000)

    assert share_on_top(picks, PROTEINS[3:]) > 0.9


def test_the_order_of_the_corpus_and_its_ids_change_nothing() -> None:
    moved = [replace(paper, id=paper.id + 1000) for paper in reversed(PAPERS)]

    here = ranked(votes(PROTEINS[:3]), PAPERS[3:])
    there = ranked(votes(PROTEINS[:3]), PAPERS[3:], corpus=moved)

    assert [p.paper.id for p in here] == [p.paper.id for p in there]
    assert [p.score for p in here] == [p.score for p in there]
