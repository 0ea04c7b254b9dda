"""Upserts papers a batch at a time: looks up, has the matcher decide, writes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import bindparam, delete, func, insert, select, update

from larkpost.db import paper_rows, schema
from larkpost.db.batches import batches
from larkpost.db.matching.paper_matcher import (
    KnownPaper,
    MatchOutcome,
    PaperMatcher,
    ask,
    gather,
    sharing,
)
from larkpost.db.private.merge_into_public import hand_over
from larkpost.db.search import index
from larkpost.domain import Identifier
from larkpost.text.minhash import sketch

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Column, Connection

    from larkpost.db.matching.paper_matcher import PaperQuery
    from larkpost.domain import PaperRecord

_LOCK_KEY = 0x4C61726B  # the key of PostgreSQL's advisory lock; any number that is ours


@dataclass(frozen=True, slots=True)
class UpsertedPaper:
    """The paper that a draft is, or has become."""

    paper_id: int
    what: MatchOutcome


def take_turns(connection: Connection) -> None:
    """Wait until no other transaction takes papers in; until this one's end none will.

    SQLite has one writer at a time anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK_KEY)))


def absorb(
    connection: Connection, drafts: Iterable[PaperRecord], *, now: datetime
) -> list[UpsertedPaper]:
    """Add or merge each draft; returns what became of it, in their order.

    A paper is found again by its identifiers, else by its text: papers that share a title key or
    part of a sketch with the draft are compared with it. A draft without ``first_seen`` was first
    seen ``now``; nothing is first seen, or arrives, later than that. Private papers are neither
    looked at nor changed; readers who had brought one of these papers privately have it publicly
    from now on (``private_handover.hand_over``).
    """
    take_turns(connection)
    absorbed: list[UpsertedPaper] = []
    for some in batches(drafts):
        asked = [ask(draft, now) for draft in some]
        matcher = lay_out(connection, asked, now)
        placed = [matcher.place(one) for one in asked]
        write(connection, matcher)
        absorbed += [UpsertedPaper(entry.paper.id, what) for entry, what in placed]
    return absorbed


def write(connection: Connection, matcher: PaperMatcher) -> None:
    """Write what is new on a shelf and what was changed there."""
    told = [entry for entry in matcher.entries if entry.gained or entry.reworded]
    _write_new(connection, [entry for entry in matcher.entries if not entry.paper.id])
    _write_changed(connection, [entry for entry in matcher.entries if entry.touched])
    _write_names(connection, matcher.entries)
    hand_over(connection, told, now=matcher.now)


def lay_out(
    connection: Connection, asked: Sequence[PaperQuery], now: datetime, *, all_by_text: bool = False
) -> PaperMatcher:
    """Read every paper that one of the drafts may be, in a fixed number of queries.

    By their texts only the drafts are looked up of which no name is known, unless ``all_by_text``.
    """
    owned = owners(connection, {name for one in asked for name in one.names})
    # A URL may be that of a page which lists many papers.
    named = {name for name in owned if name.scheme != "url"}
    unnamed = [one for one in asked if all_by_text or named.isdisjoint(one.names)]
    numbers = {number for one in unnamed for number in one.numbers}
    by_key = [
        (key, number)
        for some in batches({one.key for one in unnamed})
        for key, number in connection.execute(
            select(schema.paper.c.title_key, schema.paper.c.id).where(
                schema.paper.c.title_key.in_(some), paper_rows.PUBLIC
            )
        )
    ]
    by_hash = _pairs(connection, schema.minhash.c.hash, schema.minhash.c.paper_id, numbers)
    met = gather(by_hash)
    ids = {one for _, one in by_key} | set(owned.values())
    ids.update(*(sharing(one.numbers, met) for one in unnamed))
    papers = paper_rows.get(connection, ids)
    places = {one: at for at, one in enumerate(papers)}
    return PaperMatcher(
        [KnownPaper(paper, before=paper) for paper in papers.values()],
        by_name={name: places[one] for name, one in names(connection, ids)},
        by_key=gather((key, places[one]) for key, one in by_key),
        by_hash=gather((number, places[one]) for number, one in by_hash if one in places),
        now=now,
    )


def owners(connection: Connection, wanted: Collection[Identifier]) -> dict[Identifier, int]:
    """Find the ids of the papers that have these names; no entry for a name that none has."""
    table, by_scheme = schema.identifier, gather((name.scheme, name.value) for name in wanted)
    rows = [
        row
        for scheme, values in by_scheme.items()  # the table's key begins with the scheme
        for some in batches(set(values))
        for row in connection.execute(
            select(table).where(table.c.scheme == scheme, table.c.value.in_(some))
        )
    ]
    return {Identifier(row.scheme, row.value): row.paper_id for row in rows}


def names(connection: Connection, ids: Iterable[int]) -> Iterator[tuple[Identifier, int]]:
    """Read every name of these papers, each beside the id of its paper."""
    table = schema.identifier
    for some in batches(ids):
        for row in connection.execute(select(table).where(table.c.paper_id.in_(some))):
            yield Identifier(row.scheme, row.value), row.paper_id


def _pairs(
    connection: Connection, column: Column[Any], paper_id: Column[Any], wanted: Collection[Any]
) -> list[tuple[Any, int]]:
    pairs: list[tuple[Any, int]] = []
    for some in batches(wanted):
        rows = connection.execute(select(column, paper_id).where(column.in_(some)))
        pairs += [(value, one) for value, one in rows]
    return pairs


def _write_new(connection: Connection, entries: Sequence[KnownPaper]) -> None:
    if not entries:
        return
    _settle_uids(connection, entries)
    # Ids come back beside uids, in any order: to promise their order on SQLite, SQLAlchemy
    # would insert row by row.
    statement = insert(schema.paper).returning(schema.paper.c.uid, schema.paper.c.id)
    rows = connection.execute(statement, [paper_rows.values(entry.paper) for entry in entries])
    ids = {row.uid: row.id for row in rows}
    for entry in entries:
        entry.paper = replace(entry.paper, id=ids[entry.paper.uid])
        entry.touched = entry.reworded = False
    _write_sketches(connection, entries)
    index.write(connection, (entry.paper for entry in entries))


def _settle_uids(connection: Connection, entries: Sequence[KnownPaper]) -> None:
    """Give another uid to a paper whose own is taken: it was imported under other names."""
    column = schema.paper.c.uid
    pairs = _pairs(connection, column, schema.paper.c.id, {entry.paper.uid for entry in entries})
    taken = {uid for uid, _ in pairs}
    for entry in entries:
        if entry.paper.uid in taken:
            entry.paper = replace(entry.paper, uid=str(uuid4()))
        taken.add(entry.paper.uid)


def _write_changed(connection: Connection, entries: Sequence[KnownPaper]) -> None:
    if not entries:
        return
    table = schema.paper
    rows = [paper_rows.values(entry.paper) | {"which": entry.paper.id} for entry in entries]
    connection.execute(update(table).where(table.c.id == bindparam("which")), rows)
    reworded = [entry for entry in entries if entry.reworded]
    column = schema.minhash.c.paper_id
    for some in batches(entry.paper.id for entry in reworded):
        connection.execute(delete(schema.minhash).where(column.in_(some)))
    _write_sketches(connection, reworded)
    index.rewrite(connection, ((e.before, e.paper) for e in entries if e.before is not None))


def _write_sketches(connection: Connection, entries: Iterable[KnownPaper]) -> None:
    rows = [
        {"paper_id": entry.paper.id, "hash": number}
        for entry in entries
        for number in sketch(entry.paper.title, entry.paper.abstract)
    ]
    if rows:
        connection.execute(insert(schema.minhash), rows)


def _write_names(connection: Connection, entries: Sequence[KnownPaper]) -> None:
    rows = [
        {"scheme": name.scheme, "value": name.value, "paper_id": entry.paper.id}
        for entry in entries
        for name in entry.gained
    ]
    if rows:
        connection.execute(insert(schema.identifier), rows)
