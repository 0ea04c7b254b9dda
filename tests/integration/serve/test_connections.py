"""Tests thousands of connections: the daemon reserves descriptors, and serves others."""

from __future__ import annotations

import json
import re
import resource
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.helpers.polling import PATIENCE, until

from larkpost.serve.accept_loop import OPENING
from larkpost.serve.file_descriptors import RESERVE, connections_at_most
from larkpost.web.limits.connections import MOST_CONNECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator


LIMIT = 120  # descriptors of the daemon; the system's default is 1024
CONNECTIONS = 300  # more than twice as many
ELSEWHERE = (
    "127.0.1.1"  # the network of those who ask, beside 127.0.0.1, whence connections are held
)
NEEDED = 40  # files that its tick opens at once
PROC = Path("/proc")
FORM = b"POST /subscribe HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\na"  # it never ends

DAEMON = """
import resource, sys
from contextlib import ExitStack
from pathlib import Path
from larkpost import logs, serve
from larkpost.bootstrap import build
from larkpost.settings import load

limit, needed = int(sys.argv[2]), int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
logs.configure("warning", "json")
home = Path(sys.argv[1])
proxies = sys.argv[4:]

def tick(program, moved):
    with ExitStack() as stack:
        for number in range(needed):
            stack.enter_context((home / f"file{number}").open("w"))
        with program.store.read() as connection:
            connection.exec_driver_sql("SELECT 1")
    with (home / "ticks").open("a") as diary:
        diary.write("ended\\n")
    moved()

def post(_program, moved):
    moved()

flags = {"scheduler.interval_seconds": 0.2, "web.trusted_proxies": tuple(proxies)}
program = build(load(home=home, flags=flags))
program.prepare()
serve.run(program, host="127.0.0.1", port=0, tick=tick, post=post)
"""


class Daemon:
    """A daemon with few descriptors: where it listens, and how often it has ticked."""

    def __init__(self, home: Path, *proxies: str) -> None:
        self._log = home / "log"
        self._ticks = home / "ticks"
        arguments = [str(home), str(LIMIT), str(NEEDED), *proxies]
        with self._log.open("w") as log:
            self.process = subprocess.Popen([sys.executable, "-c", DAEMON, *arguments], stderr=log)
        until(lambda: "Larkpost is up" in self.log)
        found = re.search(r"Larkpost is up: http://127\.0\.0\.1:(\d+)/", self.log)
        assert found
        self.port = int(found[1])

    @property
    def log(self) -> str:
        """Read what it has logged."""
        assert self.process.poll() is None, self._log.read_text()
        return self._log.read_text()

    @property
    def ticks(self) -> int:
        """Count the ticks that ended well."""
        return self._ticks.read_text().count("ended") if self._ticks.exists() else 0

    @property
    def open(self) -> int:
        """Count its open descriptors."""
        return len(list(PROC.joinpath(str(self.process.pid), "fd").iterdir()))

    def connect(self, where: str = "127.0.0.1") -> socket.socket:
        """Open a connection to it from an address."""
        return socket.create_connection(
            ("127.0.0.1", self.port), timeout=PATIENCE, source_address=(where, 0)
        )

    def ask(self, path: str, *lines: str, where: str = ELSEWHERE) -> bytes:
        """Ask for a page on a connection of its own, and give all of the answer."""
        head = [f"GET {path} HTTP/1.1", "Host: a", "Connection: close", *lines, "", ""]
        with self.connect(where) as connection:
            connection.sendall("\r\n".join(head).encode())
            came = b""
            while some := connection.recv(65536):
                came += some
        return came


@contextmanager
def running(home: Path, *proxies: str) -> Iterator[Daemon]:
    daemon = Daemon(home, *proxies)
    try:
        until(lambda: daemon.ticks > 0)
        yield daemon
    finally:
        daemon.process.kill()
        daemon.process.wait()


def is_closed(connection: socket.socket) -> bool:
    """Whether the other end has closed a connection."""
    connection.setblocking(False)
    try:
        while connection.recv(65536):
            pass
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    return True


def check_that_all_goes_on(
    daemon: Daemon, held: list[socket.socket], *lines: str, where: str = ELSEWHERE
) -> None:
    """Others are answered, the tick goes on, idle connections are dropped, nothing is spent."""
    for _ in range(5):
        assert daemon.ask("/robots.txt", *lines, where=where).startswith(b"HTTP/1.1 200 ")
        assert daemon.ask("/healthz", *lines, where=where).startswith(b"HTTP/1.1 200 ")
    before = daemon.ticks
    until(lambda: daemon.ticks >= before + 3)
    assert sum(is_closed(one) for one in held) >= CONNECTIONS - LIMIT
    assert daemon.open < LIMIT - NEEDED
    assert "Too many open files" not in daemon.log


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET /robots.txt HTTP/1.1\r\nHost: a\r\n\r\n"])
def test_idle_connections_make_room_for_visitors_and_leave_the_tick_its_files(
    tmp_path: Path, sent: bytes
) -> None:
    with running(tmp_path) as daemon, ExitStack() as stack:
        held = []
        for _ in range(CONNECTIONS):
            connection = stack.enter_context(daemon.connect())
            held.append(connection)
            with suppress(ConnectionError):  # others came, and this one was idle
                connection.sendall(sent)
        check_that_all_goes_on(daemon, held)


def test_connections_of_a_proxy_are_bounded_in_all(tmp_path: Path) -> None:
    with running(tmp_path, "127.0.0.1") as daemon, ExitStack() as stack:
        held = [stack.enter_context(daemon.connect()) for _ in range(CONNECTIONS)]
        line = "X-Forwarded-For: 192.0.2.1"
        check_that_all_goes_on(daemon, held, line, where="127.0.0.1")


def test_forms_that_drip_keep_neither_the_tick_nor_all_places(tmp_path: Path) -> None:
    """They are at work, so none is dropped; a network has half of all places at most."""
    with running(tmp_path) as daemon, ExitStack() as stack:
        for _ in range(CONNECTIONS):
            connection = stack.enter_context(daemon.connect())
            with suppress(ConnectionError):
                connection.sendall(FORM)
        refused = daemon.ask("/robots.txt")
        before = daemon.ticks
        until(lambda: daemon.ticks >= before + 3)

        assert refused.startswith((b"HTTP/1.1 503 ", b"HTTP/1.1 200 "))
        assert daemon.open < LIMIT - NEEDED
        assert "Too many open files" not in daemon.log
        until(lambda: daemon.ask("/robots.txt").startswith(b"HTTP/1.1 200 "))


@contextmanager
def slow_clients(daemon: Daemon) -> Iterator[None]:
    """Open connections of three neighbourhoods again and again, and begin a form on each."""
    ended, begun = threading.Event(), threading.Event()

    def open_them() -> None:
        with ExitStack() as stack:
            for number in count():
                where = f"127.{10 + number % 3}.0.{1 + number % 13}"
                with suppress(OSError):
                    stack.enter_context(daemon.connect(where)).sendall(FORM)
                if number == LIMIT:
                    begun.set()
                if ended.wait(0.002):
                    return
                if number % 1_000 == 999:
                    stack.pop_all().close()

    thread = threading.Thread(target=open_them)
    thread.start()
    try:
        assert begun.wait(PATIENCE)
        yield
    finally:
        ended.set()
        thread.join()


def test_slow_clients_of_several_neighbourhoods_keep_nobody_out(tmp_path: Path) -> None:
    """Their forms never end, and would take all places together."""
    with running(tmp_path) as daemon, slow_clients(daemon):
        for _ in range(10):
            assert daemon.ask("/robots.txt").startswith(b"HTTP/1.1 200 ")


def test_a_flood_of_broken_requests_does_not_fill_the_log(tmp_path: Path) -> None:
    multipart = "Content-Type: multipart/form-data; boundary=x"
    body = "rubbish " * 200
    with running(tmp_path) as daemon:
        for number in range(150):
            where = f"127.0.{1 + number // 2}.1"  # of many networks: each has a pace of its own
            with daemon.connect(where) as connection:
                connection.sendall(f"rubbish {number}\r\n\r\n".encode())
                connection.recv(65536)
            with daemon.connect(where) as connection:
                head = f"POST /subscribe HTTP/1.1\r\nHost: a\r\n{multipart}\r\n"
                text = f"{number} {body}"
                connection.sendall(f"{head}Content-Length: {len(text)}\r\n\r\n{text}".encode())
                assert b" 400 " in connection.recv(65536)[:20]
        said = [json.loads(line) for line in daemon.log.splitlines() if line.startswith("{")]

        assert len(said) <= 30
        assert len(daemon.log) < 30_000


def test_few_descriptors_leave_most_to_the_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda _kind, both: limits.append(both))

    def most(soft: int, hard: int) -> int:
        monkeypatch.setattr(resource, "getrlimit", lambda _kind: (soft, hard))
        return connections_at_most()

    assert most(1024, 1024) == 1024 - RESERVE
    assert most(128, 128) == 32
    assert limits == []
    assert most(256, 4096) == most(1024, 10**6) == most(256, resource.RLIM_INFINITY)
    assert most(resource.RLIM_INFINITY, resource.RLIM_INFINITY) == MOST_CONNECTIONS
    assert {soft for soft, _ in limits} == {MOST_CONNECTIONS + RESERVE}


def test_where_the_system_lets_no_limit_be_raised_the_low_one_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no")

    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", refuse)

    assert connections_at_most() == 256 - RESERVE


def test_connections_that_a_network_opens_too_fast_wait_for_their_moment(tmp_path: Path) -> None:
    """Who opens them in a loop gets so many a second; the others are let in at once."""
    head = b"GET /robots.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    with running(tmp_path) as daemon:
        for _ in range(OPENING.most):
            with daemon.connect() as connection:
                connection.sendall(head)
                assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
        with daemon.connect() as one, daemon.connect() as two, daemon.connect() as three:
            for connection in (one, two, three):
                connection.sendall(head)
            assert daemon.ask("/robots.txt").startswith(b"HTTP/1.1 200 ")
            for connection in (one, two, three):
                assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
