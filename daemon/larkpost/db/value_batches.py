"""Splits long lists of values into batches that fit into one statement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

# SQLite takes 32,766 values in a statement, PostgreSQL's protocol 65,535; plans are best far below.
BATCH = 1_000


def batches(values: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """Yield the values in order, at most ``size`` at a time."""
    rest = iter(values)
    while batch := list(islice(rest, size)):
        yield batch
