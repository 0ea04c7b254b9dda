"""Detects cheaply whether anything in the database changed, to validate caches."""

from __future__ import annotations

import sqlite3
import weakref
from threading import Lock

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from larkpost.db.engine import Store, open_sqlite
from larkpost.errors import LarkpostError

# https://www.sqlite.org/pragma.html#pragma_data_version: the number changes for this connection
# whenever another one committed; it costs a read of shared memory.
_LITE = "PRAGMA data_version"
# https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT: equal
# snapshots contain the same transactions, and so the same rows.
_SNAPSHOT = text("SELECT CAST(pg_current_snapshot() AS text)")


class ChangeToken:
    """Takes marks of one database, which differ after any change; thread-safe.

    Take a mark *before* reading: while a later one equals it, the data read are still current.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._file = store.file
        self._lock = Lock()
        self._watch: sqlite3.Cursor | None = None
        self._opened = 0

    @property
    def quick(self) -> bool:
        """Whether taking a mark needs only microseconds, without a server."""
        return self._file is not None

    def now(self) -> object:
        """Return the current mark; if there is none, one that equals no other."""
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
        """Return the connection to the pool."""
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
                self._opened += 1  # numbers of different connections cannot be compared
            version: int = self._watch.execute(_LITE).fetchone()[0]
            return self._opened, version
