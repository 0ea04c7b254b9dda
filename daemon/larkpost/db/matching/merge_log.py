"""Logs the records that each paper was merged from, and the rule of each merge.

A paper of one record has no rows. When a second one with other identifiers, another text or another
format arrives, the first is logged as well, so that a wrong merge can be split.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from larkpost.db import schema
from larkpost.db.matching.comparison.duplicate_rules import MatchRule
from larkpost.db.matching.paper_query import make_query
from larkpost.db.matching.record_content import read_content, write_content
from larkpost.db.value_batches import batches, rows_among
from larkpost.domain import Identifier, Paper, PaperRecord

if TYPE_CHECKING:
    from larkpost.db.matching.paper_matcher import KnownPaper

_table = schema.tables.merged_record


class RecordOrigin(NamedTuple):
    """The origin of records: the format, and the SHA-256 of the dump's bytes."""

    format: str = ""
    dump_digest: str | None = None


UNKNOWN_ORIGIN = RecordOrigin()


@dataclass(frozen=True, slots=True)
class MergedRecord:
    """A record that is part of a paper; the last three fields describe its dump, if known."""

    paper_id: int
    record: PaperRecord
    names: tuple[Identifier, ...]
    rule: MatchRule
    at: datetime
    origin: RecordOrigin = UNKNOWN_ORIGIN
    dump: str | None = None
    captured: date | None = None
    dump_id: int | None = None

    @property
    def key(self) -> tuple[str, str]:
        """The key of a record within its paper: its identifiers, and its format."""
        return _digest(self.names), self.origin.format


def record_placed(
    connection: Connection, entries: Iterable[KnownPaper], origin: RecordOrigin, now: datetime
) -> None:
    """Log the merges of these entries, which must all have ids."""
    several = [one for one in entries if len(one.placed) > 1 or (one.placed and one.before)]
    if not several:
        return
    known = _read_keys(connection, [one.paper.id for one in several if one.before])
    unknown = [one.paper.id for one in several if one.before and one.paper.id not in known]
    origins = _first_origins(connection, unknown)
    rows = []
    for entry in several:
        keys = known.get(entry.paper.id, set())
        is_first = entry.before and not keys
        first = [_first_record(entry, origins.get(entry.paper.id, origin))] if is_first else []
        records = [
            *first,
            *(
                MergedRecord(
                    entry.paper.id, one.query.draft, one.query.names, one.rule, now, origin
                )
                for one in entry.placed
            ),
        ]
        new = {one.key: one for one in reversed(records) if one.key not in keys}
        if keys or len(new) > 1:
            rows += [_values(one) for one in reversed(new.values())]
    for some in batches(rows):
        connection.execute(insert(_table), some)


def _first_record(entry: KnownPaper, origin: RecordOrigin) -> MergedRecord:
    """Make the first record of a paper from the paper as it was before its first merge."""
    assert entry.before is not None  # noqa: S101 - asked for by the caller
    names = entry.names.difference(entry.gained).union(entry.lost)
    return as_record(entry.before, names, origin)


def as_record(
    paper: Paper, names: Collection[Identifier], origin: RecordOrigin = UNKNOWN_ORIGIN
) -> MergedRecord:
    """Convert a paper to a record that could have created it."""
    record = PaperRecord(
        title=paper.title,
        abstract=paper.abstract,
        identifiers=tuple(sorted(name for name in names if name.scheme != "text")),
        authors=paper.authors,
        categories=paper.categories,
        published=paper.published,
        first_seen=paper.first_seen,
        ingested_at=paper.ingested_at,
        updated=paper.updated,
        url=paper.url,
        upvotes=paper.upvotes,
        uid=paper.uid,
        organisation=paper.organisation,
        links=paper.links,
        withdrawn=paper.withdrawn,
        version=paper.version,
        keywords=paper.keywords,
        comment=paper.comment,
        journal_ref=paper.journal_ref,
        thumbnail=paper.thumbnail,
        unverified=paper.unverified,
        text_source=paper.text_source,
    )
    query = make_query(record, max(paper.updated, paper.ingested_at))
    return MergedRecord(paper.id, record, query.names, MatchRule.FIRST, paper.ingested_at, origin)


def _read_keys(connection: Connection, ids: Collection[int]) -> dict[int, set[tuple[str, str]]]:
    keys: dict[int, set[tuple[str, str]]] = defaultdict(set)
    columns = _table.c.paper_id, _table.c.digest, _table.c.format
    for row in rows_among(connection, select(*columns), _table.c.paper_id, ids):
        keys[row.paper_id].add((row.digest, row.format))
    return keys


def _first_origins(connection: Connection, ids: Collection[int]) -> dict[int, RecordOrigin]:
    """Find the first dump of each of these papers; no entry if none is recorded."""
    listing, dump = schema.dump_paper.c, schema.dump.c
    origins = {}
    for some in batches(ids):
        first = (
            select(listing.paper_id, func.min(listing.dump_id).label("dump_id"))
            .where(listing.paper_id.in_(some))
            .group_by(listing.paper_id)
            .subquery()
        )
        joined = select(first.c.paper_id, dump.format, dump.digest).join(
            schema.dump, dump.id == first.c.dump_id
        )
        for row in connection.execute(joined):
            origins[row.paper_id] = RecordOrigin(row.format, row.digest)
    return origins


def write(connection: Connection, records: Sequence[MergedRecord]) -> None:
    """Store records of papers unchanged."""
    for some in batches(records):
        connection.execute(insert(_table), [_values(one) for one in some])


def ensure(connection: Connection, paper: Paper, names: Collection[Identifier]) -> None:
    """Store a paper as its first record, unless it has records."""
    if not _read_keys(connection, [paper.id]):
        origin = _first_origins(connection, [paper.id]).get(paper.id, UNKNOWN_ORIGIN)
        write(connection, [as_record(paper, names, origin)])


def move(connection: Connection, old_id: int, new_id: int, rule: MatchRule) -> None:
    """Move the records of one paper to another, the first one by ``rule``, replacing its own."""
    there = _read_keys(connection, [new_id]).get(new_id, set())
    for row in connection.execute(select(_table).where(_table.c.paper_id == old_id)).all():
        if (row.digest, row.format) not in there:
            why = str(rule) if row.rule == MatchRule.FIRST else row.rule
            moved = update(_table).where(_table.c.id == row.id)
            connection.execute(moved.values(paper_id=new_id, rule=why))


def replace_all(connection: Connection, paper_id: int, records: Sequence[MergedRecord]) -> None:
    """Replace all records of a paper by these, which may be from several papers."""
    connection.execute(delete(_table).where(_table.c.paper_id == paper_id))
    write(connection, records)


def of(connection: Connection, paper_id: int) -> list[MergedRecord]:
    """Read the records of a paper in order of arrival; none if it has only one."""
    chosen = _with_dumps().where(_table.c.paper_id == paper_id).order_by(_table.c.at, _table.c.id)
    return [_read(row) for row in connection.execute(chosen)]


def latest(connection: Connection, limit: int) -> dict[int, list[MergedRecord]]:
    """Read the records of the most recently merged papers, latest first, by paper."""
    last = (
        select(_table.c.paper_id)
        .group_by(_table.c.paper_id)
        .order_by(func.max(_table.c.at).desc(), _table.c.paper_id.desc())
        .limit(limit)
    )
    ids = list(connection.execute(last).scalars())
    merged: dict[int, list[MergedRecord]] = {number: [] for number in ids}
    ordered = _with_dumps().order_by(_table.c.at, _table.c.id)
    for row in rows_among(connection, ordered, _table.c.paper_id, ids):
        merged[row.paper_id].append(_read(row))
    return merged


def count(connection: Connection) -> int:
    """Count the papers with several records."""
    counted = select(func.count(_table.c.paper_id.distinct()))
    return connection.execute(counted).scalar_one()


def _with_dumps() -> Select[Any]:
    dump = schema.dump.c
    columns = dump.name, dump.captured, dump.id.label("dump_id")
    return select(_table, *columns).outerjoin_from(
        _table, schema.dump, dump.digest == _table.c.dump_digest
    )


def _read(row: Row[Any]) -> MergedRecord:
    record = read_content(row.content)
    names = make_query(record, row.at).names
    return MergedRecord(
        paper_id=row.paper_id,
        record=record,
        names=names,
        rule=MatchRule(row.rule),
        at=row.at,
        origin=RecordOrigin(row.format, row.dump_digest),
        dump=row.name,
        captured=row.captured,
        dump_id=row.dump_id,
    )


def _values(merged: MergedRecord) -> dict[str, Any]:
    digest, form = merged.key
    return {
        "paper_id": merged.paper_id,
        "digest": digest,
        "format": form,
        "dump_digest": merged.origin.dump_digest,
        "rule": str(merged.rule),
        "at": merged.at,
        "content": write_content(merged.record),
    }


def _digest(names: Iterable[Identifier]) -> str:
    told = "\n".join(sorted(map(str, names)))
    return blake2b(told.encode("utf-8", "replace"), digest_size=16).hexdigest()
