"""Groups values, and splits long lists of them into batches that fit into one statement."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Delete, Row, Select, Update

K = TypeVar("K")
T = TypeVar("T")

# SQLite takes 32,766 values in a statement, PostgreSQL's protocol 65,535; plans are best far below.
BATCH = 1_000


def batches(values: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """Yield the values in order, at most ``size`` at a time."""
    rest = iter(values)
    while batch := list(islice(rest, size)):
        yield batch


def gather(pairs: Iterable[tuple[K, T]]) -> dict[K, list[T]]:
    """Collect the values of each key."""
    gathered: dict[K, list[T]] = {}
    for key, value in pairs:
        gathered.setdefault(key, []).append(value)
    return gathered


def rows_among(
    connection: Connection,
    statement: Select[*tuple[Any, ...]],
    column: ColumnElement[Any],
    values: Iterable[Any],
) -> Iterator[Row[*tuple[Any, ...]]]:
    """Read the rows in which a column has one of many values; in order within each batch."""
    for some in batches(values):
        yield from connection.execute(statement.where(column.in_(some)))


def write_among(
    connection: Connection,
    statement: Update | Delete,
    column: ColumnElement[Any],
    values: Iterable[Any],
) -> int:
    """Change or delete the rows in which a column has one of many values; returns their number."""
    return sum(
        connection.execute(statement.where(column.in_(some))).rowcount for some in batches(values)
    )


def split_by_weight(
    some: Sequence[T], weigh: Callable[[T], int], *, most: int, weight: int
) -> Iterator[list[T]]:
    """Split items, in order, into batches of at most ``most`` that weigh at most ``weight``.

    An item that weighs more is a batch of its own.
    """
    batch: list[T] = []
    total = 0
    for one in some:
        its = weigh(one)
        if batch and (len(batch) >= most or total + its > weight):
            yield batch
            batch, total = [], 0
        batch.append(one)
        total += its
    if batch:
        yield batch
