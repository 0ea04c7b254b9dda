"""Compiles a statement once for all databases of a kind, not once for each test's own.

SQLAlchemy keeps the SQL of a statement per engine. A test has an engine of its own, so it would
spend a tenth of its time on making the same SQL as the test before.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, event

MOST = 1_000  # statements, so that they take no more memory than those of two engines
_Key = tuple[Any, ...]


class SharedStatements:
    """Compiled statements by SQLAlchemy's keys, which begin with the engine's own dialect.

    Dialects of one name and server make the same SQL.
    """

    def __init__(self) -> None:
        self._compiled: dict[_Key, object] = {}

    def get(self, key: _Key) -> object:
        """Find a statement that any engine of this kind compiled; None if none did."""
        return self._compiled.get(_shared(key))

    def __setitem__(self, key: _Key, compiled: object) -> None:
        """Keep it for all engines of its kind."""
        if len(self._compiled) >= MOST:
            self._compiled.clear()
        self._compiled[_shared(key)] = compiled


def share_statements() -> None:
    """Give the same statements to every connection from now on."""
    shared: Any = SharedStatements()  # of a mapping, SQLAlchemy uses these two methods

    def give(connection: Connection) -> None:
        connection.execution_options(compiled_cache=shared)

    event.listen(Engine, "engine_connect", give)


def _shared(key: _Key) -> _Key:
    dialect = key[0]
    return (dialect.name, dialect.driver, dialect.server_version_info, *key[1:])
