"""Tests that a source which is no authority shows no other text once readers judged its paper."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from larkpost.db import papers, votes
from larkpost.domain import Identifier, PaperRecord, Thumb
from larkpost.readers import onboarding, record_votes, subscriptions
from larkpost.text.unverified import Unverified

if TYPE_CHECKING:
    from larkpost.db.engine import Store
    from larkpost.domain import Paper, Reader

NOW = datetime(2026, 8, 10, 9, tzinfo=UTC)
DAY = timedelta(days=1)
OURS = Identifier("arxiv", "2608.00001")
BAIT = PaperRecord(
    "Ferries That Wait: Predicting Departures from Nine Years of Logs",
    "Ferries wait for the tide, and the tide waits for nobody. We predict from nine years of logs "
    "when a ferry leaves, with a mean error of four minutes. Logs and code are public.",
    (OURS,),
    ("Ada Lovelace",),
    first_seen=NOW,
    unverified=Unverified.ALL,
)
SWITCH = replace(
    BAIT,
    title="Casino bonus for everybody who joins today",
    abstract="Jackpots, spins and odds for everybody, at casino.example, where the bonus is. " * 5,
    first_seen=NOW + DAY,
)


@pytest.fixture
def reader(store: Store) -> Reader:
    return subscriptions.add(store, None, now=NOW)


def take(store: Store, draft: PaperRecord, day: int = 0) -> Paper:
    """Take a record in, some days later; return its paper."""
    with store.begin() as connection:
        (one,) = papers.absorb(connection, [draft], now=NOW + day * DAY)
        return papers.get(connection, [one.paper_id])[one.paper_id]


def judge(store: Store, reader: Reader, paper: Paper) -> None:
    record_votes.cast(store, reader.id, paper.id, Thumb.UP, source="test", now=NOW)


def liked(store: Store, reader: Reader) -> list[Paper]:
    with store.read() as connection:
        found = papers.get(connection, votes.thumbs(connection, reader.id).keys())
    return list(found.values())


def test_another_text_under_the_number_of_a_judged_paper_is_another_paper(
    store: Store, reader: Reader
) -> None:
    before = take(store, BAIT)
    judge(store, reader, before)

    switched = take(store, SWITCH, 1)

    assert (switched.title, switched.id != before.id) == (SWITCH.title, True)
    assert liked(store, reader) == [before]
    assert take(store, SWITCH, 2).id == switched.id


@pytest.mark.parametrize(
    "changed",
    [
        {"abstract": SWITCH.abstract},
        {"title": f"{BAIT.title}, and a Casino"},
        {"authors": ("Evil",) * 5},
        {"withdrawn": True},
        {"organisation": "Casino", "comment": "Play at casino.example", "journal_ref": "Odds"},
        {"identifiers": (), "abstract": f"{BAIT.abstract} Play at casino.example."},
    ],
)
def test_a_judged_paper_keeps_its_texts_and_is_not_withdrawn(
    store: Store, reader: Reader, changed: dict[str, Any]
) -> None:
    before = take(store, BAIT)
    judge(store, reader, before)

    take(store, replace(BAIT, first_seen=NOW + DAY, **changed), 1)

    (after,) = liked(store, reader)
    kept = ("title", "abstract", "authors", "withdrawn", "updated", "unverified")
    for field in (*kept, "organisation", "comment", "journal_ref"):
        assert getattr(after, field) == getattr(before, field), field


def test_a_thumb_that_is_forgotten_and_may_be_restored_keeps_the_text_as_well(
    store: Store, reader: Reader
) -> None:
    before = take(store, BAIT)
    judge(store, reader, before)
    record_votes.forget(store, reader.id, NOW + DAY, now=NOW + DAY)

    take(store, SWITCH, 2)

    record_votes.remember(store, reader.id)
    assert [paper.title for paper in liked(store, reader)] == [BAIT.title]


@pytest.mark.parametrize("title", [BAIT.title, f"{BAIT.title} (with Maps)"])
def test_an_authority_replaces_the_texts_that_were_judged(
    store: Store, reader: Reader, title: str
) -> None:
    judge(store, reader, take(store, replace(BAIT, title=title, abstract=SWITCH.abstract)))

    listed = take(store, replace(BAIT, unverified=Unverified.NONE), 1)

    assert liked(store, reader) == [listed]
    assert (listed.title, listed.unverified) == (BAIT.title, Unverified.NONE)


@pytest.mark.parametrize("name", [OURS, Identifier("doi", "10.1234/casino")])
@pytest.mark.parametrize("is_private", [True, False])
def test_thumbs_do_not_move_to_the_paper_under_whose_id_a_blog_put_the_text(
    store: Store, reader: Reader, name: Identifier, is_private: bool
) -> None:
    planted = replace(BAIT, identifiers=(name,))
    listed = replace(SWITCH, identifiers=(name,), unverified=Unverified.NONE)
    if is_private:
        onboarding.from_references(store, reader.id, f"@a{{x, title={{{BAIT.title}}}}}", now=NOW)
        take(store, planted)
    else:
        judge(store, reader, take(store, planted))

    other = take(store, listed, 1)

    assert (other.title, other.identifier, other.unverified) == (SWITCH.title, name, 0)
    assert [paper.title for paper in liked(store, reader)] == [BAIT.title]
    take(store, planted, 2)
    assert take(store, listed, 3) == other
    with store.read() as connection:  # a private thumb is on the reader's own paper
        assert papers.count(connection) == (1 if is_private else 2)


def test_an_abstract_that_a_blog_supplied_to_a_listed_paper_stays_once_it_was_judged(
    store: Store, reader: Reader
) -> None:
    take(store, replace(BAIT, abstract="", authors=(), unverified=Unverified.NONE))
    supplied = take(store, BAIT, 1)
    judge(store, reader, supplied)

    after = take(store, replace(SWITCH, title=BAIT.title, authors=("Evil",) * 5), 2)

    assert (after.abstract, after.authors) == (BAIT.abstract, BAIT.authors)
    assert liked(store, reader) == [after]


def test_a_blog_supplies_no_notice_of_withdrawal_in_place_of_a_missing_abstract(
    store: Store,
) -> None:
    take(store, replace(BAIT, abstract="", unverified=Unverified.NONE))

    notice = "This paper has been withdrawn by the authors due to fraud. See casino.example."

    assert take(store, replace(BAIT, abstract=notice), 1).abstract == ""


def test_a_paper_that_nobody_judged_may_be_reworded(store: Store, reader: Reader) -> None:
    before = take(store, BAIT)

    after = take(store, replace(BAIT, abstract=f"{BAIT.abstract} So are the maps."), 1)

    assert (after.id, after.abstract[-17:]) == (before.id, " So are the maps.")


def test_a_paper_from_a_readers_list_is_not_switched_after_a_blog_has_listed_it(
    store: Store, reader: Reader
) -> None:
    onboarding.from_references(
        store, reader.id, f"@a{{x, title={{{BAIT.title}}}, eprint={{{OURS.value}}}}}", now=NOW
    )
    take(store, BAIT, 1)

    take(store, SWITCH, 2)

    assert [paper.title for paper in liked(store, reader)] == [BAIT.title]


@pytest.mark.parametrize("abstract", ["", f"{BAIT.abstract[:90]}..."])
def test_a_feed_adds_no_text_to_a_paper_of_an_authority_that_readers_judged(
    store: Store, reader: Reader, abstract: str
) -> None:
    listed = replace(BAIT, abstract=abstract, unverified=Unverified.NONE)
    judge(store, reader, take(store, listed))

    take(store, replace(BAIT, abstract=f"{SWITCH.abstract} {BAIT.abstract}"), 1)

    (paper,) = liked(store, reader)
    assert (paper.title, paper.abstract) == (listed.title, abstract)
    assert take(store, replace(listed, abstract=BAIT.abstract), 2).abstract == BAIT.abstract


def test_an_authority_joins_no_abstract_of_a_feed_to_a_title_that_readers_judged(
    store: Store, reader: Reader
) -> None:
    doi = Identifier("doi", "10.1000/ferries")
    title = replace(BAIT, abstract="", text_source="source journal")
    judge(store, reader, take(store, title))
    planted = replace(BAIT, title=" ".join(BAIT.title), abstract=SWITCH.abstract)
    planted = replace(planted, identifiers=(doi,), text_source="source a-blog")

    take(store, planted, 1)
    take(store, replace(title, identifiers=(OURS, doi), unverified=Unverified.NONE), 2)

    assert [(one.title, one.abstract) for one in liked(store, reader)] == [(title.title, "")]
