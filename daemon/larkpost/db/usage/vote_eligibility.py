"""Decides whose thumbs count for others, and from when; the one rule for all shared counts.

Anybody can become a reader. So a reader's thumbs change their own editions at once, but those of
others only after the reader has started to count:

1. A reader whom the operator made or imported counts from the beginning.
2. A reader who signed up counts once their address is confirmed, or after real use: thumbs on
   ``DAYS_OF_USE`` different days (UTC), the first of them ``FIRST_USE`` ago.
3. From one network ``MOST_OF_A_NETWORK`` readers may begin to count at once, and as many more per
   ``A_WHILE``, one by one (a token bucket, see ``rate_limits``); from the surrounding network,
   which may belong to one owner, ``WIDER`` times as many.
4. The thumbs of readers who have counted for less than ``NEW_FOR`` count at most ``MOST_A_DAY``
   times per day (UTC) on one paper; the rest wait for later days. So a rush promotes nothing.

``vote.counts_from`` is the time from which a thumb counts, so a query needs only the vote.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, literal, select, update

from larkpost.db import schema
from larkpost.db.coordination import rate_limits
from larkpost.db.value_batches import batches, gather, rows_among
from larkpost.domain import Status, Thumb
from larkpost.text.ip_networks import WIDER

_reader, _vote = schema.reader, schema.vote

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
DAYS_OF_USE = 3
FIRST_USE = timedelta(days=3)
MOST_OF_A_NETWORK = 5
A_WHILE = timedelta(days=28)  # after this time nothing is stored about a network
NEW_FOR = timedelta(days=28)
MOST_A_DAY = 3
# Earlier thumbs that begin to count in one transaction. With 12,000 of them a reader who began to
# count kept all votes waiting for two seconds, and 16 of them for 15.
AT_ONCE = 1_000


def counts(at: datetime) -> ColumnElement[bool]:
    """Select the thumbs that count at a given time; every shared count uses this."""
    return _vote.c.counts_from <= at


def moments(connection: Connection, votes: Sequence[Any]) -> list[datetime | None]:
    """Return the time from which each of these new thumbs counts; None for not yet.

    ``votes`` are votes, or rows of which ``reader_id``, ``paper_id`` and ``at`` are known.
    """
    since = counting_since(connection, {vote.reader_id for vote in votes})
    found: list[datetime | None] = [
        max(since[vote.reader_id], vote.at) if vote.reader_id in since else None for vote in votes
    ]
    new = [
        at
        for at, (vote, start) in enumerate(zip(votes, found, strict=True))
        if start is not None and start - since[vote.reader_id] < NEW_FOR
    ]
    wanted = [
        (votes[at].reader_id, votes[at].paper_id, start) for at in new if (start := found[at])
    ]
    for at, moment in zip(new, _free_moments(connection, wanted), strict=True):
        found[at] = moment
    return found


def counting_since(connection: Connection, reader_ids: Collection[int]) -> dict[int, datetime]:
    """Return the time since which each of these readers counts; no entry for the others."""
    counting = select(_reader.c.id, _reader.c.counts_from).where(_reader.c.counts_from.is_not(None))
    rows = rows_among(connection, counting, _reader.c.id, reader_ids)
    return {row.id: row.counts_from for row in rows}


def may_begin(connection: Connection, reader_id: int, now: datetime) -> bool:
    """Whether a reader may start to count: confirmed, or with thumbs on enough days."""
    row = connection.execute(
        select(_reader.c.address, _reader.c.status, _reader.c.counts_from).where(
            _reader.c.id == reader_id
        )
    ).one_or_none()
    if row is None or row.counts_from is not None or row.status == Status.PENDING.value:
        return False
    if row.address is not None:
        return True
    days = _first_days(connection, reader_id)
    return len(days) == DAYS_OF_USE and days[0] <= now - FIRST_USE


def _first_days(connection: Connection, reader_id: int) -> list[datetime]:
    """Return the first thumb of each of a reader's first ``DAYS_OF_USE`` days of use (UTC).

    It reads as many rows, not all thumbs: there may be 20,000.
    """
    found: list[datetime] = []
    for _ in range(DAYS_OF_USE):
        later = [_vote.c.at >= _midnight(found[-1]) + timedelta(days=1)] if found else []
        first = select(func.min(_vote.c.at)).where(_vote.c.reader_id == reader_id, *later)
        at = connection.execute(first).scalar()
        if at is None:
            break
        found.append(at)
    return found


def begin(
    connection: Connection, reader_id: int, *, networks: Sequence[str], now: datetime
) -> bool:
    """Let a reader who ``may_begin`` count from now on, with the newest thumbs they gave before.

    Others of thousands are waiting for their next visits, see ``count_waiting``.
    ``networks`` are keyed hashes of their networks, their own first; only hashes are stored,
    without the reader. Returns whether each network had a free place.
    """
    if not may_begin(connection, reader_id, now) or not _take_places(connection, networks, now):
        return False
    connection.execute(update(_reader).where(_reader.c.id == reader_id).values(counts_from=now))
    count_waiting(connection, reader_id, now)
    return True


def _take_places(connection: Connection, networks: Sequence[str], now: datetime) -> bool:
    """Take a place for another reader in each network, in all of them or in none."""
    places = [
        (f"counted:{network}", MOST_OF_A_NETWORK * WIDER**at) for at, network in enumerate(networks)
    ]
    if any(
        rate_limits.free_at(connection, key, now=now, most=most, per=A_WHILE)
        for key, most in places
    ):
        return False
    return all(
        rate_limits.allow(connection, key, now=now, most=most, per=A_WHILE) for key, most in places
    )


def is_any_waiting(connection: Connection, reader_id: int) -> bool:
    """Return whether a reader counts, but some of their earlier thumbs do not yet."""
    begun = select(_reader.c.id).where(
        _reader.c.id == reader_id, _reader.c.counts_from.is_not(None)
    )
    waiting = select(_vote.c.paper_id).where(*_waiting(reader_id), begun.exists()).limit(1)
    return connection.execute(waiting).first() is not None


def count_waiting(connection: Connection, reader_id: int, now: datetime) -> None:
    """Let the earlier thumbs of a reader who counts now do so too, the newest ``AT_ONCE`` of them.

    They count from ``now`` on, or later if the places on a paper are taken.
    """
    earlier = select(_vote.c.reader_id, _vote.c.paper_id, literal(now, _vote.c.at.type).label("at"))
    newest = earlier.where(*_waiting(reader_id)).order_by(_vote.c.at.desc(), _vote.c.paper_id)
    _write_moments(connection, connection.execute(newest.limit(AT_ONCE)).all())


def _waiting(reader_id: int) -> tuple[ColumnElement[bool], ...]:
    # Both thumbs are named for the index, which begins with them.
    either = _vote.c.thumb.in_([thumb.value for thumb in Thumb])
    return either, _vote.c.reader_id == reader_id, _vote.c.counts_from.is_(None)


def count_always(
    connection: Connection, reader_ids: Collection[int], *, since: datetime = ALWAYS
) -> None:
    """Let readers count ``since`` a time, which may be the beginning of time."""
    for some in batches(reader_ids):
        connection.execute(update(_reader).where(_reader.c.id.in_(some)).values(counts_from=since))
        given = select(_vote.c.reader_id, _vote.c.paper_id, _vote.c.at)
        given = given.where(_vote.c.reader_id.in_(some)).order_by(_vote.c.at, _vote.c.paper_id)
        _write_moments(connection, connection.execute(given).all())


def _write_moments(connection: Connection, votes: Sequence[Any]) -> None:
    """Write from when these thumbs count, given as ``moments`` takes them."""
    mine = (_vote.c.reader_id == bindparam("who"), _vote.c.paper_id == bindparam("which"))
    rows = [
        {"who": one.reader_id, "which": one.paper_id, "moment": moment}
        for one, moment in zip(votes, moments(connection, votes), strict=True)
    ]
    if rows:
        write = update(_vote).where(*mine).values(counts_from=bindparam("moment"))
        connection.execute(write, rows)


def _lock(connection: Connection, paper_ids: Collection[int]) -> None:
    """Make thumbs on these papers wait for this transaction, so that they are counted in order.

    Locks in order, to prevent deadlocks. On SQLite there is only one writer anyway, and this only
    reads.
    """
    paper = schema.paper.c
    for some in batches(sorted(paper_ids)):
        mine = select(paper.id).where(paper.id.in_(some)).order_by(paper.id)
        connection.execute(mine.with_for_update(key_share=True))


def _free_moments(
    connection: Connection, wanted: Sequence[tuple[int, int, datetime]]
) -> list[datetime]:
    """Find the first time from which each of these thumbs of new readers may count.

    That is its start or the beginning of a later day. ``wanted`` are readers, papers and starts;
    earlier ones come first in a paper's queue. One query per batch, for thousands of thumbs.
    """
    if not wanted:
        return []
    _lock(connection, {paper_id for _, paper_id, _ in wanted})
    ahead: dict[int, list[datetime]] = {}  # of earlier entries of this list, by paper
    found = []
    for (_, paper_id, start), before in zip(wanted, _count_before(connection, wanted), strict=True):
        today = _midnight(start)
        waiting = ahead.setdefault(paper_id, [])
        days = (before + sum(one >= today for one in waiting)) // MOST_A_DAY
        waiting.append(today + timedelta(days=days) if days else start)
        found.append(waiting[-1])
    return found


def _count_before(connection: Connection, wanted: Sequence[tuple[int, int, datetime]]) -> list[int]:
    """Count, for each of these, the thumbs of other new readers that count from its day on."""
    papers, starts = {paper_id for _, paper_id, _ in wanted}, {(who, at) for who, _, at in wanted}
    if len(starts) == 1:  # of one reader who begins to count: the database counts
        ((reader_id, start),) = starts
        counted = _cast_by_new(start, schema.vote.c.paper_id, func.count())
        counted = counted.where(schema.vote.c.reader_id != reader_id)
        rows = rows_among(
            connection, counted.group_by(schema.vote.c.paper_id), schema.vote.c.paper_id, papers
        )
        counts = {row[0]: row[1] for row in rows}
        return [counts.get(paper_id, 0) for _, paper_id, _ in wanted]
    vote, begun = schema.vote.c, schema.reader.c.counts_from.label("begun")
    earliest = min(start for *_, start in wanted)
    each = _cast_by_new(earliest, vote.paper_id, vote.reader_id, vote.counts_from, begun)
    cast = gather(
        (row.paper_id, row) for row in rows_among(connection, each, vote.paper_id, papers)
    )
    return [
        sum(
            one.counts_from >= _midnight(start) and one.begun > start - NEW_FOR
            for one in cast.get(paper_id, ())
            if one.reader_id != reader_id
        )
        for reader_id, paper_id, start in wanted
    ]


def _cast_by_new(earliest: datetime, *columns: Any) -> Select[Any]:
    """Select the thumbs of readers who are new at the ``earliest`` start or later."""
    vote, reader = schema.vote.c, schema.reader.c
    return (
        select(*columns)
        .join_from(schema.vote, schema.reader, reader.id == vote.reader_id)
        .where(vote.counts_from >= _midnight(earliest), reader.counts_from > earliest - NEW_FOR)
    )


def _midnight(moment: datetime) -> datetime:
    return datetime.combine(moment.astimezone(UTC).date(), time(), UTC)
