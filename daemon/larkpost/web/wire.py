"""HTTP/1.1 on the wire: uvicorn's quick parser, with an end to how much may come before a body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    from uvicorn.config import Config

LONGEST_HEAD = 32 * 1024  # bytes that may have come while a request's headers are not complete
_TOO_LONG = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"Connection: close\r\nContent-Length: 0\r\n\r\n"
)


class Wire(HttpToolsProtocol):
    """Refuses heads that do not end (RFC 6585 section 5): the parser would keep any number."""

    def __init__(self, config: Config, *args: Any, **kwargs: Any) -> None:
        super().__init__(config, *args, **kwargs)
        self._in_head = True
        self._came = 0

    def data_received(self, data: bytes) -> None:
        """Take what came in, unless it is too much."""
        super().data_received(data)
        if not self._in_head or self.transport.is_closing():
            return
        self._came += len(data)
        if self._came > LONGEST_HEAD:
            self.transport.write(_TOO_LONG)
            self.transport.close()

    def on_headers_complete(self) -> None:
        """Go on to the body."""
        self._in_head, self._came = False, 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Wait for the next request."""
        self._in_head = True
        super().on_message_complete()
