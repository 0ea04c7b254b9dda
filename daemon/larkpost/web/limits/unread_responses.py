"""Sends large responses piece by piece, and counts the bytes that clients have not read."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.requests import Request

from larkpost.web.client_ip import network

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from larkpost.web.site import SiteContext

PIECE = 64 * 1024  # a response of at most so many bytes is sent in one piece


class InPieces:
    """ASGI middleware: sends a large response piece by piece, as the client reads.

    The server buffers everything it is given, so a client that sends many requests on one
    connection and reads nothing would have all responses in memory at once.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and send its response in pieces, which count in the budget."""
        with ExitStack() as held:

            async def send_pieces(message: Message) -> None:
                if message["type"] == "http.response.start":
                    # Before anything is sent: the start may have to wait for an older response.
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
    """Count a response against the budget if it is large."""
    size = int(Headers(raw=start["headers"]).get("content-length", "0"))
    if size <= PIECE:
        return nullcontext()
    site: SiteContext = scope["app"].state.site
    visitor = network(Request(scope), site.program.settings.web.trusted_proxies)
    return site.answers.hold(visitor, size)
