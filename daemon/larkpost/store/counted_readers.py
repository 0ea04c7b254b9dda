"""Whose thumbs count for others, and from when: the one rule for all that readers have in common.

Anybody can be a reader at once, so a reader's thumbs teach their own paper at once, and others
only once the reader counts:

1. A reader whom the operator made or imported counts from the beginning.
2. Who signed up counts once their address is confirmed, or once they have been in use: thumbs on
   ``DAYS_OF_USE`` different days (UTC), the first of them ``FIRST_USE`` ago.
3. Of one network at most ``MOST_OF_A_NETWORK`` readers begin to count in ``REMEMBERED``.
4. The thumbs of readers who have counted for less than ``NEW_FOR`` count at most ``MOST_A_DAY`` a
   day (UTC) on one paper; those beyond wait for the days that follow. So a rush lifts nothing.

``vote.counts_from`` says from when a thumb counts, so that asking needs nothing but the vote.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select, update

from larkpost.domain import Status
from larkpost.store import tables
from larkpost.store.batches import batches

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import ColumnElement, Connection, Row

    from larkpost.domain import Vote

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
DAYS_OF_USE = 3
FIRST_USE = timedelta(days=3)
MOST_OF_A_NETWORK = 5
REMEMBERED = timedelta(days=28)  # how long the network of a reader who began to count is kept
NEW_FOR = timedelta(days=28)
MOST_A_DAY = 3


def counts(at: datetime) -> ColumnElement[bool]:
    """Choose the thumbs that count at a moment: what every count for others is made of."""
    return tables.vote.c.counts_from <= at


def moments(
    connection: Connection, votes: Sequence[Vote] | Sequence[Row[Any, Any, Any]]
) -> list[datetime | None]:
    """Say from when each of these thumbs, before it is written, counts; None for not yet."""
    since = begun(connection, {vote.reader_id for vote in votes})
    waiting: dict[int, list[datetime]] = {}  # of those before in this list, by paper
    found: list[datetime | None] = []
    for vote in votes:
        first = since.get(vote.reader_id)
        start = None if first is None else max(first, vote.at)
        if first is not None and start is not None and start - first < NEW_FOR:
            ahead = waiting.setdefault(vote.paper_id, [])
            start = _free_moment(connection, vote.reader_id, vote.paper_id, start, ahead)
            ahead.append(start)
        found.append(start)
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

    ``network`` is a keyed hash of where they are. Tells whether its readers are not too many.
    """
    if not may_begin(connection, reader_id, now) or _is_crowded(connection, network, now):
        return False
    seen = tables.reader_network
    connection.execute(insert(seen).values(reader_id=reader_id, network=network, at=now))
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


def is_any_old(connection: Connection, now: datetime) -> bool:
    """Whether a network is remembered for longer than needed."""
    old = select(tables.reader_network.c.reader_id).where(_is_old(now))
    return connection.execute(old.limit(1)).first() is not None


def forget_networks(connection: Connection, now: datetime) -> int:
    """Forget the networks of readers who have counted for a while; returns how many went."""
    return connection.execute(delete(tables.reader_network).where(_is_old(now))).rowcount


def _is_old(now: datetime) -> ColumnElement[bool]:
    return tables.reader_network.c.at <= now - REMEMBERED


def _is_crowded(connection: Connection, network: str, now: datetime) -> bool:
    seen = tables.reader_network.c
    others = select(func.count()).where(seen.network == network, seen.at > now - REMEMBERED)
    return connection.execute(others).scalar_one() >= MOST_OF_A_NETWORK


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
