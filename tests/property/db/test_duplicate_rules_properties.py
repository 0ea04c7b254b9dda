"""Tests for any two texts that the same paper and text result, in either order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from larkpost.db.matching.comparison.abstract_rules import best_abstract, is_withdrawal_notice
from larkpost.db.matching.comparison.compared_text import ComparedText, similarity
from larkpost.db.matching.comparison.title_rules import TitleRelation, compare_titles

TEXT = st.text(max_size=120)
WORD = st.from_regex(r"[a-z]{2,9}", fullmatch=True)
TITLES = st.lists(WORD | st.sampled_from(["U-Net", "GPT-4", "7B", "II", "the", "é"]), max_size=12)


@given(TITLES.map(" ".join) | TEXT, TITLES.map(" ".join) | TEXT)
def test_titles_are_compared_the_same_in_either_order(first: str, second: str) -> None:
    assert compare_titles(first, second) is compare_titles(second, first)
    assert compare_titles(first, f" {first}\n") is TitleRelation.SAME


@given(TEXT, TEXT)
def test_the_kept_abstract_is_one_of_the_two_and_its_own(first: str, second: str) -> None:
    kept = best_abstract(first, second, later=True)

    assert kept in {first, second}
    assert best_abstract(kept, kept, later=False) == kept
    assert 0 <= similarity(ComparedText(first), ComparedText(second)) <= 1


@given(st.lists(WORD, min_size=300), st.integers(0, 300))
def test_a_text_as_long_as_an_abstract_is_never_a_notice(words: list[str], at: int) -> None:
    words.insert(at, "This paper has been withdrawn by the authors.")

    assert not is_withdrawal_notice(" ".join(words))
