"""Tests that a comparer repeats no comparison, and counts those it makes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.helpers.dump_files import ABSTRACT, NOW
from tests.helpers.merging.alike_texts import TITLE, ComparisonCount, make_texts

from larkpost.db.matching.comparison.duplicate_rules import MatchRule
from larkpost.db.matching.comparison.text_comparer import TextComparer
from larkpost.domain import Identifier, Paper, PaperRecord

if TYPE_CHECKING:
    import pytest

PAPER = Paper(
    id=1,
    uid="1",
    identifier=Identifier("arxiv", "2608.00001"),
    title=TITLE,
    abstract=ABSTRACT,
    first_seen=NOW,
    ingested_at=NOW,
    updated=NOW,
)
OTHER = PaperRecord(TITLE, abstract=make_texts(1, 700)[0])


def test_a_pair_is_compared_once_and_costs_the_same_again(monkeypatch: pytest.MonkeyPatch) -> None:
    count, comparer = ComparisonCount(monkeypatch), TextComparer()

    first = comparer.compare(PAPER, OTHER)
    again = comparer.compare(replace(PAPER, id=2), replace(OTHER, url="https://x.example/"))

    assert first == again
    assert first.rule is None
    assert comparer.characters == first.characters > 800
    assert len(count.pairs) == 1


def test_an_edited_text_is_compared_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    count, comparer = ComparisonCount(monkeypatch), TextComparer()
    edited = replace(OTHER, abstract=ABSTRACT.replace("six", "seven"))

    assert comparer.compare(PAPER, OTHER).rule is None
    assert comparer.compare(PAPER, edited).rule is MatchRule.TITLE_AND_ABSTRACT
    assert len(count.pairs) == 2


def test_the_days_of_a_pair_are_part_of_its_result() -> None:
    comparer = TextComparer()
    paper = replace(PAPER, title="Qwen3 Technical Report")
    soon, late = (
        PaperRecord(paper.title, first_seen=NOW + timedelta(days=days)) for days in (3, 300)
    )

    assert comparer.compare(paper, soon).rule is MatchRule.TITLE
    assert comparer.compare(paper, late).rule is None


def test_pairs_that_a_glance_decides_cost_nothing() -> None:
    comparer = TextComparer()
    unlike = replace(OTHER, title="Ferries wait for the tide")

    assert comparer.compare(PAPER, unlike) == (None, 0)
    assert comparer.compare(PAPER, PaperRecord(TITLE.upper(), abstract=ABSTRACT)).rule
    assert comparer.characters == 0


def test_texts_in_memory_are_bounded_and_results_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("larkpost.db.matching.comparison.text_comparer._MOST_HELD", 1_000)
    count, comparer = ComparisonCount(monkeypatch), TextComparer()

    rules = [comparer.compare(PAPER, OTHER) for _ in range(3)]

    assert rules == [rules[0]] * 3
    assert len(count.pairs) == 1
    assert comparer._held <= 1_000 + len(ABSTRACT) + len(OTHER.abstract) + 2 * len(TITLE)
