"""Tests whose answers may replace the texts of papers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from larkpost.fetch.authorities import is_authoritative
from larkpost.settings.polled_sources import PolledSource

FEED = "https://rss.arxiv.org/atom/cs.CL"
BLOG = PolledSource("a-blog", "https://blog.example.org/feed.xml")


@pytest.mark.parametrize(
    "url",
    [
        FEED,
        "https://export.arxiv.org/api/query?search_query=cat:cs.CL",
        "https://oaipmh.arxiv.org/oai?verb=ListRecords",
        "https://arxiv.org/list/cs.CL/new",
        "https://rss.arxiv.org/rss/cs.CL+astro-ph.CO?version=1",
        "https://export.arxiv.org/oai2?verb=ListRecords",
    ],
)
def test_lists_of_arxiv_are_authoritative(url: str) -> None:
    assert is_authoritative(BLOG, url, url)
    assert is_authoritative(BLOG, "https://short.example/feed", url)


@pytest.mark.parametrize(
    "url",
    [
        "https://blog.example.org/feed.xml",
        "https://rsshub.example.org/arxiv/cs.CL",
        "https://arxiv.org.example.org/atom/cs.CL",
        "https://notarxiv.org/atom/cs.CL",
        "http://rss.arxiv.org/atom/cs.CL",
        "https://arxiv.org/src/2608.00001v1/anc/feed.xml",
        "https://arxiv.org/list/../src/2608.00001v1/anc/feed.xml",
        "https://arxiv.org/list/.%2E/src/2608.00001v1/anc/feed.xml",
        "https://arxiv.org/list/..%2Fsrc/2608.00001v1/anc/feed.xml",
        "https://arxiv.org/list/%252e%252e/src/2608.00001v1/anc/feed.xml",
        "https://arxiv.org/list/..\\src\\2608.00001v1\\anc\\feed.xml",
        "https://arxiv.org/list/;/../../src/2608.00001v1/anc/feed.xml",
        "https://arxiv.org/oai/../src/2608.00001v1/anc/feed.xml",
        "https://huggingface.co/datasets/somebody/list/resolve/main/papers.json",
    ],
)
def test_any_other_address_is_not_whatever_its_format(url: str) -> None:
    assert not is_authoritative(BLOG, url, url)
    assert not is_authoritative(BLOG, FEED, url)


@pytest.mark.parametrize("address", ["arxiv:cs.CL", "hf-daily", "hf-trending"])
def test_a_known_name_is_on_the_site_or_the_mirror_that_the_settings_name(address: str) -> None:
    source = PolledSource(address, address)
    mirror = "http://mirror.example.org/atom/cs.CL"

    assert is_authoritative(source, mirror, mirror)
    assert is_authoritative(source, mirror, FEED)
    assert not is_authoritative(source, mirror, "http://elsewhere.example.org/atom/cs.CL")


@pytest.mark.parametrize(
    ("answered", "counts"),
    [
        (BLOG.address, True),
        ("https://blog.example.org/atom.xml", True),
        ("https://blog.example.org:8443/feed.xml", False),
        ("https://elsewhere.example.org/feed.xml", False),
        (FEED, True),
    ],
)
def test_a_feed_that_the_operator_made_an_authority_is_one_on_its_own_server(
    answered: str, counts: bool
) -> None:
    assert is_authoritative(replace(BLOG, authority=True), BLOG.address, answered) is counts
