"""Middleware around all pages: Date and Host headers, and our error page for every exception."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from email.utils import formatdate
from typing import TYPE_CHECKING

from larkpost import logs
from larkpost.log_events import LogEvent
from larkpost.log_limits import limit_lines
from larkpost.web.site import MESSAGES, SafeHeaders

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from larkpost.web.templating import PageTemplates


class DateHeader:
    """ASGI middleware: sets Date when a response begins, so that no Last-Modified is after it.

    uvicorn renews its own once per second, so that it may be a second behind (RFC 9110, 8.8.2.1: no
    Last-Modified later than Date).
    """

    def __init__(self, app: ASGIApp, clock: Callable[[], datetime]) -> None:
        self.app = app
        self.clock = clock
        self._second, self._text = 0, b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and date its response."""

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


# RFC 3986, 3.2.2: a name, an IPv4 address, or an IPv6 address in brackets; then maybe a port. The
# host of an http address is not empty (RFC 9110, 4.2.1), and no name is longer than 255 (RFC 1035).
_HOST = re.compile(
    rb"(?:(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2}){1,255}|\[[0-9A-Fa-f:.]{2,45}\])"
    rb"(?::[0-9]{0,5})?"
)
_NO_HOST = (
    "Bad request",
    "The request must have exactly one Host header.",
)

_log = logs.get_logger("larkpost.web")


class HostHeader:
    """ASGI middleware: answers 400 to a request without exactly one valid Host (RFC 9112, 3.2).

    HTTP/1.0 has no Host, and health checks still use it: it may be missing there. Its value does
    not matter, because no page uses it.
    """

    def __init__(self, app: ASGIApp, *, pages: PageTemplates, https: bool) -> None:
        self.app = app
        self._refusal: ASGIApp = SafeHeaders(pages.error(400, *_NO_HOST), https=https)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request with a valid Host."""
        if scope["type"] == "http" and not _has_valid_host(scope):
            await self._refusal(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def _has_valid_host(scope: Scope) -> bool:
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    hosts = [value for name, value in headers if name == b"host"]
    if not hosts:
        return bool(scope["http_version"] == "1.0")
    return len(hosts) == 1 and _HOST.fullmatch(hosts[0]) is not None


class ErrorPages:
    """ASGI middleware: answers every exception, in a page or around it, with our page of a 500.

    Starlette's own error handler is outside of all middleware, so its responses would lack the safe
    headers. Lines logged meanwhile are limited.
    """

    def __init__(self, app: ASGIApp, *, pages: PageTemplates, https: bool) -> None:
        self.app = app
        self._refusal: ASGIApp = SafeHeaders(pages.error(500, *MESSAGES[500]), https=https)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; a response that fails after its start is cut off."""
        begun = False

        async def send_noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            with limit_lines():
                await self.app(scope, receive, send_noting)
        except Exception:
            if begun:  # the server closes the connection, so that it does not look complete
                raise
            with limit_lines():
                _log.exception(LogEvent.PAGE_FAILED, page="", method=scope.get("method", ""))
            await self._refusal(scope, receive, send)
