"""Private papers: what a reader brought belongs to that reader, and nobody else sees it.

Their rows lie in ``paper`` with an ``owner_id``, and their identifiers in ``private_identifier``:
never in what all readers share (``identifier``, ``sketch``, ``listing``, the search index).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, exists, insert, select, update

from larkpost.domain import Identifier, Thumb, Vote
from larkpost.store import counted_readers, tables
from larkpost.store.batches import batches
from larkpost.store.paper_rows import COLUMNS, paper

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from larkpost.domain import Paper

# Time to give a thumb again that was taken back, or to import thumbs after their papers.
KEPT_WITHOUT_THUMB = timedelta(days=7)

_table = tables.private_identifier


def find(
    connection: Connection, owner_id: int, wanted: Collection[Identifier]
) -> dict[Identifier, int]:
    """Find the ids of the owner's private papers that have these names; others have no entry."""
    owned = _table.c.owner_id == owner_id
    found: dict[Identifier, int] = {}
    for scheme in {name.scheme for name in wanted}:
        for some in batches({name.value for name in wanted if name.scheme == scheme}):
            named = (_table.c.scheme == scheme, _table.c.value.in_(some))
            found.update(_named(connection, owned, *named))
    return found


def of(connection: Connection, owner_id: int) -> list[Paper]:
    """Read the private papers of a reader, in the order in which they were brought."""
    column = tables.paper.c
    theirs = select(*COLUMNS).where(column.owner_id == owner_id).order_by(column.id)
    return [paper(row) for row in connection.execute(theirs)]


def names(connection: Connection, ids: Iterable[int]) -> Iterator[tuple[Identifier, int]]:
    """Read every name of these private papers, each beside the id of its paper."""
    for some in batches(ids):
        yield from _named(connection, _table.c.paper_id.in_(some))


def add_names(
    connection: Connection, owner_id: int, names_of: Mapping[int, Iterable[Identifier]]
) -> None:
    """Write names down by which an owner's private papers, given by their ids, are found."""
    rows = [
        {"owner_id": owner_id, "scheme": one.scheme, "value": one.value, "paper_id": paper_id}
        for paper_id, its in names_of.items()
        for one in its
    ]
    if rows:
        connection.execute(insert(_table), rows)


def move_to_public(
    connection: Connection, private_id: int, public_id: int, *, now: datetime
) -> None:
    """Let a public paper stand for a private one, which goes: its thumb, and "Like …" of editions.

    A thumb that the owner has given the public one already stays. One that moves counts for others
    as if it were given ``now``: else thumbs kept back on private papers would come in a rush.
    """
    vote, pick = tables.vote, tables.pick
    other = vote.alias()
    judged = exists().where(other.c.paper_id == public_id, other.c.reader_id == vote.c.reader_id)
    for row in connection.execute(select(vote).where(vote.c.paper_id == private_id, ~judged)).all():
        given = Vote(row.reader_id, public_id, Thumb(row.thumb), now, row.via, row.interest_id)
        (counts_from,) = counted_readers.moments(connection, [given])
        mine = (vote.c.paper_id == private_id, vote.c.reader_id == row.reader_id)
        moved = update(vote).where(*mine).values(paper_id=public_id, counts_from=counts_from)
        connection.execute(moved)
    likes = update(pick).where(pick.c.like_id == private_id)
    connection.execute(likes.values(like_id=public_id))
    connection.execute(delete(tables.paper).where(tables.paper.c.id == private_id))


def note_cleared(connection: Connection, paper_id: int, now: datetime) -> None:
    """Note when the thumb on a private paper was taken back; see ``prune``. Changes no other."""
    which = (tables.paper.c.id == paper_id, tables.paper.c.owner_id.is_not(None))
    connection.execute(update(tables.paper).where(*which).values(updated=now))


def any_to_prune(connection: Connection, now: datetime) -> bool:
    """Say whether ``prune`` has something to drop."""
    found = select(tables.paper.c.id).where(_unvoted(now)).limit(1)
    return connection.execute(found).first() is not None


def prune(connection: Connection, now: datetime) -> int:
    """Drop the private papers without a thumb, a week after it was taken back; gives how many.

    Their owners cannot see them any more.
    """
    gone = connection.execute(select(tables.paper.c.id).where(_unvoted(now))).scalars().all()
    for some in batches(gone):
        likes = update(tables.pick).where(tables.pick.c.like_id.in_(some))
        connection.execute(likes.values(like_id=None))
        connection.execute(delete(tables.paper).where(tables.paper.c.id.in_(some)))
    return len(gone)


def _unvoted(now: datetime) -> ColumnElement[bool]:
    column = tables.paper.c
    voted = exists().where(tables.vote.c.paper_id == column.id)
    return column.owner_id.is_not(None) & (column.updated < now - KEPT_WITHOUT_THUMB) & ~voted


def _named(
    connection: Connection, *conditions: ColumnElement[bool]
) -> Iterator[tuple[Identifier, int]]:
    for row in connection.execute(select(_table).where(*conditions)):
        yield Identifier(row.scheme, row.value), row.paper_id
