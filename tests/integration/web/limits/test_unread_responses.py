"""Clients that read responses slowly or not at all: their responses do not fill the memory."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from starlette.exceptions import HTTPException
from tests.helpers.polling import PATIENCE, until
from tests.helpers.web.raw_http import running, statuses

from larkpost.portability import exporter
from larkpost.web import app
from larkpost.web.feeds.cache import FeedCache, RenderedFeed
from larkpost.web.feeds.request import read_feed_request
from larkpost.web.limits.byte_budget import MB, ByteBudget

if TYPE_CHECKING:
    from collections.abc import Iterator

    import uvicorn
    from tests.helpers.web.site_client import Place

LARGE = 3_500_000  # bytes of an export
CONNECTIONS, EACH = 6, 4
OWN, OTHER = "127.0.0.1", "127.0.0.2"


def connect(server: uvicorn.Server, network: str = OWN) -> socket.socket:
    """Connect as a visitor whose system takes little in advance."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(PATIENCE)
    connection.bind((network, 0))
    connection.connect(server.servers[0].sockets[0].getsockname())
    return connection


def read_all(connection: socket.socket) -> bytes:
    came = bytearray()
    while some := connection.recv(1 << 20):
        came += some
    return bytes(came)


def test_answers_that_a_network_does_not_read_are_made_no_more_until_it_does(
    here: Place, me: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []

    def about(*_: object) -> Iterator[dict[str, str]]:
        made.append(1)
        yield {"text": "a" * LARGE}

    monkeypatch.setattr(exporter, "about", about)
    pages = app(here.program, clock=here.clock)
    budget = ByteBudget(128 * MB, per_network=LARGE)
    pages.state.site = replace(pages.state.site, answers=budget)
    asking = f"GET {me}/export.jsonl HTTP/1.1\r\nHost: a\r\n".encode()
    close = b"Connection: close\r\n\r\n"

    with running(pages) as server:
        held = [connect(server) for _ in range(CONNECTIONS)]
        for connection in held:
            connection.sendall((asking + b"\r\n") * (EACH - 1) + asking + close)
        until(lambda: budget.held >= LARGE)
        with connect(server, OTHER) as other:
            other.sendall(asking + close)
            assert statuses(read_all(other)[:100]) == [200]
        # What the system takes in of each connection, what is held, and two that were being made.
        assert len(made) <= 2 * CONNECTIONS + 4 < CONNECTIONS * EACH

        for connection in held:
            connection.close()
        until(lambda: not budget.held)


class RecordingBudget(ByteBudget):
    """A budget that records the most bytes held at a time."""

    peak = 0

    def _change(self, network: str, size: int) -> None:
        super()._change(network, size)
        self.peak = max(self.peak, self.held)


def test_large_cached_feeds_that_a_network_does_not_read_count_in_the_budget(here: Place) -> None:
    pages = app(here.program, clock=here.clock)
    budget = RecordingBudget(128 * MB, per_network=LARGE)
    pages.state.site = replace(pages.state.site, answers=budget)
    cache: FeedCache = pages.state.feeds
    asked = read_feed_request({"path": "/archive.atom", "query_string": b""})
    feed = RenderedFeed(b"a" * LARGE, "application/atom+xml", "public")
    cache.keep(asked, cache.marks.now(), feed, here.clock(), network=OTHER)
    request = b"GET /archive.atom HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

    with running(pages) as server:
        held = [connect(server) for _ in range(CONNECTIONS)]
        for connection in held:
            connection.sendall(request)
        until(lambda: budget.held >= LARGE)
        with connect(server, OTHER) as other:
            other.sendall(request)
            assert len(read_all(other)) > LARGE
        # One of each network, and two of those that waited where the system took in a whole one.
        assert LARGE <= budget.peak <= 4 * LARGE < CONNECTIONS * LARGE

        for connection in held:
            with connection:
                assert len(read_all(connection)) > LARGE
        until(lambda: not budget.held)


def test_who_holds_nothing_has_room_whatever_others_hold() -> None:
    budget = ByteBudget(most=10, per_network=8)

    with budget.hold(OWN, 6):
        assert budget.has_room(OWN)
        with budget.hold(OTHER, 4):
            assert not budget.has_room(OWN)
            assert not budget.has_room(OTHER)
            assert budget.has_room("127.0.0.3")
        assert budget.has_room(OWN)
    assert budget.held == 0


def test_a_visit_waits_until_its_network_has_read_and_not_for_ever() -> None:
    budget = ByteBudget(MB, per_network=1)

    async def wait(patience: float) -> Any:
        return await budget.wait_for_room(OWN, patience)

    async def visits() -> None:
        with budget.hold(OWN, 1):
            with pytest.raises(HTTPException) as refused:
                await wait(0.01)
            assert refused.value.status_code == 503
            assert refused.value.headers == {"Retry-After": "10"}
            waiting = [asyncio.create_task(wait(PATIENCE)) for _ in range(3)]
            await asyncio.sleep(0)
        await asyncio.gather(*waiting)

    asyncio.run(visits())
