"""Limits the requests in progress, so that their connections leave places to others."""

from __future__ import annotations

from collections import Counter
from math import ceil
from typing import TYPE_CHECKING

from larkpost.text.ip_networks import neighbourhood
from larkpost.web.limits.byte_budget import add_count
from larkpost.web.limits.connections import MOST_CONNECTIONS, PER_NETWORK
from larkpost.web.limits.request_rate import LONGEST_WAIT, paced_network
from larkpost.web.site import MESSAGES, SafeHeaders

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from larkpost.web.templating import PageTemplates

# From so many on, in all, a neighbourhood with more than FEW gets no more. Half of the places may
# be taken by connections that are not handed on yet, so a quarter always stays for others.
MANY = MOST_CONNECTIONS // 4
FEW = 16  # a browser sends six at a time


class RequestsInFlight:
    """ASGI middleware: answers 429 at once if too many requests of a network are in progress.

    A request that waits (for its rate, a turn, a body) keeps its connection, and nothing closes
    that for others. Twelve addresses with a hundred connections each took all places for as long as
    they asked; behind a web server in front, whose connections have no share, one address did. The
    refusal closes the connection. A web server in front that hides its visitors' addresses is not
    limited.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        pages: PageTemplates,
        https: bool,
        most: int = MANY,
        per_network: int = PER_NETWORK,
    ) -> None:
        self.app = app
        self._most = most
        self._per_network = per_network
        self._by_network: Counter[str] = Counter()
        self._around: Counter[str] = Counter()  # by neighbourhood
        refusal = pages.error(429, *MESSAGES[429])
        refusal.headers.update({"Retry-After": str(ceil(LONGEST_WAIT)), "Connection": "close"})
        self._refusal: ASGIApp = SafeHeaders(refusal, https=https)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, unless its network has too many in progress."""
        visitor = paced_network(scope)
        if visitor is None:
            await self.app(scope, receive, send)
            return
        around = neighbourhood(visitor)
        if self._is_full(visitor, around):
            await self._refusal(scope, receive, send)
            return
        self._count(visitor, around, 1)
        try:
            await self.app(scope, receive, send)
        finally:
            self._count(visitor, around, -1)

    def _is_full(self, visitor: str, around: str) -> bool:
        if self._by_network[visitor] >= self._per_network:
            return True
        return self._around[around] >= FEW and self._around.total() >= self._most

    def _count(self, visitor: str, around: str, change: int) -> None:
        add_count(self._by_network, visitor, change)
        add_count(self._around, around, change)
