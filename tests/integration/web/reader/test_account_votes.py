"""Tests the page of a reader who has given many thumbs and received many editions."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.helpers.factories import DAY, TODAY
from tests.helpers.web.site_client import NOW, publish

from larkpost.db import editions, papers, popularity, votes
from larkpost.db.usage import vote_eligibility
from larkpost.domain import Identifier, PaperRecord, Pick, Thumb, Vote
from larkpost.readers import subscriptions
from larkpost.web.reader.account import SHOWN_VOTES

if TYPE_CHECKING:
    from typing import Any

    import pytest
    from tests.helpers.web.site_client import Place

MANY = 300


def vote_often(here: Place) -> None:
    """Give 300 thumbs in 300 hours, the last 15 down."""
    drafts = [
        PaperRecord(
            title=f"Paper number {number}",
            identifiers=(Identifier("arxiv", f"2605.{number:05}"),),
            first_seen=NOW - timedelta(days=20),
        )
        for number in range(MANY)
    ]
    with here.program.store.begin() as connection:
        brought = papers.absorb(connection, drafts, now=NOW)
        cast = [
            Vote(
                here.reader.id,
                one.paper_id,
                Thumb.DOWN if number >= MANY - 15 else Thumb.UP,
                NOW - timedelta(hours=MANY - number),
                "test",
            )
            for number, one in enumerate(brought)
        ]
        votes.cast_many(connection, cast)


def test_the_page_reads_only_the_votes_that_it_shows(
    here: Place, me: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    vote_often(here)
    rows, from_row = [], votes.from_row

    def count(row: Any) -> Vote:
        rows.append(row)
        return from_row(row)

    monkeypatch.setattr(votes, "from_row", count)
    page = here.client.get(me).text

    assert len(rows) == SHOWN_VOTES
    assert f"Paper number {MANY - 1}<" in page
    assert f"Paper number {MANY - SHOWN_VOTES}<" in page
    assert f"Paper number {MANY - SHOWN_VOTES - 1}<" not in page
    assert f"{MANY} thumbs" in page


def test_the_page_says_that_many_of_the_newest_thumbs_are_down(here: Place, me: str) -> None:
    vote_often(here)

    assert "15 of your last 20" in here.client.get(me).text


def test_the_page_reads_only_the_papers_of_the_newest_edition(
    here: Place, me: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        publish(here.program.store, here.current(), 3, TODAY + number * DAY, NOW + number * DAY)
    made: list[Pick] = []

    def make(**facts: Any) -> Pick:
        made.append(Pick(**facts))
        return made[-1]

    monkeypatch.setattr(editions, "Pick", make)
    page = here.client.get(me).text

    assert len(made) == 3
    assert page.count('<span class="facts">3 papers</span>') == 2
    assert here.path(here.program.links.edition(here.edition)) in page


def test_thumbs_of_a_reader_who_begins_to_count_follow_at_their_next_visits(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vote_eligibility, "AT_ONCE", 100)
    reader = subscriptions.add(here.program.store, None, now=NOW - 20 * DAY, signed_up=True)
    own = replace(here, reader=reader)
    vote_often(own)
    page = here.path(here.program.links.page(reader))
    thumb = {"action": "vote", "paper": str(here.papers[0].id), "thumb": "up"}

    found = []
    for _ in range(4):
        assert here.client.post(page, data=thumb).status_code == 200
        with here.program.store.read() as connection:
            counted = popularity.thumbs(connection, without=here.reader.id)
        found.append(sum(one.reader_id == reader.id for one in counted))

    assert found == [100, 200, 300, 301]
