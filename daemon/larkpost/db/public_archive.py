"""The public papers by the days (UTC) on which they were first seen."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import ColumnElement, Connection, Date, Select, and_, func, select

from larkpost.db import schema
from larkpost.db.paper_rows import COLUMNS, PUBLIC, paper
from larkpost.domain import Paper

_seen = schema.paper.c.first_seen


def between(
    connection: Connection, first: date, last: date, *, limit: int, offset: int = 0
) -> list[Paper]:
    """Read the papers first seen from one day to another, both included, newest first."""
    rows = connection.execute(
        select(*COLUMNS)
        .where(_within(first, last))
        .order_by(_seen.desc(), schema.paper.c.id)
        .limit(limit)
        .offset(offset)
    )
    return [paper(row) for row in rows]


def per_day(
    connection: Connection, first: date = date.min, last: date = date.max
) -> dict[date, int]:
    """Count the papers of each day from one to another; days without any are left out."""
    # PostgreSQL uses the day in the session's zone, which the engine sets to UTC.
    day = func.date(_seen, type_=Date)
    counted = select(day, func.count()).where(_within(first, last)).group_by(day).order_by(day)
    return {row[0]: row[1] for row in connection.execute(counted)}


def before(connection: Connection, day: date) -> date | None:
    """Find the last day with papers before this day."""
    return _day(connection, select(_seen).where(_seen < _start(day)).order_by(_seen.desc()))


def after(connection: Connection, day: date) -> date | None:
    """Find the first day with papers after this day."""
    return _day(connection, select(_seen).where(_seen > _end(day)).order_by(_seen))


def latest(connection: Connection) -> date | None:
    """Find the last day with papers."""
    return _day(connection, select(_seen).order_by(_seen.desc()))


def _day(connection: Connection, statement: Select[Any]) -> date | None:
    moment: datetime | None = connection.execute(statement.where(PUBLIC).limit(1)).scalar()
    return None if moment is None else moment.date()


def _within(first: date, last: date) -> ColumnElement[bool]:
    return and_(PUBLIC, _seen >= _start(first), _seen <= _end(last))


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _end(day: date) -> datetime:
    return datetime.combine(day, time.max, UTC)
