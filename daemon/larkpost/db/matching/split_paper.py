"""Splits a paper that was merged from records of several papers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, func, insert, select, update

from larkpost.db import paper_rows, schema
from larkpost.db.matching import match_decisions, merge_log
from larkpost.db.matching.comparison.duplicate_rules import MatchRule
from larkpost.db.matching.match_decisions import MatchDecision
from larkpost.db.matching.merge_texts import merge, paper_of, rename, with_link, with_url
from larkpost.db.matching.paper_matcher import KnownPaper
from larkpost.db.matching.paper_writer import write_changed, write_new
from larkpost.db.matching.unify_papers import first_shown, read_names, with_own_name
from larkpost.db.matching.unverified_records import without_unverified_facts
from larkpost.domain import Identifier, Paper
from larkpost.errors import UsageError
from larkpost.text.identifiers import find_identifier
from larkpost.text.minhash import squeeze

if TYPE_CHECKING:
    from larkpost.db.matching.merge_log import MergedRecord


@dataclass(slots=True)
class _Part:
    """Records of one paper, and their identifiers."""

    records: list[MergedRecord]
    names: set[Identifier]


def split(
    connection: Connection, paper_id: int, *, now: datetime, chosen: Collection[int] = ()
) -> list[int]:
    """Split a paper; returns the ids of the resulting papers, the one that keeps its uid first.

    ``chosen`` are the numbers, from 1, of the records that become a separate paper. Without any,
    records that share no identifier are separate papers; if all share one, those with different
    texts. Thumbs and editions stay with the records that readers saw: those with the title under
    which the paper was first shown. The decision is stored, so that later dumps follow it. Raises
    UsageError if there is nothing to split.
    """
    records = merge_log.of(connection, paper_id)
    parts = _parts(records, chosen)
    kept = _seen_part(connection, paper_id, records, parts)
    parts = [kept, *(part for part in parts if part is not kept)]
    _share_names(parts, read_names(connection, paper_id))
    ids = [paper_id, *_write_others(connection, paper_id, parts, now)]
    _write_kept(connection, paper_id, parts, now)
    _write_log(connection, paper_id, parts, ids)
    _move_listings(connection, paper_id, parts, ids)
    _decide(connection, parts, now)
    return ids


def _join_named(
    records: Sequence[MergedRecord], names_of: Callable[[MergedRecord], set[Identifier]]
) -> list[_Part]:
    """Group the records that share an identifier, also indirectly."""
    parts: list[_Part] = []
    for one in records:
        names = names_of(one)
        joined = [part for part in parts if not part.names.isdisjoint(names)]
        whole = _Part([r for part in joined for r in part.records] + [one], names)
        whole.names.update(*(part.names for part in joined))
        parts = [part for part in parts if part not in joined] + [whole]
    return parts


def _parts(records: Sequence[MergedRecord], chosen: Collection[int]) -> list[_Part]:
    if len(records) < 2:
        raise UsageError(
            "this paper has only one known record, so it cannot be split",
            hint="run larkpost papers --duplicates to see what was merged",
        )
    if chosen:
        return _chosen_parts(records, chosen)
    for names_of in (_names, _text_name):
        parts = _join_named(records, names_of)
        if len(parts) > 1:
            return [_part([r for r in records if r in part.records]) for part in parts]
    raise UsageError(
        "its records have the same title, abstract and ids, so it is unclear which to split off",
        hint="give the number of the record, as larkpost papers --duplicates lists it",
    )


def _chosen_parts(records: Sequence[MergedRecord], chosen: Collection[int]) -> list[_Part]:
    wrong = next((n for n in chosen if not 1 <= n <= len(records)), None)
    if wrong is not None or len(set(chosen)) == len(records):
        what = f"There is no record {wrong}" if wrong is not None else "All records are named"
        raise UsageError(
            f"{what}; the paper has the records 1 to {len(records)}",
            hint="give the numbers of the records, as larkpost papers --duplicates lists them",
        )
    numbered = list(enumerate(records, 1))
    rest = [one for number, one in numbered if number not in chosen]
    return [_part(rest), _part([one for number, one in numbered if number in chosen])]


def _part(records: list[MergedRecord]) -> _Part:
    return _Part(records, {name for one in records for name in one.names})


def _names(record: MergedRecord) -> set[Identifier]:
    return set(record.names)


def _text_name(record: MergedRecord) -> set[Identifier]:
    return {record.names[-1]}


def _seen_part(
    connection: Connection, paper_id: int, records: Sequence[MergedRecord], parts: Sequence[_Part]
) -> _Part:
    """Find the part that readers saw: the one with the title when first shown."""
    shown = first_shown(connection, paper_id)
    before = [one for one in records if shown is not None and one.at <= shown] or records[:1]
    title = squeeze(_fold(before).title)
    for part in parts:
        if any(squeeze(one.record.title) == title for one in part.records if one in before):
            return part
    return parts[0]


def _fold(records: Sequence[MergedRecord]) -> Paper:
    """Build the paper from these records alone, in order of arrival."""
    first, *others = records
    paper = paper_of(first.record, first.names[0])
    seen = {first.names[-1]}
    for one in others:
        repeated = one.names[-1] in seen
        named = rename(paper, one.names)
        record = without_unverified_facts(paper, with_link(named, one.record, one.names))
        paper = merge(named, record, now=one.at, repeated=repeated).paper
        seen.add(one.names[-1])
    return paper


def _share_names(parts: Sequence[_Part], names: Collection[Identifier]) -> None:
    """Assign each identifier to one part: the one with most records of it, else the first.

    Identifiers without a known record stay with the part that is kept.
    """
    claims = {
        name: max(parts, key=lambda part: sum(name in one.names for one in part.records))
        for name in names
    }
    for part in parts:
        part.names = {name for name, owner in claims.items() if owner is part}


def _rebuild(part: _Part, others: Iterable[_Part]) -> Paper:
    """Make the paper of a part, without addresses that identify one of the others."""
    theirs = {name for other in others for name in other.names}
    records = [
        replace(
            one,
            record=replace(
                one.record,
                url=_own(one.record.url, theirs),
                links=tuple(link for link in one.record.links if _own(link, theirs)),
            ),
            names=tuple(name for name in one.names if name in part.names) or one.names,
        )
        for one in part.records
    ]
    return with_url(with_own_name(_fold(records), part.names), part.names)


def _own(url: str | None, theirs: Collection[Identifier]) -> str | None:
    return None if url and find_identifier(url) in theirs else url


def _write_others(
    connection: Connection, paper_id: int, parts: Sequence[_Part], now: datetime
) -> list[int]:
    """Write the parts that are now separate papers, with their identifiers; returns their ids."""
    entries = []
    for part in parts[1:]:
        paper = _rebuild(part, (other for other in parts if other is not part))
        uid = _former_uid(connection, paper_id, part)
        entries.append(KnownPaper(replace(paper, uid=uid or paper.uid, updated=now)))
    write_new(connection, entries)
    table = schema.identifier
    for part, entry in zip(parts[1:], entries, strict=True):
        for name in part.names:
            named = update(table).where(table.c.scheme == name.scheme, table.c.value == name.value)
            connection.execute(named.values(paper_id=entry.paper.id))
    return [entry.paper.id for entry in entries]


def _former_uid(connection: Connection, paper_id: int, part: _Part) -> str | None:
    """Find and free the uid that a part had before it was merged by hand."""
    table = schema.tables.former_paper
    for uid in (one.record.uid for one in part.records if one.record.uid):
        mine = (table.c.uid == uid, table.c.paper_id == paper_id)
        if connection.execute(delete(table).where(*mine)).rowcount:
            return uid
    return None


def _write_kept(
    connection: Connection, paper_id: int, parts: Sequence[_Part], now: datetime
) -> None:
    before = paper_rows.get(connection, [paper_id])[paper_id]
    paper = _rebuild(parts[0], parts[1:])
    kept = replace(
        paper,
        id=paper_id,
        uid=before.uid,
        ingested_at=before.ingested_at,
        updated=max(now, before.updated),
    )
    write_changed(connection, [KnownPaper(kept, before=before, reworded=True, touched=True)])


def _write_log(
    connection: Connection, paper_id: int, parts: Sequence[_Part], ids: Sequence[int]
) -> None:
    """Write the records of each paper; a paper with one record has none."""
    records = [
        replace(one, paper_id=number, rule=one.rule if place else MatchRule.FIRST)
        for part, number in zip(parts, ids, strict=True)
        if len(part.records) > 1
        for place, one in enumerate(part.records)
    ]
    merge_log.replace_all(connection, paper_id, records)


def _move_listings(
    connection: Connection, paper_id: int, parts: Sequence[_Part], ids: Sequence[int]
) -> None:
    """Make the dumps of a part list its paper."""
    table = schema.dump_paper
    kept = {one.dump_id for one in parts[0].records}
    for part, number in zip(parts[1:], ids[1:], strict=True):
        for dump_id in {one.dump_id for one in part.records if one.dump_id is not None}:
            mine = (table.c.dump_id == dump_id, table.c.paper_id == paper_id)
            if dump_id not in kept:
                connection.execute(update(table).where(*mine).values(paper_id=number))
                kept.add(dump_id)
                continue
            last = select(func.coalesce(func.max(table.c.position), 0)).where(
                table.c.dump_id == dump_id
            )
            position = connection.execute(last).scalar_one() + 1
            values = {"dump_id": dump_id, "position": position, "paper_id": number}
            connection.execute(insert(table), values)


def _decide(connection: Connection, parts: Sequence[_Part], now: datetime) -> None:
    """Store the decision that these are several papers, by the identifiers of single parts."""
    told = [{name for one in part.records for name in one.names} for part in parts]
    texts = [name for names in told for name in names if name.scheme == "text"]
    shared = {name for name in texts if texts.count(name) > 1}
    names = [own for part in parts if (own := tuple(sorted(part.names - shared)))]
    if len(names) < 2:
        raise UsageError(
            "these records have no different id or text: a later dump would merge them again",
            hint="run larkpost papers --duplicates to see the records and their names",
        )
    match_decisions.record(connection, MatchDecision(False, tuple(names), now))
