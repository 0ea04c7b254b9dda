"""The web server of the daemon."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import uvicorn

from larkpost import logs
from larkpost.serve.accept_loop import Acceptor
from larkpost.serve.http_limits import LimitedHttpProtocol
from larkpost.serve.listener import name_listener
from larkpost.web import Heartbeat
from larkpost.web.limits.connections import ConnectionLimits

if TYPE_CHECKING:
    import socket

    from starlette.types import ASGIApp

# A supervisor waits ten seconds before it kills: five for open requests, the rest for the jobs.
REQUESTS_SECONDS = 5
# A thread that waits for the interpreter gets it after so many seconds, and a page waits for it
# some thirty times, once per answer of SQLite. Beside one busy thread, a page of 0.1 ms took 42 ms
# with Python's default of 5 ms, and takes 2 ms with 0.5 ms.
SWITCH_SECONDS = 0.0005
LOOKS_A_MINUTE = 600  # of uvicorn, at its clock


class Server(uvicorn.Server):
    """A uvicorn server that leaves signals to us, and prints its address once it answers.

    At most ``connections`` are open at a time; ``proxies`` are the networks of the web servers in
    front. ``pulse`` records that its event loop runs.
    """

    def __init__(
        self,
        pages: ASGIApp,
        *,
        base_url: str,
        connections: int,
        proxies: Callable[[], tuple[str, ...]],
    ) -> None:
        self.limits = ConnectionLimits(connections, proxies=proxies)
        super().__init__(_Config(pages, self.limits))
        self.base_url = base_url
        self.pulse = Heartbeat(timedelta(seconds=1), started=datetime.now(UTC))

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do nothing: the daemon handles signals, because they end all of it."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to answer, then say so on one line of standard error."""
        sys.setswitchinterval(SWITCH_SECONDS)
        await self.lifespan.startup()
        self.servers = [
            Acceptor(listener, self._make_protocol, self.limits)  # type: ignore[misc]  # what is used of an asyncio.Server
            for listener in sockets or ()
        ]
        self.started = True
        for listener in sockets or ():
            here = name_listener(listener)
            links = "" if self.base_url == here else f" (links point to {self.base_url})"
            slash = "/" if here.startswith("http") else ""
            with suppress(OSError):  # a closed terminal or a full disk must not stop the daemon
                print(f"Larkpost is up: {here}{slash}{links}", file=sys.stderr, flush=True)  # noqa: T201 - a word to the person who started it

    def _make_protocol(self) -> LimitedHttpProtocol:
        return LimitedHttpProtocol(self.config, self.server_state, self.lifespan.state)

    async def on_tick(self, counter: int) -> bool:
        """Record that the event loop runs; uvicorn calls this ten times per second."""
        self.pulse.beat = datetime.now(UTC)
        if counter % LOOKS_A_MINUTE == 0:
            logs.tell_left_out()
        return await super().on_tick(counter)

    def stop(self) -> None:
        """Finish open requests and end; asked a second time, end without finishing them."""
        self.force_exit = self.should_exit
        self.should_exit = True


class _Config(uvicorn.Config):
    """The settings of the server, with the ``connections`` that are counted."""

    def __init__(self, pages: ASGIApp, connections: ConnectionLimits) -> None:
        super().__init__(
            pages,
            interface="asgi3",
            log_config=None,
            log_level="warning",
            access_log=False,  # paths hold tokens
            server_header=False,
            proxy_headers=False,  # links come from site.base_url, limits from the connection
            timeout_keep_alive=15,
            timeout_graceful_shutdown=REQUESTS_SECONDS,
            http=LimitedHttpProtocol,
            ws="none",
            lifespan="off",
        )
        self.connections = connections
