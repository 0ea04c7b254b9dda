"""A reader's feed in its three formats."""

from __future__ import annotations

import json
from calendar import timegm
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import escape
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5
from xml.etree import ElementTree

import feedparser  # type: ignore[import-untyped]  # it has no types
import pytest
from bench.editions import editions
from bench.feeds import by_feedgen, handed_on, same, shelves
from bench.feeds import make_renderer as bench_renderer
from tests.helpers.edition_factories import (
    HOSTILE,
    OUT,
    SITE,
    edition,
    make_renderer,
    paper,
    pick,
    reader,
)

from larkpost.domain import Identifier
from larkpost.text.normalize import one_line

if TYPE_CHECKING:
    from time import struct_time

    from larkpost.domain import Edition, Paper
    from larkpost.interfaces import FeedFormat
    from larkpost.render.feeds.feeds import Xml

FORMS: tuple[FeedFormat, ...] = ("rss", "atom", "json")
XML: tuple[Xml, ...] = ("rss", "atom")
TEN = [paper(number, title=f"Title number {number}") for number in range(1, 11)]


def moment(parsed: struct_time) -> datetime:
    return datetime.fromtimestamp(timegm(parsed), UTC)


def items(feed: bytes, form: FeedFormat) -> list[dict[str, Any]]:
    """Read the entries: id, title, link, html, published, updated (epoch seconds)."""
    if form == "json":
        return [_from_json(item) for item in json.loads(feed)["items"]]
    parsed = feedparser.parse(feed, sanitize_html=False, resolve_relative_uris=False)
    assert not parsed.bozo, parsed.get("bozo_exception")
    return [_from_xml(entry) for entry in parsed.entries]


def _from_json(item: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": item["id"],
        "title": item["title"],
        "link": item["url"],
        "html": item["content_html"],
        "published": datetime.fromisoformat(item["date_published"]),
    }


def _from_xml(entry: Any) -> dict[str, Any]:
    html = entry.content[0].value if "content" in entry else entry.summary
    return {
        "id": entry.id,
        "title": entry.title,
        "link": entry.link,
        "html": html,
        "published": moment(entry.published_parsed),
    }


@pytest.mark.parametrize("form", XML)
def test_the_joined_feed_is_what_feedgen_writes_in_one_go(form: Xml) -> None:
    (shelf,) = shelves(1)
    made = bench_renderer()

    cold = made.feed(handed_on(shelf, 2), form)
    warm = made.feed(shelf, form)

    assert same(cold, by_feedgen(handed_on(shelf, 2), form))
    assert same(warm, by_feedgen(shelf, form))
    assert made.feed(shelf, form) == warm


def test_every_format_shows_what_the_newsletter_shows_in_its_order() -> None:
    of = edition(*TEN)

    for form in FORMS:
        assert [item["title"] for item in items(make_renderer().feed([of], form), form)] == [
            one.title for one in TEN
        ]


def test_the_formats_agree_on_everything_but_their_form() -> None:
    of = edition(*TEN, like=paper(4))
    rss, atom, both = (items(make_renderer().feed([of], form), form) for form in FORMS)

    assert rss == atom
    assert both == atom


@pytest.mark.parametrize("form", FORMS)
def test_a_second_rendering_gives_the_same_bytes(form: FeedFormat) -> None:
    made, of = make_renderer(), edition(*TEN)

    first = made.feed([of], form)

    assert made.feed([of], form) == first
    assert make_renderer().feed([of], form) == first


@pytest.mark.parametrize("form", FORMS)
def test_an_entry_is_named_after_its_reader_and_paper_only(form: FeedFormat) -> None:
    first = pick(paper(1), probability=0.1)
    later = replace(first, probability=0.9, score=7.0, paper=paper(1, title="Corrected"))

    (before,) = items(make_renderer().feed([edition(picks=(first,))], form), form)
    (after,) = items(
        make_renderer().feed([edition(picks=(later,), out=OUT + timedelta(1))], form), form
    )

    uid = reader().uid
    assert before["id"] == after["id"] == uuid5(UUID(uid), paper(1).uid).urn
    assert "0.1" not in before["title"]


@pytest.mark.parametrize("form", FORMS)
def test_two_readers_of_a_paper_have_entries_of_different_names(form: FeedFormat) -> None:
    made = make_renderer()
    (mine,) = items(made.feed([edition(paper(1))], form), form)
    (theirs,) = items(made.feed([edition(paper(1), to=reader(number=2))], form), form)

    assert mine["id"] != theirs["id"]


@pytest.mark.parametrize("form", FORMS)
def test_an_entry_tells_why_and_has_a_link_for_each_thumb(form: FeedFormat) -> None:
    of = edition(picks=(pick(paper(1), like=paper(4)),))

    (item,) = items(make_renderer().feed([of], form), form)

    assert "Because of <em>" in item["html"]
    assert "match" in item["html"]
    for thumb in ("up", "down"):
        assert f'href="{SITE}/vote/ballot-1/1/{thumb}"' in item["html"]


@pytest.mark.parametrize("form", FORMS)
def test_entries_are_dated_from_the_edition_each_a_second_before_the_one_above(
    form: FeedFormat,
) -> None:
    found = items(make_renderer().feed([edition(*TEN)], form), form)

    assert [item["published"] for item in found] == [OUT - timedelta(seconds=n) for n in range(10)]


def test_a_corrected_paper_is_updated_and_no_other() -> None:
    later = OUT + timedelta(hours=5)
    of = edition(paper(1), replace(paper(2), updated=later), paper(3))
    made = make_renderer()
    made.feed([edition(paper(1), paper(2), paper(3))], "atom")

    parsed = feedparser.parse(made.feed([of], "atom"))

    updated = [moment(entry.updated_parsed) for entry in parsed.entries]
    assert updated == [OUT, later, OUT - timedelta(seconds=2)]
    assert moment(parsed.feed.updated_parsed) == later
    published = [moment(entry.published_parsed) for entry in parsed.entries]
    assert published[1] == OUT - timedelta(seconds=1)


def test_a_correction_before_the_edition_is_no_update() -> None:
    of = edition(replace(paper(1), updated=OUT - timedelta(minutes=1)))

    (entry,) = feedparser.parse(make_renderer().feed([of], "atom")).entries

    assert entry.updated == entry.published


@pytest.mark.parametrize("form", FORMS)
def test_a_paper_picked_twice_shows_once_where_it_was_picked_last(form: FeedFormat) -> None:
    new = edition(paper(1), paper(2), number=2, out=OUT + timedelta(1))
    old = edition(paper(3), paper(1), number=1)

    found = items(make_renderer().feed([new, old], form), form)

    assert [item["id"] for item in found] == [
        uuid5(UUID(reader().uid), paper(n).uid).urn for n in (1, 2, 3)
    ]
    assert "ballot-2/1/up" in found[0]["html"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shown", [[], [edition()]])
def test_an_empty_day_is_a_valid_feed(form: FeedFormat, shown: list[Edition]) -> None:
    feed = make_renderer().feed(shown, form, reader=reader())

    assert items(feed, form) == []
    assert f"{SITE}/feed/feedkey1.{form}".encode() in feed


def test_a_feed_of_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="a reader"):
        make_renderer().feed([], "rss")


@pytest.mark.parametrize("form", XML)
def test_the_feed_says_where_it_is_and_what_it_belongs_to(form: Xml) -> None:
    parsed = feedparser.parse(make_renderer().feed([edition(paper(1))], form))

    links = {link.rel: (link.href, link.type) for link in parsed.feed.links}
    assert links["self"] == (f"{SITE}/feed/feedkey1.{form}", f"application/{form}+xml")
    assert links["alternate"] == (f"{SITE}/edition/browser-1", "text/html")
    assert parsed.feed.link == f"{SITE}/edition/browser-1"
    assert parsed.feed.title == "Larkpost for Ada"
    assert parsed.feed.language == "en"


def test_the_json_feed_has_what_version_1_1_demands() -> None:
    feed = json.loads(make_renderer().feed([edition(paper(1))], "json"))

    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["feed_url"] == f"{SITE}/feed/feedkey1.json"
    assert feed["home_page_url"] == f"{SITE}/edition/browser-1"
    (item,) = feed["items"]
    assert isinstance(item["id"], str)
    assert item["authors"] == [{"name": "Ada Lovelace"}, {"name": "Émilie du Châtelet"}]
    assert item["tags"] == ["cs.CL"]
    assert item["date_modified"] == "2026-08-07T06:00:00+00:00"


def test_authors_are_in_rss_too_and_without_mail_addresses() -> None:
    root = ElementTree.fromstring(make_renderer().feed([edition(paper(1))], "rss"))  # noqa: S314 - our own feed

    creators = root.iter("{http://purl.org/dc/elements/1.1/}creator")
    assert [creator.text for creator in creators] == ["Ada Lovelace", "Émilie du Châtelet"]


@pytest.mark.parametrize("form", FORMS)
def test_a_paper_without_a_link_leads_to_its_page_like_any_other(form: FeedFormat) -> None:
    of = edition(paper(1, identifier=Identifier("text", "0123456789abcdef")))

    (item,) = items(make_renderer().feed([of], form), form)

    assert item["link"] == f"{SITE}/paper/{paper(1).uid}"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_leaves_the_feed_well_formed(form: FeedFormat, text: str) -> None:
    bad = paper(1, title=text, abstract=text * 9, authors=(text, "B"), categories=(text,), url=text)
    of = edition(picks=(pick(bad, 1, like=bad, terms=(text,)), pick(paper(2), 2)), to=reader(text))

    feed = make_renderer().feed([of], form)
    found = items(feed, form)

    assert len(found) == 2
    if form == "json":  # feedparser makes HTML of titles that look like it
        assert found[0]["title"] == (one_line(text)[:300] or "Untitled") or len(text) > 300
    assert "<script" not in found[0]["html"]
    assert b"\x00" not in feed
    assert "\ufffe" not in feed.decode()
    assert "\ufdd0" not in feed.decode()


@pytest.mark.parametrize("form", FORMS)
def test_a_paper_that_cannot_be_set_is_left_out_of_the_feed(form: FeedFormat) -> None:
    broken = replace(paper(2), authors=(None,))  # type: ignore[arg-type]  # a damaged row

    found = items(make_renderer().feed([edition(paper(1), broken, paper(3))], form), form)

    assert [item["id"] for item in found] == [
        uuid5(UUID(reader().uid), paper(n).uid).urn for n in (1, 3)
    ]


def test_many_readers_share_a_press_without_seeing_each_others_entries() -> None:
    made = bench_renderer()

    for of in editions(20):
        alone = bench_renderer().feed([of], "atom")
        assert made.feed([of], "atom") == alone


def test_a_draft_is_never_kept() -> None:
    made = make_renderer()
    first = made.feed([edition(paper(1, title="One"), number=0)], "json")

    second = made.feed([edition(paper(1, title="Two"), number=0)], "json")

    assert b"One" in first
    assert b"Two" in second


SICI = Identifier("doi", "10.1002/(sici)1097-4571(199806)49:8<693::aid-asi4>3.0.co;2-o")
ODD = [
    (paper(1, identifier=SICI),
     "https://doi.org/10.1002/(sici)1097-4571(199806)49:8%3C693::aid-asi4%3E3.0.co;2-o"),
    (paper(1, identifier=Identifier("doi", "10.1000/a#b?c")), "https://doi.org/10.1000/a%23b%3Fc"),
    (paper(1, url="https://bücher.example/ü?q=<1>"),
     "https://xn--bcher-kva.example/%C3%BC?q=%3C1%3E"),
    (paper(1, url="https://example.org/%C3%BC&a"), "https://example.org/%C3%BC&a"),
    (paper(1, url="https://[::1"), "https://arxiv.org/abs/2608.00001"),
]  # fmt: skip  # pairs read better in rows


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("of", "link"), ODD)
def test_odd_names_and_addresses_lead_where_they_say(
    form: FeedFormat, of: Paper, link: str
) -> None:
    (item,) = items(make_renderer().feed([edition(of)], form), form)

    assert f'<a href="{escape(link)}">Read the paper</a>' in item["html"]
