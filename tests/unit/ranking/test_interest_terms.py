"""Tests the words of an interest in a paper: the strongest, found without looking at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from larkpost.ranking.linear_model import NamedTerms
from larkpost.ranking.words import interest_terms as module
from larkpost.ranking.words.interest_terms import MOST, InterestTerm, interest_terms, stem_text
from larkpost.text.stemming import stem_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pytest

WORDS = {at: f"{letter}{letter}word" for at, letter in enumerate("abcdefghijklmnop")}


def named(phrases: Sequence[Sequence[int]]) -> NamedTerms:
    """An interest with phrases of these words."""
    texts = [(" ".join(WORDS[at] for at in one), frozenset(one)) for one in phrases]
    return NamedTerms(frozenset().union(*phrases), frozenset(), tuple(texts))


def all_terms(of: NamedTerms, text: str, raised: Mapping[int, float]) -> list[InterestTerm]:
    """Look at every phrase, and sort all their terms."""
    found: list[InterestTerm] = []
    for phrase, columns in of.phrases:
        mine = sorted(at for at in columns if raised.get(at, 0) > 0)
        if mine and stem_text(phrase) in text:
            stems = frozenset(stem_of(WORDS[at]) for at in mine)
            found.append(InterestTerm(phrase, stems, sum(raised[at] for at in mine)))
        else:
            found += [
                InterestTerm(WORDS[at], frozenset([stem_of(WORDS[at])]), raised[at]) for at in mine
            ]
    kept: list[InterestTerm] = []
    for one in sorted(found, key=lambda one: (-one.weight, one.text)):
        if all(one.stems.isdisjoint(other.stems) for other in kept):
            kept.append(one)
    return kept[:MOST]


@given(
    phrases=st.lists(st.lists(st.sampled_from(sorted(WORDS)), min_size=1, max_size=4, unique=True)),
    raised=st.dictionaries(st.sampled_from(sorted(WORDS)), st.integers(-8, 8).map(float)),
    paper=st.lists(st.sampled_from(sorted(WORDS)), max_size=30),
)
def test_the_strongest_terms_are_those_of_all_phrases(
    phrases: list[list[int]], raised: dict[int, float], paper: list[int]
) -> None:
    of, text = named(phrases), stem_text(" ".join(WORDS[at] for at in paper))

    assert interest_terms(of, text, WORDS, raised) == all_terms(of, text, raised)


def test_of_hundreds_of_phrases_only_the_strongest_are_searched_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    phrases = [[a, b] for a in WORDS for b in WORDS if a < b]
    raised = {at: 2.0**at for at in WORDS}
    searched: list[str] = []
    look_up = module._terms_of_phrase

    def count(phrase: str, *rest: object) -> list[InterestTerm]:
        searched.append(phrase)
        return look_up(phrase, *rest)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(module, "_terms_of_phrase", count)

    found = interest_terms(named(phrases), stem_text("another text"), WORDS, raised)

    assert [one.text for one in found] == ["ppword", "ooword", "nnword"]
    assert len(searched) < len(phrases) / 2
