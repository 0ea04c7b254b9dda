"""Dates every answer by the clock that dates what is in it (RFC 9110 section 6.6.1)."""

from __future__ import annotations

from email.utils import formatdate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from starlette.types import ASGIApp, Message, Receive, Scope, Send


class DateHeader:
    """ASGI middleware: sets Date when an answer begins, so that no Last-Modified lies after it.

    uvicorn renews its own once a second, so that it may be a second behind (RFC 9110, 8.8.2.1: no
    Last-Modified later than Date).
    """

    def __init__(self, app: ASGIApp, clock: Callable[[], datetime]) -> None:
        self.app = app
        self.clock = clock
        self._second, self._text = 0, b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and date its answer."""

        async def send_dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [(b"date", self._date()), *message.get("headers", ())]
            await send(message)

        await self.app(scope, receive, send_dated)

    def _date(self) -> bytes:
        second = int(self.clock().timestamp())
        if second != self._second:
            self._second, self._text = second, formatdate(second, usegmt=True).encode()
        return self._text
