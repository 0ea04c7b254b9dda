"""Stores fitted TF-IDF models: caches that can be fitted again; the newest one counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select

from larkpost.db import schema

_table = schema.tfidf_model


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A stored TF-IDF model: its number of papers, the time of their last change, and its bytes."""

    id: int
    fitted_at: datetime
    paper_count: int
    corpus_updated_at: datetime | None
    body: bytes = field(repr=False)


def save_model(
    connection: Connection,
    body: bytes,
    *,
    paper_count: int,
    corpus_updated_at: datetime | None,
    now: datetime,
) -> int:
    """Store a model in addition to earlier ones; returns its number."""
    values = {
        "fitted_at": now,
        "paper_count": paper_count,
        "corpus_updated_at": corpus_updated_at,
        "body": body,
    }
    statement = insert(_table).values(values).returning(_table.c.id)
    number: int = connection.execute(statement).scalar_one()
    return number


def newest_model(connection: Connection) -> StoredModel | None:
    """Read the model that was stored last."""
    return next(models(connection), None)


def newest_facts(connection: Connection) -> StoredModel | None:
    """Read the newest model without its bytes, which are large: they are left empty."""
    columns = _table.c.id, _table.c.fitted_at, _table.c.paper_count, _table.c.corpus_updated_at
    row = connection.execute(select(*columns).order_by(_table.c.id.desc()).limit(1)).one_or_none()
    return (
        None
        if row is None
        else StoredModel(row.id, row.fitted_at, row.paper_count, row.corpus_updated_at, b"")
    )


def models(connection: Connection) -> Iterator[StoredModel]:
    """Read the stored models, newest first, one at a time because they are large."""
    numbers = connection.execute(select(_table.c.id).order_by(_table.c.id.desc())).scalars().all()
    for number in numbers:
        row = connection.execute(select(_table).where(_table.c.id == number)).one_or_none()
        if row is not None:
            yield StoredModel(
                row.id, row.fitted_at, row.paper_count, row.corpus_updated_at, row.body
            )


def newest_id(connection: Connection) -> int | None:
    """Return the id of the newest model, to compare with a model in memory."""
    return connection.execute(select(func.max(_table.c.id))).scalar()


def prune(connection: Connection, keep: int = 2) -> int:
    """Delete all except the newest ``keep`` models; returns the number deleted."""
    kept = select(_table.c.id).order_by(_table.c.id.desc()).limit(keep).scalar_subquery()
    return connection.execute(delete(_table).where(_table.c.id.not_in(kept))).rowcount
