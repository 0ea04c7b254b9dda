"""Papers that were merged into others: their ids and uids lead to the remaining paper."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, func, insert, select

from larkpost.db import schema
from larkpost.db.value_batches import batches, gather, rows_among

_table = schema.tables.former_paper


def read_uids(connection: Connection, ids: Collection[int]) -> dict[int, list[str]]:
    """Read the uids that lead to each of these papers, sorted; no entry for a paper without any."""
    ordered = select(_table.c.paper_id, _table.c.uid).order_by(_table.c.uid)
    rows = rows_among(connection, ordered, _table.c.paper_id, ids)
    return gather((row.paper_id, row.uid) for row in rows)


def add_uids(connection: Connection, papers: Mapping[str, int]) -> int:
    """Let uids lead to papers, unless they already lead to one; returns the number of new ones.

    Only the uid of these papers is known. Their ids are negative, because they had none here.
    """
    taken: set[str] = set()
    for column in (_table.c.uid, schema.paper.c.uid):
        taken.update(uid for (uid,) in rows_among(connection, select(column), column, papers))
    least = connection.execute(select(func.min(_table.c.id))).scalar() or 0
    fresh = [(uid, paper_id) for uid, paper_id in papers.items() if uid not in taken]
    rows = [
        {"id": min(least, 0) - number, "uid": uid, "paper_id": paper_id}
        for number, (uid, paper_id) in enumerate(fresh, 1)
    ]
    for some_rows in batches(rows):
        connection.execute(insert(_table), some_rows)
    return len(rows)
