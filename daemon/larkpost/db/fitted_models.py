"""Stores fitted TF-IDF models: caches that can be made again, of which the newest counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select

from larkpost.db import schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class KeptSpace:
    """A space as it was kept: made of how many papers, up to which moment, and its bytes."""

    id: int
    made_at: datetime
    papers: int
    newest: datetime | None
    body: bytes = field(repr=False)


def save_space(
    connection: Connection, body: bytes, *, papers: int, newest: datetime | None, now: datetime
) -> int:
    """Keep a space beside the earlier ones; returns its number."""
    values = {"made_at": now, "papers": papers, "newest": newest, "body": body}
    statement = insert(schema.space).values(values).returning(schema.space.c.id)
    number: int = connection.execute(statement).scalar_one()
    return number


def newest_space(connection: Connection) -> KeptSpace | None:
    """Read the space that was kept last."""
    return next(spaces(connection), None)


def newest_facts(connection: Connection) -> KeptSpace | None:
    """Read the space that was kept last without its bytes, which are many: these are empty."""
    table = schema.space
    columns = table.c.id, table.c.made_at, table.c.papers, table.c.newest
    row = connection.execute(select(*columns).order_by(table.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else KeptSpace(row.id, row.made_at, row.papers, row.newest, b"")


def spaces(connection: Connection) -> Iterator[KeptSpace]:
    """Read the spaces that are kept, the newest first, one at a time: they are large."""
    table = schema.space
    numbers = connection.execute(select(table.c.id).order_by(table.c.id.desc())).scalars().all()
    for number in numbers:
        row = connection.execute(select(table).where(table.c.id == number)).one_or_none()
        if row is not None:
            yield KeptSpace(row.id, row.made_at, row.papers, row.newest, row.body)


def newest_id(connection: Connection) -> int | None:
    """Tell the number of the space that was kept last, by which a holder knows if his is it."""
    return connection.execute(select(func.max(schema.space.c.id))).scalar()


def prune(connection: Connection, keep: int = 2) -> int:
    """Drop all but the newest ``keep`` spaces; returns how many went."""
    table = schema.space
    kept = select(table.c.id).order_by(table.c.id.desc()).limit(keep).scalar_subquery()
    return connection.execute(delete(table).where(table.c.id.not_in(kept))).rowcount
