"""Tests for any feed request that its cached response is the endpoint's response."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.exceptions import HTTPException
from tests.helpers.web.site_client import NOW, Place, place

from larkpost.db.coordination import rate_limits
from larkpost.db.search import query as search_query
from larkpost.errors import UsageError
from larkpost.web.feeds.request import FeedRequest, read_feed_request, read_words

if TYPE_CHECKING:
    from collections.abc import Iterator

VALUES = st.sampled_from(["", "x", "glaciers", " glaciers", "Glaciers", "0.5", ".50", "1", "01"])
NAMES = st.sampled_from(["q", "q", "min", "page", "Q", "x", ""])
PAIRS = st.lists(st.tuples(NAMES, VALUES), max_size=4)
PATHS = st.sampled_from(["/search.rss", "/trending.json", "/archive.atom", "/archive/2026-08.rss"])


def raw(pairs: list[tuple[str, str]], *, plus: bool) -> str:
    encoded = quote_plus if plus else quote
    return "&".join(f"{name}={encoded(value)}" for name, value in pairs)


def read(path: str, query: str) -> FeedRequest | None:
    try:
        return read_feed_request({"path": path, "query_string": query.encode()})
    except (HTTPException, UsageError):
        return None


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home = tmp_path_factory.mktemp("cache")
    with place(home, f"sqlite:///{home}/larkpost.db") as opened:
        yield opened


@settings(max_examples=60)
@given(path=PATHS, one=PAIRS, other=PAIRS, plus=st.booleans())
@example(path="/search.rss", one=[("q", "x"), ("q", "")], other=[("q", "x")], plus=True)
@example(path="/search.rss", one=[("q", " x")], other=[("q", "x"), ("min", "1")], plus=False)
def test_requests_with_one_key_have_one_answer(
    shared: Place, path: str, one: list[tuple[str, str]], other: list[tuple[str, str]], plus: bool
) -> None:
    """Each is answered by the endpoint, for the cache is emptied before."""
    first, second = raw(one, plus=plus), raw(other, plus=not plus)
    answers = []
    for query in (first, second):
        with shared.program.store.begin() as connection:  # what is kept holds no more
            rate_limits.allow(connection, query, now=NOW, most=9, per=timedelta(hours=1))
        answer = shared.client.get(f"{path}?{query}")
        answers.append((answer.status_code, answer.content))
    keys = read(path, first), read(path, second)
    if keys[0] == keys[1] and keys[0] is not None:
        assert answers[0] == answers[1]
    for key, (status, _) in zip(keys, answers, strict=True):
        assert (key is None) == (status in {400, 404})


@given(st.text(max_size=60) | st.text('ab \t\n\u0301\u00ad\u0958\U0001d160"-', max_size=1500))
def test_what_is_searched_for_has_one_form(text: str) -> None:
    once = read_words(text)

    assert read_words(once) == once
    assert len(once) <= search_query.LONGEST
    assert once == once.strip()
    assert read("/search.rss", "q=" + quote(text, errors="replace")) is not None


@given(st.binary(max_size=80))
def test_no_query_breaks_the_reading(query: bytes) -> None:
    for path in ("/search.rss", "/feed/x.rss", "/archive/2026-08.rss", "/trending.rss"):
        try:
            found = read_feed_request({"path": path, "query_string": query})
        except (HTTPException, UsageError):
            continue
        assert 0 <= found.least <= 1
        assert 1 <= found.page <= 9999
        assert hash(found) == hash(found.with_path({"form": "rss"}))
