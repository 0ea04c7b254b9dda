"""Forgotten thumbs of readers: they can be restored for a limited time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    delete,
    func,
    literal,
    select,
    tuple_,
    update,
)

from larkpost.db import schema
from larkpost.db.upsert_statement import insert
from larkpost.db.usage import vote_eligibility
from larkpost.db.value_batches import rows_among, write_among
from larkpost.db.votes import from_row, judged
from larkpost.domain import Vote

KEEP_FOR = timedelta(days=30)

_gone, _vote = schema.forgotten_vote, schema.vote
_SHARED = [column.name for column in _vote.c]  # of both tables


@dataclass(frozen=True, slots=True)
class Forgetting:
    """One act of forgetting: its time, and how many thumbs can still be restored."""

    at: datetime
    votes: int


def forget(connection: Connection, reader_id: int, before: datetime, now: datetime) -> list[Vote]:
    """Move thumbs that a reader gave before a time to this table; returns them, oldest first."""
    chosen = and_(_vote.c.reader_id == reader_id, _vote.c.at < before)
    rows = select(_vote, literal(now, _gone.c.forgotten_at.type)).where(chosen)
    statement = insert(connection, _gone).from_select([*_SHARED, "forgotten_at"], rows)
    new = {name: statement.excluded[name] for name in (*_SHARED[2:], "forgotten_at")}
    statement = statement.on_conflict_do_update(index_elements=_SHARED[:2], set_=new)
    connection.execute(statement)
    taken = connection.execute(delete(_vote).where(chosen).returning(*_vote.c))
    return sorted(map(from_row, taken), key=lambda vote: (vote.at, vote.paper_id))


def latest(connection: Connection, reader_id: int) -> Forgetting | None:
    """Return the last act of a reader that can be undone."""
    at = _gone.c.forgotten_at
    acts = select(at, func.count()).where(_gone.c.reader_id == reader_id).group_by(at)
    row = connection.execute(acts.order_by(at.desc()).limit(1)).one_or_none()
    return None if row is None else Forgetting(*row)


def restore(connection: Connection, reader_id: int, at: datetime, *, most: int) -> tuple[int, bool]:
    """Undo, of an act of a reader at a time, at most so many thumbs.

    Returns how many of these count again, and whether there are more. A newer thumb on the same
    paper stays. For others they count as before, or later if their places on a paper are taken.
    """
    chosen = and_(_gone.c.reader_id == reader_id, _gone.c.forgotten_at == at)
    columns = [_gone.c[name] for name in _SHARED]
    oldest = select(*columns).where(chosen).order_by(_gone.c.at, _gone.c.paper_id).limit(most)
    some = connection.execute(oldest).all()
    papers = [row.paper_id for row in some]
    newer = judged(connection, reader_id, papers)
    if restored := [row for row in some if row.paper_id not in newer]:
        connection.execute(insert(connection, _vote), _restored_rows(connection, restored))
    write_among(connection, delete(_gone).where(chosen), _gone.c.paper_id, papers)
    return len(restored), len(some) == most


def _restored_rows(connection: Connection, rows: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    """Return the rows of restored thumbs, each with the time from which it counts.

    Others may have taken its place in the queue of its paper meanwhile, so it queues again, for the
    same day or later: otherwise readers could promote a paper together by taking turns.
    """
    queued = [replace(from_row(row), at=row.counts_from or row.at) for row in rows]
    moments = vote_eligibility.moments(connection, queued)
    return [
        {**row._mapping, "counts_from": moment} for row, moment in zip(rows, moments, strict=True)
    ]


def move(connection: Connection, public_of: Mapping[int, int], now: datetime) -> None:
    """Move forgotten thumbs from private papers to the public ones that replace them.

    ``public_of`` maps the id of the private paper to that of the public one. They count for others
    from ``now`` on at the earliest, as thumbs that were not forgotten. If the owner has a forgotten
    one on the public paper already, that one stays.
    """
    there = {
        (row.reader_id, row.paper_id)
        for row in rows_among(connection, select(_gone), _gone.c.paper_id, set(public_of.values()))
    }
    for row in list(rows_among(connection, select(_gone), _gone.c.paper_id, sorted(public_of))):
        key = row.reader_id, public_of[row.paper_id]
        if key not in there:
            there.add(key)
            mine = (_gone.c.reader_id == row.reader_id, _gone.c.paper_id == row.paper_id)
            moved = update(_gone).where(*mine).values(paper_id=key[1], counts_from=now)
            connection.execute(moved)


def of(connection: Connection, reader_id: int) -> list[Vote]:
    """Read the forgotten thumbs of a reader that are still stored, oldest first."""
    mine = select(_gone).where(_gone.c.reader_id == reader_id)
    return [*map(from_row, connection.execute(mine.order_by(_gone.c.at, _gone.c.paper_id)))]


def any_old(connection: Connection, now: datetime) -> bool:
    """Return whether ``prune`` has anything to delete."""
    old = select(_gone.c.paper_id).where(_is_old(now)).limit(1)
    return connection.execute(old).first() is not None


def prune(connection: Connection, now: datetime, most: int | None = None) -> int:
    """Delete thumbs forgotten longer ago than ``KEEP_FOR``, at most so many.

    Returns their number.
    """
    old = select(_gone.c.reader_id, _gone.c.paper_id).where(_is_old(now)).limit(most)
    key = tuple_(_gone.c.reader_id, _gone.c.paper_id)
    return connection.execute(delete(_gone).where(key.in_(old))).rowcount


def _is_old(now: datetime) -> ColumnElement[bool]:
    return _gone.c.forgotten_at < now - KEEP_FOR
