"""Tests the daemon: it starts, responds, ticks, runs only once, and ends on request."""

from __future__ import annotations

import json
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from tests.helpers.polling import PATIENCE, until

from larkpost import serve
from larkpost.bootstrap import Program, build
from larkpost.db.coordination import leases
from larkpost.errors import Busy, UsageError
from larkpost.scheduler.mutex import alone
from larkpost.settings import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from larkpost.db.engine import Store

# The daemon with a tick that the test chooses; it records in a file what it does.
DAEMON = """
import sys, time
from datetime import timedelta
from pathlib import Path
from larkpost import logs, serve
from larkpost.errors import LarkpostError
from larkpost.bootstrap import build
from larkpost.settings import load

logs.configure("error", "json")
home, what = Path(sys.argv[1]), sys.argv[2]
diary = home / "ticks"

def tick(_program, moved):
    with diary.open("a") as file:
        file.write("began\\n")
    if what == "fails":
        raise RuntimeError("the tick fails")
    time.sleep({"slow": 1.5, "hangs": 3600, "sticks": 3600}.get(what, 0))
    with diary.open("a") as file:
        file.write("ended\\n")
    moved()

def post(_program, moved):
    moved()

if what == "loses its lease":
    from larkpost.scheduler import mutex as alone
    alone.RENEWAL_SECONDS = 0.05
if what == "sticks":
    serve.jobs.A_TICK = timedelta(seconds=3)
    serve.jobs.LOOK_SECONDS = 0.05

program = build(load(home=home, flags={"scheduler.interval_seconds": 0.2}))
program.prepare()
try:
    serve.run(program, host="127.0.0.1", port=0, tick=tick, post=post)
except LarkpostError as error:
    print(f"{error} ({error.hint})", file=sys.stderr)
    sys.exit(error.exit_code)
"""


class Daemon:
    """A daemon in a process of its own."""

    def __init__(self, home: Path, what: str) -> None:
        home.mkdir(exist_ok=True)
        self.diary = home / "ticks"
        self.log = home / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", DAEMON, str(home), what], stderr=log
            )
        self.url = ""

    def wait(self) -> None:
        """Wait until it says where it is."""

        def said() -> bool:
            found = re.search(r"Larkpost is up: (http://127\.0\.0\.1:\d+)/", self.log.read_text())
            assert self.process.poll() is None, self.log.read_text()
            self.url = found[1] if found else ""
            return bool(found)

        until(said)

    def health(self) -> tuple[int, str]:
        """Ask how it is."""
        try:
            with urlopen(f"{self.url}/healthz", timeout=PATIENCE) as answer:  # noqa: S310 - loopback
                return answer.status, json.load(answer)["status"]
        except HTTPError as answer:
            with answer:
                return answer.code, json.load(answer)["status"]

    def told(self, word: str) -> int:
        """Count what the ticks have recorded."""
        return self.diary.read_text().count(word) if self.diary.exists() else 0

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal; returns the exit code, and raises where it does not end."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextmanager
def running(home: Path, what: str = "quick") -> Iterator[Daemon]:
    daemon = Daemon(home, what)
    try:
        daemon.wait()
        yield daemon
    finally:
        daemon.process.kill()
        daemon.process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_answers_ticks_ends_well_and_can_start_again_at_once(
    tmp_path: Path, number: int
) -> None:
    with running(tmp_path) as daemon:
        until(lambda: daemon.told("ended") >= 3)
        until(lambda: daemon.health() == (200, "ok"))
        code = daemon.end(number)

        assert code == 0
        assert daemon.told("began") == daemon.told("ended")
    with running(tmp_path) as again:
        until(lambda: again.health()[0] == 200)


def test_it_says_where_links_point_if_not_here(tmp_path: Path) -> None:
    with running(tmp_path) as daemon:
        assert "(links point to http://127.0.0.1:8025)" in daemon.log.read_text()


def test_a_second_daemon_says_who_is_there_and_ends(tmp_path: Path) -> None:
    with running(tmp_path) as daemon:
        second = subprocess.run(
            [sys.executable, "-c", DAEMON, str(tmp_path), "quick"],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

        assert second.returncode != 0
        assert f"process {daemon.process.pid} on" in second.stderr
        until(lambda: daemon.health()[0] == 200)


def test_a_tick_under_way_may_finish(tmp_path: Path) -> None:
    with running(tmp_path, "slow") as daemon:
        until(lambda: daemon.told("began") > daemon.told("ended"))
        code = daemon.end()

        assert code == 0
        assert daemon.told("began") == daemon.told("ended")


def test_a_tick_that_hangs_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with running(tmp_path, "hangs") as daemon:
        until(lambda: daemon.told("began") == 1)
        code = daemon.end()  # long before the tick would

        assert code == 0
    with running(tmp_path) as again:
        until(lambda: again.health()[0] == 200)


def test_a_tick_that_fails_turns_health_red_and_the_daemon_lives(tmp_path: Path) -> None:
    with running(tmp_path, "fails") as daemon:
        until(lambda: daemon.told("began") > 1)
        until(lambda: daemon.health() == (503, "failing"))

        assert daemon.end() == 0


def test_a_tick_that_hangs_for_long_ends_the_daemon_for_its_supervisor(tmp_path: Path) -> None:
    with running(tmp_path, "sticks") as daemon:
        until(lambda: daemon.told("began") == 1)

        assert daemon.process.wait(PATIENCE) == 1
        assert "job.hung" in daemon.log.read_text()


def test_a_daemon_whose_place_another_has_taken_ends_with_75(tmp_path: Path) -> None:
    with running(tmp_path, "loses its lease") as daemon:
        until(lambda: daemon.told("ended") > 0)
        with sqlite3.connect(tmp_path / "larkpost.db", timeout=PATIENCE) as database:
            database.execute("UPDATE lease SET holder = 'another' WHERE name = 'daemon'")
        database.close()

        assert daemon.process.wait(PATIENCE) == 75
        log = daemon.log.read_text()
        assert "lease.lost" in log
        assert "another daemon has taken over" in log


def test_a_hangup_never_ends_the_daemon(tmp_path: Path) -> None:
    with running(tmp_path) as daemon:
        daemon.process.send_signal(signal.SIGHUP)
        before = daemon.told("ended")

        until(lambda: daemon.told("ended") > before + 2)
        assert daemon.end() == 0


def test_endless_headers_are_cut_off_and_others_are_served(tmp_path: Path) -> None:
    with running(tmp_path) as daemon:
        port = int(daemon.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as slow:
            slow.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")  # and never a word more
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as large:
                large.sendall(b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000)
                assert b" 431 " in large.recv(1024)
            until(lambda: daemon.health() == (200, "ok"))
            assert daemon.end() == 0


def test_a_killed_daemon_leaves_a_sound_database(tmp_path: Path) -> None:
    with running(tmp_path) as daemon:
        daemon.end(signal.SIGKILL)

    database = sqlite3.connect(tmp_path / "larkpost.db")
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


@pytest.fixture
def program(tmp_path: Path, sqlite_url: str) -> Iterator[Program]:
    program = build(load(home=tmp_path, flags={"database.url": sqlite_url}))
    program.prepare()
    yield program
    program.store.close()


def test_a_port_that_is_taken_is_named(program: Program) -> None:
    with serve.listen("127.0.0.1", 0) as first:
        first.listen()
        port = first.getsockname()[1]

        with pytest.raises(UsageError, match=rf"127\.0\.0\.1 port {port}"):
            serve.run(program, host="127.0.0.1", port=port, tick=nothing, post=nothing)


def test_an_address_of_another_machine_is_refused(program: Program) -> None:
    with pytest.raises(UsageError, match=r"192\.0\.2\.1"):
        serve.run(program, host="192.0.2.1", port=0, tick=nothing, post=nothing)


def test_only_one_at_a_time_is_alone(store: Store) -> None:
    with alone(store, "daemon") as holder:
        with pytest.raises(Busy, match=re.escape(holder)), alone(store, "daemon"):
            raise AssertionError
        with alone(store, "tick"):
            pass

    with alone(store, "daemon"):
        pass


def test_who_loses_a_lease_is_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("larkpost.scheduler.mutex.RENEWAL_SECONDS", 0.01)
    lost = threading.Event()

    with alone(store, "daemon", lost=lost.set) as me:
        with store.begin() as connection:
            leases.release(connection, "daemon", me)
            leases.take(connection, "daemon", "another", now=datetime.now(UTC), seconds=60)

        assert lost.wait(PATIENCE)


def nothing(_program: Program, _moved: Callable[[], None]) -> None:
    """Do nothing."""
