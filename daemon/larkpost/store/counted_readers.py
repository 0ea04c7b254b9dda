"""Whose thumbs count for others, and from when: the one rule for all that readers have in common.

Anybody can be a reader at once, so a reader's thumbs teach their own paper at once, and others
only once the reader counts:

1. A reader whom the operator made or imported counts from the beginning.
2. Who signed up counts once their address is confirmed, or once they have been in use: thumbs on
   ``DAYS_OF_USE`` different days (UTC), the first of them ``FIRST_USE`` ago.
3. Of one network ``MOST_OF_A_NETWORK`` readers may begin to count at once, and as many more in
   ``A_WHILE``, one by one (a bucket that refills evenly, see ``limits``).
4. The thumbs of readers who have counted for less than ``NEW_FOR`` count at most ``MOST_A_DAY`` a
   day (UTC) on one paper; those beyond wait for the days that follow. So a rush lifts nothing.

``vote.counts_from`` says from when a thumb counts, so that asking needs nothing but the vote.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from larkpost.domain import Status
from larkpost.store import limits, tables
from larkpost.store.batches import batches

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import ColumnElement, Connection

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
DAYS_OF_USE = 3
FIRST_USE = timedelta(days=3)
MOST_OF_A_NETWORK = 5
A_WHILE = timedelta(days=28)  # after it nothing is known of a network any more
NEW_FOR = timedelta(days=28)
MOST_A_DAY = 3


def counts(at: datetime) -> ColumnElement[bool]:
    """Choose the thumbs that count at a moment: what every count for others is made of."""
    return tables.vote.c.counts_from <= at


def moments(connection: Connection, votes: Sequence[Any]) -> list[datetime | None]:
    """Say from when each of these thumbs, before it is written, counts; None for not yet.

    ``votes`` are votes, or rows of which ``reader_id``, ``paper_id`` and ``at`` are known.
    """
    since = begun(connection, {vote.reader_id for vote in votes})
    found: list[datetime | None] = [
        max(since[vote.reader_id], vote.at) if vote.reader_id in since else None for vote in votes
    ]
    new = {
        at
        for at, (vote, start) in enumerate(zip(votes, found, strict=True))
        if start is not None and start - since[vote.reader_id] < NEW_FOR
    }
    _lock(connection, {votes[at].paper_id for at in new})
    waiting: dict[int, list[datetime]] = {}  # of those before in this list, by paper
    for at in sorted(new):
        vote, start = votes[at], found[at]
        assert start is not None  # noqa: S101 - those without are not new
        ahead = waiting.setdefault(vote.paper_id, [])
        found[at] = _free_moment(connection, vote.reader_id, vote.paper_id, start, ahead)
        ahead.append(found[at] or start)
    return found


def begun(connection: Connection, reader_ids: Collection[int]) -> dict[int, datetime]:
    """Say since when each of these readers counts; no entry for those who do not."""
    reader = tables.reader.c
    found: dict[int, datetime] = {}
    for some in batches(reader_ids):
        known = select(reader.id, reader.counts_from).where(
            reader.id.in_(some), reader.counts_from.is_not(None)
        )
        found |= {row.id: row.counts_from for row in connection.execute(known)}
    return found


def may_begin(connection: Connection, reader_id: int, now: datetime) -> bool:
    """Whether a reader does not count yet, and has an address of theirs or has been in use."""
    reader, vote = tables.reader.c, tables.vote.c
    row = connection.execute(
        select(reader.address, reader.status, reader.counts_from).where(reader.id == reader_id)
    ).one_or_none()
    if row is None or row.counts_from is not None or row.status == Status.PENDING.value:
        return False
    if row.address is not None:
        return True
    moments_of_use = select(vote.at).where(vote.reader_id == reader_id)
    days = {at.date(): at for at in connection.execute(moments_of_use).scalars()}
    return len(days) >= DAYS_OF_USE and min(days.values()) <= now - FIRST_USE


def begin(connection: Connection, reader_id: int, *, network: str, now: datetime) -> bool:
    """Have a reader who ``may_begin`` count from now on, with the thumbs they gave before.

    ``network`` is a keyed hash of where they are, of which only a hash is kept, without the
    reader. Tells whether there was a place for one more of it.
    """
    if not may_begin(connection, reader_id, now):
        return False
    key = f"counted:{network}"
    if not limits.allow(connection, key, now=now, most=MOST_OF_A_NETWORK, per=A_WHILE):
        return False
    count_always(connection, [reader_id], since=now)
    return True


def count_always(
    connection: Connection, reader_ids: Collection[int], *, since: datetime = ALWAYS
) -> None:
    """Have readers count ``since`` a moment, which may be the beginning of time."""
    reader, vote = tables.reader, tables.vote
    for some in batches(reader_ids):
        connection.execute(update(reader).where(reader.c.id.in_(some)).values(counts_from=since))
        given = select(vote.c.reader_id, vote.c.paper_id, vote.c.at)
        given = given.where(vote.c.reader_id.in_(some)).order_by(vote.c.at, vote.c.paper_id)
        theirs = connection.execute(given).all()
        for one, moment in zip(theirs, moments(connection, theirs), strict=True):
            mine = (vote.c.reader_id == one.reader_id, vote.c.paper_id == one.paper_id)
            connection.execute(update(vote).where(*mine).values(counts_from=moment))


def _lock(connection: Connection, paper_ids: Collection[int]) -> None:
    """Have thumbs on these papers wait for this transaction, so that none is counted past another.

    In order, so that two who lock several do not wait for each other. On SQLite, whoever writes is
    alone anyway, and this only reads.
    """
    paper = tables.paper.c
    for some in batches(sorted(paper_ids)):
        mine = select(paper.id).where(paper.id.in_(some)).order_by(paper.id)
        connection.execute(mine.with_for_update(key_share=True))


def _free_moment(
    connection: Connection,
    reader_id: int,
    paper_id: int,
    start: datetime,
    ahead: Collection[datetime],
) -> datetime:
    """Find the first day on which a new reader's thumb on a paper may count; ``start`` if it is."""
    cast, reader = tables.vote.c, tables.reader.c
    today = datetime.combine(start.astimezone(UTC).date(), time(), UTC)
    of_new = (
        select(func.count())
        .join_from(tables.vote, tables.reader, reader.id == cast.reader_id)
        .where(
            cast.paper_id == paper_id,
            cast.reader_id != reader_id,
            cast.counts_from >= today,
            reader.counts_from > start - NEW_FOR,
        )
    )
    taken = connection.execute(of_new).scalar_one() + sum(one >= today for one in ahead)
    days = taken // MOST_A_DAY
    return today + timedelta(days=days) if days else start
