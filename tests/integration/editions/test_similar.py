"""Tests similar papers: candidates from the index, sorted by the given ranker."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tests.helpers.factories import NOW, add_papers

from larkpost.db import papers
from larkpost.db.search.tokenize import words
from larkpost.domain import PaperRecord
from larkpost.editions.similar import SimilarPapers, similar
from larkpost.ranking import TfidfRanker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from larkpost.db.engine import Store
    from larkpost.domain import Paper
    from larkpost.ranking import TextSpace

NEAR = (
    PaperRecord("Routing in mixtures", "A router sends tokens to few of them."),
    PaperRecord("Experts of routing and radar on ice, their words and ways", "Interviews."),
)


class ByTitle(TfidfRanker):
    """Calls papers close that share many words of the title: a ranker one can do in the head."""

    def similar(
        self,
        space: TextSpace,  # noqa: ARG002 - the seam's signature
        paper: Paper,
        among: Sequence[Paper],
        limit: int,
    ) -> list[tuple[Paper, float]]:
        """Compare titles as sets of words (Jaccard)."""
        mine = set(words(paper.title))
        theirs = [(other, set(words(other.title))) for other in among]
        found = [(other, len(mine & its) / len(mine | its)) for other, its in theirs if mine & its]
        return sorted(found, key=lambda pair: -pair[1])[:limit]


def test_the_closest_come_first_and_never_the_paper_itself(store: Store) -> None:
    ranker = ByTitle()
    with store.begin() as connection:
        sparse, *_ = add_papers(connection, 6)
        absorbed = papers.absorb(connection, NEAR, now=NOW)
        space = ranker.fit(papers.corpus(connection))

    with store.read() as connection:
        found = similar(connection, ranker, space, sparse, limit=3)
        nearest = similar(connection, ranker, space, sparse, limit=1)

    closest, further = (one.paper_id for one in absorbed)
    assert [near.paper.id for near in found] == [closest, further]
    assert found[0].closeness == 0.5
    assert nearest == found[:1]


def test_by_a_space_of_no_papers_nothing_is_similar(store: Store) -> None:
    ranker = TfidfRanker()
    with store.begin() as connection:
        paper, *_ = add_papers(connection, 6)
        papers.absorb(connection, NEAR, now=NOW)

        assert similar(connection, ranker, ranker.fit([]), paper) == []


class Counting(ByTitle):
    """Counts how often papers were compared."""

    compared = 0

    def similar(
        self, space: TextSpace, paper: Paper, among: Sequence[Paper], limit: int
    ) -> list[tuple[Paper, float]]:
        """Compare, and count it."""
        self.compared += 1
        return super().similar(space, paper, among, limit)


def test_papers_are_compared_once_until_one_comes_or_the_space_changes(store: Store) -> None:
    ranker, known = Counting(half_life_days=90), SimilarPapers()

    def near(later: int = 0) -> list[str]:
        space = spaces[later]
        with store.read() as connection:
            found = known.find(connection, ranker, space, sparse, limit=3)
            assert found == similar(connection, ByTitle(), space, sparse, limit=3)
        return [one.paper.title for one in found]

    with store.begin() as connection:
        sparse, *_ = add_papers(connection, 6)
        papers.absorb(connection, NEAR[:1], now=NOW)
        spaces = [ranker.fit(papers.corpus(connection)) for _ in range(2)]

    assert near() == near() == [NEAR[0].title]
    assert ranker.compared == 1
    with store.begin() as connection:
        papers.absorb(connection, NEAR[1:], now=NOW + timedelta(hours=1))
    assert near() == near() == [draft.title for draft in NEAR]
    assert ranker.compared == 2
    near(later=1)
    assert ranker.compared == 3
