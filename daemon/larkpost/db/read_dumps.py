"""The dumps that were read: which papers each held, and the records that could not be taken."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select

from larkpost.db import schema
from larkpost.db.matching.bulk_rows import insert_rows
from larkpost.db.value_batches import batches
from larkpost.domain import RejectedRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection, Row


@dataclass(frozen=True, slots=True)
class Dump:
    """What is known of a dump: the SHA-256 of its bytes, and how many records became what.

    ``papers`` counts the records that were taken; ``id`` is 0 before it is written.
    """

    id: int
    digest: str
    name: str
    format: str
    captured: date | None
    read_at: datetime
    papers: int
    new: int
    updated: int
    rejected: int


def by_digest(connection: Connection, digest: str) -> Dump | None:
    """Find the dump with exactly these bytes."""
    table = schema.dump
    row = connection.execute(select(table).where(table.c.digest == digest)).one_or_none()
    return None if row is None else _dump(row)


def record(
    connection: Connection,
    dump: Dump,
    *,
    paper_ids: Iterable[int] = (),
    rejected: Iterable[RejectedRecord] = (),
) -> int:
    """Write down that a dump was read, its papers in its order, and what was rejected."""
    values = {field.name: getattr(dump, field.name) for field in fields(dump)}
    del values["id"]
    statement = insert(schema.dump).values(values).returning(schema.dump.c.id)
    dump_id: int = connection.execute(statement).scalar_one()
    for some in batches(enumerate(dict.fromkeys(paper_ids), 1)):
        rows = [(dump_id, at, one) for at, one in some]
        insert_rows(connection, schema.dump_paper, ("dump_id", "position", "paper_id"), rows)
    for bad in batches(rejected):
        columns = [_rejected_row(dump_id, one) for one in bad]
        connection.execute(insert(schema.rejected_record), columns)
    return dump_id


def rejects(connection: Connection, dump_id: int) -> list[RejectedRecord]:
    """Read what was rejected of a dump, in the order of its lines."""
    table = schema.rejected_record
    mine = select(table).where(table.c.dump_id == dump_id).order_by(table.c.line, table.c.id)
    return [RejectedRecord(row.line, row.reason, row.text) for row in connection.execute(mine)]


def papers_of(connection: Connection, dump_id: int) -> list[int]:
    """Read the ids of the papers of a dump, in its order."""
    table = schema.dump_paper
    mine = select(table.c.paper_id).where(table.c.dump_id == dump_id).order_by(table.c.position)
    return list(connection.execute(mine).scalars())


def latest(connection: Connection, limit: int = 1) -> Sequence[Dump]:
    """Read the dumps that were read last, the last first."""
    table = schema.dump
    order = select(table).order_by(table.c.read_at.desc(), table.c.id.desc()).limit(limit)
    return [_dump(row) for row in connection.execute(order)]


def last_news(connection: Connection) -> datetime | None:
    """Tell when a dump last brought a paper that was not here before."""
    table = schema.dump
    return connection.execute(select(func.max(table.c.read_at)).where(table.c.new > 0)).scalar()


def read_times(connection: Connection) -> dict[str, datetime]:
    """Tell when a dump of each name was last read."""
    table = schema.dump
    times = select(table.c.name, func.max(table.c.read_at)).group_by(table.c.name)
    return {row.name: row[1] for row in connection.execute(times)}


def _rejected_row(dump_id: int, rejected: RejectedRecord) -> dict[str, Any]:
    return {
        "dump_id": dump_id,
        "line": rejected.line,
        "reason": rejected.reason,
        "text": rejected.text,
    }


def _dump(row: Row[Any]) -> Dump:
    return Dump(**row._mapping)
