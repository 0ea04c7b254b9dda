"""Writes papers with their lookup data: sketches, identifiers, search words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

from sqlalchemy import Connection, bindparam, delete, update

from larkpost.db import paper_rows, schema
from larkpost.db.matching.bulk_rows import insert_rows, next_ids, read_pairs
from larkpost.db.search import index
from larkpost.db.value_batches import write_among
from larkpost.replace_fields import replace_fields
from larkpost.text.minhash import sketch

if TYPE_CHECKING:
    from larkpost.db.matching.paper_matcher import KnownPaper


def write_new(connection: Connection, entries: Sequence[KnownPaper]) -> None:
    """Write new papers, without their identifiers; each entry gets its id."""
    if not entries:
        return
    _settle_uids(connection, entries)
    rows = []
    for number, entry in zip(
        next_ids(connection, schema.paper, len(entries)), entries, strict=True
    ):
        entry.paper = replace_fields(entry.paper, id=number)
        entry.touched = entry.reworded = False
        rows.append((number, *paper_rows.values(entry.paper).values()))
    columns = ("id", *paper_rows.values(entries[0].paper))
    insert_rows(connection, schema.paper, columns, rows)
    _write_sketches(connection, entries)
    index.write(connection, (entry.paper for entry in entries))


def _settle_uids(connection: Connection, entries: Sequence[KnownPaper]) -> None:
    """Give another uid to a paper whose uid is taken, also by one that was merged into another.

    It was imported with other identifiers, or its identifier was that of another paper before.
    """
    uids = {entry.paper.uid for entry in entries}
    taken: set[str] = set()
    for table in (schema.paper, schema.tables.former_paper):
        pairs = read_pairs(connection, table.c.uid, table.c.id, uids)
        taken.update(uid for uid, _ in pairs)
    for entry in entries:
        if entry.paper.uid in taken:
            entry.paper = replace(entry.paper, uid=str(uuid4()))
        taken.add(entry.paper.uid)


def write_changed(connection: Connection, entries: Sequence[KnownPaper]) -> None:
    """Update changed papers and their lookup data."""
    if not entries:
        return
    table = schema.paper
    rows = [paper_rows.values(entry.paper) | {"which": entry.paper.id} for entry in entries]
    connection.execute(update(table).where(table.c.id == bindparam("which")), rows)
    reworded = [entry for entry in entries if entry.reworded]
    ids = (entry.paper.id for entry in reworded)
    write_among(connection, delete(schema.minhash), schema.minhash.c.paper_id, ids)
    _write_sketches(connection, reworded)
    index.rewrite(connection, ((e.before, e.paper) for e in entries if e.before is not None))


def _write_sketches(connection: Connection, entries: Iterable[KnownPaper]) -> None:
    rows = [
        (number, entry.paper.id)
        for entry in entries
        for number in entry.numbers or sketch(entry.paper.title, entry.paper.abstract)
    ]
    rows.sort()  # in the order of their large index, so that writes are local
    insert_rows(connection, schema.minhash, ("hash", "paper_id"), rows)


def write_names(connection: Connection, entries: Sequence[KnownPaper]) -> None:
    """Delete the identifiers that papers lost, which others may have gained, and write those."""
    table = schema.identifier
    for name in (name for entry in entries for name in entry.lost):
        named = delete(table).where(table.c.scheme == name.scheme, table.c.value == name.value)
        connection.execute(named)
    rows = [(name.scheme, name.value, entry.paper.id) for entry in entries for name in entry.gained]
    insert_rows(connection, schema.identifier, ("scheme", "value", "paper_id"), rows)
