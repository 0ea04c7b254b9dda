"""Tests near-duplicates among candidates: which are found, and how many texts are compared."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from larkpost.domain import Identifier, Paper
from larkpost.ranking import near_duplicates
from larkpost.ranking.near_duplicates import DuplicateCache, DuplicateGroups, find_near_duplicates
from larkpost.text.minhash import resemblance
from larkpost.text.unverified import SEVERAL_SOURCES, Unverified

NOW = datetime(2026, 8, 7, 6, tzinfo=UTC)
ABSTRACT = " ".join(
    f"We study problem {n}, which asks how {word} behaves when nothing else is known of it."
    for n, word in enumerate(("routing", "radar", "birdsong", "pollen", "lattices"))
)


def paper(number: int, title: str, abstract: str) -> Paper:
    return Paper(
        id=number,
        uid=str(number),
        identifier=Identifier("arxiv", f"2608.{number:05}"),
        title=title,
        abstract=abstract,
        first_seen=NOW,
        ingested_at=NOW,
        updated=NOW,
    )


def random_words(dice: random.Random, length: int) -> str:
    return " ".join("".join(dice.choices("abcdefghijklmnop", k=7)) for _ in range(length // 8))


def similar_papers(groups: int, size: int, *, length: int = 4000) -> list[Paper]:
    """Papers whose abstracts share three fifths: too little to be duplicates."""
    dice = random.Random(3)  # noqa: S311 - the same papers on every run
    papers: list[Paper] = []
    for _ in range(groups):
        same = random_words(dice, length * 3 // 5)
        for _ in range(size):
            own = random_words(dice, length * 2 // 5)
            papers.append(paper(len(papers) + 1, random_words(dice, 60), f"{same} {own}"))
    return papers


class Comparisons:
    """Counts the texts that are compared, and their longest."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = self.longest = 0
        monkeypatch.setattr(near_duplicates, "resemblance", self.compare)

    def compare(self, a: str, b: str, *, least: float = 0.0) -> float:
        self.count += 1
        self.longest = max(self.longest, len(a), len(b))
        return resemblance(a, b, least=least)


def test_near_duplicates_are_one_group_and_others_are_alone() -> None:
    ice = "The ice of the southern Andes is thinner than was told. " * 4
    papers = [
        paper(1, "On what is not known", ABSTRACT),
        paper(2, "On what is not yet known", ABSTRACT.replace("nothing else", "nothing more")),
        paper(3, "Glaciers by radar", ice),
    ]

    alike = find_near_duplicates(papers)

    assert alike.of(1) == alike.of(2) != alike.of(3)
    assert alike.doubles == 1


def test_a_hundred_copies_are_one_group() -> None:
    papers = [paper(n, f"On what is not known, {n}", ABSTRACT) for n in range(1, 100)]

    alike = find_near_duplicates(papers)

    assert {alike.of(one.id) for one in papers} == {1}
    assert alike.doubles == 98


def test_of_thousands_of_texts_with_one_phrase_in_common_few_are_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    same = "The authors thank everybody who made this work possible. " * 10
    papers = [paper(n, f"Title {n}", f"{same} {n * 7919 % 10007}") for n in range(2000)]
    compared = Comparisons(monkeypatch)

    find_near_duplicates(papers)

    assert compared.count < 2 * len(papers)  # of two million pairs


def test_papers_that_are_almost_duplicates_are_compared_with_a_few_others_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    papers = similar_papers(2, 100)
    compared = Comparisons(monkeypatch)

    alike = find_near_duplicates(papers)

    assert alike.doubles == 0
    assert 100 <= compared.count <= 10 * len(papers)  # of 9,900 pairs
    assert compared.longest <= near_duplicates.COMPARED


def test_comparisons_are_limited_in_total_and_each_paper_s_likeliest_partner_comes_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    strangers = similar_papers(5, 40)
    twins = [
        paper(1001, "On what is not known", ABSTRACT),
        paper(1002, "On what is not yet known", ABSTRACT.replace("nothing else", "nothing more")),
    ]
    monkeypatch.setattr(near_duplicates, "MOST_COMPARISONS", len(strangers))
    compared = Comparisons(monkeypatch)

    alike = find_near_duplicates([*strangers, *twins])

    assert compared.count <= len(strangers)
    assert alike.of(1001) == alike.of(1002)


def test_the_same_papers_are_compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    papers, cache = similar_papers(1, 10), DuplicateCache()
    compared = Comparisons(monkeypatch)
    found = cache.groups(papers)
    once = compared.count

    again = cache.groups(papers[::-1])

    assert again is found
    assert compared.count == once > 0


def test_a_changed_text_is_compared_again() -> None:
    one, other, cache = paper(1, "One", ABSTRACT), paper(2, "Other", ABSTRACT), DuplicateCache()
    assert cache.groups([one, other]).doubles == 1

    changed = replace(other, abstract="The ice of the southern Andes is thin. " * 20)

    assert cache.groups([one, changed]).doubles == 0


def from_a_blog(*papers: Paper, source: str = "source a-blog") -> list[Paper]:
    return [replace(one, unverified=Unverified.ALL, text_source=source) for one in papers]


def test_the_copy_that_a_blog_has_of_a_listed_paper_keeps_that_paper_from_nobody() -> None:
    listed = paper(2, "Routing, radar and birdsong", ABSTRACT)
    copied = from_a_blog(
        paper(1, "Routing, radar and pollen", ABSTRACT),
        paper(3, "Routing, radar and lattices", f"{ABSTRACT} And more."),
    )

    found = find_near_duplicates([listed, *copied])

    assert found.copies == {1, 3}
    assert found.of(2) == 2


@pytest.mark.parametrize("count", [30, 120])
def test_no_number_of_copies_hides_that_they_are_copies(count: int) -> None:
    listed = paper(1, "Routing, radar and birdsong", ABSTRACT)
    copied = from_a_blog(
        *(paper(n, f"Routing, radar, {n}", f"{ABSTRACT} See {n}.") for n in range(2, count + 2))
    )

    found = find_near_duplicates([listed, *copied])

    assert found.copies == {one.id for one in copied}


def test_more_texts_than_are_compared_count_as_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_duplicates, "MOST_COMPARISONS", 10)
    compared = Comparisons(monkeypatch)
    listed, *others = similar_papers(1, 60)

    found = find_near_duplicates([listed, *from_a_blog(*others)])

    assert compared.count <= 20
    assert found.copies


def chain_of_papers() -> tuple[Paper, Paper, list[Paper]]:
    """Make two papers, and those between them, each near to the next."""
    sentences = [f"{text}." for text in ABSTRACT.split(". ")]
    other = [f"Nothing of {n} lakes is known, so we measure their ice again." for n in range(5)]
    steps = [" ".join([*other[:n], *sentences[n:]]) for n in range(6)]
    words = [one.split(" ") for one in steps]
    finer = [
        " ".join(after[:at] + before[at:])
        for before, after in pairwise(words)
        for at in range(0, max(len(before), len(after)), 6)
    ]
    first, last = paper(1, "Old problems", steps[0]), paper(2, "Old problems", steps[-1])
    return first, last, [paper(n, "Old problems", text) for n, text in enumerate(finer, 3)]


def test_a_chain_of_texts_of_a_blog_joins_no_papers_that_are_listed() -> None:
    first, last, between = chain_of_papers()

    assert find_near_duplicates([first, last, *between]).of(2) == 1
    assert find_near_duplicates([first, last, *from_a_blog(*between)]).of(2) == 2


def test_a_chain_of_texts_of_a_blog_joins_no_papers_of_another_blog() -> None:
    first, last, between = chain_of_papers()
    listed = from_a_blog(first, last, source="source journal")

    assert find_near_duplicates([*listed, *from_a_blog(*between)]).of(2) == 2


def test_papers_of_one_blog_are_duplicates_of_each_other() -> None:
    twins = from_a_blog(paper(1, "Old problems", ABSTRACT), paper(2, "Older problems", ABSTRACT))

    found = find_near_duplicates(twins)

    assert (found.doubles, found.copies) == (1, frozenset())


@pytest.mark.parametrize("source", ["source journal", SEVERAL_SOURCES])
def test_the_copy_that_a_blog_has_of_another_ones_paper_keeps_that_paper_from_nobody(
    source: str,
) -> None:
    (listed,) = from_a_blog(paper(1, "Old problems", ABSTRACT), source=source)
    own = "source a-blog" if source == "source journal" else source
    (copied,) = from_a_blog(paper(2, "Older problems", ABSTRACT), source=own)

    found = find_near_duplicates([listed, copied])

    assert (found.doubles, found.copies) == (0, frozenset())


def test_a_paper_that_an_authority_lists_is_compared_anew() -> None:
    cache = DuplicateCache()
    one, other = paper(1, "Old problems", ABSTRACT), paper(2, "Older problems", ABSTRACT)

    assert cache.groups([one, *from_a_blog(other)]).copies == {2}
    assert cache.groups([one, other]).copies == frozenset()


def test_the_abstract_that_a_blog_adds_to_a_title_makes_no_paper_a_duplicate() -> None:
    listed, other = paper(1, "What is known", ABSTRACT), paper(2, "On radar", ABSTRACT)
    added = replace(other, unverified=Unverified.ABSTRACT, text_source="source a-blog")

    assert find_near_duplicates([listed, other]).doubles == 1
    assert find_near_duplicates([listed, added]) == DuplicateGroups({})
    assert find_near_duplicates([*from_a_blog(listed, source="source journal"), added]) == (
        DuplicateGroups({})
    )
