"""A home and an export of the last version before tables were renamed."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from larkpost.bootstrap import build
from larkpost.settings import load

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from larkpost.bootstrap import Program

BEFORE_0019 = Path(__file__).parents[1] / "homes" / "before_0019"
BASE = "https://papers.example.org"


def read_json(name: str) -> dict[str, Any]:
    """Read the recorded facts of the home: ``links.json`` or ``feeds.json``."""
    known: dict[str, Any] = json.loads((BEFORE_0019 / name).read_text())
    return known


def write_key(home: Path) -> None:
    """Write the key that the links of the home were signed with."""
    home.mkdir(parents=True)
    (home / "secret.key").write_text(f"{bytes(range(32)).hex()}\n")
    (home / "secret.key").chmod(0o600)


def write_old_database(file: Path) -> None:
    """Write the home's SQLite database as it was."""
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript((BEFORE_0019 / "home.sql").read_text())
    file.chmod(0o600)


def old_rows(file: Path, table: str, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """Read columns of an SQLite table, in order."""
    with closing(sqlite3.connect(file)) as connection:
        select = f"SELECT {', '.join(columns)} FROM {table}"  # noqa: S608 - names of the tests
        return sorted(connection.execute(select), key=repr)


@contextmanager
def opened(home: Path, url: str) -> Iterator[Program]:
    """Open the program on a home, migrated to this version."""
    program = build(load(home=home, flags={"database.url": url, "site.base_url": BASE}))
    program.prepare()
    yield program
    program.store.close()
