"""Counts the usage of quotas: private papers, in number and bytes, and thumbs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from larkpost.db import schema
from larkpost.domain import PaperRecord

# A private paper needs its row, its names and their indexes: at most this number of bytes in the
# database per byte of its text, plus a constant. A test measures it with several kinds of text.
TIMES = 4
EACH = 2_000


@dataclass(frozen=True, slots=True)
class Usage:
    """The usage of one reader: private papers, and their size in the database in bytes."""

    papers: int
    bytes: int


def of_reader(connection: Connection, reader_id: int) -> Usage:
    """Count the private papers of a reader; read by its owner, so that a large list takes 50 ms."""
    paper, name = schema.paper.c, schema.private_identifier.c
    mine = select(paper.title, paper.abstract, paper.authors).where(paper.owner_id == reader_id)
    sizes = [_size(row.title, row.abstract, *row.authors) for row in connection.execute(mine)]
    named = select(func.sum(func.length(name.value))).where(name.owner_id == reader_id)
    names: int = connection.execute(named).scalar_one() or 0
    return Usage(len(sizes), sum(sizes) + TIMES * names)


def size_of(drafts: Iterable[PaperRecord]) -> int:
    """Return how many bytes of the database these papers will take at most."""
    return sum(
        _size(one.title, one.abstract, *one.authors, *(name.value for name in one.identifiers))
        for one in drafts
    )


def private_papers(connection: Connection) -> int:
    """Count the private papers of all readers together."""
    counted = select(func.count()).where(schema.paper.c.owner_id.is_not(None))
    return connection.execute(counted).scalar_one()


def thumbs(connection: Connection, reader_id: int) -> int:
    """Count the thumbs of a reader, including forgotten ones that may be restored."""
    return sum(
        connection.execute(select(func.count()).where(table.c.reader_id == reader_id)).scalar_one()
        for table in (schema.vote, schema.forgotten_vote)
    )


def _size(*texts: str) -> int:
    return EACH + TIMES * sum(len(text.encode()) for text in texts)
