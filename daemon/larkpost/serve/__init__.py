"""The daemon: one process that ticks and answers the web, and that there is only one of."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from larkpost import logs
from larkpost.errors import Busy
from larkpost.log_events import LogEvent
from larkpost.scheduler.mutex import alone
from larkpost.serve.file_descriptors import connections_at_most
from larkpost.serve.garbage_collection import shorten_collections
from larkpost.serve.jobs import Watchdog, make_heartbeats, run_jobs
from larkpost.serve.listener import check_listening, listen, open_listener
from larkpost.serve.reload import ReloadableApp
from larkpost.serve.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from larkpost.bootstrap import Program
    from larkpost.serve.jobs import Work
    from larkpost.serve.reload import Renewal

    Job = Callable[[Program, Callable[[], None]], object]

__all__ = ["check_listening", "listen", "run"]

_log = logs.get_logger("larkpost.serve")


def run(
    program: Program,
    *,
    host: str,
    port: int,
    tick: Job,
    post: Job,
    poll: Job = lambda _program, moved: moved(),
    renewal: Renewal | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is under way, within ten seconds.

    ``tick``, ``post`` and ``poll`` are called at once and then every
    ``scheduler.interval_seconds``, each in a thread of its own, never twice at a time: with the
    program in force, and with what they have to call whenever they got on. SIGHUP puts in force
    what ``renewal`` makes of the program; where that raises, the old one stays. Port 0 takes any
    free one; standard error says which.

    Raises Busy, naming the holder, while another daemon serves this database, or when another has
    taken it over because this machine was asleep, and UsageError where the address cannot be had.
    Ends the process with 1 when a round shows no sign of life for long, for a supervisor to start
    it anew.
    """
    web = program.settings.web
    app = ReloadableApp(program, make_heartbeats(program.settings.scheduler.interval_seconds))
    server = _server(app)
    own_tick = shorten_after_first(tick)
    context: dict[str, Work] = {
        "tick": lambda moved: own_tick(app.program, moved),
        "post": lambda moved: post(app.program, moved),
        "poll": lambda moved: poll(app.program, moved),
    }

    superseded = threading.Event()

    def stop() -> None:
        program.stopping.set()
        server.stop()

    def give_way() -> None:
        superseded.set()
        stop()

    watch = Watchdog({**app.pulses, "web": server.pulse}, give_up=stop)
    with (
        open_listener(host, port, mode=web.socket_mode, home=program.places.data) as listener,
        alone(
            program.store,
            "daemon",
            lost=give_way,
            hint="stop that one first; after a crash its place is free within a minute",
        ),
        _signals(stop, app, renewal),
        watch.over(),
        run_jobs(context, app.pulses),
    ):
        server.run(sockets=[listener])
    code = 1 if watch.gave_up else Busy.exit_code if superseded.is_set() else 0
    _leave_rounds(app, watch, code)
    if superseded.is_set():
        raise _taken_over(program.store.name)


def shorten_after_first(tick: Job) -> Job:
    """Have the first tick followed by ``shorten_collections``: most that stays is there by then."""
    is_first = True

    def tick_and_shorten(program: Program, moved: Callable[[], None]) -> None:
        nonlocal is_first
        try:
            tick(program, moved)
        finally:
            if is_first:
                is_first = False
                shorten_collections()

    return tick_and_shorten


def _taken_over(database: str) -> Busy:
    return Busy(
        f"Another daemon has taken over {database}",
        hint="this one was away for longer than its place is kept; one of them is enough",
    )


def _server(app: ReloadableApp) -> Server:
    return Server(
        app,
        base_url=app.program.settings.site.base_url,
        connections=connections_at_most(),
        proxies=lambda: app.program.settings.web.trusted_proxies,
    )


def _leave_rounds(app: ReloadableApp, watch: Watchdog, code: int) -> None:
    """End the process at once where a round is still at work.

    The interpreter would wait for the rounds' threads. Whatever they do may be cut off at any
    point, as by a kill, and is taken up again at the next start.
    """
    unfinished = [name for name, pulse in app.pulses.items() if pulse.running is not None]
    if watch.gave_up or unfinished:
        _log.warning(LogEvent.JOB_INTERRUPTED, jobs=unfinished)
        os._exit(code)


@contextmanager
def _signals(
    stop: Callable[[], None], app: ReloadableApp, renewal: Renewal | None
) -> Iterator[None]:
    """Have SIGTERM and SIGINT end the daemon, and SIGHUP renew the program.

    SIGHUP never ends the daemon, not even where there is nothing to renew.
    """

    def end(_number: int, _frame: FrameType | None) -> None:
        stop()

    def renew(_number: int, _frame: FrameType | None) -> None:
        if renewal is not None:  # in a thread: the web goes on meanwhile
            threading.Thread(target=app.renew, args=(renewal,), name="renewal").start()

    handlers = {signal.SIGTERM: end, signal.SIGINT: end, signal.SIGHUP: renew}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
