"""Ids of rows imported from another database; links contain ids of readers and editions."""

from __future__ import annotations

from sqlalchemy import Connection, Table, func, select

HIGHEST = 2**53  # leaves room above it, whatever a file contains


def free(connection: Connection, table: Table, number: int | None) -> int | None:
    """Return the number if a new row of the table may have it, else None."""
    if number is None or not 0 < number <= HIGHEST:
        return None
    taken = select(table.c.id).where(table.c.id == number)
    return number if connection.execute(taken).first() is None else None


def count_on(connection: Connection, table: Table) -> None:
    """Number new rows above those with imported numbers.

    SQLite does so by itself; PostgreSQL uses a separate sequence.
    """
    if connection.dialect.name == "postgresql":
        sequence = func.pg_get_serial_sequence(table.name, "id")
        highest = select(func.max(table.c.id)).scalar_subquery()
        connection.execute(
            select(func.setval(sequence, func.greatest(highest, func.nextval(sequence))))
        )
