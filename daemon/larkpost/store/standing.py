"""How a reader's feed stands: what it shows and whether that changed, without reading it whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, cast, func, select

from larkpost.store import tables

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Standing:
    """Some of a reader's editions, the newest first, out of ``total``.

    ``changed`` is when the last of them came out or a paper in one was corrected, None for no
    edition. ``measures`` differ where what is told of a paper does and no date moved.
    """

    editions: tuple[int, ...]
    total: int
    changed: datetime | None
    measures: tuple[int, ...]


def latest(connection: Connection, reader_id: int, limit: int) -> Standing:
    """Tell how the reader's last editions stand."""
    table = tables.edition.c
    newest = select(table.id, table.published_at).where(table.reader_id == reader_id)
    rows = connection.execute(newest.order_by(table.date.desc()).limit(limit)).all()
    return _standing(connection, reader_id, rows)


def page(connection: Connection, reader_id: int, number: int, size: int) -> Standing:
    """Tell how a page of ``size`` editions stands, counted from 1, which has the oldest."""
    table = tables.edition.c
    oldest = select(table.id, table.published_at).where(table.reader_id == reader_id)
    some = oldest.order_by(table.date).offset((number - 1) * size).limit(size)
    return _standing(connection, reader_id, connection.execute(some).all()[::-1])


def _standing(connection: Connection, reader_id: int, rows: Sequence[Any]) -> Standing:
    column = tables.edition.c.reader_id
    total = connection.execute(select(func.count()).where(column == reader_id)).scalar_one()
    ids = tuple(row.id for row in rows)
    corrected, measures = _measured(connection, ids)
    dates = [*(row.published_at for row in rows), *([corrected] if corrected else [])]
    return Standing(ids, total, max(dates, default=None), measures)


def _measured(
    connection: Connection, ids: Sequence[int]
) -> tuple[datetime | None, tuple[int, ...]]:
    """Give the last correction, then lengths of all that is told: a text changed has another."""
    pick, paper, like = tables.pick, tables.paper, tables.paper.alias()
    told = (
        func.length(paper.c.title) + func.length(paper.c.abstract)
        + func.length(cast(paper.c.authors, Text)) + func.length(cast(paper.c.categories, Text))
        + func.length(func.coalesce(paper.c.url, ""))
        + func.length(paper.c.scheme) + func.length(paper.c.value)
    )  # fmt: skip  # an operator a line would not say more
    measured = (
        select(
            func.max(paper.c.updated),
            func.sum(told),
            func.sum(func.length(like.c.title)),
            func.count(),
        )
        .select_from(pick)
        .join(paper, paper.c.id == pick.c.paper_id)
        .outerjoin(like, like.c.id == pick.c.like_id)
        .where(pick.c.edition_id.in_(ids))
    )
    corrected, *measures = connection.execute(measured).one()
    return corrected, tuple(measure or 0 for measure in measures)
