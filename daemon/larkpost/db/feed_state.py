"""Finds the ids of the editions in a document of a reader's feed, without reading the editions."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from larkpost.db import schema

_table = schema.edition


@dataclass(frozen=True, slots=True)
class FeedEditions:
    """Some of a reader's editions by their ids, newest first, out of ``total``."""

    editions: tuple[int, ...]
    total: int


def latest(connection: Connection, reader_id: int, limit: int) -> FeedEditions:
    """Find the reader's last editions."""
    newest = select(_table.c.id).where(_table.c.reader_id == reader_id)
    rows = connection.execute(newest.order_by(_table.c.date.desc()).limit(limit)).scalars()
    return FeedEditions(tuple(rows), _total(connection, reader_id))


def page(connection: Connection, reader_id: int, number: int, size: int) -> FeedEditions:
    """Find a page of ``size`` editions; page 1 has the oldest."""
    oldest = select(_table.c.id).where(_table.c.reader_id == reader_id)
    some = oldest.order_by(_table.c.date).offset((number - 1) * size).limit(size)
    rows = connection.execute(some).scalars().all()
    return FeedEditions(tuple(rows[::-1]), _total(connection, reader_id))


def count_entries(connection: Connection, editions: Collection[int]) -> int:
    """Count the papers of these editions."""
    mine = schema.pick.c.edition_id.in_(editions)
    return connection.execute(select(func.count()).where(mine)).scalar_one()


def _total(connection: Connection, reader_id: int) -> int:
    column = _table.c.reader_id
    return connection.execute(select(func.count()).where(column == reader_id)).scalar_one()
