"""Finds public papers by their words, with the same results on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CTE, ColumnElement, Connection, Select, func, select
from sqlalchemy.exc import DBAPIError

from larkpost.db import schema
from larkpost.db.engine import time_limit
from larkpost.db.errors import is_interruption
from larkpost.db.paper_rows import COLUMNS, PUBLIC, RECOMMENDABLE, paper
from larkpost.db.search import index
from larkpost.db.search.query import Query, SearchTerm, parse
from larkpost.db.search.tokenize import stems, telling
from larkpost.domain import Paper
from larkpost.errors import Busy

_paper = schema.paper

__all__ = ["Query", "SearchResult", "SearchTerm", "count", "find", "kin", "parse"]

SECONDS = 5.0  # limit of a search; the slowest takes half a second at 100,000 papers


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A page of results, and the total number of papers found."""

    papers: tuple[Paper, ...]
    total: int


def find(
    connection: Connection,
    query: Query,
    *,
    limit: int,
    offset: int = 0,
    newest: bool = False,
    seconds: float = SECONDS,
) -> SearchResult:
    """Find the papers of a query: the most relevant first, then the newest.

    Without a wanted term, or with ``newest``, the newest come first. Both databases find the same
    papers; their relevance weights differ a little. A search that takes longer than ``seconds``
    ends the transaction with Busy.
    """
    if query.is_unreadable:
        return SearchResult((), 0)
    column, every = _paper.c, _matching(connection, query)
    newest_first = [column.first_seen.desc(), column.id]
    page = every.order_by(*newest_first)
    if query.wanted and not newest:
        hits = _index_first(index.hits(connection, query.wanted))
        page = select(column.id).join(hits, hits.c.id == column.id)
        page = page.order_by(hits.c.relevance.desc(), *newest_first)
    page = page.where(*_bounds(connection, query)).limit(limit).offset(offset)
    total = count(connection, query, seconds=seconds)
    with _limit_time(connection, seconds):
        return SearchResult(_papers(connection, page), total)


def count(connection: Connection, query: Query, *, seconds: float = SECONDS) -> int:
    """Count the papers of a query, with the time limit of ``find``."""
    if query.is_unreadable:
        return 0
    every = _matching(connection, query).where(*_bounds(connection, query))
    counted = every.with_only_columns(func.count(), maintain_column_froms=True)
    with _limit_time(connection, seconds):
        total: int = connection.execute(counted).scalar_one()
    return total


def _matching(connection: Connection, query: Query) -> Select[Any]:
    """Select the ids of the papers with the wanted words."""
    if not query.wanted:
        return select(_paper.c.id)
    matches = _index_first(index.matches(connection, query.wanted))
    return select(_paper.c.id).join(matches, matches.c.id == _paper.c.id)


@contextmanager
def _limit_time(connection: Connection, seconds: float) -> Iterator[None]:
    try:
        with time_limit(connection, seconds):
            yield
    except DBAPIError as error:
        if not is_interruption(error):
            raise
        hint = "use fewer words, or rarer ones"
        raise Busy("the search took too long", hint=hint) from error


def kin(connection: Connection, of: Paper, *, limit: int) -> list[Paper]:
    """Find recommendable papers like this one; those that share most words with its title first.

    This is a rough selection, to be sorted by similarity.
    """
    terms = [SearchTerm((word,), tuple(stems(word))) for word in telling(of.title)]
    if not terms:
        return []
    hits = _index_first(index.hits(connection, terms, some=True))
    page = (
        select(_paper.c.id)
        .join(hits, hits.c.id == _paper.c.id)
        .where(RECOMMENDABLE, _paper.c.id != of.id)
        .order_by(hits.c.relevance.desc(), _paper.c.first_seen.desc(), _paper.c.id)
        .limit(limit)
    )
    return list(_papers(connection, page))


def _index_first(hits: Select[Any]) -> CTE:
    """Make the database read the index first, once.

    Otherwise SQLite may scan the papers and query the full-text index for each of them, which took
    4 seconds for a phrase at 11,200 papers.
    """
    return hits.cte("hits").prefix_with("MATERIALIZED")


def _papers(connection: Connection, page: Select[Any]) -> tuple[Paper, ...]:
    """Read the papers whose ids a query selects, in its order.

    Only the ids are sorted, because sorting all matches with their abstracts is slow.
    """
    ids = list(connection.execute(page).scalars())
    chosen = select(*COLUMNS).where(_paper.c.id.in_(ids))
    found = {row.id: paper(row) for row in connection.execute(chosen)} if ids else {}
    return tuple(found[number] for number in ids)


def _bounds(connection: Connection, query: Query) -> list[ColumnElement[bool]]:
    seen: ColumnElement[Any] = _paper.c.first_seen
    return [
        PUBLIC,
        *([seen >= query.since] if query.since else []),
        *([seen <= query.until] if query.until else []),
        *([index.without(connection, query.excluded)] if query.excluded else []),
    ]
