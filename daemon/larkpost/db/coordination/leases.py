"""Leases: exclusive rights for a limited time, such as running the tick or a fit."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, or_, select

from larkpost.db import schema, upsert_statement

_table = schema.lease

# The longest lease; one that ends later was taken before the clock was set back, and is ignored.
LONGEST = timedelta(hours=1)


def take(connection: Connection, name: str, holder: str, *, now: datetime, seconds: float) -> bool:
    """Take a lease, or renew our own; returns whether it is ours.

    Raises ValueError for a lease over an hour.
    """
    length = timedelta(seconds=seconds)
    if length > LONGEST:
        raise ValueError(f"a lease of {length} is longer than {LONGEST}")
    statement = upsert_statement.insert(connection, _table).values(
        name=name, holder=holder, until=now + length
    )
    statement = statement.on_conflict_do_update(
        index_elements=["name"],
        set_={"holder": statement.excluded.holder, "until": statement.excluded.until},
        where=or_(_table.c.holder == holder, _table.c.until <= now, _table.c.until > now + LONGEST),
    )
    # The row count of an upsert differs between drivers; its returned rows do not.
    return connection.execute(statement.returning(_table.c.name)).first() is not None


def release(connection: Connection, name: str, holder: str) -> None:
    """Release a lease; does nothing to one of another holder."""
    connection.execute(delete(_table).where(_table.c.name == name, _table.c.holder == holder))


def holder(connection: Connection, name: str, *, now: datetime) -> str | None:
    """Return the current holder of a lease."""
    valid = select(_table.c.holder).where(_table.c.name == name, _table.c.until > now)
    return connection.execute(valid).scalar()
