"""Tells cheaply whether anything in the database changed, so that caches can be checked."""

from __future__ import annotations

import sqlite3
import weakref
from threading import Lock

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from larkpost.db.engine import Store, open_sqlite
from larkpost.errors import LarkpostError

# https://www.sqlite.org/pragma.html#pragma_data_version: another number for this connection
# whenever another one committed; it costs a look at shared memory.
_LITE = "PRAGMA data_version"
# https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT: equal
# snapshots see the same transactions, and so the same rows.
_SNAPSHOT = text("SELECT CAST(pg_current_snapshot() AS text)")


class ChangeToken:
    """Marks of one store; safe to share between threads.

    Take a mark *before* reading: while a later one equals it, what was read is still so.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._file = store.file
        self._lock = Lock()
        self._watch: sqlite3.Cursor | None = None
        self._opened = 0

    @property
    def quick(self) -> bool:
        """Whether a mark takes microseconds, and no wait for a server."""
        return self._file is not None

    def now(self) -> object:
        """Give the mark of this moment; one that equals no other where none can be had."""
        try:
            if self._file is not None:
                return self._read_counters()
            if self._store.engine.dialect.name == "postgresql":
                with self._store.read() as connection:
                    return str(connection.execute(_SNAPSHOT).scalar_one())
        except (LarkpostError, SQLAlchemyError, sqlite3.Error):
            self.close()
        return object()

    def close(self) -> None:
        """Give the connection back."""
        with self._lock:
            if self._watch is not None:
                self._watch.connection.close()
            self._watch = None

    def _read_counters(self) -> tuple[int, int]:
        with self._lock:
            if self._watch is None:
                connection = open_sqlite(self._file, 0.0)
                weakref.finalize(self, connection.close)
                self._watch = connection.cursor()
                self._opened += 1  # numbers of two connections must not be compared
            version: int = self._watch.execute(_LITE).fetchone()[0]
            return self._opened, version
