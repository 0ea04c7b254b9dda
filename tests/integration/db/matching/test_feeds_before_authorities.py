"""Tests what a feed cannot make of papers that an authority lists after it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from larkpost.db import papers, votes
from larkpost.domain import Identifier, PaperRecord, Thumb
from larkpost.readers import record_votes, subscriptions
from larkpost.text.unverified import Unverified

if TYPE_CHECKING:
    from larkpost.db.engine import Store
    from larkpost.domain import Paper

NOW = datetime(2026, 8, 10, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
FERRIES = PaperRecord(
    "Ferries That Wait: Predicting Departures from Nine Years of Logs",
    "Ferries wait for the tide, and the tide waits for nobody. We predict from nine years of logs "
    "when a ferry leaves, with a mean error of four minutes. Storms, crews and harbours matter less"
    " than the day of the week. Logs and code are public.",
    authors=("Ada Lovelace",),
)
FERRIES_II = PaperRecord(
    f"{FERRIES.title}, with Maps",
    "Where ships are is known from radio. A map of all coasts shows which harbours they visit in "
    "summer, and how many of them are empty in winter, when islands are hard to reach.",
)
GLACIERS = PaperRecord(
    "Glacier Melt in the Alps since the Little Ice Age",
    "We reconstruct the extent of forty glaciers from moraines and old maps, and find that two "
    "thirds of the ice is gone. Half of the loss came after 1980.",
)
ATOMS = PaperRecord(
    "Quantum Error Correction with Cold Atoms",
    "A code of distance five is realised with two hundred atoms in tweezers, and logical errors "
    "fall by a factor of two with each distance.",
)
NUMBERED = replace(FERRIES, identifiers=(Identifier("arxiv", "2608.00001"),))
CASINO = PaperRecord(
    "Casino bonus for everybody who joins today",
    "Jackpots, spins and odds for everybody, at casino.example, where the bonus is. " * 5,
)
LONGER = FERRIES.abstract.replace("We predict", "A bonus at casino.example! We predict")
REWORDED = (
    "Casino.example! Nobody waits: tides and ferries, nine years of logs, predict four minutes of "
    "mean error. Harbours, crews and storms matter less; the day of the week when a ferry leaves. "
    "Public code and logs. Bonus! Bonus! Bonus! Bonus! Bonus! Bonus! Bonus! Bonus! Bonus! Bonus!"
)


def take(store: Store, *drafts: PaperRecord) -> Paper:
    """Take records in, one an hour; return the paper of the last one."""
    for hours, draft in enumerate(drafts):
        with store.begin() as connection:
            (one,) = papers.absorb(connection, [draft], now=NOW + hours * HOUR)
    with store.read() as connection:
        return papers.get(connection, [one.paper_id])[one.paper_id]


def from_feed(draft: PaperRecord, *names: Identifier, **changed: Any) -> PaperRecord:
    """Return a record as of a polled feed, with other identifiers if any are given."""
    identifiers = names or draft.identifiers
    whole = replace(draft, **changed)
    return replace(whole, identifiers=identifiers, unverified=Unverified.ALL)


@pytest.mark.parametrize("order", list(permutations((FERRIES, GLACIERS, ATOMS))))
def test_a_feed_cannot_join_papers_by_putting_their_texts_under_one_identifier(
    store: Store, order: tuple[PaperRecord, ...]
) -> None:
    mine = Identifier("doi", "10.1234/mine")

    take(store, *(from_feed(one, mine) for one in (FERRIES, GLACIERS, ATOMS)))
    take(store, *order, *order, *(from_feed(one, mine) for one in order), *order)

    with store.read() as connection:
        titles = sorted(paper.title for paper in papers.iterate(connection))
    assert titles == sorted(one.title for one in order)


@pytest.mark.parametrize("order", list(permutations((FERRIES, FERRIES_II))))
@pytest.mark.parametrize("is_listed", [True, False])
def test_a_feed_cannot_join_papers_with_similar_titles_either(
    store: Store, order: tuple[PaperRecord, ...], is_listed: bool
) -> None:
    listed, other = order
    mine = Identifier("doi", "10.1234/mine")
    first = replace(listed, identifiers=(mine,)) if is_listed else from_feed(listed, mine)

    take(store, first, from_feed(other, mine), *order, *order)

    with store.read() as connection:
        titles = {paper.title for paper in papers.iterate(connection)}
    assert titles == {FERRIES.title, FERRIES_II.title}


@pytest.mark.parametrize("planted", [LONGER, REWORDED])
def test_an_authority_replaces_the_abstract_that_a_feed_made_longer(
    store: Store, planted: str
) -> None:
    paper = take(store, from_feed(NUMBERED, abstract=planted), NUMBERED)

    assert (paper.abstract, paper.unverified) == (FERRIES.abstract, Unverified.NONE)


def test_an_authority_replaces_the_authors_to_whom_a_feed_added_some(store: Store) -> None:
    more = (*FERRIES.authors, "Casino Bonus", "Evil One")

    assert take(store, from_feed(NUMBERED, authors=more), NUMBERED).authors == FERRIES.authors


@pytest.mark.parametrize("is_first", [True, False])
def test_the_rest_of_a_cut_title_does_not_let_a_feed_rewrite_the_paper(
    store: Store, is_first: bool
) -> None:
    cut = replace(NUMBERED, title="Ferries That Wait: Predicting Departures from…")
    rest = from_feed(NUMBERED)
    both = (rest, cut) if is_first else (cut, rest)

    paper = take(store, *both, from_feed(CASINO, *NUMBERED.identifiers, organisation="Retracted"))

    assert (paper.title, paper.abstract) == (FERRIES.title, FERRIES.abstract)
    assert paper.organisation is None


@pytest.mark.parametrize("is_bait_first", [True, False])
def test_a_feed_cannot_move_thumbs_to_another_text_by_joining_two_of_its_papers(
    store: Store, is_bait_first: bool
) -> None:
    first, second = (Identifier("url", f"https://blog.example/{n}") for n in (1, 2))
    text = FERRIES.abstract * 2
    bait, switch = from_feed(FERRIES, first, abstract=text), from_feed(CASINO, second)
    take(store, *((bait, switch) if is_bait_first else (switch, bait)))
    liked = take(store, bait)
    reader = subscriptions.add(store, None, now=NOW)
    record_votes.cast(store, reader.id, liked.id, Thumb.UP, source="test", now=NOW)

    take(store, replace(switch, abstract=text))
    take(store, from_feed(CASINO, second, first, abstract=text))

    with store.read() as connection:
        (after,) = papers.get(connection, votes.thumbs(connection, reader.id).keys()).values()
    assert after.title == FERRIES.title
