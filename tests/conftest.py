"""The fixtures of all tests: a migrated store on each database, and a clean environment."""

from __future__ import annotations

import gc
import os
import shutil
from itertools import count
from typing import TYPE_CHECKING

import pytest
import structlog
from hypothesis import HealthCheck, settings
from tests.helpers.postgres import PostgresMissingError, Server, running
from tests.helpers.speed.memory_folder import use_memory
from tests.helpers.speed.shared_statements import share_statements

from larkpost import logs
from larkpost.db import migrations
from larkpost.db.engine import Store
from larkpost.log_events import LogEvent

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

TEMPLATE = "migrated"
# The time of an example depends on other load, so it says nothing about the program.
settings.register_profile("larkpost", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("larkpost")
REFUSE_SKIPS = bool(os.environ.get("LARKPOST_REFUSE_SKIPS"))

use_memory()
share_statements()
_numbers = count(1)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect no garbage meanwhile: a million objects come to stay, which took a third of it."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Use the parameter's name as the test id of bytes that are not text.

    An archive contains the second of its creation, but all processes that run a part of the tests
    must have the same ids.
    """
    readable = isinstance(val, bytes) and val.isascii() and val.decode("ascii").isprintable()
    return argname if isinstance(val, bytes) and not readable else None


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the settings of the user who runs the tests."""
    for name in list(os.environ):
        if name.startswith("LARKPOST_"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def set_up_logs() -> None:
    """Set up structlog: if ``capture_logs`` is first, its defaults stay for all later tests."""
    if not structlog.is_configured():
        logs.get_logger(__name__).debug(LogEvent.JOB_SKIPPED)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """Start a PostgreSQL server with one migrated database to copy; it is stopped at the end."""
    started: AbstractContextManager[Server] = running()
    try:
        server = started.__enter__()
    except PostgresMissingError as missing:
        if REFUSE_SKIPS:
            raise
        pytest.skip(f"PostgreSQL is not tested here: {missing}")
    try:
        server.run(f"CREATE DATABASE {TEMPLATE}")
        _migrate(server.url(TEMPLATE))
        yield server
    finally:
        started.__exit__(None, None, None)


@pytest.fixture
def empty_postgres(postgres: Server) -> Iterator[str]:
    """Make an empty PostgreSQL database; returns its URL."""
    yield from _database(postgres, "template0")


@pytest.fixture
def postgres_url(postgres: Server) -> Iterator[str]:
    """Make a PostgreSQL database, migrated and otherwise empty; returns its URL."""
    yield from _database(postgres, TEMPLATE)


@pytest.fixture
def second_postgres_url(postgres: Server) -> Iterator[str]:
    """Make a second one."""
    yield from _database(postgres, TEMPLATE)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an SQLite database, migrated and otherwise empty, for copies."""
    file = tmp_path_factory.mktemp("template") / "larkpost.db"
    _migrate(f"sqlite:///{file}")
    return file


@pytest.fixture
def sqlite_url(migrated_file: Path, tmp_path: Path) -> str:
    """Make an SQLite file, migrated and otherwise empty; returns its URL."""
    return f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'larkpost.db')}"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """Make a migrated database; the test runs once on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """Open a migrated store, empty; the test runs once on each kind of database."""
    store = Store(database_url)
    yield store
    store.close()


def _database(server: Server, template: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    # Four times as fast as the default, which writes every page into the log.
    server.run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield server.url(name)
    server.run(f"DROP DATABASE {name} WITH (FORCE)")


def _migrate(url: str) -> None:
    store = Store(url)
    migrations.upgrade(store)
    store.close()
