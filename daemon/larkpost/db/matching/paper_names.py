"""The identifiers of papers, looked up in both directions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from sqlalchemy import Connection, select

from larkpost.db import schema
from larkpost.db.matching.bulk_rows import among
from larkpost.db.value_batches import batches, gather, rows_among
from larkpost.domain import Identifier


def owners(connection: Connection, wanted: Collection[Identifier]) -> dict[Identifier, int]:
    """Find the ids of the papers with these identifiers; no entry for an unknown one."""
    table, by_scheme = schema.identifier, gather((name.scheme, name.value) for name in wanted)
    rows = [
        row
        for scheme, values in by_scheme.items()  # the table's key begins with the scheme
        for some in batches(values)
        for row in connection.execute(
            select(table).where(table.c.scheme == scheme, among(connection, table.c.value, some))
        )
    ]
    return {Identifier(row.scheme, row.value): row.paper_id for row in rows}


def of(connection: Connection, ids: Iterable[int]) -> Iterator[tuple[Identifier, int]]:
    """Read every identifier of these papers, each with the id of its paper."""
    table = schema.identifier
    for row in rows_among(connection, select(table), table.c.paper_id, ids):
        yield Identifier(row.scheme, row.value), row.paper_id


def first_of(connection: Connection, paper_id: int, most: int) -> list[Identifier]:
    """Read at most so many identifiers of one paper."""
    table = schema.identifier
    chosen = select(table.c.scheme, table.c.value).where(table.c.paper_id == paper_id)
    return [Identifier(row.scheme, row.value) for row in connection.execute(chosen.limit(most))]
