"""Tests the links to a paper: to its page, its own link, or a search for it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape
from typing import TYPE_CHECKING, get_args

import feedparser  # type: ignore[import-untyped]  # it has no types
import pytest
from tests.helpers.edition_factories import OUT, SITE, edition, make_renderer, paper

from larkpost.domain import Identifier
from larkpost.interfaces import FeedFormat
from larkpost.render.email.newsletter import LIMIT
from larkpost.render.feeds.channel import public_channel

if TYPE_CHECKING:
    from larkpost.domain import Paper

FORMS: tuple[FeedFormat, ...] = get_args(FeedFormat)
TEXT = Identifier("text", "0123456789abcdef")  # as a paper of a text dump is named
ARXIV = "https://arxiv.org/search/?searchtype=title&order=&query=%22"


def page_of(of: Paper) -> str:
    return f"{SITE}/paper/{of.uid}"


def hrefs(page: str) -> list[str]:
    """Read where the links of an HTML page lead, in order."""
    return [unescape(href) for href in re.findall(r'<a [^>]*?href="([^"]*)"', page)]


def test_a_title_in_a_newsletter_leads_to_our_page_and_beside_it_the_paper_is_linked() -> None:
    of = edition(paper(1))

    title, up, down, own = hrefs(make_renderer().html(of))[:4]

    assert title == page_of(paper(1))
    assert up.endswith("/1/up")
    assert down.endswith("/1/down")
    assert own == "https://arxiv.org/abs/2608.00001"
    plain = make_renderer().text(of)
    assert f"    Page of this paper:\n    {title}\n    Read the paper:\n    {own}\n" in plain


def test_a_newsletter_looks_for_a_paper_without_a_link_by_its_title() -> None:
    of = edition(paper(1, title='"R&D": a 99 % C# study?', identifier=TEXT))
    search = f"{ARXIV}R%26D%20a%2099%20%25%20C%23%20study%22"

    page, plain = make_renderer().html(of), make_renderer().text(of)

    assert hrefs(page)[0] == page_of(paper(1))
    assert hrefs(page)[3] == search
    assert "Find it on arXiv</a>" in page
    assert f"    Find it on arXiv:\n    {search}\n" in plain
    assert "Read the paper" not in page + plain


@pytest.mark.parametrize("title", ["A title of some words", "漢" * 300])
def test_a_newsletter_cut_to_its_limit_keeps_a_way_to_each_paper_that_is_left(title: str) -> None:
    many = [
        paper(number, title=f"{title} {number}", abstract="word " * 400, identifier=TEXT)
        for number in range(1, 61)
    ]

    (message,) = make_renderer().newsletter([edition(*many)])

    page = message.content.partition(b"text/html")[2].replace(b"=\r\n", b"").decode()
    pages = re.findall(rf"{SITE}/paper/", page)
    assert len(message.content) <= LIMIT
    assert len(pages) >= 10
    assert page.count("Find it on arXiv</a>") == len(pages)


def test_where_no_site_is_set_a_newsletter_looks_nowhere() -> None:
    of, made = edition(paper(1, identifier=TEXT)), make_renderer(find_links=())

    assert hrefs(made.html(of))[0] == page_of(paper(1))
    assert "Find it" not in made.html(of) + made.text(of)


def test_a_paper_that_only_readers_brought_is_not_linked_to_a_page_that_nobody_may_see() -> None:
    of = edition(replace(paper(1), owner_id=1))

    everything = (
        make_renderer().html(of)
        + make_renderer().text(of)
        + make_renderer().feed([of], "atom").decode()
    )

    assert page_of(paper(1)) not in everything
    assert hrefs(make_renderer().html(of))[0] == "https://arxiv.org/abs/2608.00001"


@pytest.mark.parametrize("form", FORMS)
def test_every_entry_of_a_feed_links_the_page_of_its_own_paper(form: FeedFormat) -> None:
    shown = [paper(number, identifier=TEXT) for number in range(1, 6)]
    channel = public_channel(f"{SITE}/t", SITE, f"{SITE}/t.{form}", "T", "T.")
    own = make_renderer().feed([edition(*shown)], form)
    public = make_renderer().listing(shown, form, channel=channel, since=OUT)

    for feed in (own, public):
        links = (
            [item["url"] for item in json.loads(feed)["items"]]
            if form == "json"
            else [entry.link for entry in feedparser.parse(feed).entries]
        )
        assert links == [page_of(one) for one in shown]
        assert feed.count(b"Find it on arXiv") == len(shown)


def test_a_feed_tells_programs_the_papers_own_link_beside_its_page() -> None:
    of = edition(paper(1), paper(2, identifier=TEXT))
    own = "https://arxiv.org/abs/2608.00001"

    atom = feedparser.parse(make_renderer().feed([of], "atom")).entries
    listed = json.loads(make_renderer().feed([of], "json"))["items"]

    assert [link.href for link in atom[0].links if link.rel == "related"] == [own]
    assert [link.rel for link in atom[1].links] == ["alternate"]
    assert [item.get("external_url") for item in listed] == [own, None]
