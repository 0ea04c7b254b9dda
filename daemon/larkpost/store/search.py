"""Finds the papers that anybody may see by their words, in one way on both databases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from larkpost.store import index, tables
from larkpost.store.paper_rows import COLUMNS, PUBLIC, RECOMMENDABLE, paper
from larkpost.store.queries import Query, Term, parse
from larkpost.store.wording import stems, telling

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

    from larkpost.domain import Paper

__all__ = ["Found", "Query", "Term", "find", "kin", "parse"]


@dataclass(frozen=True, slots=True)
class Found:
    """A page of what was found, and how many papers there are in all."""

    papers: tuple[Paper, ...]
    total: int


def find(
    connection: Connection, query: Query, *, limit: int, offset: int = 0, newest: bool = False
) -> Found:
    """Find the papers that a query asks for: the most relevant first, then the newest.

    Without a wanted term, or where the ``newest`` are asked for, these come first. Both databases
    find the same papers; how they weigh relevance differs a little.
    """
    if query.lost:
        return Found((), 0)
    column = tables.paper.c
    source, order = tables.paper.select().with_only_columns(*COLUMNS), []
    if query.wanted:
        hits = index.hits(connection, query.wanted).subquery()
        source = source.join(hits, hits.c.id == column.id)
        order = [] if newest else [hits.c.relevance.desc()]
    source = source.where(*_bounds(connection, query))
    total = connection.execute(
        source.with_only_columns(func.count(), maintain_column_froms=True)
    ).scalar_one()
    ordered = source.order_by(*order, column.first_seen.desc(), column.id)
    rows = connection.execute(ordered.limit(limit).offset(offset))
    return Found(tuple(paper(row) for row in rows), total)


def kin(connection: Connection, of: Paper, *, limit: int) -> list[Paper]:
    """Find papers to recommend beside this one: those that share most words with its title first.

    A rough net, to be sorted by who knows more about closeness.
    """
    terms = [Term((word,), tuple(stems(word))) for word in telling(of.title)]
    if not terms:
        return []
    hits = index.hits(connection, terms, some=True).subquery()
    column = tables.paper.c
    statement = (
        select(*COLUMNS)
        .join(hits, hits.c.id == column.id)
        .where(RECOMMENDABLE, column.id != of.id)
        .order_by(hits.c.relevance.desc(), column.first_seen.desc(), column.id)
        .limit(limit)
    )
    return [paper(row) for row in connection.execute(statement)]


def _bounds(connection: Connection, query: Query) -> list[ColumnElement[bool]]:
    seen: ColumnElement[Any] = tables.paper.c.first_seen
    return [
        PUBLIC,
        *([seen >= query.since] if query.since else []),
        *([seen <= query.until] if query.until else []),
        *([index.without(connection, query.excluded)] if query.excluded else []),
    ]
