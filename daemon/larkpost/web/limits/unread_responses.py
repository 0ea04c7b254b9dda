"""Limits the bytes of responses that visitors do not read, by network."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request

from larkpost.web.client_ip import network

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from larkpost.web.site import SiteContext

PIECE = 64 * 1024  # an answer of at most so many bytes is handed to the server whole
MOST_BYTES = 128 * 1024 * 1024
PER_NETWORK = 32 * 1024 * 1024
PATIENCE = 15.0  # seconds that a visit waits until older answers of its network have been read
RETRY_SECONDS = 10


class ResponseBudget:
    """The bytes of large answers that are being sent; for the event loop alone.

    A network has no room while it holds ``per_network`` bytes, or any where all together hold
    ``most``: who holds nothing is always answered, so that nobody keeps others out.
    """

    def __init__(self, most: int = MOST_BYTES, per_network: int = PER_NETWORK) -> None:
        self.most = most
        self.per_network = per_network
        self.held = 0
        self._by_network: Counter[str] = Counter()
        self._read: dict[str, asyncio.Event] = {}  # of the networks that somebody waits for

    def has_room(self, network: str) -> bool:
        """Say whether one more answer may be made for a network."""
        mine = self._by_network[network]
        return not mine or (mine < self.per_network and self.held < self.most)

    async def wait_for_room(self, network: str, patience: float = PATIENCE) -> None:
        """Wait until there is room; raises HTTPException 503 after ``patience`` seconds."""
        try:
            async with asyncio.timeout(patience):
                while not self.has_room(network):
                    await self._read.setdefault(network, asyncio.Event()).wait()
        except TimeoutError:
            raise HTTPException(503, headers={"Retry-After": str(RETRY_SECONDS)}) from None

    @contextmanager
    def hold(self, network: str, size: int) -> Iterator[None]:
        """Hold an answer of so many bytes meanwhile."""
        self.held += size
        self._by_network[network] += size
        try:
            yield
        finally:
            self.held -= size
            self._by_network[network] -= size
            if not self._by_network[network]:
                del self._by_network[network]
            if read := self._read.pop(network, None):
                read.set()


class InPieces:
    """ASGI middleware: hands a large answer to the server piece by piece, as the visitor reads.

    The server takes in whatever it is given, so that a visitor who asks many times on one
    connection and reads nothing would have all the answers held at once.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and send its answer in pieces, which count in the budget."""
        with ExitStack() as held:

            async def send_pieces(message: Message) -> None:
                if message["type"] == "http.response.start":
                    # Before anything is sent: the start may have to wait for an older answer.
                    held.enter_context(_hold(scope, message))
                    await send(message)
                    return
                body: bytes = message.get("body", b"")
                last = max(0, len(body) - 1) // PIECE * PIECE
                for at in range(0, last, PIECE):
                    piece = body[at : at + PIECE]
                    await send({"type": message["type"], "body": piece, "more_body": True})
                await send({**message, "body": body[last:]})

            await self.app(scope, receive, send_pieces)


def _hold(scope: Scope, start: Message) -> AbstractContextManager[None]:
    """Hold an answer that begins so, where it is large."""
    size = int(Headers(raw=start["headers"]).get("content-length", "0"))
    if size <= PIECE:
        return nullcontext()
    site: SiteContext = scope["app"].state.site
    visitor = network(Request(scope), site.program.settings.web.trusted_proxies)
    return site.answers.hold(visitor, size)
