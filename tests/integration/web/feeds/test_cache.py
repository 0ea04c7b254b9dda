"""Tests that no request changes the cached feeds of others, or evicts them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.web.site_client import NOW

from larkpost.db.coordination import rate_limits
from larkpost.web.feeds.cache import MOST_BYTES, OVERHEAD, FeedCache, RenderedFeed
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
    before = set(shelf(here)._feeds)

    for query in (
        "q=glaciers%20andes", "q=+glaciers++andes+", "x=1&q=glaciers+andes", "q=glaciers+andes&",
        "q=old&q=glaciers+andes", "q=glaciers+andes&utm_source=y", "q=glaciers%0Aandes",
        "q=gla%C2%ADciers+andes", "q=glaciers%09andes&page=7",
    ):  # fmt: skip
        assert here.client.get(f"/search.rss?{query}").status_code == 200
    for query in ("x=1", "q=1", "min=0.5", "page=2", "", "&", "?"):
        assert here.client.get(f"/trending.rss?{query}").status_code == 200

    assert len(before) == 2
    assert set(shelf(here)._feeds) == before


def test_what_is_refused_is_not_kept(here: Place) -> None:
    key = here.reader.feed_key
    for address in (
        f"/feed/{key}.rss?min=2", f"/feed/{key}.rss?min=x", f"/feed/{key}x.rss", "/search.xml?q=x",
        "/archive/2026-08.rss?page=2", "/archive/2026-13.rss", f"/feed/{key}/archive/1.rss",
        f"/feed/{key}/none.rss", "/search.rss?" + "&".join(f"q={n}" for n in range(60)),
    ):  # fmt: skip
        assert here.client.get(address).status_code in {400, 404}, address

    assert shelf(here)._feeds == {}


def test_a_page_of_an_archive_has_one_address(here: Place) -> None:
    key = here.reader.feed_key

    answers = [here.client.get(f"/feed/{key}/archive/{page}.rss") for page in ("01", "0001")]

    assert [one.status_code for one in answers] == [404, 404]


def keep(cache: FeedCache, words: str, size: int, network: str) -> None:
    found = RenderedFeed(b"x" * size, "a/b", "")
    cache.keep(search(words), cache.marks.now(), found, NOW, network=network)


def search(words: str) -> FeedRequest:
    return FeedRequest("/search.rss", words=words)


def held(cache: FeedCache) -> int:
    return sum(OVERHEAD + len(one.body) for one in cache._feeds.values())


def test_thousands_of_searches_of_one_visitor_push_out_no_feed_of_anybody_else(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Straight to the cache: a network is let in 300 times a minute, and has days."""
    # The tags of three gigabytes would take most of the time.
    monkeypatch.setattr("larkpost.web.feeds.cache.etag_of", lambda content: f'"{len(content)}"')
    standing = [FeedRequest("/trending.rss"), FeedRequest(f"/feed/{here.reader.feed_key}.rss")]
    cache = shelf(here)
    for asked in (*standing, search("glaciers")):
        cache.keep(
            asked, cache.marks.now(), RenderedFeed(b"x" * 2000, "a/b", ""), NOW, network="honest"
        )

    for number in range(16_384):
        keep(cache, f"flood {number}", 200_000, "flooder")

    for asked in (*standing, search("glaciers")):
        one = cache.look(asked, NOW)
        assert one is not None
        assert one.body == b"x" * 2000
    assert held(cache) <= MOST_BYTES


def test_many_networks_together_stay_within_the_bound(here: Place) -> None:
    cache = FeedCache(here.program.store, most_bytes=10 * (OVERHEAD + 90))
    for number in range(100):
        keep(cache, str(number), 90, network=str(number % 7))
        assert len(cache._feeds) <= 10

    assert cache.look(search("99"), NOW)
    assert cache.look(search("0"), NOW) is None


def test_small_feeds_are_bounded_as_well(here: Place) -> None:
    cache = FeedCache(here.program.store, most_bytes=10 * OVERHEAD)
    for number in range(100):
        keep(cache, str(number), 0, network=str(number))

    assert len(cache._feeds) == 10


def test_the_network_for_which_most_is_kept_loses_its_oldest_feed(here: Place) -> None:
    cache = FeedCache(here.program.store, most_bytes=5 * (OVERHEAD + 90))
    keep(cache, "of another", 90, network="b")
    for number in range(6):
        keep(cache, str(number), 90, network="a")

    kept = [one for one in ("of another", *"012345") if cache.look(search(one), NOW)]
    assert kept == ["of another", *"2345"]
    keep(cache, "2", 90, network="b")  # another network asked for it anew
    keep(cache, "6", 90, network="a")
    assert cache.look(search("2"), NOW)
    assert cache.look(search("3"), NOW) is None


def test_a_feed_larger_than_the_room_is_answered_and_not_kept(here: Place) -> None:
    cache = FeedCache(here.program.store, most_bytes=100)

    keep(cache, "large", 1000, network="a")

    assert cache._feeds == {}


def test_a_feed_that_changed_while_it_had_made_room_is_no_304_to_who_knows_only_dates(
    here: Place,
) -> None:
    """All in one second: the date of what is not remembered cannot be that of other bytes."""
    cache = FeedCache(here.program.store, most_bytes=OVERHEAD + 90)
    asked, mark = search("a"), cache.marks.now()
    first = cache.keep(asked, mark, RenderedFeed(b"old", "a/b", ""), NOW, network="a")
    date = dict(first.answer({}, NOW)[1])[b"last-modified"].decode()
    keep(cache, "another", 90, network="a")
    assert cache.look(asked, NOW) is None

    changed = cache.keep(asked, mark, RenderedFeed(b"new", "a/b", ""), NOW, network="a")

    for later in (timedelta(0), timedelta(seconds=1), timedelta(days=1)):
        status, _, body = changed.answer({"if-modified-since": date}, NOW + later)
        assert (status, body) == (200, b"new")
