"""Tests feeds against their standards: RFC 4287, RFC 5005, RSS 2.0, JSON Feed 1.1."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from tests.helpers.edition_factories import OUT, SITE, edition, make_renderer, paper, reader

from larkpost.render.feeds.channel import FeedDocuments, PickFilter, public_channel, reader_channel
from larkpost.tokens import Tokens
from larkpost.urls import UrlBuilder

if TYPE_CHECKING:
    from larkpost.interfaces import FeedFormat

LINKS = UrlBuilder(SITE, Tokens([b"k" * 32]))
ATOM, RSS = "{http://www.w3.org/2005/Atom}", ""
IRI = re.compile(r"https?://[!-~]+|urn:uuid:[0-9a-f-]{36}")
SHELVES = [FeedDocuments(), FeedDocuments(2), FeedDocuments(2, 1), FeedDocuments(2, 2)]


def personal(form: FeedFormat, shelf: FeedDocuments, *, empty: bool = False) -> bytes:
    papers = [paper(number, updated=OUT + timedelta(hours=1)) for number in range(1, 8)]
    shown = [] if empty else [edition(*papers)]
    channel = reader_channel(reader(), SITE, LINKS, form, "Larkpost", PickFilter(), shelf)
    return make_renderer().feed(shown, form, reader=reader(), channel=channel)


def public(form: FeedFormat, *, empty: bool = False) -> bytes:
    papers = [] if empty else [paper(number) for number in range(1, 8)]
    channel = public_channel(
        f"{SITE}/search?q=a+b", f"{SITE}/search?q=a+b", f"{SITE}/search.{form}?q=a+b&c", "a b", "S."
    )
    return make_renderer().listing(papers, form, channel=channel, since=OUT)


def feeds(form: FeedFormat) -> list[bytes]:
    """Set one of every kind."""
    return [
        *(personal(form, shelf, empty=empty) for shelf in SHELVES for empty in (False, True)),
        *(public(form, empty=empty) for empty in (False, True)),
    ]


@pytest.mark.parametrize("feed", feeds("atom"))
def test_atom_obeys_rfc_4287(feed: bytes) -> None:
    root = ET.fromstring(feed)  # noqa: S314 - our own feed

    assert root.tag == f"{ATOM}feed"
    for element in (root, *root.iter(f"{ATOM}entry")):  # sections 4.1.1 and 4.1.2
        assert [len(element.findall(f"{ATOM}{name}")) for name in ("id", "title", "updated")] == (
            [1, 1, 1]
        )
        assert IRI.fullmatch(element.findtext(f"{ATOM}id", ""))
        assert element.findtext(f"{ATOM}title")
        assert element.find(f"{ATOM}author") is not None
        for name in ("updated", "published"):  # section 3.3: RFC 3339 with a zone
            for date in element.findall(f"{ATOM}{name}"):
                assert datetime.fromisoformat(date.text or "").tzinfo is not None
    links = [(link.get("rel"), link.get("type")) for link in root.findall(f"{ATOM}link")]
    assert len(set(links)) == len(links)  # no two alternates of one type
    assert [rel for rel, _ in links].count("self") == 1
    for link in root.iter(f"{ATOM}link"):
        assert IRI.fullmatch(link.get("href", ""))


@pytest.mark.parametrize("feed", feeds("atom"))
def test_atom_entries_are_told_apart_and_their_content_is_html_escaped_once(feed: bytes) -> None:
    entries = list(ET.fromstring(feed).iter(f"{ATOM}entry"))  # noqa: S314 - our own feed

    for name in ("id", "updated"):  # validators warn where two entries share a date
        values = [entry.findtext(f"{ATOM}{name}") for entry in entries]
        assert len(set(values)) == len(values)
    for entry in entries:
        (content,) = entry.findall(f"{ATOM}content")
        assert content.get("type") == "html"
        ET.fromstring(f"<div>{content.text}</div>")  # noqa: S314 - ours; raises where it is no markup


@pytest.mark.parametrize("feed", feeds("rss"))
def test_rss_obeys_its_specification(feed: bytes) -> None:
    root = ET.fromstring(feed)  # noqa: S314 - our own feed
    (channel,) = root

    assert (root.tag, root.get("version")) == ("rss", "2.0")
    for name in ("title", "link", "description"):
        assert channel.findtext(name)
    itself = [link for link in channel.findall(f"{ATOM}link") if link.get("rel") == "self"]
    assert len(itself) == 1
    guids = [item.findtext("guid") for item in channel.iter("item")]
    assert len(set(guids)) == len(guids)
    for item in channel.iter("item"):
        assert item.findtext("title")
        guid = item.find("guid")
        assert guid is not None
        assert guid.get("isPermaLink") == "false"
        assert item.find("author") is None  # it would have to be a mail address
        assert parsedate_to_datetime(item.findtext("pubDate", "")).tzinfo is not None
        assert re.fullmatch(r"\w{3}, \d{2} \w{3} \d{4} .*", item.findtext("pubDate", ""))


@pytest.mark.parametrize("feed", feeds("json"))
def test_json_obeys_json_feed_1_1(feed: bytes) -> None:
    told = json.loads(feed)

    assert told["version"] == "https://jsonfeed.org/version/1.1"
    assert told["title"]
    assert isinstance(told["items"], list)
    assert len({item["id"] for item in told["items"]}) == len(told["items"])
    for address in ("home_page_url", "feed_url"):
        assert IRI.fullmatch(told[address])
    assert told.get("next_url") != told["feed_url"]
    for item in told["items"]:
        assert isinstance(item["id"], str)
        assert item["content_html"]
        assert all(author["name"] for author in item["authors"])
        for name in ("date_published", "date_modified"):
            assert datetime.fromisoformat(item[name]).tzinfo is not None
