"""HTTP/1.1 on the wire: uvicorn's quick parser, with an end to what may come before a body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    from asyncio import TimerHandle, Transport

    from uvicorn.config import Config

LONGEST_HEAD = 32 * 1024  # bytes that may have come while a request's headers are not complete
HEAD_SECONDS = 15.0  # for the headers of a request, from its first byte or the connection's start
_TOO_LONG = b"431 Request Header Fields Too Large"  # RFC 6585, section 5
_TOO_SLOW = b"408 Request Timeout"  # RFC 9110, section 15.5.9


class Wire(HttpToolsProtocol):
    """Refuses heads that do not end: the parser would keep any number, for any time."""

    def __init__(self, config: Config, *args: Any, **kwargs: Any) -> None:
        super().__init__(config, *args, **kwargs)
        self._in_head = True
        self._ended = False  # a message, in the piece that came last
        self._came = 0
        self._patience: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        """Wait for a request, but not for ever."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came in, unless it is too much."""
        self._ended = False
        super().data_received(data)
        if not self._in_head or self.transport.is_closing():
            return
        if self._ended:  # of the next head there is at most the rest of this piece
            self._came = 0
            return
        self._came += len(data)
        if self._came > LONGEST_HEAD:
            self._refuse(_TOO_LONG)
        elif self._patience is None:
            self._wait()

    def on_headers_complete(self) -> None:
        """Go on to the body."""
        self._in_head, self._came = False, 0
        self._wait_no_more()
        super().on_headers_complete()
        if self.cycle is not None:  # the application dates its answers itself
            self.cycle.default_headers = []

    def on_message_complete(self) -> None:
        """Wait for the next request."""
        self._in_head = self._ended = True
        super().on_message_complete()

    def _wait(self) -> None:
        self._patience = self.loop.call_later(HEAD_SECONDS, self._refuse, _TOO_SLOW)

    def _wait_no_more(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _refuse(self, status: bytes) -> None:
        self.transport.write(
            b"HTTP/1.1 %b\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" % status
        )
        self.transport.close()
