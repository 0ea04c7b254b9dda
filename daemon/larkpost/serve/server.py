"""The web server of the daemon, and the socket it listens on."""

from __future__ import annotations

import socket
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import uvicorn

from larkpost.errors import UsageError
from larkpost.web import Pulse
from larkpost.web.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp

# A supervisor waits ten seconds before it kills: five for open requests, the rest for the rounds.
REQUESTS_SECONDS = 5


class Server(uvicorn.Server):
    """A uvicorn server that leaves the signals to us, and says where it is once it answers.

    ``pulse`` tells whether its event loop turns.
    """

    def __init__(self, pages: ASGIApp, *, base_url: str) -> None:
        super().__init__(_config(pages))
        self.base_url = base_url
        self.pulse = Pulse(timedelta(seconds=1), started=datetime.now(UTC))

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do nothing: the daemon has them, for they end all of it."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, then say so on one line of standard error."""
        await super().startup(sockets)
        for listener in sockets or ():
            host, port = listener.getsockname()[:2]
            here = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
            links = "" if self.base_url == here else f" (links point to {self.base_url})"
            print(f"Larkpost is up: {here}/{links}", file=sys.stderr, flush=True)  # noqa: T201 - a word to the person who started it

    async def on_tick(self, counter: int) -> bool:
        """Be called by uvicorn ten times a second, from the event loop."""
        self.pulse.beat = datetime.now(UTC)
        return await super().on_tick(counter)

    def stop(self) -> None:
        """Finish open requests and end; asked a second time, end without finishing them."""
        self.force_exit = self.should_exit
        self.should_exit = True


def listen(host: str, port: int) -> socket.socket:
    """Open the socket to listen on; raises UsageError saying why it cannot be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise UsageError(f"{host} is not an address of this machine: {error}") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise UsageError(
            f"Cannot listen on {host} port {port}: {error.strerror}",
            hint="choose another with --port, or stop what listens there",
        ) from error
    return listener


def _config(pages: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        pages,
        interface="asgi3",
        log_config=None,
        log_level="warning",
        access_log=False,  # paths hold tokens
        server_header=False,
        proxy_headers=False,  # links come from site.base_url, limits from the connection
        timeout_keep_alive=15,
        timeout_graceful_shutdown=REQUESTS_SECONDS,
        http=Wire,
        lifespan="off",
    )
