"""Tests the metadata of feeds, the parts of a reader's feed, and lists of feeds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid5
from xml.etree import ElementTree as ET

import feedparser  # type: ignore[import-untyped]  # it has no types
import pytest
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

from larkpost.domain import Identifier, Interest
from larkpost.render.feeds.channel import FeedDocuments, PickFilter, public_channel, reader_channel
from larkpost.render.feeds.opml import opml, reader_outlines
from larkpost.tokens import Tokens
from larkpost.urls import UrlBuilder, feed_title, slugs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from larkpost.domain import Paper
    from larkpost.interfaces import FeedFormat

FORMS: tuple[FeedFormat, ...] = ("rss", "atom", "json")
LINKS = UrlBuilder(SITE, Tokens([b"k" * 32]))
ADA = reader(interests=("main", "Ice & snow", "量子", "ice snow"))
CHANNEL = public_channel(
    f"{SITE}/trending", f"{SITE}/", f"{SITE}/trending.atom", "Larkpost: trending", "Thumbs."
)


def listing(*papers: Paper, form: FeedFormat = "atom") -> bytes:
    """Set a public feed."""
    return make_renderer().listing(
        papers,
        form,
        channel=CHANNEL,
        since=OUT,
    )


def test_an_interest_goes_by_its_name_in_an_address_or_else_by_its_number() -> None:
    assert slugs(ADA.interests) == {1: "main", 2: "ice-snow", 3: "3", 4: "4"}
    assert slugs([Interest(7, "2026"), Interest(8, "Größe")]) == {7: "7", 8: "groe"}


def test_an_address_names_the_part_of_the_feed() -> None:
    ice = ADA.interests[1]

    assert LINKS.feed(ADA, "rss") == f"{SITE}/feed/feedkey1.rss"
    assert LINKS.feed(ADA, "rss", least=0.6) == f"{SITE}/feed/feedkey1.rss?min=0.6"
    assert LINKS.feed(ADA, "atom", interest=ice) == f"{SITE}/feed/feedkey1/ice-snow.atom"
    assert (
        LINKS.feed(ADA, "json", interest=ice, page=3, least=0.125)
        == f"{SITE}/feed/feedkey1/ice-snow/archive/3.json?min=0.125"
    )


@pytest.mark.parametrize(
    ("name", "address", "title"),
    [
        ("Ada", "ada@example.org", "Larkpost for Ada"),
        ("  Ada\nLovelace ", None, "Larkpost for Ada Lovelace"),
        ("", "ada@example.org", "Larkpost for ada"),
        ("", "ada+larkpost@example.org", "Larkpost for ada"),
        ("", "+ada@example.org", "Larkpost for +ada"),
        (" ", None, f"Larkpost for reader {ADA.uid[:8]}"),
        ("A" * 100, None, f"Larkpost for {'A' * 60}"),
    ],
)
def test_a_readers_feed_is_named_after_them_but_never_by_their_address(
    name: str, address: str | None, title: str
) -> None:
    ada = reader(name=name, address=address, interests=("main", "Ice & snow"))
    ice = ada.interests[1]

    assert feed_title("Larkpost", ada) == title
    assert feed_title("Larkpost", ada, ice) == f"{title}: Ice & snow"
    for view in (PickFilter(), PickFilter(ice)):
        channel = reader_channel(ada, SITE, LINKS, "atom", "Larkpost", view, FeedDocuments())
        assert channel.title == feed_title("Larkpost", ada, view.interest)
    assert [one.text for one in reader_outlines(ada, LINKS, "Larkpost")] == [
        title,
        f"{title}: main",
        f"{title}: Ice & snow",
    ]
    assert {one.title for one in LINKS.reader_alternates("Larkpost", ada)} == {title}


@pytest.mark.parametrize("form", FORMS)
def test_the_title_of_a_feed_is_the_readers_in_every_format(form: FeedFormat) -> None:
    feed = make_renderer().feed([edition(paper(1))], form).decode()

    assert "Larkpost for Ada" in feed
    assert "ada@example.org" not in feed


@pytest.mark.parametrize(
    ("days", "weekly", "page", "minutes"),
    [
        (range(7), False, None, 60),
        (range(5), False, None, 84),
        ([0], False, None, 420),
        (range(7), True, None, 420),
        (range(7), False, 1, 1440),
    ],
)
def test_rss_says_for_how_long_it_may_be_kept_by_the_readers_schedule(
    days: Iterable[int], weekly: bool, page: int | None, minutes: int
) -> None:
    ada = replace(ADA, weekdays=frozenset(days), weekly=weekly)
    channel = reader_channel(
        ada, SITE, LINKS, "rss", "Larkpost", PickFilter(), FeedDocuments(2, page)
    )
    made = make_renderer().feed([edition(paper(1))], "rss", reader=ada, channel=channel)
    feed = ET.fromstring(made)  # noqa: S314 - our own file

    assert [one.text for one in feed.iterfind("channel/ttl")] == [str(minutes)]


def test_a_search_is_quoted_in_its_address() -> None:
    assert LINKS.search('"a b" & c/d', "rss") == f"{SITE}/search.rss?q=%22a+b%22+%26+c%2Fd"


def test_pages_are_reported_of_feeds_in_every_format() -> None:
    told = LINKS.reader_alternates("Larkpost", ADA)

    assert {one.href for one in told} == {LINKS.feed(ADA, form) for form in FORMS}
    assert [one.type for one in told] == [
        "application/atom+xml",
        "application/rss+xml",
        "application/feed+json",
    ]
    assert {one.title for one in LINKS.search_alternates("Larkpost", "ice")} == {"Larkpost: ice"}
    assert {one.href.rpartition("/")[2] for one in LINKS.public_alternates("Larkpost")} == {
        f"{name}.{form}" for name in ("trending", "archive") for form in ("atom", "rss", "json")
    }


def test_a_view_leaves_picks_out_and_moves_no_other() -> None:
    of = edition(
        picks=(
            pick(paper(1), 1, probability=0.9, interest="main"),
            pick(paper(2), 2, probability=0.6, interest="Ice & snow"),
            pick(paper(3), 3, probability=0.7, interest="Ice & snow"),
        ),
        to=ADA,
    )

    ice = PickFilter(ADA.interests[1], 0.65).of(of)

    assert [one.position for one in ice.picks] == [3]
    assert PickFilter().of(of) is of
    whole = feedparser.parse(make_renderer().feed([of], "atom")).entries[2]
    (part,) = feedparser.parse(make_renderer().feed([ice], "atom")).entries
    assert (part.id, part.published, part.updated) == (whole.id, whole.published, whole.updated)


@pytest.mark.parametrize(
    ("shelf", "expected"),
    [
        (FeedDocuments(), {}),
        (FeedDocuments(2), {"prev-archive": 2}),
        (FeedDocuments(2, 2), {"current": None, "prev-archive": 1}),
        (FeedDocuments(2, 1), {"current": None}),
    ],
)
def test_the_documents_of_a_feed_lead_to_the_past(
    shelf: FeedDocuments, expected: dict[str, int | None]
) -> None:
    channel = reader_channel(ADA, SITE, LINKS, "atom", "Larkpost", PickFilter(), shelf)

    assert dict(channel.related) == {
        relation: LINKS.feed(ADA, "atom", page=page) for relation, page in expected.items()
    }
    assert channel.archived == (shelf.page is not None)


@pytest.mark.parametrize("form", FORMS)
def test_a_papers_public_entry_is_named_after_it_and_nobody(form: FeedFormat) -> None:
    feed = listing(paper(1), form=form).decode()

    assert UUID(paper(1).uid).urn in feed
    assert "More like this" not in feed
    assert "Here because it is new" not in feed


def test_papers_of_one_moment_are_dated_apart_the_first_the_latest() -> None:
    found = feedparser.parse(listing(*[paper(number) for number in range(1, 10)])).entries

    dates = [entry.updated for entry in found]
    assert len(set(dates)) == 9
    assert dates == sorted(dates, reverse=True)


def test_a_corrected_paper_is_updated_in_public_too() -> None:
    later = OUT + timedelta(hours=1)

    old, new = feedparser.parse(listing(paper(1), paper(2, updated=later))).entries

    assert old.updated == old.published
    assert new.updated.startswith(later.isoformat()[:19])
    assert new.published.startswith((OUT - timedelta(days=1)).isoformat()[:19])


@pytest.mark.parametrize("form", FORMS)
def test_a_paper_of_which_only_the_title_is_known_has_a_page_of_ours(form: FeedFormat) -> None:
    bare = paper(1, abstract="", authors=(), categories=(), identifier=Identifier("text", "00ff"))

    feed = listing(bare, form=form).decode()

    assert f"{SITE}/paper/{bare.uid}" in feed
    assert "Only the title" in feed


@pytest.mark.parametrize("form", ["rss", "atom"])
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_leaves_public_feeds_well_formed(form: str, text: str) -> None:
    bad = paper(1, title=text, abstract=text, authors=(text,), categories=(text,), url=text)
    wanted: FeedFormat = "rss" if form == "rss" else "atom"

    parsed = feedparser.parse(listing(bad, paper(2), form=wanted))

    assert not parsed.bozo
    assert len(parsed.entries) == 2


def test_a_paper_that_cannot_be_told_is_left_out() -> None:
    broken = replace(paper(2), authors=(None,))  # type: ignore[arg-type]  # a damaged row

    parsed = feedparser.parse(listing(paper(1), broken, paper(3)))

    assert len(parsed.entries) == 2


def test_a_public_feed_is_named_after_its_address_and_an_interests_after_the_reader() -> None:
    ice = reader_channel(
        ADA, SITE, LINKS, "atom", "Larkpost", PickFilter(ADA.interests[1]), FeedDocuments()
    )

    assert CHANNEL.id == public_channel(f"{SITE}/trending", "", "", "", "").id
    assert CHANNEL.id != public_channel(f"{SITE}/archive", "", "", "", "").id
    assert ice.id == uuid5(UUID(ADA.uid), "interest Ice & snow").urn


def test_the_list_of_a_readers_feeds_has_an_outline_each_and_survives_hostile_names() -> None:
    for text in HOSTILE:
        ada = reader(interests=("main", text or "x"))
        root = ET.fromstring(opml("Larkpost", reader_outlines(ada, LINKS, "Larkpost")))  # noqa: S314 - our own file

        outlines = list(root.iter("outline"))
        assert len(outlines) == 3
        assert all(outline.get("text") for outline in outlines)
        assert [outline.get("xmlUrl", "").startswith(SITE) for outline in outlines] == [True] * 3


def test_a_reader_with_one_interest_has_one_feed_to_subscribe_to() -> None:
    assert len(reader_outlines(reader(), LINKS, "Larkpost")) == 1
