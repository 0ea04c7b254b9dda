"""The daemon: the only process that runs the periodic jobs and answers the web."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from larkpost import logs
from larkpost.errors import Busy
from larkpost.garbage_collection import CollectionPauses
from larkpost.log_events import LogEvent
from larkpost.scheduler.mutex import alone
from larkpost.serve.file_descriptors import connections_at_most
from larkpost.serve.freed_memory import MemoryReturns, limit_kept_memory
from larkpost.serve.jobs import Watchdog, Work, make_heartbeats, run_jobs
from larkpost.serve.listener import check_listening, listen, open_listener
from larkpost.serve.reload import ReloadableApp
from larkpost.serve.server import Server

if TYPE_CHECKING:
    from larkpost.bootstrap import Program
    from larkpost.serve.reload import Renewal

    Job = Callable[[Program, Callable[[], None]], object]
    _Handler = Callable[[int, FrameType | None], None]

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
    finish: Callable[[float], None] = lambda _seconds: None,
    renewal: Renewal | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then finish work in progress, within ten seconds.

    ``tick``, ``post`` and ``poll`` are called at once and then every
    ``scheduler.interval_seconds``, each in its own thread, never twice at a time. They get the
    current program, and a callback to report progress. At the end ``finish`` waits at most so many
    seconds for what they left to other threads. SIGHUP replaces the program by the result of
    ``renewal``; if that raises, the old one stays. Port 0 takes any free port; standard error says
    which. Raises Busy, naming the holder, while another daemon serves this database, or when
    another has taken it over because this machine was asleep, and UsageError if the address is
    unavailable. Ends the process with 1 when a job makes no progress for long, so that a supervisor
    restarts it.
    """
    limit_kept_memory()
    web = program.settings.web
    app = ReloadableApp(program, make_heartbeats(program.settings.scheduler.interval_seconds))
    server = _server(app)
    superseded = threading.Event()

    def stop() -> None:
        program.stopping.set()
        server.stop()

    def give_way() -> None:
        superseded.set()
        stop()

    works = _bind_jobs(app, tick=free_memory_after(tick), post=post, poll=poll)
    watch = Watchdog({**app.pulses, "web": server.pulse}, give_up=stop)
    with (
        open_listener(host, port, mode=web.socket_mode, home=program.places.data) as listener,
        _only_daemon(program, give_way),
        _signals(stop, app, renewal),
        watch.over(),
        run_jobs(works, app.pulses, finish),
    ):
        server.run(sockets=[listener])
    _leave_rounds(app, watch, Busy.exit_code if superseded.is_set() else 0)
    if superseded.is_set():
        raise _taken_over(program.store.name)


def free_memory_after(tick: Job) -> Job:
    """Return freed memory after some ticks, and keep the collector's pauses short from the first.

    Most long-lived objects exist by then.
    """
    pauses, returns = CollectionPauses(), MemoryReturns()

    def tick_and_free(program: Program, moved: Callable[[], None]) -> None:
        try:
            tick(program, moved)
        finally:
            pauses.shorten()
            returns.return_if_due()

    return tick_and_free


def _bind_jobs(app: ReloadableApp, **jobs: Job) -> dict[str, Work]:
    """Let each job run with the program that is in force when it begins."""

    def bind(job: Job) -> Work:
        return lambda moved: job(app.program, moved)

    return {name: bind(job) for name, job in jobs.items()}


def _only_daemon(program: Program, give_way: Callable[[], None]) -> AbstractContextManager[object]:
    """Be the one daemon of the database meanwhile; raises Busy while there is another."""
    return alone(
        program.store,
        "daemon",
        lost=give_way,
        hint="stop that one first; after a crash, its lease ends within a minute",
    )


def _taken_over(database: str) -> Busy:
    return Busy(
        f"another daemon has taken over {database}",
        hint="this one did not renew its lease in time; run only one of them",
    )


def _server(app: ReloadableApp) -> Server:
    return Server(
        app,
        base_url=app.program.settings.site.base_url,
        connections=connections_at_most(),
        proxies=lambda: app.program.settings.web.trusted_proxies,
    )


def _leave_rounds(app: ReloadableApp, watch: Watchdog, code: int) -> None:
    """End the process at once if a job is still running.

    The interpreter would wait for the jobs' threads. Their work may be cut off at any point, as by
    a kill, and continues at the next start.
    """
    unfinished = [name for name, pulse in app.pulses.items() if pulse.running is not None]
    if watch.gave_up or unfinished:
        _log.warning(LogEvent.JOB_INTERRUPTED, jobs=unfinished)
        os._exit(1 if watch.gave_up else code)


@contextmanager
def _signals(
    stop: Callable[[], None], app: ReloadableApp, renewal: Renewal | None
) -> Iterator[None]:
    """Let SIGTERM and SIGINT end the daemon, and SIGHUP reload the program.

    SIGHUP never ends the daemon, not even if there is nothing to reload.
    """

    def end(_number: int, _frame: FrameType | None) -> None:
        stop()

    def renew(_number: int, _frame: FrameType | None) -> None:
        if renewal is not None:  # in a thread: the web goes on meanwhile
            threading.Thread(target=app.renew, args=(renewal,), name="renewal").start()

    handlers = {signal.SIGTERM: end, signal.SIGINT: end, signal.SIGHUP: renew}
    with _signal_handlers(handlers):
        yield


@contextmanager
def _signal_handlers(handlers: Mapping[signal.Signals, _Handler]) -> Iterator[None]:
    """Handle signals so meanwhile, and as before afterwards."""
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
