"""Papers like one: a rough net from the index, sorted by the ranker that is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.making import NOW, add_papers

from larkpost.domain import Draft
from larkpost.flows.similar import at_hand, similar
from larkpost.ranking import Tfidf
from larkpost.store import models, papers
from larkpost.store.wording import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from larkpost.domain import Paper
    from larkpost.seams import Space
    from larkpost.store.engine import Store

NEAR = (
    Draft("Routing in mixtures", "A router sends tokens to few of them."),
    Draft("Experts of routing and radar on ice, their words and ways", "Interviews."),
)


class ByTitle(Tfidf):
    """Calls papers close that share many words of the title: a ranker one can do in the head."""

    def similar(
        self,
        space: Space,  # noqa: ARG002 - the seam's signature
        paper: Paper,
        among: Sequence[Paper],
        limit: int,
    ) -> list[tuple[Paper, float]]:
        """Compare titles as sets of words (Jaccard)."""
        mine = set(words(paper.title))
        theirs = [(other, set(words(other.title))) for other in among]
        found = [(other, len(mine & its) / len(mine | its)) for other, its in theirs if mine & its]
        return sorted(found, key=lambda pair: -pair[1])[:limit]


def fit(store: Store) -> None:
    with store.begin() as connection:
        body = Tfidf().fit(papers.corpus(connection)).to_bytes()
        models.save_space(connection, body, papers=7, newest=NOW, now=NOW)


def test_the_closest_come_first_and_never_the_paper_itself(store: Store) -> None:
    ranker = ByTitle()
    with store.begin() as connection:
        sparse, *_ = add_papers(connection, 6)
        absorbed = papers.absorb(connection, NEAR, now=NOW)
    fit(store)

    with store.read() as connection:
        held = at_hand(connection, ranker)
        found = similar(connection, ranker, held, sparse, limit=3)
        nearest = similar(connection, ranker, held, sparse, limit=1)

    closest, further = (one.paper_id for one in absorbed)
    assert [near.paper.id for near in found] == [closest, further]
    assert found[0].closeness == 0.5
    assert nearest == found[:1]


def test_without_a_space_nothing_is_similar(store: Store) -> None:
    ranker = ByTitle()
    with store.begin() as connection:
        (paper,) = add_papers(connection, 1)

        held = at_hand(connection, ranker)
        assert held is None
        assert similar(connection, ranker, held, paper) == []


def test_a_held_space_is_kept_until_there_is_a_newer_one(store: Store) -> None:
    ranker = ByTitle()
    with store.begin() as connection:
        add_papers(connection, 3)
    fit(store)
    with store.read() as connection:
        held = at_hand(connection, ranker)
        again = at_hand(connection, ranker, held)
    fit(store)

    with store.read() as connection:
        newer = at_hand(connection, ranker, held)

    assert held is not None
    assert again is held
    assert newer is not None
    assert newer.number > held.number


def test_a_damaged_space_is_none(store: Store) -> None:
    with store.begin() as connection:
        models.save_space(connection, b"cut", papers=0, newest=None, now=NOW)

        assert at_hand(connection, ByTitle()) is None
