"""Caches the votes of readers: making one from its row costs five times as much as the row."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from threading import Lock

from sqlalchemy import Connection, select, type_coerce
from sqlalchemy.types import NullType

from larkpost.db import schema, votes
from larkpost.db.value_batches import gather, rows_among
from larkpost.domain import Vote

MOST = 40_000  # votes of about 300 bytes each
_vote = schema.vote.c
_READ = _vote.reader_id, _vote.paper_id, _vote.thumb, _vote.interest_id, _vote.source, _vote.at
# Raw values of the driver, so that comparing needs no conversion.
_RAW = select(*(type_coerce(column, NullType()).label(column.name) for column in _READ)).order_by(
    _vote.reader_id, _vote.at, _vote.paper_id
)


class VoteCache:
    """Votes by reader; each is reused while its row is the same."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._count = 0
        self._kept: OrderedDict[int, dict[int, Vote]] = OrderedDict()
        self._lock = Lock()

    def of_many(
        self, connection: Connection, reader_ids: Collection[int]
    ) -> dict[int, Sequence[Vote]]:
        """Read the votes of each of these readers, as ``votes.of_many`` does."""
        rows = gather(
            (row.reader_id, (row.paper_id, hash(tuple(row))))
            for row in rows_among(connection, _RAW, _vote.reader_id, reader_ids)
        )
        found: dict[int, Sequence[Vote]] = {}
        for reader_id in reader_ids:
            mine = self._made(connection, reader_id, dict(rows.get(reader_id, ())))
            self._keep(reader_id, mine)
            found[reader_id] = list(mine.values())
        return found

    def _made(
        self, connection: Connection, reader_id: int, names: Mapping[int, int]
    ) -> dict[int, Vote]:
        """Return a reader's votes by the names of their rows; ``names`` are those by paper."""
        with self._lock:
            known = self._kept.get(reader_id, {})
        new = [paper_id for paper_id, name in names.items() if name not in known]
        made = {vote.paper_id: vote for vote in votes.on_papers(connection, reader_id, new)}
        both = ((name, made.get(paper_id) or known.get(name)) for paper_id, name in names.items())
        return {name: vote for name, vote in both if vote}  # one that was deleted just now is none

    def _keep(self, reader_id: int, mine: dict[int, Vote]) -> None:
        with self._lock:
            self._count += len(mine) - len(self._kept.pop(reader_id, ()))
            self._kept[reader_id] = mine
            while self._count > self._most:
                self._count -= len(self._kept.popitem(last=False)[1])
