"""What each polled source, and each sender of mails, added to the database, by hour.

It is written in the transaction that adds the papers: what a dump added counts even if the rest of
it was never read. Only what its own records added counts, whoever else lists the same papers.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, Text, cast, delete, func, or_, select

from larkpost.db import schema, upsert_statement

_table, _merged = schema.tables.source_growth, schema.tables.merged_record
_KEEP_FOR = timedelta(days=2)
_FIRST = "first"  # ``MatchRule.FIRST``, of a module that takes long to import


class Growth(NamedTuple):
    """How many papers are new, and how many characters they and changed texts added."""

    papers: int = 0
    characters: int = 0


def add(connection: Connection, account: str, growth: Growth, *, now: datetime) -> None:
    """Add to what an account, such as ``source a-blog``, added in this hour; prunes old hours."""
    if growth == Growth():
        return
    hour = now.replace(minute=0, second=0, microsecond=0)
    statement = upsert_statement.insert(connection, _table).values(
        account=_digest(account), hour=hour, papers=growth.papers, characters=growth.characters
    )
    statement = statement.on_conflict_do_update(
        index_elements=["account", "hour"],
        set_={
            "papers": _table.c.papers + statement.excluded.papers,
            "characters": _table.c.characters + statement.excluded.characters,
        },
    )
    connection.execute(statement)
    connection.execute(delete(_table).where(_table.c.hour < now - _KEEP_FOR))


def since(connection: Connection, account: str, moment: datetime, *, now: datetime) -> Growth:
    """Add up what an account added since a time; hours after ``now`` are of a wrong clock."""
    sums = select(func.sum(_table.c.papers), func.sum(_table.c.characters)).where(
        _table.c.account == _digest(account), _table.c.hour.between(moment, now)
    )
    papers, characters = connection.execute(sums).one()
    return Growth(int(papers or 0), int(characters or 0))


def last_logged(connection: Connection) -> int:
    """Return the number of the last merged record, for ``count_logged``."""
    return connection.execute(select(func.max(_merged.c.id))).scalar() or 0


def count_logged(connection: Connection, after: int, source: str) -> int:
    """Count the characters of the merged records that were logged ``after`` another one.

    They are kept, whatever their papers took of them. The first record of a paper is logged
    together with the second one; it counts only if it came from the same ``source``.
    """
    length = func.sum(func.length(cast(_merged.c.content, Text)))
    own = select(schema.dump.c.digest).where(schema.dump.c.source == source)
    theirs = or_(_merged.c.rule != _FIRST, _merged.c.dump_digest.in_(own))
    return int(connection.execute(select(length).where(_merged.c.id > after, theirs)).scalar() or 0)


def _digest(account: str) -> str:
    return hashlib.sha256(account.encode("utf-8", "surrogatepass")).hexdigest()
