"""Tests a reader's strongest terms: their weights relative to other terms of the same papers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.helpers.ranking_factories import NOW, a_paper, crowded, votes

from larkpost.ranking import TfidfRanker, scoring, training
from larkpost.ranking.model_components import strong_terms
from larkpost.ranking.ridge import RidgeSolution

if TYPE_CHECKING:
    from larkpost.domain import Paper

COMPANY = [f"company{at}" for at in range(16)]  # words that come with the one that is meant
OTHERS = [f"other{at}" for at in range(40)]


def with_company(number: int, *, meant: str = "") -> Paper:
    """Make a paper of some company, with the word that is meant or without one."""
    words = np.random.default_rng(number).choice(COMPANY, 8, replace=False)
    return a_paper(number, meant, " ".join(words))


def scores_of_word_and_company(*, shown: bool) -> tuple[float, float]:
    """Score a paper of the word alone and one of all its company, for who likes the word."""
    liked = [with_company(at, meant="quasar") for at in range(10)]
    disliked = [with_company(100 + at) for at in range(10)]
    alone = a_paper(200, "quasar", " ".join(OTHERS[:8]))
    company = a_paper(201, "", " ".join(COMPANY))
    unread = [a_paper(300 + at, "", " ".join(OTHERS[at : at + 9])) for at in range(30)]
    space = TfidfRanker().fit(crowded([*liked, *disliked, alone, company, *unread]))
    one = replace(votes(liked, disliked), shown_at=[NOW if shown else None] * 20)
    (taste,) = training.learn(space, [one], now=NOW)
    of_word, of_company = scoring.score(space, [taste], space.rows([alone.text, company.text]))[0]
    return float(of_word), float(of_company)


def test_the_word_that_all_liked_papers_have_outweighs_all_that_comes_with_it() -> None:
    of_word, of_company = scores_of_word_and_company(shown=True)

    assert of_word > 1.8 * of_company > 0


def test_papers_that_no_edition_showed_are_learnt_from_by_all_their_words() -> None:
    of_word, of_company = scores_of_word_and_company(shown=False)

    assert of_word < 1.1 * of_company


def test_a_thumb_is_not_foreseen_by_the_weight_that_it_gave_to_its_own_words() -> None:
    liked = [with_company(at, meant="quasar") for at in range(4)]
    space = TfidfRanker().fit(crowded(liked))
    rows = space.rows([paper.text for paper in liked])
    cast = np.arange(4)[None]
    shares = np.array([[0.4, 0.3, 0.2, -0.1]], dtype=np.float32)
    background = np.full((1, len(space.background)), -0.01, dtype=np.float32)
    none = np.zeros((1, 0), dtype=np.float32)
    solved = RidgeSolution(shares, background, none, none, none)

    part = strong_terms(space, rows, cast, solved).part

    words, plain = rows.words.toarray(), rows.plain.toarray()
    weights = shares[0] @ words + background[0] @ space.background.words.toarray()
    others = [weights - share * mine for share, mine in zip(shares[0], words, strict=True)]
    squared = [space.sharpness * other * np.abs(other) for other in others]
    wanted = [mine @ one for mine, one in zip(plain, squared, strict=True)]
    assert part.votes[0].tolist() == pytest.approx(wanted, abs=1e-6)
