"""The dumps that were read: their papers, and their rejected records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime

from sqlalchemy import Connection, delete, func, insert, select

from larkpost.db import schema
from larkpost.db.matching.bulk_rows import insert_rows
from larkpost.db.value_batches import batches
from larkpost.domain import RejectedRecord

_table = schema.dump


@dataclass(frozen=True, slots=True)
class Dump:
    """A dump: the SHA-256 of its bytes, and counts of its records by outcome.

    ``papers`` counts the ingested records; ``id`` is 0 before it is written. ``source`` is the
    polled source that it came from, if any.
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
    source: str | None = None


def by_digest(connection: Connection, digest: str) -> Dump | None:
    """Find the dump with exactly these bytes."""
    row = connection.execute(select(_table).where(_table.c.digest == digest)).one_or_none()
    return None if row is None else Dump(**row._mapping)


def record(
    connection: Connection,
    dump: Dump,
    *,
    paper_ids: Iterable[int] = (),
    rejected: Iterable[RejectedRecord] = (),
) -> int:
    """Record that a dump was read, its papers in order, and its rejected records."""
    values = {field.name: getattr(dump, field.name) for field in fields(dump)}
    del values["id"]
    statement = insert(_table).values(values).returning(_table.c.id)
    dump_id: int = connection.execute(statement).scalar_one()
    for some in batches(enumerate(dict.fromkeys(paper_ids), 1)):
        rows = [(dump_id, at, one) for at, one in some]
        insert_rows(connection, schema.dump_paper, ("dump_id", "position", "paper_id"), rows)
    for bad in batches(rejected):
        refused = [
            {"dump_id": dump_id, "line": one.line, "reason": one.reason, "text": one.text}
            for one in bad
        ]
        connection.execute(insert(schema.rejected_record), refused)
    return dump_id


def rejects(connection: Connection, dump_id: int) -> list[RejectedRecord]:
    """Read the rejected records of a dump, in the order of its lines."""
    table = schema.rejected_record
    mine = select(table).where(table.c.dump_id == dump_id).order_by(table.c.line, table.c.id)
    return [RejectedRecord(row.line, row.reason, row.text) for row in connection.execute(mine)]


def papers_of(connection: Connection, dump_id: int) -> list[int]:
    """Read the ids of the papers of a dump, in its order."""
    table = schema.dump_paper
    mine = select(table.c.paper_id).where(table.c.dump_id == dump_id).order_by(table.c.position)
    return list(connection.execute(mine).scalars())


def latest(connection: Connection, limit: int = 1) -> Sequence[Dump]:
    """Read the most recent dumps, latest first."""
    order = select(_table).order_by(_table.c.read_at.desc(), _table.c.id.desc()).limit(limit)
    return [Dump(**row._mapping) for row in connection.execute(order)]


def last_news(connection: Connection) -> datetime | None:
    """Return when a dump last had a new paper."""
    return connection.execute(select(func.max(_table.c.read_at)).where(_table.c.new > 0)).scalar()


def read_times(connection: Connection) -> dict[str, datetime]:
    """Return when a dump of each name was last read."""
    times = select(_table.c.name, func.max(_table.c.read_at)).group_by(_table.c.name)
    return {row.name: row[1] for row in connection.execute(times)}


def prune_polled(connection: Connection, before: datetime) -> int:
    """Delete polled dumps read before a time without a new paper; returns their number.

    The dump from which a page of a source was last read stays, because the next answer is compared
    with it. So does a dump with a merged record, because ``papers --duplicates`` names it.
    """
    dump, page, merged = schema.dump.c, schema.polled_page.c, schema.tables.merged_record.c
    old = delete(schema.dump).where(
        dump.source.is_not(None),
        dump.read_at < before,
        dump.new == 0,
        ~select(page.url).where(page.dump_id == dump.id).exists(),
        ~select(merged.id).where(merged.dump_digest == dump.digest).exists(),
    )
    return connection.execute(old).rowcount
