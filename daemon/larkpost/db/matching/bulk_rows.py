"""Many rows at once: what SQLAlchemy does for each row or value, done for a whole batch."""

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

    On SQLite the driver is given tuples: to make SQLAlchemy's parameters of each row takes longer
    than to write it.
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
    """Write the values as the types of their columns do, those that change them."""
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
    """Take so many ids for new rows of a table; none of them is given to anybody else.

    On SQLite the transaction must be one that writes, which no other does meanwhile.
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
    """Say that a column has one of many values.

    On SQLite they go as one parameter, a list of JSON; a thousand take longer to write into the
    statement than to look up.
    """
    if connection.dialect.name != "sqlite":
        return column.in_(values)
    listed = func.json_each(bindparam(None, json.dumps(list(values)), Text, unique=True))
    return column.in_(select(listed.table_valued("value").c.value))
