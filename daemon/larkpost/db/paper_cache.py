"""Caches recently read papers: building one from its row costs more than reading the row."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from threading import Lock
from typing import Any

from sqlalchemy import Connection, select, type_coerce
from sqlalchemy.types import NullType

from larkpost.db import schema
from larkpost.db.paper_rows import COLUMNS, get
from larkpost.db.value_batches import rows_among
from larkpost.domain import Paper

MOST = 10_000  # papers of about 3 KB each; the papers with a thumb of a year are about 7,000
# Raw values of the driver, so that comparing needs no conversion.
_RAW = select(*(type_coerce(column, NullType()).label(column.name) for column in COLUMNS))


class PaperCache:
    """Papers by id; each is reused while no column of its row has changed."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[int, tuple[int, Paper]] = OrderedDict()
        self._lock = Lock()

    def get(self, connection: Connection, ids: Collection[int]) -> dict[int, Paper]:
        """Read the papers with these ids, as ``papers.get`` does."""
        rows = {
            row.id: _fingerprint(tuple(row))
            for row in rows_among(connection, _RAW, schema.paper.c.id, set(ids))
        }
        with self._lock:
            kept = {paper_id: self._kept.get(paper_id) for paper_id in rows}
        found = {
            paper_id: known[1]
            for paper_id, known in kept.items()
            if known and known[0] == rows[paper_id]
        }
        new = get(connection, rows.keys() - found.keys())
        self._keep({paper_id: (rows[paper_id], paper) for paper_id, paper in new.items()}, found)
        return found | new

    def _keep(self, new: dict[int, tuple[int, Paper]], used: Collection[int]) -> None:
        with self._lock:
            for paper_id in used:
                if paper_id in self._kept:
                    self._kept.move_to_end(paper_id)
            self._kept.update(new)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


def _fingerprint(values: tuple[Any, ...]) -> int:
    """Return a number of 64 bits for the raw values of a row; hashing them costs the least."""
    try:
        return hash(values)
    except TypeError:  # PostgreSQL's driver returns lists of JSON
        return hash(repr(values))
