"""Changes the interests of a reader: their words, their share, their number in feeds."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, delete, insert, select, update

from larkpost.db import readers, row_ids, schema
from larkpost.domain import Interest
from larkpost.errors import UsageError
from larkpost.text.normalize import one_line


def set_interest(
    connection: Connection, reader_id: int, name: str, *, words: Iterable[str] = (), quota: int = 1
) -> Interest:
    """Write an interest of a reader, new or known by its name; raises UsageError for quota < 1."""
    if quota < 1:
        raise UsageError(f"a quota of {quota} is not possible", hint="give 1 or more")
    table = schema.interest
    mine = (table.c.reader_id == reader_id, table.c.name == name)
    values = {"words": list(words), "quota": quota}
    if connection.execute(update(table).where(*mine).values(values)).rowcount == 0:
        connection.execute(insert(table).values(reader_id=reader_id, name=name, **values))
    return readers.read_interest(connection.execute(select(table).where(*mine)).one())


def number_interest(connection: Connection, reader_id: int, name: str, number: int | None) -> None:
    """Give an interest without references its number in feeds, if that is free."""
    if (own := row_ids.free(connection, schema.interest, number)) is not None:
        table = schema.interest
        mine = (table.c.reader_id == reader_id, table.c.name == name)
        connection.execute(update(table).where(*mine).values(id=own))
        row_ids.count_on(connection, table)


def remove_interest(connection: Connection, reader_id: int, name: str) -> None:
    """Remove an interest; its votes go to the first remaining one.

    Raises UsageError if there is none of that name, or if it is the reader's last one.
    """
    interests = readers.get(connection, reader_id).interests
    if name not in {interest.name for interest in interests}:
        raise UsageError(f"there is no interest called {one_line(name)!r}")
    if len(interests) == 1:
        raise UsageError(
            f"{one_line(name)!r} is the last interest", hint="change its words instead"
        )
    table = schema.interest
    connection.execute(delete(table).where(table.c.reader_id == reader_id, table.c.name == name))
