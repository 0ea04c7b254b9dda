"""Inserts and looks up many rows at once, faster than SQLAlchemy's work per row or value."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Table,
    Text,
    bindparam,
    func,
    insert,
    select,
)


def insert_rows(
    connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Insert rows, each with its values in the order of ``columns``, as their types write them.

    On SQLite the driver gets tuples: making SQLAlchemy's parameters of a row takes longer than
    writing it.
    """
    if not rows:
        return
    if connection.dialect.name != "sqlite":
        connection.execute(insert(table), [dict(zip(columns, row, strict=True)) for row in rows])
        return
    marks = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - names of our own tables
    connection.exec_driver_sql(statement, _as_tuples(connection, table, columns, rows))


def _as_tuples(
    connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> list[tuple[Any, ...]]:
    """Convert the values with the types of their columns."""
    dialect = connection.dialect
    writers = [
        (at, write)
        for at, name in enumerate(columns)
        if (write := table.c[name].type.dialect_impl(dialect).bind_processor(dialect))
    ]
    if not writers:
        return [tuple(row) for row in rows]
    written = []
    for row in rows:
        values = list(row)
        for at, write in writers:
            values[at] = write(values[at])
        written.append(tuple(values))
    return written


def next_ids(connection: Connection, table: Table, count: int) -> list[int]:
    """Reserve so many ids for new rows of a table.

    On SQLite the transaction must be a writing one, so that it is the only one.
    """
    if connection.dialect.name == "sqlite":
        highest = connection.exec_driver_sql(
            f"SELECT max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = ?), 0),"  # noqa: S608 - as above
            f" coalesce((SELECT max(id) FROM {table.name}), 0))",
            (table.name,),
        ).scalar_one()
        return list(range(highest + 1, highest + count + 1))
    sequence = func.pg_get_serial_sequence(table.name, "id")
    series = func.generate_series(1, count).table_valued("number")
    return list(connection.execute(select(func.nextval(sequence)).select_from(series)).scalars())


def among(
    connection: Connection, column: Column[Any], values: Collection[Any]
) -> ColumnElement[bool]:
    """Make the condition that a column has one of many values.

    On SQLite they are one parameter, a JSON list; writing a thousand into the statement takes
    longer than looking them up.
    """
    if connection.dialect.name != "sqlite":
        return column.in_(values)
    listed = func.json_each(bindparam(None, json.dumps(list(values)), Text, unique=True))
    return column.in_(select(listed.table_valued("value").c.value))
