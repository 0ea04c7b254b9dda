"""The papers shown to readers in recent editions, with or without a thumb."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from larkpost.db import readers, schema
from larkpost.db.value_batches import rows_among


class Shown(NamedTuple):
    """A paper in a reader's edition; ``interest_id`` is that which chose it, if one did."""

    edition_id: int
    paper_id: int
    interest_id: int | None
    at: datetime  # when the edition was published


def since(connection: Connection, reader_ids: Collection[int], day: date) -> dict[int, list[Shown]]:
    """Read the papers shown to each of these readers from a local day on, oldest edition first.

    Editions of readers merged into them count.
    """
    edition, pick = schema.edition.c, schema.pick.c
    found: dict[int, list[Shown]] = {reader_id: [] for reader_id in reader_ids}
    owners = {one.id: one.merged_into for one in readers.former(connection, found)}
    columns = edition.reader_id, edition.id, pick.paper_id, pick.interest_id, edition.published_at
    statement = (
        select(*columns)
        .join_from(schema.edition, schema.pick)
        .where(edition.date >= day)
        .order_by(edition.date, edition.id, pick.position)
    )
    for reader_id, *told in rows_among(connection, statement, edition.reader_id, [*found, *owners]):
        found[owners.get(reader_id) or reader_id].append(Shown(*told))
    return found
