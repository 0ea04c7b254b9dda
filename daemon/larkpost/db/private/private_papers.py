"""Private papers: imported by a reader, and visible only to that reader.

Their rows are in ``paper`` with an ``owner_id``, and their identifiers in ``private_identifier``:
never in shared tables (``identifier``, ``minhash``, ``dump_paper``, the search index).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Update,
    bindparam,
    delete,
    exists,
    insert,
    select,
    update,
)

from larkpost.db import schema
from larkpost.db.paper_rows import COLUMNS, paper
from larkpost.db.usage import forgotten_votes, vote_eligibility
from larkpost.db.value_batches import batches, rows_among, write_among
from larkpost.domain import Identifier, Paper, Thumb, Vote

_paper, _vote, _pick = schema.paper, schema.vote, schema.pick

# The time to repeat an undone thumb, or to import thumbs after their papers.
KEPT_WITHOUT_THUMB = timedelta(days=7)

_table = schema.private_identifier


def find(
    connection: Connection, owner_id: int, wanted: Collection[Identifier]
) -> dict[Identifier, int]:
    """Find the ids of the owner's private papers with these identifiers; others have no entry."""
    owned = _table.c.owner_id == owner_id
    found: dict[Identifier, int] = {}
    for scheme in {name.scheme for name in wanted}:
        for some in batches({name.value for name in wanted if name.scheme == scheme}):
            named = (_table.c.scheme == scheme, _table.c.value.in_(some))
            found.update(_identifiers(connection, owned, *named))
    return found


def of(connection: Connection, owner_id: int) -> list[Paper]:
    """Read the private papers of a reader, in the order of import."""
    theirs = select(*COLUMNS).where(_paper.c.owner_id == owner_id).order_by(_paper.c.id)
    return [paper(row) for row in connection.execute(theirs)]


def names(connection: Connection, ids: Iterable[int]) -> Iterator[tuple[Identifier, int]]:
    """Read every identifier of these private papers, each with the id of its paper."""
    for some in batches(ids):
        yield from _identifiers(connection, _table.c.paper_id.in_(some))


def add_names(
    connection: Connection, owner_id: int, names_of: Mapping[int, Iterable[Identifier]]
) -> None:
    """Store identifiers of an owner's private papers, given by their ids."""
    rows = [
        {"owner_id": owner_id, "scheme": one.scheme, "value": one.value, "paper_id": paper_id}
        for paper_id, its in names_of.items()
        for one in its
    ]
    if rows:
        connection.execute(insert(_table), rows)


def move_to_public(connection: Connection, public_of: Mapping[int, int], *, now: datetime) -> None:
    """Replace private papers by public ones, in thumbs and in "Like …" of editions.

    ``public_of`` maps the id of the private paper to that of the public one. A thumb that the owner
    has given the public one already stays; of several private copies the first one's moves.
    Forgotten thumbs move as well, because they may be restored. A moved thumb counts for others as
    if it were given ``now``: otherwise thumbs collected on private papers would count in a burst.
    All queries are batched, because thousands of readers may have imported the papers of a dump.
    """
    _lock(connection, public_of)
    moving = _moving(connection, public_of, now)
    moments = vote_eligibility.moments(connection, [given for _, given in moving])
    _execute_many(
        connection,
        update(_vote)
        .where(_vote.c.paper_id == bindparam("private"), _vote.c.reader_id == bindparam("who"))
        .values(paper_id=bindparam("public"), counts_from=bindparam("moment")),
        [
            {"private": old, "who": one.reader_id, "public": one.paper_id, "moment": moment}
            for (old, one), moment in zip(moving, moments, strict=True)
        ],
    )
    _execute_many(
        connection,
        update(_pick)
        .where(_pick.c.similar_paper_id == bindparam("private"))
        .values(similar_paper_id=bindparam("public")),
        [{"private": old, "public": new} for old, new in public_of.items()],
    )
    forgotten_votes.move(connection, public_of, now)
    write_among(connection, delete(_paper), _paper.c.id, public_of)


def _lock(connection: Connection, ids: Iterable[int]) -> None:
    """Wait for editions that are being published with these papers in "Like …" (PostgreSQL).

    Their rows cannot be seen before, and the papers could not be deleted afterwards.
    """
    for some in batches(sorted(ids)):
        locked = select(_paper.c.id).where(_paper.c.id.in_(some)).order_by(_paper.c.id)
        connection.execute(locked.with_for_update())


def _moving(
    connection: Connection, public_of: Mapping[int, int], now: datetime
) -> list[tuple[int, Vote]]:
    """Return the new rows of the thumbs that move, each after the id of its private paper."""
    rows = list(rows_among(connection, select(_vote), _vote.c.paper_id, sorted(public_of)))
    judged = {
        (row.reader_id, row.paper_id)
        for some in batches(set(public_of.values()))
        for owners in batches({row.reader_id for row in rows})
        for row in connection.execute(
            select(_vote.c.reader_id, _vote.c.paper_id).where(
                _vote.c.paper_id.in_(some), _vote.c.reader_id.in_(owners)
            )
        )
    }
    moving = []
    for row in sorted(rows, key=lambda row: row.paper_id):
        public_id = public_of[row.paper_id]
        if (row.reader_id, public_id) not in judged:
            judged.add((row.reader_id, public_id))
            given = Vote(
                row.reader_id, public_id, Thumb(row.thumb), now, row.source, row.interest_id
            )
            moving.append((row.paper_id, given))
    return moving


def _execute_many(
    connection: Connection, statement: Update, rows: Sequence[Mapping[str, Any]]
) -> None:
    if rows:
        connection.execute(statement, rows)


def note_cleared(connection: Connection, paper_ids: Iterable[int], now: datetime) -> None:
    """Record when thumbs on private papers were undone (see ``prune``); other papers stay."""
    private = update(_paper).where(_paper.c.owner_id.is_not(None))
    write_among(connection, private.values(updated=now), _paper.c.id, paper_ids)


def any_to_prune(connection: Connection, now: datetime) -> bool:
    """Return whether ``prune`` has anything to delete."""
    found = select(_paper.c.id).where(_has_no_vote(now)).limit(1)
    return connection.execute(found).first() is not None


def prune(connection: Connection, now: datetime, most: int | None = None) -> int:
    """Delete private papers a week after their thumb was undone, at most so many.

    Returns their number. Their owners cannot see them any more.
    """
    found = select(_paper.c.id).where(_has_no_vote(now)).limit(most)
    gone = connection.execute(found).scalars().all()
    _lock(connection, gone)
    likes = update(_pick).values(similar_paper_id=None)
    write_among(connection, likes, _pick.c.similar_paper_id, gone)
    return write_among(connection, delete(_paper), _paper.c.id, gone)


def _has_no_vote(now: datetime) -> ColumnElement[bool]:
    voted = exists().where(_vote.c.paper_id == _paper.c.id)
    forgotten = exists().where(schema.forgotten_vote.c.paper_id == _paper.c.id)
    old = _paper.c.owner_id.is_not(None) & (_paper.c.updated < now - KEPT_WITHOUT_THUMB)
    return old & ~voted & ~forgotten  # a forgotten thumb may be restored


def _identifiers(
    connection: Connection, *conditions: ColumnElement[bool]
) -> Iterator[tuple[Identifier, int]]:
    for row in connection.execute(select(_table).where(*conditions)):
        yield Identifier(row.scheme, row.value), row.paper_id
