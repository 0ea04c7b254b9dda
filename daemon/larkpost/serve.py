"""The daemon: one process that ticks and answers the web, and that there is only one of."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog
import uvicorn
from apscheduler.schedulers import background  # type: ignore[import-untyped]  # it ships no types

from larkpost.errors import Busy, UsageError
from larkpost.flows.alone import alone
from larkpost.web import Pulse, app
from larkpost.web.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from larkpost.program import Program

# A supervisor waits ten seconds before it kills: five for open requests, the rest for the tick.
REQUESTS_SECONDS = 5
TICK_SECONDS = 4.0

_log = structlog.get_logger("larkpost.serve")


def run(program: Program, *, host: str, port: int, tick: Callable[[], object]) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is under way, within ten seconds.

    ``tick`` is called at once and then every ``tick.seconds``, in a thread, never twice at a
    time. Port 0 takes any free one; standard error says which. Raises Busy, naming the holder,
    while another daemon serves this database, and UsageError where the address cannot be had.
    """
    pulse = Pulse(timedelta(seconds=program.settings.tick.seconds), started=_now())
    server = _Server(_config(program, pulse), base_url=program.settings.site.base_url)
    with (
        listen(host, port) as listener,
        alone(
            program.store,
            "daemon",
            lost=server.stop,
            hint="stop that one first; after a crash its place is free within a minute",
        ),
        _signals(server, program.stopping),
        ticking(tick, pulse),
    ):
        server.run(sockets=[listener])
    if pulse.running is not None:
        # The interpreter would wait for the tick's thread. Whatever it does may be cut off at
        # any point, as by a kill, and is taken up again at the next start.
        _log.warning("stopped in the middle of a tick")
        os._exit(0)


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


@contextmanager
def ticking(tick: Callable[[], object], pulse: Pulse) -> Iterator[None]:
    """Tick now and once every period, in a thread; at the end, wait a little for a tick to finish.

    One interval trigger in UTC: late runs are made up for by one, never skipped, never doubled.
    """
    idle = threading.Event()
    idle.set()

    def beat() -> None:
        idle.clear()
        pulse.running = _now()
        try:
            tick()
            pulse.beat = _now()
        except Busy as busy:
            _log.info("tick left to another process", reason=str(busy))
        except Exception:
            _log.exception("tick failed")
        finally:
            pulse.running = None
            idle.set()

    scheduler = background.BackgroundScheduler(
        timezone=UTC,
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    seconds = pulse.period.total_seconds()
    scheduler.add_job(beat, "interval", seconds=seconds, next_run_time=_now(), name="tick")
    scheduler.start()
    try:
        yield
    finally:
        scheduler.shutdown(wait=False)
        idle.wait(TICK_SECONDS)


class _Server(uvicorn.Server):
    """A uvicorn server that leaves the signals to us, and says where it is once it answers."""

    def __init__(self, config: uvicorn.Config, *, base_url: str) -> None:
        super().__init__(config)
        self.base_url = base_url

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do nothing: ``_signals`` has them, for they end the whole daemon."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, then say so on one line of standard error."""
        await super().startup(sockets)
        for listener in sockets or ():
            host, port = listener.getsockname()[:2]
            here = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
            links = "" if self.base_url == here else f" (links point to {self.base_url})"
            print(f"Larkpost is up: {here}/{links}", file=sys.stderr, flush=True)  # noqa: T201 - a word to the person who started it

    def stop(self) -> None:
        """Finish open requests and end; asked a second time, end without finishing them."""
        self.force_exit = self.should_exit
        self.should_exit = True


def _config(program: Program, pulse: Pulse) -> uvicorn.Config:
    return uvicorn.Config(
        app(program, pulse=pulse),
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


@contextmanager
def _signals(server: _Server, stopping: threading.Event) -> Iterator[None]:
    """Have SIGTERM and SIGINT stop the server, and tell a tick under way to come to an end."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()
        server.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _now() -> datetime:
    return datetime.now(UTC)
