"""Leases: who alone may do something for a while, such as the tick or a fit."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, or_, select

from larkpost.db import schema, upsert_statement

_table = schema.lease

# No lease is longer than this; one that ends later was taken before the clock was set back, and
# nobody should have to wait for it.
LONGEST = timedelta(hours=1)


def take(connection: Connection, name: str, holder: str, *, now: datetime, seconds: float) -> bool:
    """Take a lease, or lengthen one's own; tells whether it is ours now.

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
    # What an upsert counts differs between drivers; what it returns does not.
    return connection.execute(statement.returning(_table.c.name)).first() is not None


def release(connection: Connection, name: str, holder: str) -> None:
    """Give a lease back; does nothing to one that another holder has."""
    connection.execute(delete(_table).where(_table.c.name == name, _table.c.holder == holder))


def holder(connection: Connection, name: str, *, now: datetime) -> str | None:
    """Tell who has a lease at this moment."""
    valid = select(_table.c.holder).where(_table.c.name == name, _table.c.until > now)
    return connection.execute(valid).scalar()
