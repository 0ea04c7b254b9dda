"""Rate limits in the database: a number of actions per period and key."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, case, delete, or_, select

from larkpost.db import schema, upsert_statement

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def allow(
    connection: Connection, key: str, *, now: datetime, most: int, per: timedelta, cost: int = 1
) -> bool:
    """Count one of ``most`` actions of a key per ``per``; returns whether it is allowed.

    For amounts, such as bytes, ``cost`` is the amount of one action: all or nothing, and never more
    than ``most``. A token bucket of ``most`` that refills evenly, stored as the time at which it
    will be full (the generic cell rate algorithm, ITU-T I.371, annex A): one row per key and one
    statement, so it is atomic. A refused action is not counted. A row with an impossibly late time
    was written before the clock was set back, and is ignored. Keys may be any text, such as
    ``signup:address:ada@example.org``; only their hash is stored. Raises ValueError for ``most`` or
    ``cost`` below 1.
    """
    if most < 1:
        raise ValueError(f"a limit of {most} lets nobody pass: do not ask")
    if cost < 1:
        raise ValueError(f"a cost of {cost} would raise the limit")
    if cost > most:
        return False
    moment, whole = (now - _EPOCH) // _MICROSECOND, per // _MICROSECOND
    turn = max(1, whole // most) * cost
    full_at = schema.rate_limit.c.full_at
    idle = or_(full_at < moment, full_at > moment + whole)
    statement = upsert_statement.insert(connection, schema.rate_limit).values(
        key=_digest(key), full_at=moment + turn
    )
    statement = statement.on_conflict_do_update(
        index_elements=["key"],
        set_={"full_at": case((idle, moment), else_=full_at) + turn},
        where=or_(idle, full_at <= moment + whole - turn),
    )
    return connection.execute(statement.returning(schema.rate_limit.c.key)).first() is not None


def free_at(
    connection: Connection, key: str, *, now: datetime, most: int, per: timedelta
) -> datetime | None:
    """Return when ``allow`` permits a key again; None if it does now. Counts nothing."""
    moment, whole = (now - _EPOCH) // _MICROSECOND, per // _MICROSECOND
    full_at = connection.execute(
        select(schema.rate_limit.c.full_at).where(schema.rate_limit.c.key == _digest(key))
    ).scalar()
    if full_at is None or not moment <= full_at <= moment + whole:
        return None
    free = full_at + whole // most - whole
    return None if free <= moment else _EPOCH + free * _MICROSECOND


def place_in_queue(
    connection: Connection, key: str, *, now: datetime, per: timedelta, most: int
) -> datetime:
    """Return the place of another item of a key in a shared queue.

    Items go in the order of their places, and the places of one key are ``per`` apart: a key with
    one item waits behind one item of each other key, not behind all items of a busy one (start-time
    fair queueing, Goyal, Vin and Cheng, 1996). The first place is ``now``, and the last at most
    ``most`` times ``per`` later. One row per key and one statement, as in ``allow``.
    """
    moment, step = (now - _EPOCH) // _MICROSECOND, per // _MICROSECOND
    last = moment + most * step
    statement = upsert_statement.insert(connection, schema.rate_limit).values(
        key=_digest(key), full_at=moment + step
    )
    full_at = schema.rate_limit.c.full_at
    begun = case((full_at < moment, moment), (full_at > last, last), else_=full_at)
    statement = statement.on_conflict_do_update(
        index_elements=["key"], set_={"full_at": begun + step}
    )
    returned = statement.returning(schema.rate_limit.c.full_at)
    after: int = connection.execute(returned).scalar_one()
    return _EPOCH + (after - step) * _MICROSECOND


def prune(connection: Connection, now: datetime) -> int:
    """Delete keys whose buckets are full again; returns their number."""
    full_at = schema.rate_limit.c.full_at
    rested = delete(schema.rate_limit).where(full_at <= (now - _EPOCH) // _MICROSECOND)
    return connection.execute(rested).rowcount


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
