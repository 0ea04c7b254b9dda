"""Slows a network that sends requests faster than people and feed readers do."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING

from starlette.requests import Request

from larkpost.text.ip_networks import WIDER, neighbourhood
from larkpost.web.client_ip import network, stands_for_many
from larkpost.web.limits.rate_limit import RateLimit, RateLimiter
from larkpost.web.site import MESSAGES, SafeHeaders

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from larkpost.web.templating import PageTemplates

LONGEST_WAIT = 2.0  # seconds
MADE = RateLimit("made", 20, per=2.0, longest_wait=LONGEST_WAIT)  # of uncached responses
# Of all requests. A cached feed takes a fifth of a millisecond, but of the event loop: 5,000 per
# second from one network, on a hundred connections, delayed all others. Reading a head of 60 kB
# takes as long as forty of them: six addresses that sent these kept everybody waiting for 15 s.
ANY = RateLimit("any", 1_000, per=10.0, longest_wait=LONGEST_WAIT, head_bytes=2_048)
REFUSED = 5  # an error response counts as so many requests, because programs keep asking


class RequestRate:
    """ASGI middleware: spaces out the requests of a network; 429 if one would wait too long.

    It is used twice: for all requests, and with a lower limit for those that the feed cache does
    not answer. A web server in front that hides its visitors' addresses is not slowed.
    """

    def __init__(
        self, app: ASGIApp, *, limit: RateLimit, pages: PageTemplates, https: bool
    ) -> None:
        self.app = app
        self._limit = limit
        self._limit_around = replace(limit, name="around", most=limit.most * WIDER)
        self._rates = RateLimiter()
        refusal = pages.error(429, *MESSAGES[429])
        refusal.headers["Retry-After"] = str(ceil(LONGEST_WAIT))
        self._refusal: ASGIApp = SafeHeaders(refusal, https=https)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on when it is due."""
        visitor = paced_network(scope)
        if visitor is None:
            await self.app(scope, receive, send)
            return
        wait = self._delay(visitor)
        if wait is None:  # it waits as well, so that a client that asks again at once is slowed
            await asyncio.sleep(LONGEST_WAIT)
            await self._refusal(scope, receive, send)
            return
        self._charge_size(scope, visitor)
        if wait:
            await asyncio.sleep(wait)

        async def send_charging(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] >= 400:
                self._rates.charge(self._limit, visitor, REFUSED - 1)
            await send(message)

        await self.app(scope, receive, send_charging)

    def _charge_size(self, scope: Scope, visitor: str) -> None:
        """Count a request with a long head as several, if the limit says so."""
        unit = self._limit.head_bytes
        if unit and (more := _head_size(scope) // unit):
            self._rates.charge(self._limit, visitor, more)
            if (around := neighbourhood(visitor)) != visitor:
                self._rates.charge(self._limit_around, around, more)

    def _delay(self, visitor: str) -> float | None:
        """Return the seconds until a request is due; None if that is too long."""
        own, around = self._rates.delay(self._limit, visitor), neighbourhood(visitor)
        if own is None or around == visitor:
            return own
        wider = self._rates.delay(self._limit_around, around)
        return None if wider is None else max(own, wider)


def _head_size(scope: Scope) -> int:
    """Return about how many bytes a request's path, query and headers have."""
    headers = sum(len(name) + len(value) for name, value in scope["headers"])
    return len(scope["path"]) + len(scope["query_string"]) + headers


def paced_network(scope: Scope) -> str | None:
    """Return the network to limit; None for non-requests and for a web server in front."""
    if scope["type"] != "http":
        return None
    proxies = scope["app"].state.site.program.settings.web.trusted_proxies
    visitor = network(Request(scope), proxies)
    return None if stands_for_many(visitor, proxies) else visitor
