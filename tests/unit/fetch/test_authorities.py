"""Tests whose answers may replace the texts of papers."""

from __future__ import annotations

import pytest

from larkpost.fetch.authorities import is_authoritative
from larkpost.settings.polled_sources import SourceKind

FEED = "https://rss.arxiv.org/atom/cs.CL"


@pytest.mark.parametrize(
    "url",
    [
        FEED,
        "https://export.arxiv.org/api/query?search_query=cat:cs.CL",
        "https://oaipmh.arxiv.org/oai?verb=ListRecords",
        "https://arxiv.org/list/cs.CL/new",
    ],
)
def test_lists_of_arxiv_are_authoritative(url: str) -> None:
    assert is_authoritative(SourceKind.FEED, url, url)
    assert is_authoritative(SourceKind.FEED, "https://short.example/feed", url)


@pytest.mark.parametrize(
    "url",
    [
        "https://blog.example.org/feed.xml",
        "https://rsshub.example.org/arxiv/cs.CL",
        "https://arxiv.org.example.org/atom/cs.CL",
        "https://notarxiv.org/atom/cs.CL",
        "http://rss.arxiv.org/atom/cs.CL",
        "https://arxiv.org/src/2608.00001v1/anc/feed.xml",
        "https://huggingface.co/datasets/somebody/list/resolve/main/papers.json",
    ],
)
def test_any_other_address_is_not_whatever_its_format(url: str) -> None:
    assert not is_authoritative(SourceKind.FEED, url, url)
    assert not is_authoritative(SourceKind.FEED, FEED, url)


@pytest.mark.parametrize("kind", [SourceKind.ARXIV, SourceKind.HF_DAILY, SourceKind.HF_TRENDING])
def test_a_known_name_is_on_the_site_or_the_mirror_that_the_settings_name(
    kind: SourceKind,
) -> None:
    mirror = "http://mirror.example.org/atom/cs.CL"

    assert is_authoritative(kind, mirror, mirror)
    assert is_authoritative(kind, mirror, FEED)
    assert not is_authoritative(kind, mirror, "http://elsewhere.example.org/atom/cs.CL")
