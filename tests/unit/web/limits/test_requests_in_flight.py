"""Tests that the requests in progress of a network leave places to others."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from larkpost.web.limits.requests_in_flight import FEW, RequestsInFlight
from larkpost.web.templating import PageTemplates

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

PROXY = "192.0.2.200"
PAGES = PageTemplates(base_url="https://papers.example.org", title="Papers")


class Waiting:
    """An application whose requests wait until the end; ``answers`` are of refused ones."""

    def __init__(self, *, most: int, per_network: int) -> None:
        self.begun = 0
        self.answers: list[Message] = []
        self._end = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._limited = RequestsInFlight(
            self._wait, pages=PAGES, https=False, most=most, per_network=per_network
        )

    async def ask(self, address: str, forwarded: str = "") -> bool:
        """Begin a request; returns whether it is in progress."""
        settings = SimpleNamespace(web=SimpleNamespace(trusted_proxies=(PROXY,)))
        site = SimpleNamespace(program=SimpleNamespace(settings=settings))
        app = SimpleNamespace(state=SimpleNamespace(site=site))
        headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
        scope: dict[str, Any] = {"type": "http", "headers": headers, "client": (address, 1)}
        before = self.begun
        request = self._limited({**scope, "app": app}, self._receive, self._send)
        self._tasks.append(asyncio.ensure_future(request))
        await asyncio.sleep(0)
        return self.begun > before

    async def end(self) -> None:
        """Let all requests end."""
        self._end.set()
        await asyncio.gather(*self._tasks)
        self._end.clear()
        self._tasks.clear()

    async def _wait(self, _scope: Scope, _receive: Receive, _send: Send) -> None:
        self.begun += 1
        await self._end.wait()

    async def _receive(self) -> Message:
        raise AssertionError("nothing is read of a refused request")

    async def _send(self, message: Message) -> None:
        self.answers.append(message)


@pytest.mark.parametrize("forwarded", [False, True])
def test_a_network_has_so_many_requests_in_progress(forwarded: bool) -> None:
    """Through a web server in front as well, whose connections have no share."""

    async def visit() -> None:
        pages = Waiting(most=1000, per_network=3)

        async def ask(visitor: str) -> bool:
            return await pages.ask(PROXY, visitor) if forwarded else await pages.ask(visitor)

        assert [await ask("198.51.100.1") for _ in range(4)] == [True, True, True, False]
        assert await ask("198.51.100.2")
        await pages.end()
        assert await ask("198.51.100.1")
        await pages.end()

    asyncio.run(visit())


def test_who_asks_for_much_gets_no_more_where_many_are_in_progress() -> None:
    """Twelve addresses of three owners took all connections, a hundred each."""

    async def visit() -> None:
        pages = Waiting(most=3 * FEW, per_network=100)
        owners = [f"127.{owner}.0" for owner in range(1, 4)]
        begun = [await pages.ask(f"{owners[n % 3]}.{n % 4}") for n in range(5 * FEW)]

        assert begun == [True] * 3 * FEW + [False] * 2 * FEW
        assert [await pages.ask("203.0.113.9") for _ in range(FEW)] == [True] * FEW
        assert not await pages.ask("203.0.113.9")
        await pages.end()

    asyncio.run(visit())


def test_a_refusal_closes_the_connection_and_says_when_to_come_back() -> None:
    async def visit() -> None:
        pages = Waiting(most=1000, per_network=1)
        await pages.ask("198.51.100.1")
        await pages.ask("198.51.100.1")
        await pages.end()

        start = pages.answers[0]
        headers = dict(start["headers"])
        assert start["status"] == 429
        assert headers[b"connection"] == b"close"
        assert int(headers[b"retry-after"]) > 0
        assert b"content-security-policy" in headers

    asyncio.run(visit())


def test_a_web_server_that_hides_its_visitors_is_not_limited() -> None:
    async def visit() -> None:
        pages = Waiting(most=1, per_network=1)
        assert [await pages.ask(PROXY) for _ in range(FEW * 2)] == [True] * FEW * 2
        await pages.end()

    asyncio.run(visit())
