"""The web server of the daemon."""

from __future__ import annotations

import sys
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import uvicorn

from larkpost.serve.listening import name_listener
from larkpost.web import Pulse
from larkpost.web.wire import Wire

if TYPE_CHECKING:
    import socket
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
            here = name_listener(listener)
            links = "" if self.base_url == here else f" (links point to {self.base_url})"
            slash = "/" if here.startswith("http") else ""
            with suppress(OSError):  # a terminal that is gone, or a full disk, stops no daemon
                print(f"Larkpost is up: {here}{slash}{links}", file=sys.stderr, flush=True)  # noqa: T201 - a word to the person who started it

    async def on_tick(self, counter: int) -> bool:
        """Be called by uvicorn ten times a second, from the event loop."""
        self.pulse.beat = datetime.now(UTC)
        return await super().on_tick(counter)

    def stop(self) -> None:
        """Finish open requests and end; asked a second time, end without finishing them."""
        self.force_exit = self.should_exit
        self.should_exit = True


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
