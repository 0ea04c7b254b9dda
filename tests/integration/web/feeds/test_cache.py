"""The cache of feeds: nobody's request changes what others are given, or pushes out their feeds."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.web.site_client import NOW

from larkpost.db.coordination import rate_limits
from larkpost.web.feeds.cache import CachedFeed, FeedCache, RenderedFeed
from larkpost.web.feeds.cache_limits import CacheBounds, FeedCacheLimits
from larkpost.web.feeds.request import FeedRequest

if TYPE_CHECKING:
    from tests.helpers.web.site_client import Place

# Each with spellings that once were, or might be, taken for it by the cache alone.
SEARCH = "/search.{form}?q=glaciers"
QUERIES = (
    "q=glaciers&q=", "q=glaciers&q", "q=&q=glaciers&q=birdsong", "q=glaciers;q=birdsong",
    "q=glaciers&%71=birdsong", "q=birdsong&q=glaciers", "Q=birdsong&q=glaciers",
    "q=glaciers&page=2", "q=glaciers&min=0.9", "q=glaciers%00&q=birdsong", "q=glaciers#&q=birdsong",
    "q[]=birdsong&q=glaciers", "q=glaciers&&q=%20", "=birdsong&q=glaciers", "q=glaciers&q=%FF",
)  # fmt: skip
OTHERS = ("min=1&min=0", "min=0&min=1", "min=1&min=", "page=9&page=1", "page=1&page=9", "q=x&q=",
          "min=nan", "min=2", "page=0", "page=", "form=json", "x=1")  # fmt: skip


def forget(here: Place) -> None:
    """Change the database, so that nothing that was kept is given any more."""
    with here.program.store.begin() as connection:
        rate_limits.allow(connection, "anything", now=here.clock(), most=9, per=timedelta(hours=1))
    here.clock.now += timedelta(seconds=1)


def shelf(here: Place) -> FeedCache:
    found = here.client.app.state.feeds  # type: ignore[attr-defined]  # the test client has it
    assert isinstance(found, FeedCache)
    return found


@pytest.fixture(params=["rss", "atom", "json"])
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("query", QUERIES)
def test_no_spelling_of_a_search_changes_the_feed_of_another(
    here: Place, form: str, query: str
) -> None:
    address = SEARCH.format(form=form)
    honest = here.client.get(address)
    assert honest.text.count("Glaciers of the southern Andes") >= 1
    assert "Birdsong" not in honest.text

    forget(here)
    for method in ("GET", "HEAD"):
        here.client.request(method, f"/search.{form}?{query}")
    again = here.client.get(address)

    assert (again.status_code, again.content) == (200, honest.content)


def addresses(here: Place) -> list[str]:
    key = here.reader.feed_key
    return [
        f"/{name}.{form}"
        for form in ("rss", "atom", "json")
        for name in ("trending", "archive", "archive/2026-08", f"feed/{key}", f"feed/{key}/main")
    ] + [f"/feed/{key}.opml", "/search.rss"]


@pytest.mark.parametrize("query", OTHERS)
def test_no_parameter_changes_what_is_kept_of_a_feed_without_it(here: Place, query: str) -> None:
    honest = {address: here.client.get(address) for address in addresses(here)}
    assert {one.status_code for one in honest.values()} == {200}

    forget(here)
    for address in honest:
        here.client.get(f"{address}?{query}")
    again = {address: here.client.get(address) for address in honest}

    assert {at: one.content for at, one in again.items()} == {
        at: one.content for at, one in honest.items()
    }


def test_headers_of_one_visitor_are_none_of_the_next_ones_business(here: Place) -> None:
    honest = {address: here.client.get(address) for address in addresses(here)}
    forget(here)
    odd = {
        "Host": "evil.example", "X-Forwarded-Host": "evil.example", "Accept": "text/html",
        "Accept-Language": "de", "Accept-Encoding": "br", "Range": "bytes=0-9",
        "X-HTTP-Method": "POST",
        "Cookie": "a=b", "Authorization": "Basic eDp4", "X-Original-URL": "/admin",
        "If-Range": '"x"', "If-Match": '"x"', "X-Forwarded-Proto": "http",
    }  # fmt: skip
    for address, before in honest.items():
        etag = before.headers["etag"]
        assert here.client.get(address, headers={"If-None-Match": etag}).status_code == 304
        assert here.client.head(address, headers=odd).status_code == 200

    for address, before in honest.items():
        after = here.client.get(address, headers=odd)
        assert (after.status_code, after.content) == (200, before.content)
        assert after.headers["etag"] == before.headers["etag"]


def test_unknown_and_doubled_parameters_make_no_entries_of_their_own(here: Place) -> None:
    here.client.get("/search.rss?q=glaciers+andes")
    here.client.get("/trending.rss")
    rooms = [shelf(here)._asked, shelf(here)._standing]
    before = [len(room) for room in rooms]

    for query in (
        "q=glaciers%20andes", "q=+glaciers++andes+", "x=1&q=glaciers+andes", "q=glaciers+andes&",
        "q=old&q=glaciers+andes", "q=glaciers+andes&utm_source=y", "q=glaciers%0Aandes",
        "q=gla%C2%ADciers+andes", "q=glaciers%09andes&page=7",
    ):  # fmt: skip
        assert here.client.get(f"/search.rss?{query}").status_code == 200
    for query in ("x=1", "q=1", "min=0.5", "page=2", "", "&", "?"):
        assert here.client.get(f"/trending.rss?{query}").status_code == 200

    assert [len(room) for room in rooms] == before == [1, 1]


def test_what_is_refused_is_not_kept(here: Place) -> None:
    key = here.reader.feed_key
    for address in (
        f"/feed/{key}.rss?min=2", f"/feed/{key}.rss?min=x", f"/feed/{key}x.rss", "/search.xml?q=x",
        "/archive/2026-08.rss?page=2", "/archive/2026-13.rss", f"/feed/{key}/archive/1.rss",
        f"/feed/{key}/none.rss", "/search.rss?" + "&".join(f"q={n}" for n in range(60)),
    ):  # fmt: skip
        assert here.client.get(address).status_code in {400, 404}, address

    assert (len(shelf(here)._asked), len(shelf(here)._standing)) == (0, 0)


def test_a_page_of_an_archive_has_one_address(here: Place) -> None:
    key = here.reader.feed_key

    answers = [here.client.get(f"/feed/{key}/archive/{page}.rss") for page in ("01", "0001")]

    assert [one.status_code for one in answers] == [404, 404]


def kept(size: int) -> CachedFeed:
    return CachedFeed(1, '"x"', NOW, None, [], [], b"x" * size)


def test_thousands_of_searches_of_one_visitor_push_out_no_feed_of_anybody_else(here: Place) -> None:
    """Straight to the shelf: a network is let in 300 times a minute, and has days."""
    standing = [FeedRequest("/trending.rss"), FeedRequest(f"/feed/{here.reader.feed_key}.rss")]
    search = FeedRequest("/search.rss", words="glaciers")
    room = shelf(here)
    for asked in (*standing, search):
        room.keep(
            asked, room.marks.now(), RenderedFeed(b"x" * 2000, "a/b", ""), NOW, network="honest"
        )

    for number in range(16_384):
        asked = FeedRequest("/search.rss", words=f"flood {number}")
        found = RenderedFeed(b"y" * 200_000, "a/b", "")
        room.keep(asked, room.marks.now(), found, NOW, network="flooder")

    for asked in (*standing, search):
        one = room.look(asked, NOW)
        assert one is not None
        assert one.body == b"x" * 2000
    assert room._asked.bytes <= 6 * 1024 * 1024 + 2000
    assert len(room._asked) <= 129


def test_many_networks_together_stay_within_the_bounds_of_the_whole() -> None:
    room = FeedCacheLimits(CacheBounds(10, 1000), CacheBounds(4, 400))
    for number in range(100):
        asked = FeedRequest("/search.rss", words=str(number))
        room.put(asked, kept(90), network=str(number % 7))
        assert len(room) <= 10
        assert room.bytes <= 1000

    newest = room.get(FeedRequest("/search.rss", words="99"))
    assert newest is not None
    assert newest.body
    assert room.get(FeedRequest("/search.rss", words="0")) is None


def test_a_network_loses_its_oldest_bodies_then_its_oldest_feeds() -> None:
    asked = [FeedRequest("/search.rss", words=str(number)) for number in range(6)]
    room = FeedCacheLimits(CacheBounds(100, 10_000), CacheBounds(4, 200))
    for one in asked:
        room.put(one, kept(90), network="a")

    found = [room.get(one) for one in asked]
    assert [one is not None for one in found] == [False, False, True, True, True, True]
    assert [bool(one and one.body) for one in found[2:]] == [False, False, True, True]
    room.put(asked[2], kept(90), network="b")  # another network asked for it anew
    again = room.get(asked[4])
    assert again is not None
    assert again.body
