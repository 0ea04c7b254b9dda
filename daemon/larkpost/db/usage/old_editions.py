"""Deletes old editions of readers whose thumbs do not count for others.

Anybody can make hundreds of these. Each may have a hundred papers a day, which take 47 kB, so that
the readers of one surrounding network added 59 MB a day, for as long as somebody fetched a feed.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, func, select

from larkpost.db import schema
from larkpost.db.coordination.clock_steadiness import is_steady
from larkpost.db.value_batches import batches

if TYPE_CHECKING:
    from larkpost.db.engine import Store

# Kept of a reader in any case: a feed shows the papers of ten editions, which have up to a hundred.
MOST_PICKS = 1_000
KEEP_FOR = timedelta(days=31)  # as a catch-up edition reaches back
AT_ONCE = 20  # editions that are deleted in one transaction

_edition, _pick = schema.edition.c, schema.pick.c


def drop(store: Store, reader_ids: Collection[int], *, now: datetime, window: timedelta) -> int:
    """Delete the old editions of those of these readers who do not count; returns their number.

    The newest ones with ``MOST_PICKS`` papers in all stay, and those of the last ``KEEP_FOR``, or
    of the ``window`` of candidates if that is longer: no paper is recommended again. None is
    deleted soon after the clock jumped.
    """
    before = now - max(KEEP_FOR, window)
    with store.read() as connection:
        if not is_steady(connection, now):
            return 0
        old = [one for some in batches(reader_ids) for one in _find(connection, some, before)]
    for some in batches(old, AT_ONCE):
        with store.begin() as connection:
            connection.execute(delete(schema.edition).where(_edition.id.in_(some)))
    return len(old)


def _find(connection: Connection, reader_ids: Collection[int], before: datetime) -> list[int]:
    """Find the old editions of these readers, by number."""
    reader = schema.reader.c
    strangers = select(reader.id).where(reader.id.in_(reader_ids), reader.counts_from.is_(None))
    size = select(func.count()).where(_pick.edition_id == _edition.id)
    sized = (
        select(schema.edition, size.correlate(schema.edition).scalar_subquery().label("size"))
        .where(_edition.reader_id.in_(strangers))
        .subquery()
        .c
    )
    total = func.sum(sized.size).over(partition_by=sized.reader_id, order_by=sized.date.desc())
    counted = select(sized.id, sized.published_at, total.label("total")).subquery().c
    old = select(counted.id).where(counted.published_at < before, counted.total > MOST_PICKS)
    return list(connection.execute(old).scalars())
