"""Tests that cached rows of texts equal newly computed ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from tests.helpers.ranking_factories import library

from larkpost.ranking import TfidfRanker, paper_row_cache
from larkpost.ranking.paper_row_cache import RowCache

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pytest
    from scipy.sparse import csr_array

PAPERS = library(40)
TEXTS = [paper.text for paper in PAPERS]


class Counting:
    """Makes rows of a space without its cache, and counts the texts that were cut."""

    def __init__(self) -> None:
        self.space = TfidfRanker().fit(PAPERS)
        self.cut: list[str | Mapping[str, float]] = []
        self.most = 0

    def make(self, texts: Sequence[str | Mapping[str, float]]) -> csr_array:
        """Make rows."""
        self.cut += texts
        self.most = max(self.most, len(texts))
        return TfidfRanker().fit(PAPERS).rows(texts).plain  # by a space that has met none of them

    def cache(self) -> RowCache:
        """Make a cache of these rows."""
        return RowCache(self.make, self.space.axes)


def test_a_text_is_cut_once_and_its_row_is_the_same_to_the_bit() -> None:
    counting = Counting()
    cache = counting.cache()

    first = cache.rows(TEXTS[:30])
    again = cache.rows([*TEXTS[10:40], TEXTS[12]])

    assert len(counting.cut) == 40
    for found, texts in ((first, TEXTS[:30]), (again, [*TEXTS[10:40], TEXTS[12]])):
        made = TfidfRanker().fit(PAPERS).rows(texts)
        assert np.array_equal(found.plain.toarray(), made.plain.toarray())
        assert np.array_equal(found.themes, made.themes)


def test_hints_are_made_anew_and_stand_where_they_were_asked_for() -> None:
    counting = Counting()
    cache = counting.cache()
    hint = {"protein": 2.0}

    rows = cache.rows([TEXTS[0], hint, "", TEXTS[1]])
    cache.rows([hint])

    assert counting.cut.count(hint) == 2
    made = counting.make([TEXTS[0], hint, "", TEXTS[1]])
    assert np.array_equal(rows.plain.toarray(), made.toarray())


def test_of_no_texts_there_are_no_rows() -> None:
    counting = Counting()

    assert counting.cache().rows([]).plain.shape == (0, len(counting.space.vocabulary))


def test_the_texts_met_first_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper_row_cache, "MOST", 10)
    counting = Counting()
    cache = counting.cache()

    cache.rows(TEXTS[:30])
    cache.rows(TEXTS[25:30])
    assert len(counting.cut) == 30
    cache.rows(TEXTS[:1])

    assert len(counting.cut) == 31


def test_many_texts_are_cut_a_few_at_a_time_so_that_their_words_need_little_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(paper_row_cache, "BATCH", 7)
    counting = Counting()

    found = counting.cache().rows(TEXTS[:30])

    assert counting.most == 7
    assert len(counting.cut) == 30
    assert np.array_equal(found.plain.toarray(), counting.make(TEXTS[:30]).toarray())
