"""Limits the headers, bodies and times of HTTP/1.1, on top of uvicorn's parser."""

from __future__ import annotations

from functools import partial
from socket import AF_UNIX
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from larkpost.web.site import HEADERS

if TYPE_CHECKING:
    from asyncio import TimerHandle, Transport

    from starlette.types import ASGIApp, Message, Receive, Scope, Send
    from uvicorn.config import Config

    from larkpost.web.limits.connections import ConnectionLimits

LONGEST_HEAD = 32 * 1024  # bytes of a request's line and headers, complete or not
# Each takes time of the event loop: 8,000 in each head, 200 heads a second, made others wait for
# up to 12 seconds. Browsers send twenty, and web servers in front add some.
MOST_HEADERS = 128
HEAD_SECONDS = 15.0  # for the headers of a request, from its first byte or the connection's start
BODY_SECONDS = 20.0  # for a body; forms give up a little sooner, with a page
MOST_OVERHEAD = 64 * 1024  # of chunks' sizes, extensions and trailers, beside 8 bytes for each one
# Pieces of a body: chunks, or what arrives at a time. Beyond these, their mean must be so large: a
# body of 4 MB in chunks of one byte took the event loop for seconds.
MOST_PIECES, LEAST_MEAN = 1_000, 64
MOST_PIPELINED = 16  # pipelined requests waiting for earlier responses
# After a response that did not wait for its request's body: time to read it (RFC 9112, 9.6).
LINGER_SECONDS = 2.0
LINGER_BYTES = 256 * 1024
# A client that takes fewer bytes of a response in so many seconds does not read it.
LEAST_TAKEN, STALL_SECONDS = 8 * 1024, 15.0

_TOO_LONG = b"431 Request Header Fields Too Large"  # RFC 6585, section 5
_TOO_SLOW = b"408 Request Timeout"  # RFC 9110, section 15.5.9
_TOO_MANY = b"503 Service Unavailable\r\nRetry-After: 10"  # RFC 9110, section 15.6.4
_BAD = b"400 Bad Request"
_SAFE = b"".join(b"%b: %b\r\n" % (name.encode(), value.encode()) for name, value in HEADERS.items())


class LimitedHttpProtocol(HttpToolsProtocol):
    """Refuses endless headers, bodies and responses, which uvicorn would hold for any time.

    If uvicorn's ``config`` has ``connections`` (ConnectionLimits), it is counted there.
    """

    def __init__(self, config: Config, *args: Any, **kwargs: Any) -> None:
        super().__init__(config, *args, **kwargs)
        self.peer: str | None = None
        self._limits: ConnectionLimits | None = getattr(config, "connections", None)
        self._in_head = True
        self._ended = False  # a message, in the latest piece
        self._came = 0  # bytes of these headers, or of this body
        self._head = 0  # bytes of the address and the complete headers of this request
        self._body = 0  # bytes of content in this body
        self._pieces = 0  # in which they came
        self._fault = _BAD  # why the parser stopped
        self._deaf = False  # closing; later bytes are not a request
        self._patience: TimerHandle | None = None
        self._stall: TimerHandle | None = None
        self._written = 0  # bytes of responses
        self._taken = 0  # how many of them the client had taken at the last check

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        """Wait for a request, with a time limit."""
        super().connection_made(transport)
        self.peer = self.client[0] if self.client else None
        family = getattr(transport.get_extra_info("socket"), "family", None)
        if self.peer is None and family != AF_UNIX:  # gone already, and must not count as a proxy
            transport.abort()
            return
        if self._limits is not None and not self._limits.admit(self):
            self._tell(_TOO_MANY)
            self._linger()
        else:
            self._wait(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel all timers."""
        self._wait_no_more()
        if self._stall is not None:
            self._stall.cancel()
        if self._limits is not None:
            self._limits.forget(self)
        super().connection_lost(exc)

    @property
    def idle(self) -> bool:
        """Whether no request is being answered, and no response is being sent."""
        return not self._is_answering() and not self.transport.get_write_buffer_size()

    @property
    def waits_for_client(self) -> bool:
        """Whether a body is still coming, or what was sent is not read yet."""
        cycle: RequestResponseCycle | None = self.cycle
        is_coming = cycle is not None and cycle.more_body and not self.flow.read_paused
        return is_coming or self.transport.get_write_buffer_size() > 0

    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def drop(self) -> None:
        """Close at once, because another connection needs the place."""
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Process received bytes, unless they exceed a limit."""
        if self._deaf:
            self._came += len(data)
            if self._came > LINGER_BYTES:
                self.transport.abort()
            return
        self._ended, in_body = False, not self._in_head
        super().data_received(data)
        if self.transport.is_closing() or self._deaf:
            return
        if self._ended:  # at most the rest of this piece belongs to the next headers
            self._came = 0
        elif self._in_head:
            self._came += len(data)
            if self._came > LONGEST_HEAD:
                self._refuse(_TOO_LONG)
            elif self._patience is None:
                self._wait(HEAD_SECONDS)
        elif in_body:
            self._came += len(data)
            if self._came > MOST_OVERHEAD + 8 * self._body:
                self._refuse(_BAD)

    def on_url(self, url: bytes) -> None:
        """Take the address of a request, or a part of it."""
        self._count_head(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; trailers behind a body (RFC 9110, 6.5) are not read.

        The parser leaves blanks behind a value, which are not part of it (RFC 9112, 5.1).
        """
        if not self._in_head:
            return
        if len(self.headers) >= MOST_HEADERS:
            self._fault = _TOO_LONG
            raise ValueError("too many headers")
        self._count_head(len(name) + len(value))
        super().on_header(name, value.rstrip(b" \t"))

    def _count_head(self, size: int) -> None:
        """Count parts of a head, for it may arrive at once, with any length."""
        self._head += size
        if self._head > LONGEST_HEAD:
            self._fault = _TOO_LONG
            raise ValueError("a long head")

    def on_headers_complete(self) -> None:
        """Go on to the body."""
        self._head = 0
        if len(self.pipeline) >= MOST_PIPELINED:
            raise ValueError("too many requests before the first was answered")
        self._in_head, self._came, self._body, self._pieces = False, 0, 0, 0
        self._wait_no_more()
        super().on_headers_complete()
        if self.cycle is not None:  # the application dates its responses itself
            self.cycle.default_headers = []
            self.cycle.transport = _ResponseTransport(self)  # type: ignore[assignment]  # all of it that is used
        self._wait(BODY_SECONDS)

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body; that of a GET means nothing (RFC 9110, 9.3.1)."""
        self._body += len(body)
        self._pieces += 1
        if self._pieces > MOST_PIECES + self._body // LEAST_MEAN:
            raise ValueError("a body in too many pieces")
        if self.scope["method"] not in {"GET", "HEAD"}:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for the next request."""
        self._wait_no_more()
        self._in_head = self._ended = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Start the next request, unless this was the last one."""
        self._watch_writing()
        if self._deaf and not self.pipeline:
            self.server_state.total_requests += 1
        else:
            super().on_response_complete()

    def pause_writing(self) -> None:
        """Stop writing until the client has read, with a time limit."""
        super().pause_writing()
        self._watch_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection on which no other request came."""
        self.close()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - what uvicorn says of it
        """Refuse bytes that are not HTTP, or exceed a limit."""
        self._refuse(self._fault)

    def _unsupported_upgrade_warning(self) -> None:
        """Log nothing: a server may ignore requests for another protocol (RFC 9110, 7.8)."""

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGIApp) -> None:  # type: ignore[override]  # the same, as Starlette types it
        super()._start_asgi_task(cycle, partial(_answer, cycle, app))

    def close(self) -> None:
        """Close once everything is sent, or when a reading client would have taken it."""
        self._deaf = True
        self._wait_no_more()
        self.transport.close()
        self._watch_writing()

    def leave(self) -> None:
        """Close after a response; if the request's body is still coming, read some of it first."""
        if self._in_head:
            self.close()
        else:
            self._linger()

    def _linger(self) -> None:
        """Close once the client has closed, or soon; later bytes are discarded.

        Closing with unread bytes would reset the connection, and lose the response.
        """
        if self.transport.is_closing() or not self.transport.can_write_eof():
            self.close()
            return
        self._deaf, self._came = True, 0
        self._wait_no_more()
        self.flow.resume_reading()
        self.transport.write_eof()
        self._patience = self.loop.call_later(LINGER_SECONDS, self.close)

    def _wait(self, seconds: float) -> None:
        self._patience = self.loop.call_later(seconds, self._refuse, _TOO_SLOW)

    def _wait_no_more(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _refuse(self, status: bytes) -> None:
        """Send an error response and close, after the current response if there is one.

        Otherwise a client would take the refusal for the response to an earlier request.
        """
        cycle, answering = self.cycle, self._is_answering()
        self._wait_no_more()
        if answering and not cycle.more_body:
            self._deaf, cycle.keep_alive = True, False
            self.flow.pause_reading()
            return
        if answering:  # the refusal concerns the body of this same request
            cycle.disconnected = True
            cycle.message_event.set()
        if not (answering and cycle.response_started):
            self._tell(status)
        self.leave()

    def _tell(self, status: bytes) -> None:
        usual = b"".join(b"%b: %b\r\n" % one for one in self.server_state.default_headers)
        ending = b"Connection: close\r\nContent-Length: 0\r\n\r\n"
        self.transport.write(b"HTTP/1.1 %b\r\n%b%b%b" % (status, usual, _SAFE, ending))

    def write(self, data: bytes) -> None:
        """Send a piece of a response, unless the connection was left after its request."""
        if self.transport.is_closing():  # uvicorn checks only the last of several requests
            return
        self._written += len(data)
        self.transport.write(data)

    def _watch_writing(self) -> None:
        if self._stall is None and self.transport.get_write_buffer_size():
            self._taken = self._count_taken()
            self._stall = self.loop.call_later(STALL_SECONDS, self._check_writing)

    def _check_writing(self) -> None:
        """Close the connection if the client took too little since the last check."""
        self._stall = None
        unsent = self.transport.get_write_buffer_size()
        if unsent and self._count_taken() < self._taken + LEAST_TAKEN:
            self.transport.abort()
        else:
            self._watch_writing()

    def _count_taken(self) -> int:
        return self._written - int(self.transport.get_write_buffer_size())


class _ResponseTransport:
    """The transport of one response: closing it calls ``LimitedHttpProtocol.leave``."""

    def __init__(self, protocol: LimitedHttpProtocol) -> None:
        self.write = protocol.write
        self.is_closing = protocol.transport.is_closing
        self.close = protocol.leave


async def _answer(
    cycle: RequestResponseCycle, app: ASGIApp, scope: Scope, receive: Receive, send: Send
) -> None:
    """Answer a request; no other follows if its body has not arrived by then.

    Nothing waits for the rest of a body that is not read.
    """

    async def send_last(message: Message) -> None:
        if message["type"] == "http.response.start" and cycle.more_body:
            cycle.keep_alive = False
        await send(message)

    await app(scope, receive, send_last)
