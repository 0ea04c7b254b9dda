"""Inserts and looks up many rows at once, faster than SQLAlchemy's work per row or value."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from functools import cache, partial
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Table,
    Text,
    bindparam,
    func,
    insert,
    select,
    true,
)

from larkpost.db.column_types import CleanText
from larkpost.db.value_batches import BATCH, batches, gather
from larkpost.text.normalize import clean


def insert_rows(
    connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Insert rows, each with its values in the order of ``columns``, as their types write them.

    On SQLite the driver gets tuples: building SQLAlchemy's parameters of a row takes longer than
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
    writers: dict[int, Callable[[tuple[Any, ...]], tuple[Any, ...]]] = {}
    for at, name in enumerate(columns):
        kind = table.c[name].type
        if isinstance(kind, CleanText):
            writers[at] = _clean_each
        elif write := kind.dialect_impl(dialect).bind_processor(dialect):
            writers[at] = partial(_write_each, write)
    if not writers:
        return list(map(tuple, rows))
    by_column = list(zip(*rows, strict=True))
    for at, write_all in writers.items():
        by_column[at] = write_all(by_column[at])
    return list(zip(*by_column, strict=True))


def _clean_each(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(None if one is None else clean(one) for one in values)


def _write_each(write: Callable[[Any], Any], values: Sequence[Any]) -> tuple[Any, ...]:
    """Convert the values of one column; repeated values, such as most times, are converted once."""
    written: dict[Any, Any] = {}
    for one in values:
        if one not in written:
            written[one] = write(one)
    return tuple(written[one] for one in values)


def next_ids(connection: Connection, table: Table, count: int) -> list[int]:
    """Reserve so many ids for new rows of a table.

    On SQLite the transaction must be a writing one, so that there is no other.
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


def read_pairs(
    connection: Connection,
    column: Column[Any],
    other: Column[Any],
    wanted: Collection[Any],
    *,
    where: ColumnElement[bool] = true(),  # noqa: B008 - it never changes
) -> list[tuple[Any, Any]]:
    """Read ``column`` and ``other`` of the rows in which ``column`` has one of these values."""
    pairs: list[tuple[Any, Any]] = []
    for some in batches(wanted, 10 * BATCH):
        chosen = select(column, other).where(among(connection, column, some), where)
        pairs += map(tuple, connection.execute(chosen).all())
    return pairs


def read_first_pairs(
    connection: Connection,
    column: Column[Any],
    ids: Column[Any],
    wanted: Collection[Any],
    *,
    where: ColumnElement[bool],
    most: int,
) -> list[tuple[Any, Any]]:
    """Read ``column`` and ``ids`` of the first ``most`` rows, by id, with each of these values.

    No more rows of a value are read than that, however many there are.
    """
    pairs: list[tuple[Any, Any]] = []
    for some in batches(wanted, 10 * BATCH):
        listed = _listed(connection, column, some)
        first = select(ids).where(column == listed.c.value, where).order_by(ids).limit(most)
        if connection.dialect.name == "sqlite":  # has no LATERAL, but looks the ids up as these
            row = _alias(column.table)
            its = row.c[ids.name].in_(first.correlate(listed))
            chosen = select(listed.c.value, row.c[ids.name]).join_from(listed, row, its)
        else:
            side = first.correlate(listed).lateral()
            chosen = select(listed.c.value, side.c[ids.name]).join_from(listed, side, true())
        pairs += map(tuple, connection.execute(chosen).all())
    return pairs


@cache
def _alias(table: FromClause) -> FromClause:
    """Return another name of a table; making one takes longer than the query, for wide tables."""
    return table.alias()


def read_rare(
    connection: Connection,
    column: Column[Any],
    other: Column[Any],
    wanted: Collection[int],
    *,
    most: int,
) -> dict[int, list[int]]:
    """Read the numbers in ``other`` of the rows in which ``column`` has each of these numbers.

    A number that is in no row, or in more than ``most``, is left out.
    """
    if connection.dialect.name == "sqlite":
        return _read_rare_sqlite(connection, column, other, wanted, most)
    found: dict[int, list[int]] = {}
    for some in batches(wanted, 10 * BATCH):
        rare = _select_rare(_listed(connection, column, some), column, other, most)
        found |= gather(map(tuple, connection.execute(rare)))
    return found


def _read_rare_sqlite(
    connection: Connection,
    column: Column[Any],
    other: Column[Any],
    wanted: Collection[int],
    most: int,
) -> dict[int, list[int]]:
    """Read one row per number, with all others in one text: a row each takes twice the time."""
    statement = (
        f"SELECT value, (SELECT group_concat({other.name}) FROM (SELECT {other.name}"  # noqa: S608 - names of our own tables
        f" FROM {column.table} WHERE {column.name} = value LIMIT ?)) FROM json_each(?)"
    )
    # In the order of the index, so that neighbours are on one page.
    rows = connection.exec_driver_sql(statement, (most + 1, json.dumps(sorted(wanted)))).all()
    present = [(value, others) for value, others in rows if others]
    lists: list[list[int]] = json.loads(f"[[{'],['.join(others for _, others in present)}]]")
    pairs = zip((value for value, _ in present), lists, strict=False)  # [[]] if there is none
    return {value: others for value, others in pairs if len(others) <= most}


def _select_rare(listed: Any, column: Column[Any], other: Column[Any], most: int) -> Select[Any]:
    """Select the rows of listed values, except values that more than ``most`` rows have."""
    again = column.table.alias()
    more = select(1).where(again.c[column.name] == listed.c.value).offset(most).limit(1)
    met = column == listed.c.value
    return select(listed.c.value, other).join_from(listed, column.table, met).where(~more.exists())


def _listed(connection: Connection, column: Column[Any], values: Collection[Any]) -> Any:
    """Return values as a table with one column, ``value``, in one parameter."""
    if connection.dialect.name == "sqlite":
        text = bindparam(None, json.dumps(list(values)), Text, unique=True)
        return func.json_each(text).table_valued("value")
    from sqlalchemy.dialects import postgresql  # its import takes as long as that of all our tables

    array = bindparam(None, list(values), postgresql.ARRAY(column.type), unique=True)
    return func.unnest(array).table_valued("value").render_derived()


def among(
    connection: Connection, column: Column[Any], values: Collection[Any]
) -> ColumnElement[bool]:
    """Make the condition that a column has one of many values.

    On SQLite they are one parameter, a JSON list; writing a thousand into the statement takes
    longer than looking them up.
    """
    if connection.dialect.name != "sqlite":
        return column.in_(values)
    return column.in_(select(_listed(connection, column, values).c.value))
