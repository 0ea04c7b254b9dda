"""Thumbs of readers on papers; one row per reader and paper, and the last thumb wins."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, func, select, update

from larkpost.db import schema
from larkpost.db.upsert_statement import insert
from larkpost.db.usage import vote_eligibility
from larkpost.db.value_batches import batches, rows_among, write_among
from larkpost.domain import Thumb, Vote

_table = schema.vote

_KEY = ["reader_id", "paper_id"]
_CHANGING = ("thumb", "interest_id", "source", "at", "counts_from")


def on_public(connection: Connection) -> ColumnElement[bool]:
    """Select the thumbs that may count for others: not those on private papers.

    SQLite is quickest with a list of these papers. PostgreSQL would compare each thumb with each
    of them once they exceed its memory for a hash table: 131,000 papers in version 14, and 3,900
    thumbs then took minutes at each run.
    """
    paper = schema.paper.c
    if connection.dialect.name == "sqlite":
        return _table.c.paper_id.not_in(select(paper.id).where(paper.owner_id.is_not(None)))
    private = select(paper.id).where(paper.id == _table.c.paper_id, paper.owner_id.is_not(None))
    return ~private.correlate(_table).exists()


def cast(connection: Connection, vote: Vote) -> None:
    """Store a thumb, replacing any existing one, regardless of the times."""
    statement = insert(connection, _table)
    new = {name: statement.excluded[name] for name in _CHANGING}
    statement = statement.on_conflict_do_update(index_elements=_KEY, set_=new)
    connection.execute(statement, _rows(connection, [vote]))


def cast_many(connection: Connection, votes: Iterable[Vote]) -> None:
    """Store imported thumbs; of several on one paper the latest stays."""
    statement = insert(connection, _table)
    excluded = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=_KEY,
        set_={name: excluded[name] for name in _CHANGING},
        where=excluded.at >= _table.c.at,
    )
    for some in batches(_latest(votes)):
        connection.execute(statement, _rows(connection, some))


def clear(connection: Connection, reader_id: int, paper_id: int) -> Vote | None:
    """Delete a thumb; returns the previous vote."""
    statement = delete(_table).where(_table.c.reader_id == reader_id, _table.c.paper_id == paper_id)
    row = connection.execute(statement.returning(*_table.c)).one_or_none()
    return None if row is None else from_row(row)


def clear_between(
    connection: Connection, reader_id: int, since: datetime | None, until: datetime | None
) -> list[Vote]:
    """Delete every thumb of a reader cast from ``since`` on and before ``until``.

    Returns the deleted votes, oldest first.
    """
    bounds = [_table.c.reader_id == reader_id]
    bounds += [_table.c.at >= since] if since is not None else []
    bounds += [_table.c.at < until] if until is not None else []
    gone = connection.execute(delete(_table).where(*bounds).returning(*_table.c))
    return sorted((from_row(row) for row in gone), key=lambda vote: (vote.at, vote.paper_id))


def judged(connection: Connection, reader_id: int, paper_ids: Collection[int]) -> set[int]:
    """Find those of these papers that a reader has given a thumb."""
    mine = select(_table.c.paper_id).where(_table.c.reader_id == reader_id)
    return {row.paper_id for row in rows_among(connection, mine, _table.c.paper_id, paper_ids)}


def move(
    connection: Connection, reader_id: int, paper_ids: Collection[int], interest_id: int
) -> None:
    """Move the reader's votes on these papers to one interest."""
    mine = update(_table).where(_table.c.reader_id == reader_id).values(interest_id=interest_id)
    write_among(connection, mine, _table.c.paper_id, set(paper_ids))


def one(connection: Connection, reader_id: int, paper_id: int) -> Vote | None:
    """Read the reader's vote on a paper."""
    mine = select(_table).where(_table.c.reader_id == reader_id, _table.c.paper_id == paper_id)
    row = connection.execute(mine).one_or_none()
    return None if row is None else from_row(row)


def of(connection: Connection, reader_id: int) -> list[Vote]:
    """Read the votes of a reader, oldest first."""
    return of_many(connection, [reader_id])[reader_id]


def thumbs(connection: Connection, reader_id: int) -> dict[int, Thumb]:
    """Read the thumbs of a reader by paper, without the rest of the votes."""
    mine = select(_table.c.paper_id, _table.c.thumb).where(_table.c.reader_id == reader_id)
    return {paper_id: Thumb(thumb) for paper_id, thumb in connection.execute(mine)}


def newest(connection: Connection, reader_id: int, limit: int) -> list[Vote]:
    """Read the newest ``limit`` votes of a reader, oldest first."""
    mine = select(_table).where(_table.c.reader_id == reader_id).limit(limit)
    rows = connection.execute(mine.order_by(_table.c.at.desc(), _table.c.paper_id.desc()))
    return [from_row(row) for row in rows][::-1]


def newest_thumbs(
    connection: Connection, reader_id: int, limit: int
) -> list[tuple[datetime, Thumb]]:
    """Read the newest ``limit`` thumbs of a reader with their times, in order of both."""
    columns = _table.c.at, _table.c.thumb
    mine = select(*columns).where(_table.c.reader_id == reader_id).limit(limit)
    rows = connection.execute(mine.order_by(*(column.desc() for column in columns)))
    return [(row.at, Thumb(row.thumb)) for row in rows][::-1]


@dataclass(frozen=True, slots=True)
class VoteExtent:
    """The number of a reader's votes, and the time of the latest."""

    count: int
    latest: datetime | None


def extent(connection: Connection, reader_id: int) -> VoteExtent:
    """Count a reader's votes and find the time of the latest, without reading each one."""
    measures = func.count(), func.max(_table.c.at)
    row = connection.execute(select(*measures).where(_table.c.reader_id == reader_id)).one()
    return VoteExtent(*row)


def of_many(connection: Connection, reader_ids: Collection[int]) -> dict[int, list[Vote]]:
    """Read the votes of each of these readers, oldest first; an empty list for none."""
    found: dict[int, list[Vote]] = {reader_id: [] for reader_id in reader_ids}
    for row in rows_among(connection, _select_in_order(), _table.c.reader_id, reader_ids):
        found[row.reader_id].append(from_row(row))
    return found


def on_papers(connection: Connection, reader_id: int, paper_ids: Collection[int]) -> list[Vote]:
    """Read the reader's votes on these papers, in no order."""
    mine = select(_table).where(_table.c.reader_id == reader_id)
    return [from_row(row) for row in rows_among(connection, mine, _table.c.paper_id, paper_ids)]


def count_each(connection: Connection, reader_ids: Collection[int]) -> dict[int, int]:
    """Count the votes of each of these readers; one without votes is left out."""
    key = _table.c.reader_id
    counted = select(key, func.count().label("votes")).group_by(key)
    return {row.reader_id: row.votes for row in rows_among(connection, counted, key, reader_ids)}


def count(connection: Connection) -> int:
    """Count the votes of all readers on public papers."""
    counted = select(func.count()).select_from(_table).where(on_public(connection))
    return connection.execute(counted).scalar_one()


def _select_in_order() -> Select[Any]:
    return select(_table).order_by(_table.c.reader_id, _table.c.at, _table.c.paper_id)


def _latest(votes: Iterable[Vote]) -> Sequence[Vote]:
    """Keep one vote per reader and paper: the latest, with equal times the last one."""
    kept: dict[tuple[int, int], Vote] = {}
    for vote in votes:
        before = kept.get((vote.reader_id, vote.paper_id))
        if before is None or vote.at >= before.at:
            kept[vote.reader_id, vote.paper_id] = vote
    return list(kept.values())


def _rows(connection: Connection, some: Sequence[Vote]) -> list[dict[str, Any]]:
    moments = vote_eligibility.moments(connection, some)
    return [
        _columns(vote) | {"counts_from": moment} for vote, moment in zip(some, moments, strict=True)
    ]


def _columns(vote: Vote) -> dict[str, Any]:
    return {
        "reader_id": vote.reader_id,
        "paper_id": vote.paper_id,
        "thumb": vote.thumb.value,
        "interest_id": vote.interest_id,
        "source": vote.source,
        "at": vote.at,
    }


def from_row(row: Row[Any]) -> Vote:
    """Make a vote from a row of ``vote``, or of forgotten votes."""
    return Vote(row.reader_id, row.paper_id, Thumb(row.thumb), row.at, row.source, row.interest_id)
