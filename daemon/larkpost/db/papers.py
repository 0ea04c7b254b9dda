"""Ingests papers, and finds them by identifier, by words, or by the day first seen."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Select, case, func, select, true, union

from larkpost.db import schema
from larkpost.db.matching.paper_names import first_of as first_names
from larkpost.db.matching.paper_names import of as names
from larkpost.db.matching.paper_names import owners
from larkpost.db.paper_rows import COLUMNS, PUBLIC, PUBLIC_UNINDEXED, RECOMMENDABLE, get, paper
from larkpost.db.value_batches import rows_among
from larkpost.domain import Identifier, Paper
from larkpost.text.unverified import Unverified

if TYPE_CHECKING:
    from larkpost.db.matching.comparison.text_comparer import TextComparer
    from larkpost.db.matching.merge_log import RecordOrigin
    from larkpost.db.matching.paper_matcher import MatchOutcome
    from larkpost.db.matching.paper_query import PaperQuery
    from larkpost.db.matching.paper_upsert import (
        UpsertedPaper,
        absorb,
        absorb_prepared,
        compare_ahead,
        prepare,
        take_turns,
    )

__all__ = [
    "Extent",
    "MatchOutcome",
    "PaperQuery",
    "RecordOrigin",
    "TextComparer",
    "UpsertedPaper",
    "absorb",
    "absorb_prepared",
    "by_identifier",
    "by_uid",
    "candidate_marks",
    "candidates",
    "compare_ahead",
    "corpus",
    "count",
    "count_candidates",
    "current_ids",
    "extent",
    "first_names",
    "fresh",
    "get",
    "iterate",
    "names",
    "newest_sources",
    "owners",
    "prepare",
    "recommendable_marks",
    "take_turns",
    "unverified",
]


# The ingesting part is imported on first use: it compares texts, and importing its libraries would
# cost a read-only command a quarter of its time.
_FROM_ABSORBING = {
    "MatchOutcome": "paper_matcher",
    "PaperQuery": "paper_query",
    "RecordOrigin": "merge_log",
    "UpsertedPaper": "paper_upsert",
    "absorb": "paper_upsert",
    "absorb_prepared": "paper_upsert",
    "compare_ahead": "paper_upsert",
    "prepare": "paper_upsert",
    "TextComparer": "comparison.text_comparer",
    "take_turns": "paper_upsert",
}


def __getattr__(name: str) -> Any:
    """Import names of ``larkpost.db.matching`` on first use (PEP 562)."""
    if module := _FROM_ABSORBING.get(name):
        return getattr(import_module(f"larkpost.db.matching.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@dataclass(frozen=True, slots=True)
class Extent:
    """The number of papers, and the time of the latest change of a text."""

    count: int
    updated: datetime | None


def by_identifier(connection: Connection, identifier: Identifier) -> Paper | None:
    """Find the paper with this identifier, whether it is the main one or another."""
    table = schema.identifier
    statement = (
        select(*COLUMNS)
        .join(table, table.c.paper_id == schema.paper.c.id)
        .where(table.c.scheme == identifier.scheme, table.c.value == identifier.value)
    )
    row = connection.execute(statement).one_or_none()
    return None if row is None else paper(row)


def by_uid(connection: Connection, uid: str) -> Paper | None:
    """Find a public paper by its uid, or by the uid of a paper merged into it."""
    former = schema.tables.former_paper.c
    for mine in (
        schema.paper.c.uid == uid,
        schema.paper.c.id.in_(select(former.paper_id).where(former.uid == uid)),
    ):
        row = connection.execute(select(*COLUMNS).where(mine, PUBLIC)).one_or_none()
        if row is not None:
            return paper(row)
    return None


def current_ids(connection: Connection, ids: Iterable[int]) -> list[int]:
    """Replace the ids of merged papers by those they were merged into."""
    former, wanted = schema.tables.former_paper.c, list(ids)
    rows = rows_among(connection, select(former.id, former.paper_id), former.id, wanted)
    now = {row.id: row.paper_id for row in rows}
    return [now.get(one, one) for one in wanted]


def candidates(connection: Connection, *, at: datetime, window: timedelta) -> list[Paper]:
    """Read the papers first seen in the ``window`` before ``at``, newest first.

    A paper of an older dump counts too when the dump was read in that window.
    """
    return _read(connection, _newest_first().where(*fresh(at, window)))


def candidate_marks(
    connection: Connection, *, at: datetime, window: timedelta, limit: int
) -> list[tuple[int, datetime]]:
    """Read the ids of the newest ``limit`` of ``candidates``, with each text's last change."""
    return _marks(connection, fresh(at, window), limit)


def recommendable_marks(
    connection: Connection, *, until: datetime, limit: int
) -> list[tuple[int, datetime]]:
    """Do the same for the newest papers that may be recommended, first seen up to ``until``."""
    return _marks(connection, [*_between(None, until), RECOMMENDABLE], limit)


def corpus(
    connection: Connection,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int | None = None,
    withdrawn: bool = True,
) -> list[Paper]:
    """Read the public papers first seen after ``since`` up to ``until``, newest ``limit`` first.

    Without ``withdrawn`` only papers that may be recommended.
    """
    bounds = [*_between(since, until), PUBLIC if withdrawn else RECOMMENDABLE]
    return _read(connection, _newest_first().where(*bounds).limit(limit))


def newest_sources(connection: Connection, *, limit: int) -> list[tuple[int, str | None]]:
    """Read the ids of the newest public papers, each with the source of its text.

    As ``text.unverified.own_source``: None for an authority.
    """
    column = schema.paper.c
    is_doubtful = column.unverified.bitwise_and(int(Unverified.RANKED)) != 0
    source = case((is_doubtful, func.coalesce(column.text_source, "")))
    newest = _newest_first().with_only_columns(column.id, source.label("source"))
    rows = connection.execute(newest.where(PUBLIC).limit(limit))
    return [(row.id, row.source) for row in rows]


def count(connection: Connection) -> int:
    """Count the public papers."""
    counted = select(func.count()).select_from(schema.paper).where(PUBLIC)
    return connection.execute(counted).scalar_one()


def count_candidates(connection: Connection, *, at: datetime, window: timedelta) -> int:
    """Count the papers that ``candidates`` reads."""
    counted = select(func.count()).select_from(schema.paper).where(*fresh(at, window))
    return connection.execute(counted).scalar_one()


def fresh(at: datetime, window: timedelta) -> list[ColumnElement[bool]]:
    """Make the condition of candidates: see ``candidates``.

    Withdrawn papers are excluded. Each of the two conditions uses its own index: for a single
    condition with OR, the databases read every older paper, which took 0.13 s at 100,000.
    """
    since, seen, come = at - window, schema.paper.alias("seen").c, schema.paper.alias("come").c
    lately = union(
        select(seen.id).where(seen.first_seen > since, seen.first_seen <= at),
        select(come.id).where(
            come.ingested_at > since, come.ingested_at <= at, come.first_seen <= at
        ),
    )
    paper = schema.paper.c
    return [PUBLIC_UNINDEXED, paper.withdrawn.is_not(true()), paper.id.in_(lately)]


def extent(connection: Connection) -> Extent:
    """Return the size and age of the corpus, by which a stored model is checked.

    Private papers do not count: no model is fitted to them, so none becomes stale by them.
    """
    # Two statements: a single one would look for the date in every row.
    return Extent(count(connection), latest_change(connection))


def latest_change(connection: Connection) -> datetime | None:
    """Return when a public paper was last added or changed; None if there is none."""
    found = connection.execute(select(func.max(schema.paper.c.updated)).where(PUBLIC))
    latest: datetime | None = found.scalar_one()
    return latest


def unverified(connection: Connection, ids: Collection[int]) -> dict[int, Paper]:
    """Read those of these papers whose title or abstract is from a source that is no authority."""
    table = schema.paper.c
    texts = int(Unverified.TITLE | Unverified.ABSTRACT)
    doubtful = select(*COLUMNS).where(table.unverified.bitwise_and(texts) != 0)
    return {row.id: paper(row) for row in rows_among(connection, doubtful, table.id, ids)}


def iterate(connection: Connection) -> Iterator[Paper]:
    """Read every public paper in the order of their arrival, a batch in memory at a time."""
    statement = select(*COLUMNS).where(PUBLIC).order_by(schema.paper.c.id)
    result = connection.execute(statement, execution_options={"yield_per": 1_000})
    return (paper(row) for row in result)


def _marks(
    connection: Connection, bounds: Sequence[ColumnElement[bool]], limit: int
) -> list[tuple[int, datetime]]:
    statement = _newest_first().with_only_columns(schema.paper.c.id, schema.paper.c.updated)
    rows = connection.execute(statement.where(*bounds).limit(limit))
    return [(row.id, row.updated) for row in rows]


def _newest_first() -> Select[Any]:
    return select(*COLUMNS).order_by(schema.paper.c.first_seen.desc(), schema.paper.c.id)


def _between(since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    seen = schema.paper.c.first_seen
    return [
        *([seen > since] if since is not None else []),
        *([seen <= until] if until is not None else []),
    ]


def _read(connection: Connection, statement: Select[Any]) -> list[Paper]:
    return [paper(row) for row in connection.execute(statement)]
