"""Tests that a network with too many requests is slowed, and no other one is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient
from tests.helpers.web.site_client import FOREIGN, place

from larkpost.text.ip_networks import WIDER
from larkpost.web import app
from larkpost.web.feeds.request import LONGEST_QUERY
from larkpost.web.limits import request_rate
from larkpost.web.limits.rate_limit import RateLimiter
from larkpost.web.limits.request_rate import ANY, MADE
from larkpost.web.limits.requests_in_flight import RequestsInFlight

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.helpers.web.site_client import Place

    Ask = Callable[..., int]
PER_SECOND = MADE.most / MADE.per
PROXY = "192.0.2.200"


class Pauses:
    """Stands where a request waits for its moment: notes for how long, and does not wait."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def sleep(self, seconds: float) -> None:
        """Note how long somebody would wait."""
        self.seconds.append(seconds)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> Pauses:
    """Make waits end at once, with a fixed clock."""
    noted = Pauses()
    monkeypatch.setattr(request_rate, "asyncio", noted)
    monkeypatch.setattr(request_rate, "RateLimiter", lambda: RateLimiter(lambda: 0.0))
    return noted


@pytest.fixture
def site(tmp_path: Path, sqlite_url: str) -> Iterator[Place]:
    with place(tmp_path, sqlite_url, {"web.trusted_proxies": (PROXY,)}) as opened:
        yield opened


@pytest.fixture
def ask(pauses: Pauses, site: Place) -> Ask:
    """Ask the paced site for a page from an address; returns the status."""
    paced = app(site.program, clock=site.clock, paced=True)

    def visit(path: str, address: str = "192.0.2.1", **headers: str) -> int:
        client = TestClient(paced, base_url=FOREIGN, client=(address, 1))
        return client.get(path, headers=headers).status_code

    return visit


def test_requests_beyond_the_burst_wait_and_then_are_refused(ask: Ask, pauses: Pauses) -> None:
    burst = [ask("/robots.txt") for _ in range(MADE.most)]
    assert burst == [200] * MADE.most
    assert pauses.seconds == []

    slowed = [ask("/robots.txt") for _ in range(45)]

    per_second, longest = PER_SECOND, request_rate.LONGEST_WAIT
    let_in = int(longest * per_second)
    assert slowed == [200] * let_in + [429] * (45 - let_in)
    assert pauses.seconds[:2] == pytest.approx([1 / per_second, 2 / per_second])
    assert pauses.seconds[let_in:] == [longest] * (45 - let_in)
    assert ask("/robots.txt", "192.0.2.2") == 200
    assert len(pauses.seconds) == 45


def test_errors_are_slowed_sooner(ask: Ask, pauses: Pauses) -> None:
    few = MADE.most // request_rate.REFUSED
    assert {ask("/nothing") for _ in range(few)} == {404}
    assert pauses.seconds == []
    ask("/nothing")
    assert len(pauses.seconds) == 1


def test_a_web_server_in_front_is_told_from_its_visitors(ask: Ask, pauses: Pauses) -> None:
    while not pauses.seconds:
        ask("/robots.txt", PROXY, **{"X-Forwarded-For": "198.51.100.1"})
    pauses.seconds.clear()
    ask("/robots.txt", PROXY, **{"X-Forwarded-For": "198.51.100.2"})
    for _ in range(MADE.most + 10):
        ask("/robots.txt", PROXY)
    assert pauses.seconds == []


def test_feeds_that_are_kept_wait_for_nothing(ask: Ask, pauses: Pauses, site: Place) -> None:
    feed = site.path(site.program.links.feed(site.reader, "atom"))
    answers = [ask(feed) for _ in range(MADE.most * 2)]
    assert answers == [200] * MADE.most * 2
    assert pauses.seconds == []


def test_a_request_with_a_long_head_counts_as_several(
    ask: Ask, pauses: Pauses, site: Place
) -> None:
    """Six addresses that asked for a kept feed with 60 kB each kept everybody waiting for 15 s."""
    feed = site.path(site.program.links.feed(site.reader, "atom"))
    long = {"X-Long": "a" * ANY.head_bytes * 24}
    few = ANY.most // 25

    assert {ask(feed, **long) for _ in range(few)} == {200}
    assert pauses.seconds == []

    ask(feed, **long)
    ask(feed, **long)
    assert len(pauses.seconds) in {1, 2}
    pauses.seconds.clear()
    assert ask(feed, "198.51.100.1") == 200
    assert pauses.seconds == []


@pytest.mark.parametrize("taken", ["search.rss?q=a", "feed/{}.atom?min=.5"])
def test_a_long_query_of_a_feed_is_refused_unread(ask: Ask, site: Place, taken: str) -> None:
    path = f"/{taken.format(site.reader.feed_key)}&x="

    assert ask(f"{path}{'%20' * 1_000}") == 200
    assert ask(f"{path}{'%20' * (LONGEST_QUERY // 3)}") == 400


def test_even_feeds_that_are_kept_are_not_asked_for_without_end(
    ask: Ask, pauses: Pauses, site: Place
) -> None:
    """A flood of them keeps the event loop from everybody; five hundred at once are no flood."""
    assert ANY.most >= 500
    feed = site.path(site.program.links.feed(site.reader, "atom"))
    answers = [ask(feed) for _ in range(ANY.most)]
    assert set(answers) == {200}
    assert pauses.seconds == []

    slowed = int(request_rate.LONGEST_WAIT * (ANY.most / ANY.per))
    assert {ask(feed) for _ in range(slowed)} == {200}
    assert pauses.seconds == pytest.approx(
        [number / (ANY.most / ANY.per) for number in range(1, slowed + 1)]
    )
    assert ask(feed) == 429
    assert ask(feed, "192.0.2.2") == 200
    assert ask(feed, PROXY) == 200


def test_the_many_networks_of_one_owner_have_four_times_the_pace_of_one(
    ask: Ask, pauses: Pauses
) -> None:
    most = WIDER * (MADE.most + int(PER_SECOND * request_rate.LONGEST_WAIT))
    answers = [ask("/robots.txt", f"2001:db8:0:{number:x}00::1") for number in range(most + 20)]

    assert answers == [200] * most + [429] * 20
    assert ask("/robots.txt", "2001:db8:1::1") == 200


def test_a_request_of_a_network_with_too_many_in_progress_is_refused_in_the_daemon(
    ask: Ask, pauses: Pauses, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask("/robots.txt") == 200
    monkeypatch.setattr(RequestsInFlight, "_is_full", lambda *_args: True)
    assert ask("/robots.txt") == 429
    assert pauses.seconds == []
