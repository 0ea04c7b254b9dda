"""Tests parts of a reader's feed, its archive, and the public feeds, over HTTP."""

from __future__ import annotations

import json
from datetime import timedelta
from xml.etree import ElementTree as ET

import feedparser  # type: ignore[import-untyped]  # it has no types
import pytest
from tests.helpers.web.feed_client import Here, here
from tests.helpers.web.feed_server import EDITIONS, FORMS, NOW, addresses, publish

from larkpost.db import interests, papers, readers, votes
from larkpost.db.popularity import FEWEST
from larkpost.domain import Identifier, PaperRecord, Thumb, Vote

__all__ = ["here"]  # a fixture

ATOM = "{http://www.w3.org/2005/Atom}"
HISTORY = "{http://purl.org/syndication/history/1.0}"


def test_the_feed_of_an_interest_shows_what_was_picked_for_it(here: Here) -> None:
    links, ice = here.program.links, here.reader.interests[1]
    whole = here.atom(links.feed(here.reader, "atom"))

    part = here.atom(links.feed(here.reader, "atom", interest=ice))

    shown = {entry.id: entry for entry in whole.entries}
    assert part.feed.title == "Larkpost for Ada: Ice & snow"
    assert part.feed.id != whole.feed.id
    assert 0 < len(part.entries) <= len(shown)
    # The same entry, so that who reads both has read it in both; but for which pick it is of.
    assert {entry.id for entry in part.entries} <= shown.keys()
    assert all("Ice &amp; snow" in entry.content[0].value for entry in part.entries)


def test_an_interest_is_known_by_name_and_by_number_and_gone_when_removed(here: Here) -> None:
    key, ice = here.reader.feed_key, here.reader.interests[1]

    named = here.get(f"/feed/{key}/ice-snow.atom")
    numbered = here.get(f"/feed/{key}/{ice.id}.atom")
    with here.program.store.begin() as connection:
        interests.remove_interest(connection, here.reader.id, ice.name)
    gone = here.get(f"/feed/{key}/ice-snow.atom")

    assert named.status_code == 200
    assert numbered.content == named.content
    assert gone.status_code == 404


def test_min_leaves_out_what_is_less_likely_and_an_empty_feed_is_valid(here: Here) -> None:
    links = here.program.links

    likely = here.atom(links.feed(here.reader, "atom", least=0.5))
    never = here.atom(links.feed(here.reader, "atom", least=0.51))

    assert len(likely.entries) == len(here.papers)
    assert never.entries == []
    assert never.feed.links[0].href == links.feed(here.reader, "atom", least=0.51)


@pytest.mark.parametrize("least", ["high", "-0.1", "1.1", "nan", "inf", "60%25"])
def test_min_that_is_no_probability_is_refused_in_words(here: Here, least: str) -> None:
    answer = here.get(f"/feed/{here.reader.feed_key}.rss?min={least}")

    assert answer.status_code == 400
    assert "0.6" in answer.text


def linked(root: ET.Element) -> dict[str, str]:
    return {link.get("rel", ""): link.get("href", "") for link in root.iter(f"{ATOM}link")}


@pytest.mark.parametrize("form", ["rss", "atom"])
def test_the_archive_leads_from_the_feed_to_the_oldest_edition_and_back(
    here: Here, form: str
) -> None:
    wanted = FORMS[FORMS.index("rss" if form == "rss" else "atom")]
    for back in range(EDITIONS, 25):  # older ones would not be taken: so newer ones
        publish(here.program.store, here.reader, here.papers, NOW + timedelta(days=back))
    address: str | None = here.program.links.feed(here.reader, wanted)
    pages, current = [], address

    while address:
        root = ET.fromstring(here.get(address).content)  # noqa: S314 - our own feed
        head = root if form == "atom" else root[0]
        pages.append(address)
        rels = linked(head)
        assert rels["self"] == address
        assert (head.find(f"{HISTORY}archive") is not None) == (address != current)
        assert rels.get("current", current) == current
        address = rels.get("prev-archive")

    assert [page.rpartition("/")[2] for page in pages[1:]] == [f"2.{form}", f"1.{form}"]
    for page in (0, 3, 10**30):
        assert here.get(f"/feed/{here.reader.feed_key}/archive/{page}.{form}").status_code == 404


def test_an_archive_page_stays_when_editions_come_and_every_edition_is_somewhere(
    here: Here,
) -> None:
    page = here.program.links.feed(here.reader, "json", page=1)
    before = here.get(page)
    publish(here.program.store, here.reader, here.papers, NOW + timedelta(days=1))

    after = here.get(page)

    assert {item["id"] for item in json.loads(after.content)["items"]} == {
        item["id"] for item in json.loads(before.content)["items"]
    }
    assert after.content == before.content
    assert after.headers["etag"] == before.headers["etag"]


def test_a_json_feed_leads_to_what_is_older_by_next_url(here: Here) -> None:
    links = here.program.links

    feed = json.loads(here.get(links.feed(here.reader, "json")).content)
    older = json.loads(here.get(feed["next_url"]).content)

    assert feed["next_url"] == links.feed(here.reader, "json", page=1)
    assert older["feed_url"] == feed["next_url"]
    assert "next_url" not in older


def test_a_renewed_key_opens_nothing_at_once_however_often_it_was_asked(here: Here) -> None:
    asked = list(addresses(here.program.links, here.reader, "atom").values())[:4]
    assert [here.get(address).status_code for address in asked * 2] == [200] * 8
    with here.program.store.begin() as connection:
        readers.renew_feed_key(connection, here.reader.id)

    assert [here.get(address).status_code for address in asked] == [404] * 4


def test_a_search_feed_has_the_newest_first_and_grows(here: Here) -> None:
    address = here.program.links.search("radar", "atom")
    (old,) = here.atom(address).entries
    draft = PaperRecord(
        title="Radar at sea: a history",
        abstract="How ships found each other in fog.",
        identifiers=(Identifier("arxiv", "2608.09999"),),
        first_seen=NOW,
    )
    with here.program.store.begin() as connection:
        papers.absorb(connection, [draft], now=NOW)

    grown = here.atom(address)

    assert [entry.title for entry in grown.entries] == [draft.title, old.title]
    assert grown.entries[1].updated == old.updated
    assert grown.feed.title == "Larkpost: radar"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "words", ["nothing-has-this", '"', "\x00dodo", "since:never", "a" * 3000, "<b>&]]>", "🦤"]
)
def test_a_search_that_finds_nothing_is_a_valid_feed(here: Here, words: str, form: str) -> None:
    answer = here.client.get(f"/search.{form}", params={"q": words})

    assert answer.status_code == 200
    if form == "json":
        assert json.loads(answer.content)["items"] == []
    else:
        parsed = feedparser.parse(answer.content)
        assert not parsed.bozo
        assert parsed.entries == []


def test_what_trends_is_lifted_by_thumbs_and_reckoned_every_five_minutes(here: Here) -> None:
    address = here.program.links.trending("atom")
    before = here.get(address)
    last = here.atom(address).entries[-1]
    paper = next(one for one in here.papers if one.uid in last.id)
    with here.program.store.begin() as connection:
        for _ in range(FEWEST):
            reader = readers.add(connection, address=None, now=NOW)
            vote = Vote(reader.id, paper.id, Thumb.UP, NOW + timedelta(minutes=1), "web")
            votes.cast(connection, vote)

    here.now += timedelta(minutes=4)
    soon = here.get(address, **{"If-None-Match": before.headers["etag"]})
    here.now += timedelta(minutes=1)
    later = here.get(address, **{"If-None-Match": before.headers["etag"]})

    assert soon.status_code == 304
    assert later.status_code == 200
    assert feedparser.parse(later.content).entries[0].id == last.id


def test_public_feeds_are_public_and_tell_nobodys_reasons(here: Here) -> None:
    for kind in ("trending", "archive", "search"):
        for form in FORMS:
            answer = here.get(addresses(here.program.links, here.reader, form)[kind])

            assert answer.headers["cache-control"] == "public, max-age=300"
            assert "/vote/" not in answer.text
            assert "% match" not in answer.text
            assert here.reader.feed_key not in answer.text


def test_the_list_of_feeds_has_all_of_the_readers(here: Here) -> None:
    links = here.program.links

    answer = here.get(links.opml(here.reader))

    root = ET.fromstring(answer.content)  # noqa: S314 - our own file
    outlines = list(root.iter("outline"))
    assert answer.headers["content-type"] == "text/x-opml; charset=utf-8"
    assert answer.headers["cache-control"].startswith("private")
    assert root.get("version") == "2.0"
    assert [outline.get("xmlUrl") for outline in outlines] == [
        links.feed(here.reader, "atom", interest=interest)
        for interest in (None, *here.reader.interests)
    ]
    assert {outline.get("type") for outline in outlines} == {"rss"}
    again = here.get(links.opml(here.reader), **{"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


def test_feeds_take_no_posts(here: Here) -> None:
    answer = here.client.post(f"/feed/{here.reader.feed_key}.atom")

    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]
