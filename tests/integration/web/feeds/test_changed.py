"""Feeds requested again: entries, dates and tags show exactly what changed."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from tests.helpers.factories import add_readers
from tests.helpers.web.feed_client import Here, here
from tests.helpers.web.feed_server import FORMS, NOW, addresses

from larkpost.db import papers, votes
from larkpost.domain import Identifier, PaperRecord, Thumb, Vote
from larkpost.readers import subscriptions

if TYPE_CHECKING:
    from larkpost.interfaces import FeedFormat

__all__ = ["here"]  # a fixture


def test_a_corrected_dump_updates_one_entry_and_makes_no_old_one_new(here: Here) -> None:
    for kind in ("reader", "trending", "archive", "search"):
        address = addresses(here.program.links, here.reader, "atom")[kind]
        before = {entry.id: entry for entry in here.atom(address).entries}
        paper = next(paper for paper in here.papers if "Glaciers" in paper.title)
        here.now += timedelta(hours=1)
        here.correct(paper, f"Glaciers of the southern Andes seen by radar {kind}", here.now)

        after = {entry.id: entry for entry in here.atom(address).entries}

        changed = [name for name, entry in after.items() if entry.updated != before[name].updated]
        assert after.keys() == before.keys()
        assert len(changed) == 1
        assert after[changed[0]].title.endswith(kind)
        assert after[changed[0]].updated > before[changed[0]].updated
        assert after[changed[0]].published == before[changed[0]].published


@pytest.mark.parametrize("form", FORMS)
def test_a_later_change_of_a_paper_changes_the_tag_with_the_bytes(here: Here, form: str) -> None:
    address = f"/feed/{here.reader.feed_key}.{form}"
    before = here.get(address)
    draft = PaperRecord(
        title=here.papers[0].title,
        abstract=here.papers[0].abstract,
        identifiers=(here.papers[0].identifier,),
        authors=("Ada Lovelace", "Émilie du Châtelet", "Mary Somerville"),
        first_seen=NOW,
    )
    with here.program.store.begin() as connection:
        papers.absorb(connection, [draft], now=NOW)

    after = here.get(address, **{"If-None-Match": before.headers["etag"]})

    assert after.status_code == 200
    assert "Somerville" in after.text


@pytest.mark.parametrize("kind", ["archive", "search"])
@pytest.mark.parametrize("later", [timedelta(0), timedelta(minutes=1), timedelta(days=-1)])
def test_a_visitor_who_knows_only_dates_misses_no_paper_of_the_past(
    here: Here, kind: str, later: timedelta
) -> None:
    address = addresses(here.program.links, here.reader, "atom")[kind]
    here.now += timedelta(minutes=2)
    before = here.get(address)
    draft = PaperRecord(
        title="Glaciers that nobody measured",
        abstract="Old ice, found in a drawer.",
        identifiers=(Identifier("arxiv", "2601.00009"),),
        first_seen=NOW - timedelta(days=40),
        ingested_at=NOW - timedelta(days=40),
    )
    here.now += later  # the clock may jump back
    with here.program.store.begin() as connection:
        papers.absorb(connection, [draft], now=here.now)
    if later >= timedelta(0):
        here.now += timedelta(seconds=5)

    after = here.get(address, **{"If-Modified-Since": before.headers["last-modified"]})

    assert after.status_code == 200
    assert draft.title in after.text
    if later >= timedelta(0):
        dated = here.get(address, **{"If-Modified-Since": after.headers["last-modified"]})
        assert dated.status_code == 304


def test_a_later_change_of_a_paper_is_dated_though_the_paper_is_not(here: Here) -> None:
    for address in (
        here.program.links.feed(here.reader, "atom"),
        here.program.links.feed(here.reader, "atom", page=1),
    ):
        before = here.get(address)
        here.now += timedelta(minutes=1)
        drafts = [
            PaperRecord(one.title, identifiers=(one.identifier,), categories=(f"at {here.now}",))
            for one in here.papers
        ]
        with here.program.store.begin() as connection:
            papers.absorb(connection, drafts, now=here.now)

        after = here.get(address, **{"If-Modified-Since": before.headers["last-modified"]})

        assert after.status_code == 200
        assert f"at {here.now}" in after.text


@pytest.mark.parametrize("form", FORMS)
def test_a_paper_whose_title_changes_but_not_its_length_is_new_to_the_visitor(
    here: Here, form: FeedFormat
) -> None:
    paper = next(paper for paper in here.papers if "Glaciers" in paper.title)
    places = addresses(here.program.links, here.reader, form).values()
    for number, address in enumerate(places):
        before = here.get(address)
        title = f"{paper.title[:-1]}{number}"
        changed = text("UPDATE paper SET title = :title WHERE id = :id")
        with here.program.store.begin() as connection:
            connection.execute(changed, {"title": title, "id": paper.id})

        after = here.get(address, **{"If-None-Match": before.headers["etag"]})

        assert (title in before.text, title in after.text) == (False, True)
        assert after.headers["etag"] != before.headers["etag"]


@pytest.mark.parametrize("kind", ["feed", "interest", "opml"])
def test_a_visitor_who_knows_only_dates_learns_the_new_name_of_the_reader(
    here: Here, kind: str
) -> None:
    links, reader = here.program.links, here.reader
    address = {
        "feed": links.feed(reader, "rss"),
        "interest": links.feed(reader, "json", interest=reader.interests[1]),
        "opml": links.opml(reader),
    }[kind]
    before = here.get(address)
    here.now += timedelta(seconds=30)
    subscriptions.change(here.program.store, reader.id, now=here.now, name="Countess Lovelace")

    after = here.get(address, **{"If-Modified-Since": before.headers["last-modified"]})
    fetched_at = f"{here.now - timedelta(seconds=1):%a, %d %b %Y %H:%M:%S} GMT"
    by_clock = here.get(address, **{"If-Modified-Since": fetched_at})
    again = here.get(address, **{"If-Modified-Since": after.headers["last-modified"]})

    assert [one.status_code for one in (after, by_clock, again)] == [200, 200, 304]
    assert "Countess Lovelace" in after.text


def test_a_feed_that_changes_twice_in_a_second_has_no_date_until_it_is_over(here: Here) -> None:
    address = here.program.links.trending("atom")
    first = here.get(address)
    with here.program.store.begin() as connection:  # fewer than five change nothing
        five = add_readers(connection, 5)
        cast = [Vote(one.id, here.papers[0].id, Thumb.DOWN, NOW, "web") for one in five]
        votes.cast_many(connection, cast)

    second = here.get(address, **{"If-Modified-Since": first.headers["last-modified"]})
    here.now += timedelta(seconds=1)
    third = here.get(address)

    assert second.content != first.content
    assert "last-modified" not in second.headers
    assert third.headers["last-modified"] > first.headers["last-modified"]


def test_a_clock_that_is_set_back_dates_nothing_in_the_future(here: Here) -> None:
    address = here.program.links.feed(here.reader, "atom")
    here.get(address)
    here.now -= timedelta(days=1)

    for method in (here.client.get, here.client.head):
        assert "last-modified" not in method(address).headers


@pytest.mark.parametrize("form", ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%c"])
def test_dates_of_all_three_forms_are_understood(here: Here, form: str) -> None:
    for address in addresses(here.program.links, here.reader, "rss").values():
        here.get(address)

        for seconds, status in ((0, 304), (-1, 200)):
            date = (NOW + timedelta(seconds=seconds)).strftime(form)
            assert here.get(address, **{"If-Modified-Since": date}).status_code == status


def test_a_tag_that_a_proxy_changed_because_it_packed_the_feed_is_known(here: Here) -> None:
    address = here.program.links.feed(here.reader, "atom")
    tag = here.get(address).headers["etag"]

    for suffix in ("-gzip", ";gzip", "--gzip", "-br"):
        answer = here.get(address, **{"If-None-Match": f'{tag[:-1]}{suffix}"'})

        assert answer.status_code == 304
        assert answer.headers["etag"] == tag


def test_writing_elsewhere_leaves_the_tag_and_gives_304(here: Here) -> None:
    for address in addresses(here.program.links, here.reader, "atom").values():
        before = here.get(address)
        vote = Vote(here.reader.id, here.papers[0].id, Thumb.UP, NOW - timedelta(days=30), "web")
        with here.program.store.begin() as connection:
            votes.cast(connection, vote)
            votes.clear(connection, here.reader.id, here.papers[0].id)

        again = here.get(address, **{"If-None-Match": before.headers["etag"]})
        whole = here.get(address)

        assert again.status_code == 304
        assert whole.content == before.content
        assert whole.headers["etag"] == before.headers["etag"]


def test_a_kept_answer_has_the_headers_of_the_first(here: Here) -> None:
    for address in addresses(here.program.links, here.reader, "rss").values():
        first, kept = here.get(address), here.get(address)

        assert dict(kept.headers) == dict(first.headers)
        assert kept.content == first.content
        assert here.client.head(address).headers == first.headers


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(milliseconds=999)])
def test_no_feed_is_dated_after_its_answer(here: Here, ahead: timedelta) -> None:
    """Only the clock counts: a late clock would reveal a server whose own Date lags."""
    address = f"/feed/{here.reader.feed_key}.rss"
    here.now += ahead
    first = here.get(address)
    here.correct(here.papers[0], "Another title within the second", here.now)

    changed = here.get(address)
    here.now += timedelta(seconds=1)
    later = here.get(address)
    known = here.get(address, **{"If-Modified-Since": later.headers["last-modified"]})

    assert first.headers["date"] == format_datetime(NOW, usegmt=True)
    assert first.headers["last-modified"] == first.headers["date"]
    assert changed.text != first.text
    assert "last-modified" not in changed.headers
    assert later.headers["last-modified"] == later.headers["date"]
    assert (known.status_code, known.headers["date"]) == (304, later.headers["date"])
