"""Opens the database: transactions for writing, snapshots for reading."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from larkpost.db.coordination.writer_queue import WriterQueue
from larkpost.db.errors import translate_errors
from larkpost.errors import SettingsError, StoreError
from larkpost.masking import mask_value, secrets_of_url

__all__ = ["PATIENCE", "Connection", "Store", "open_sqlite", "time_limit"]

PATIENCE = 15.0  # seconds to wait for another process's lock
# Settings of a connection that writes many transactions in a row. With SQLite's own cache of 2 MB,
# pages of the indexes are read, and written, several times per transaction; and a page that many
# transactions change is copied from the journal once per 32 MB instead of once per 4 MB.
_BULK = ("cache_size=-65536", "wal_autocheckpoint=8000")
_USUAL = ("cache_size=-2000", "wal_autocheckpoint=1000")
_TRY_AGAIN = 0.05  # seconds
_STEPS_BETWEEN_LOOKS = 10_000  # instructions of SQLite: some tenths of a millisecond
_HOW = "write sqlite:///PATH or postgresql://USER@HOST/NAME"


class Store:
    """One database, SQLite or PostgreSQL; give it the URL that SQLAlchemy understands.

    Nothing is opened before the first transaction. A missing SQLite file is never created here:
    ``larkpost.db.migrations.upgrade`` does that. Raises SettingsError for any other URL.
    """

    def __init__(self, url: str, *, patience: float = PATIENCE) -> None:
        try:
            self.url = _parse_url(url)
        except (ArgumentError, ValueError):  # their messages, and the value, may contain a password
            raise SettingsError("database.url is not a valid URL", hint=_HOW) from None
        self.passwords = secrets_of_url(url)
        self._shown = mask_value(url)
        self.patience = patience
        self.engine = self._engine()
        self._writers = WriterQueue(self.name)
        self.journal_is_due = False  # whether ``truncate_journal`` was not possible the last time

    @property
    def file(self) -> Path | None:
        """The SQLite file; None for PostgreSQL and for a database in memory."""
        return _file(self.url)

    @property
    def name(self) -> str:
        """The database's name for people: its file, or its URL without the password."""
        if self.file:
            return str(self.file)
        return self._shown

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a transaction that will write: committed at the end, rolled back on any error.

        On SQLite the writers of this process go in order of arrival. Raises Busy if another process
        writes for too long, StoreError if the database is damaged, read-only or missing.
        """
        is_single = self.engine.dialect.name == "sqlite"
        turn = self._writers.slot(self.patience) if is_single else nullcontext()
        with turn, self._transaction({}) as connection:
            yield connection

    @contextmanager
    def begin_many(self) -> Iterator[Callable[[], AbstractContextManager[Connection]]]:
        """Provide a ``begin`` for many transactions in a row, faster for SQLite files.

        They use one connection, with a cache of up to 64 MB, which is freed at the end. Raises the
        errors of ``begin``.
        """
        if self.file is None:
            yield self.begin
            return
        with translate_errors(self.name), self.engine.connect() as connection:
            lite: Any = connection.connection.driver_connection
            _set_pragmas(lite, _BULK)
            try:
                yield lambda: self._begin_on(connection)
            finally:
                with suppress(sqlite3.Error):  # the original error counts
                    _set_pragmas(lite, _USUAL)

    @contextmanager
    def _begin_on(self, connection: Connection) -> Iterator[Connection]:
        """Open a writing transaction of ``begin_many``."""
        with self._writers.slot(self.patience), translate_errors(self.name), connection.begin():
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a read-only snapshot; raises the errors of ``begin``."""
        options: dict[str, Any] = {"larkpost_read": True}
        if self.engine.dialect.name == "postgresql":
            options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self._transaction(options) as connection:
            yield connection

    def truncate_journal(self, patience: float = 0.0) -> None:
        """Write the content of SQLite's journal into the database file, and empty the journal.

        While somebody reads an older state that is impossible: it is tried again for so many
        seconds, then ``journal_is_due``. SQLite is not told to wait, because it would lock out all
        writers meanwhile: six deleted readers beside a long read kept a vote waiting for 13 s.
        """
        if self.file is None:
            return
        ends = monotonic() + patience
        while not self._try_to_truncate() and monotonic() < ends:
            sleep(_TRY_AGAIN)

    def _try_to_truncate(self) -> bool:
        with translate_errors(self.name), self.engine.connect() as connection:
            lite: Any = connection.connection.driver_connection
            lite.execute("PRAGMA busy_timeout=0")
            try:
                (is_busy, *_) = lite.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                lite.execute(f"PRAGMA busy_timeout={int(self.patience * 1000)}")
        self.journal_is_due = bool(is_busy)
        return not is_busy

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def _transaction(self, options: dict[str, Any]) -> Iterator[Connection]:
        with translate_errors(self.name, self.passwords), self.engine.connect() as connection:
            connection.execution_options(**options)
            with connection.begin():
                yield connection

    def _engine(self) -> Engine:
        match self.url.get_backend_name():
            case "sqlite":
                return _sqlite(self.file, self.patience)
            case "postgresql":
                return _postgres(self.url, self.patience)
            case other:
                raise SettingsError(
                    f"database.url names {other!r}: Larkpost supports sqlite and postgresql",
                    hint=_HOW,
                )


@contextmanager
def time_limit(connection: Connection, seconds: float) -> Iterator[None]:
    """Limit the time of statements, for queries of visitors.

    The resulting error of the driver ends the transaction; ``errors.is_interruption`` detects it.
    """
    if connection.dialect.name == "postgresql":
        limit = max(1, int(seconds * 1000))  # 0 would mean no limit
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {limit}")
        yield
        connection.exec_driver_sql("SET LOCAL statement_timeout = DEFAULT")
        return
    lite: Any = connection.connection.driver_connection
    end = monotonic() + seconds
    lite.set_progress_handler(lambda: monotonic() > end, _STEPS_BETWEEN_LOOKS)
    try:
        yield
    finally:
        lite.set_progress_handler(None, 0)


def open_sqlite(file: Path | None, patience: float) -> sqlite3.Connection:
    """Open an existing database file (or, without a name, a new database in memory).

    Raises StoreError if the file is missing or empty: a broken disk or a stray redirection leaves
    an empty file, and SQLite would treat it as a database without tables.
    """
    if file is not None:
        _must_be_there(file)
    connection = sqlite3.connect(
        f"file:{quote(os.fsencode(file))}?{_way(file)}" if file else ":memory:",
        uri=file is not None,
        timeout=patience,
        isolation_level=None,  # the driver must not begin transactions on its own
        check_same_thread=False,  # the pool lends a connection to one thread at a time
    )
    try:
        if file is not None:
            _must_be_whole(file, connection)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        # Deleted rows are overwritten with zeros: removed readers, sent messages.
        connection.execute("PRAGMA secure_delete=ON")
    except (sqlite3.Error, StoreError):
        connection.close()
        raise
    return connection


def _way(file: Path) -> str:
    """Choose how to open: for writing, except on a read-only disk if there is no journal.

    Nobody writes to the file then, so it can be read without a journal; SQLite reads an existing
    journal by itself.
    """
    return (
        "mode=ro&immutable=1" if _on_a_frozen_disk(file) and not _has_journal(file) else "mode=rw"
    )


def _on_a_frozen_disk(file: Path) -> bool:
    return bool(os.statvfs(file.parent).f_flag & os.ST_RDONLY)


def _parse_url(text: str) -> URL:
    """Parse a URL; the path of an SQLite file may have bytes that are invalid text (``%FC``).

    SQLAlchemy would substitute a replacement character. Raises ArgumentError.
    """
    url = make_url(text)
    if url.get_backend_name() != "sqlite" or url.database in {None, "", ":memory:"}:
        return url
    path = text.partition(":///")[2].partition("?")[0]
    return url.set(database=os.fsdecode(unquote_to_bytes(os.fsencode(path))))


def _file(url: URL) -> Path | None:
    """Return the path of an SQLite URL's database."""
    if url.get_backend_name() != "sqlite" or url.database in {None, "", ":memory:"}:
        return None
    return Path(str(url.database))


def _must_be_there(file: Path) -> None:
    """Raise StoreError for a file that is missing, unreadable or empty.

    The file is never opened here: POSIX drops every lock that a process has on a file when it
    closes any descriptor of it. Opening a database outside SQLite would drop its locks, and the
    next program that closes it would delete the journal, as if it were the last one
    (https://www.sqlite.org/howtocorrupt.html, section 2.2).
    """
    try:
        size = file.stat().st_size
    except FileNotFoundError as error:
        hint = "make one with `larkpost init`"
        raise StoreError(f"there is no database at {file}", hint=hint) from error
    except OSError as error:
        raise _unreadable(file, error.strerror) from error
    if not file.is_file():
        raise _unreadable(file, "not a regular file")
    if not os.access(file, os.R_OK):
        raise _unreadable(file, "Permission denied")
    if size == 0:
        raise _damage_error(file, "empty")


def _must_be_whole(file: Path, connection: sqlite3.Connection) -> None:
    """Raise StoreError for a file that is truncated within its last page, which SQLite overlooks.

    Only a journal can repair that, so if there is one, SQLite handles it.
    """
    connection.execute("PRAGMA schema_version")  # raises if the file is not a database
    (page,) = connection.execute("PRAGMA page_size").fetchone()
    if file.stat().st_size % page and not _has_journal(file):
        raise _damage_error(file, "cut off")


def _unreadable(file: Path, why: str | None) -> StoreError:
    return StoreError(f"{file} cannot be read ({why})", hint="check what it is and who owns it")


def _damage_error(file: Path, how: str) -> StoreError:
    return StoreError(
        f"{file} is {how}, so its content is lost",
        hint="restore a backup; remove the file only to start from scratch",
    )


def _has_journal(file: Path) -> bool:
    journal = file.with_name(f"{file.name}-wal")
    return journal.exists() and journal.stat().st_size > 0


def _set_pragmas(connection: sqlite3.Connection, settings: tuple[str, ...]) -> None:
    for one in settings:
        connection.execute(f"PRAGMA {one}").fetchall()


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("larkpost_read", False)
    connection.exec_driver_sql(f"PRAGMA query_only={'ON' if reading else 'OFF'}")
    # Taking the write lock first makes writers wait instead of failing half-way.
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _sqlite(file: Path | None, patience: float) -> Engine:
    # A database in memory has only one connection, so threads take turns.
    room = {} if file else {"pool_size": 1, "max_overflow": 0}
    engine = create_engine(
        "sqlite://",
        creator=lambda: open_sqlite(file, patience),
        poolclass=QueuePool,
        hide_parameters=True,
        **room,
    )

    event.listen(engine, "begin", _begin_sqlite)

    @event.listens_for(engine, "checkin")
    def on_checkin(_connection: object, record: ConnectionPoolEntry) -> None:
        if file and _on_a_frozen_disk(file):  # it may become writable later
            record.invalidate(soft=True)

    return engine


def _postgres(url: URL, patience: float) -> Engine:
    options = f"-c timezone=UTC -c lock_timeout={int(patience * 1000)}"
    try:
        return create_engine(
            url, pool_pre_ping=True, hide_parameters=True, connect_args={"options": options}
        )
    except ModuleNotFoundError as error:
        raise StoreError(
            f"PostgreSQL needs a driver that is not installed ({error.name})",
            hint='run pip install "larkpost[postgres]"',
        ) from error
