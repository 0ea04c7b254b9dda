"""Tests what a response is: papers, an empty list, or something else."""

from __future__ import annotations

import io

import pytest
from tests.helpers.sources.source_server import WEB_PAGE

from larkpost.errors import FetchProblem, SourceFailure
from larkpost.fetch.answer_shape import is_empty_list
from larkpost.settings.polled_sources import PolledSource

HF = PolledSource("hf-daily", "hf-daily")
ARXIV = PolledSource("arxiv:cs.CL", "arxiv:cs.CL")
FEED = PolledSource("blog", "https://blog.example/feed")
ATOM = b'<?xml version="1.0"?>\n<feed xmlns="http://www.w3.org/2005/Atom"><title>cs.CL</title>'


@pytest.mark.parametrize(
    ("source", "body", "empty"),
    [
        (HF, b"[]", True),
        (HF, b"\xef\xbb\xbf [ ]\n", True),
        (HF, b'[{"paper": {"id": "2608.00001"}}]', False),
        (ARXIV, ATOM + b"</feed>", True),
        (ARXIV, ATOM + b"<entry><title>A</title></entry></feed>", False),
        (FEED, b"<rss version='2.0'><channel><title>t</title></channel></rss>", True),
        (FEED, b"<rss version='2.0'><channel><item><title>t</title></item></channel></rss>", False),
        (FEED, b"<rss><channel>" + b" " * 2_000_000 + b"<item/></channel></rss>", False),
        (FEED, b'<x:RDF xmlns:x="r"><channel/></x:RDF>', True),
        (FEED, b"[ ]", True),
    ],
)
def test_an_empty_list_is_told_from_one_with_papers(
    source: PolledSource, body: bytes, empty: bool
) -> None:
    stream = io.BytesIO(body)

    assert is_empty_list(source, stream) is empty
    assert stream.tell() == 0


@pytest.mark.parametrize("source", [HF, ARXIV, FEED])
def test_a_web_page_in_place_of_papers_is_a_change_of_shape(source: PolledSource) -> None:
    with pytest.raises(SourceFailure, match="web page") as caught:
        is_empty_list(source, io.BytesIO(WEB_PAGE))

    assert caught.value.problem is FetchProblem.SHAPE


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", FetchProblem.SHAPE),
        (b"  \n", FetchProblem.SHAPE),
        (b'{"error": "too many"}', FetchProblem.SHAPE),
        (b'{"papers": []}', FetchProblem.SHAPE),
        (b"Rate exceeded.", FetchProblem.SHAPE),
        (b'[{"paper": {"id"', FetchProblem.CUT),
        (b"[" * 100_000, FetchProblem.CUT),
    ],
)
def test_what_is_no_list_in_place_of_json_is_reported(body: bytes, problem: FetchProblem) -> None:
    with pytest.raises(SourceFailure) as caught:
        is_empty_list(HF, io.BytesIO(body))

    assert caught.value.problem is problem


def test_a_web_page_that_names_its_feed_tells_the_address() -> None:
    page = b'<html><link rel=alternate type="application/atom+xml" href="/atom.xml"></html>'

    with pytest.raises(SourceFailure) as caught:
        is_empty_list(FEED, io.BytesIO(page))

    assert "/atom.xml" in caught.value.hint
