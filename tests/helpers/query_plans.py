"""Records the SQL statements of some work, and finds those that read whole tables."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, event

from larkpost.db import schema
from larkpost.db.search import index

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from larkpost.db.engine import Store

# Tables that stay small: a row per job, per source (for growth: and hour of two days), and per page
# of a day that still grows.
SMALL = frozenset(
    ("job_status", "lease", "polled_page", "polled_source", "source_growth", "tfidf_model")
)
# All others grow with papers, readers or days.
GROWING = frozenset((*schema.metadata.tables, index.NAME)) - SMALL
_SQLITE_SCAN = re.compile(r"SCAN (\w+)(?! VIRTUAL TABLE INDEX \d+:[=<>M])(?P<ordered> USING)?")
_SORTED_AFTERWARDS = "USE TEMP B-TREE FOR ORDER BY"
# PostgreSQL reads everything below these nodes to the end.
_READ_ALL = frozenset(("Aggregate", "Hash", "Sort", "Materialize", "WindowAgg", "Unique"))
_READS = ("SELECT", "UPDATE", "DELETE", "WITH", "INSERT")


@dataclass(frozen=True, slots=True)
class Scan:
    """A statement that reads all of a growing table."""

    table: str
    statement: str


@contextmanager
def recorded_statements() -> Iterator[dict[str, Any]]:
    """Collect the statements sent to all engines, each with its newest parameters."""
    statements: dict[str, Any] = {}

    def record(_conn: object, _cursor: object, statement: str, values: Any, *_rest: Any) -> None:
        if statement.lstrip().upper().startswith(_READS):
            many = isinstance(values, list)
            statements[statement] = values[0] if many and values else values

    event.listen(Engine, "before_cursor_execute", record)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", record)


def find_scans(store: Store, statements: Mapping[str, Any]) -> list[Scan]:
    """Let the database explain each statement; returns the scans of growing tables."""
    explain = _sqlite_scans if store.engine.dialect.name == "sqlite" else _postgres_scans
    with store.read() as connection:
        if explain is _postgres_scans:  # a remaining sequential scan has no usable index
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        return [
            Scan(table, statement)
            for statement, values in statements.items()
            for table in explain(connection, statement, values)
        ]


def _sqlite_scans(connection: Connection, statement: str, values: Any) -> set[str]:
    rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
    steps = [row[3] for row in rows]
    # An index scan ends at the limit, unless everything is sorted first.
    limited = " LIMIT " in statement and _SORTED_AFTERWARDS not in steps
    found = [match for step in steps if (match := _SQLITE_SCAN.match(step))]
    names = {match[1] for match in found if not (limited and match["ordered"])}
    names |= _inner_full_text(rows)
    aliases = _aliases(statement)
    return {aliases.get(name, name) for name in names} & GROWING


def find_sorts(store: Store, statements: Mapping[str, Any]) -> list[str]:
    """Let the database explain each statement; returns those that sort all rows they find."""
    is_sqlite = store.engine.dialect.name == "sqlite"
    found = []
    with store.read() as connection:
        for statement, values in statements.items():
            if is_sqlite:
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
                sorts = any(row[3] == _SORTED_AFTERWARDS for row in plan.all())
            else:
                for node in ("seqscan", "bitmapscan", "sort"):  # what remains has no usable index
                    connection.exec_driver_sql(f"SET LOCAL enable_{node} = off")
                plan = connection.exec_driver_sql(f"EXPLAIN {statement}", values)
                sorts = any(re.match(r"\W*Sort\b(?! Key)", line) for line in plan.scalars())
            found += [statement] * sorts
    return found


def _inner_full_text(rows: Sequence[Any]) -> set[str]:
    """Find full-text tables that are queried again for every row of the preceding table."""
    first_of: dict[int, str] = {}
    again = set()
    for _, parent, _, step in rows:
        if " VIRTUAL TABLE " in step and parent in first_of:
            again.add(index.NAME)
        if step.startswith(("SCAN", "SEARCH")):
            first_of.setdefault(parent, step)
    return again


def _postgres_scans(connection: Connection, statement: str, values: Any) -> set[str]:
    (plan,) = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", values).scalars()
    tree = json.loads(plan) if isinstance(plan, str) else plan
    return set(_whole_tables(tree[0]["Plan"], limited=False)) & GROWING


def _whole_tables(node: dict[str, Any], *, limited: bool) -> Iterator[str]:
    kind = node["Node Type"]
    along_index = kind in {"Index Scan", "Index Only Scan"} and "Index Cond" not in node
    if kind == "Seq Scan" or (along_index and not limited):
        yield node["Relation Name"]
    limited = kind == "Limit" or (limited and kind not in _READ_ALL)
    for child in node.get("Plans", ()):
        yield from _whole_tables(child, limited=limited)


def _aliases(statement: str) -> dict[str, str]:
    """Parse the table of each alias of a statement."""
    found = re.findall(r"\b(?:FROM|JOIN|,)\s+(\w+) AS (\w+)", statement)
    return {alias: table for table, alias in found}
