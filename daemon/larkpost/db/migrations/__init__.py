"""Migrates a database to this program's schema, and refuses one that it cannot read."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from larkpost.db import backups
from larkpost.db.errors import translate_errors, translate_sqlite
from larkpost.disk_space import is_no_room, no_room
from larkpost.errors import StoreError
from larkpost.safe_files import (
    make_folder,
    make_private_file,
    name_new_file,
    remove_stale_drafts,
)

if TYPE_CHECKING:
    from larkpost.db.engine import Store


@dataclass(frozen=True, slots=True)
class MigrationSteps:
    """The steps to a schema: Alembic's folder, and its revisions, oldest first.

    The revisions are listed here as well, so that a check does not need Alembic.
    """

    folder: Path
    revisions: tuple[str, ...]

    @property
    def head(self) -> str:
        """The last revision, which the program needs."""
        return self.revisions[-1]


STEPS = MigrationSteps(Path(__file__).parent, tuple(f"{number:04}" for number in range(1, 34)))
_LOCK = 0x6C61726B  # "lark": the advisory lock that migrations of one PostgreSQL database share


def upgrade(store: Store, steps: MigrationSteps = STEPS) -> tuple[str, ...]:
    """Migrate the database to this program's schema, creating it if it is missing.

    Returns the revisions applied to a database with content. Several processes may call this at
    once: one migrates, the others wait. Before an SQLite file with content is changed, a copy is
    written next to it, named after its revision (``larkpost.db.0001.bak``). Raises what ``check``
    raises.
    """
    if store.file is not None:
        remove_stale_drafts(store.file.parent)  # copies of all data, by a program that was killed
        if not store.file.exists():
            make_file(store.file)
    with _alone(store) as connection:
        found = _revision(connection)
        if found == steps.head:
            return ()
        _refuse_unknown(connection, store.name, found, steps)
        if store.file is not None and found is not None:
            backups.copy(store.file, store.file.with_name(f"{store.file.name}.{found}.bak"))
        _run(connection, steps)
    return () if found is None else steps.revisions[steps.revisions.index(found) + 1 :]


def current(store: Store) -> str | None:
    """Return the revision of the database; None for one that was never migrated."""
    with store.read() as connection:
        return _revision(connection)


def check(store: Store, steps: MigrationSteps = STEPS) -> None:
    """Check that the database is usable.

    Raises StoreError if it is damaged, missing, not migrated, or newer than this program.
    """
    with store.read() as connection:
        found = _revision(connection)
        if found == steps.head:
            return
        _refuse_unknown(connection, store.name, found, steps)
    raise StoreError(
        f"{store.name} is older than this program ({found or 'empty'}, needs {steps.head})",
        hint="run larkpost migrate",
    )


def make_file(file: Path) -> None:
    """Create an SQLite database without tables, completely or not at all; raises StoreError.

    The header is written under another name first, so that no other program ever finds an empty
    file, which would look like a lost database.
    """
    # Looked for in this order: another process that is making the file now makes its journal last.
    if file.with_name(file.name + "-wal").exists() and not file.exists():
        raise StoreError(
            f"{file} is missing, but its journal {file.name}-wal is there",
            hint="restore the database; remove the journal only to start from scratch",
        )
    try:
        make_folder(file.parent)
        with tempfile.TemporaryDirectory(prefix=".larkpost-", dir=file.parent) as folder:
            fresh = Path(folder, "new.db")
            make_private_file(fresh)  # it contains addresses and feed keys, like WAL and backup
            with _translate_errors(file), closing(sqlite3.connect(fresh)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
            name_new_file(fresh, file)
    except FileExistsError:
        return  # somebody else was first
    except OSError as error:
        if is_no_room(error):
            raise no_room(file, error) from error
        raise StoreError(
            f"{file} cannot be made ({error.strerror})",
            hint="check that you may write in its folder",
        ) from error


@contextmanager
def _translate_errors(file: Path) -> Iterator[None]:
    """Translate SQLite's errors about a new file into our own error about ``file``."""
    try:
        yield
    except sqlite3.Error as error:
        if (ours := translate_sqlite(error, str(file))) is None:
            raise
        raise ours from error


@contextmanager
def _alone(store: Store) -> Iterator[Connection]:
    """Open a transaction that excludes other migrations of this database."""
    with (
        translate_errors(store.name, store.passwords),
        store.engine.connect() as connection,
        _without_cascades(connection),
        connection.begin(),
    ):
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        yield connection


@contextmanager
def _without_cascades(connection: Connection) -> Iterator[None]:
    """Switch SQLite's foreign keys off, because rebuilding a table drops the old one."""
    if connection.dialect.name != "sqlite":
        yield
        return
    raw = connection.connection.cursor()  # past SQLAlchemy: inside a transaction this has no effect
    raw.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        raw.execute("PRAGMA foreign_keys=ON")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _refuse_unknown(
    connection: Connection, name: str, found: str | None, steps: MigrationSteps
) -> None:
    """Raise StoreError for a database of a later program, or of another one."""
    if found is not None and found not in steps.revisions:
        raise StoreError(
            f"{name} has revision {found}, which this program (up to {steps.head}) does not know: "
            "a newer Larkpost, or another program, wrote it",
            hint="install the version of Larkpost that wrote it, or restore a backup",
        )
    if found is None and (tables := inspect(connection).get_table_names()):
        raise StoreError(
            f"{name} is not empty and not Larkpost's: it holds {', '.join(sorted(tables)[:3])}",
            hint="set database.url to a database only for Larkpost",
        )


def _run(connection: Connection, steps: MigrationSteps) -> None:
    """Let Alembic run every step to the head, in the open transaction."""
    from alembic import command  # late: only a migration needs it
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(steps.folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if broken:
            raise StoreError(
                f"the migration would leave {len(broken)} rows without the rows they refer to"
            )
