"""Upserts papers in batches: looks them up, lets the matcher decide, writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, func, select

from larkpost.db import paper_rows, schema
from larkpost.db.matching import match_decisions, merge_log, paper_names
from larkpost.db.matching.bulk_rows import read_first_pairs, read_rare
from larkpost.db.matching.comparison.duplicate_rules import MatchRule, conflicting
from larkpost.db.matching.comparison.text_comparer import TextComparer
from larkpost.db.matching.merge_log import UNKNOWN_ORIGIN, RecordOrigin
from larkpost.db.matching.paper_matcher import (
    COMMON,
    KnownPaper,
    MatchOutcome,
    PaperMatcher,
    most_similar,
    sharing,
)
from larkpost.db.matching.paper_query import PaperQuery, make_query
from larkpost.db.matching.paper_writer import write_changed, write_names, write_new
from larkpost.db.matching.unify_papers import choose_kept, unify
from larkpost.db.matching.verified_texts import is_incomplete
from larkpost.db.private.merge_into_public import count_ready, hand_over
from larkpost.db.value_batches import batches, gather, rows_among
from larkpost.domain import Paper, PaperRecord
from larkpost.text.unverified import Unverified, is_unverified

_LOCK_KEY = 0x4C61726B  # the key of PostgreSQL's advisory lock; any number that is ours


@dataclass(frozen=True, slots=True)
class UpsertedPaper:
    """The paper that a draft matched or created."""

    paper_id: int
    what: MatchOutcome


def take_turns(connection: Connection) -> None:
    """Wait until no other transaction ingests papers, and exclude others until this one ends.

    SQLite has one writer at a time anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK_KEY)))


def absorb(
    connection: Connection,
    drafts: Iterable[PaperRecord],
    *,
    now: datetime,
    origin: RecordOrigin = UNKNOWN_ORIGIN,
) -> list[UpsertedPaper]:
    """Add or merge each draft; returns the outcomes in order.

    A paper is found by its identifiers, else by its text: papers that share a title key or part of
    a sketch with the draft are compared with it. A draft without ``first_seen`` was first seen
    ``now``; no date is later than that. Private papers are neither read nor changed here; private
    copies of these papers become public ones (``db.private.merge_into_public``).
    """
    take_turns(connection)
    absorbed: list[UpsertedPaper] = []
    comparer = TextComparer()
    for some in batches(drafts):
        made, gone = _absorb_batch(connection, prepare(some, now), now, origin, comparer)
        absorbed = _follow(absorbed, gone) + made
    return absorbed


def prepare(drafts: Iterable[PaperRecord], now: datetime) -> list[PaperQuery]:
    """Compute the lookup keys of each draft, without a database."""
    return [make_query(draft, now) for draft in drafts]


def absorb_prepared(
    connection: Connection,
    asked: Sequence[PaperQuery],
    *,
    now: datetime,
    origin: RecordOrigin,
    comparer: TextComparer,
    until: Callable[[], bool],
) -> list[UpsertedPaper]:
    """Do the same as ``absorb`` for drafts from ``prepare``, in order, until ``until`` is true.

    At least the first one is added or merged, and only as many as have few private copies together:
    the caller goes on with the others in another transaction. The outcomes are those of the drafts
    up to there.
    """
    take_turns(connection)
    asked = asked[: count_ready(connection, asked)]
    absorbed, _ = _absorb_batch(connection, asked, now, origin, comparer, until)
    return absorbed


def compare_ahead(
    connection: Connection, asked: Sequence[PaperQuery], *, now: datetime, comparer: TextComparer
) -> None:
    """Compare the texts that ``absorb_prepared`` will compare, without writing.

    It then takes the results from ``comparer``, for all texts that are still the same. So nobody
    waits for the comparisons.
    """
    matcher = lay_out(connection, asked, now, comparer=comparer)
    for one in asked:
        matcher.place(one)


def _absorb_batch(
    connection: Connection,
    asked: Sequence[PaperQuery],
    now: datetime,
    origin: RecordOrigin,
    comparer: TextComparer,
    until: Callable[[], bool] = lambda: False,
) -> tuple[list[UpsertedPaper], dict[int, int]]:
    """Absorb drafts; returns also the ids of papers that became another one, and of that one."""
    matcher = lay_out(connection, asked, now, comparer=comparer)
    placed = []
    for one in asked:
        placed.append(matcher.place(one))
        if until():
            break
    write(connection, matcher, origin)
    absorbed = [UpsertedPaper(entry.paper.id, what) for entry, what in placed]
    gone = _unify_shared(connection, matcher)
    return _follow(absorbed, gone), gone


def _follow(absorbed: list[UpsertedPaper], gone: Mapping[int, int]) -> list[UpsertedPaper]:
    """Replace the ids of papers that became another one."""
    if not gone:
        return absorbed
    return [replace(one, paper_id=gone.get(one.paper_id, one.paper_id)) for one in absorbed]


def _unify_shared(connection: Connection, matcher: PaperMatcher) -> dict[int, int]:
    """Merge papers whose identifiers one draft combined, if their texts are similar.

    For example a paper that arrived first with its arXiv id, then reworded and without the id,
    until a record had the id with the new words. A title alone is not enough for one of a feed,
    which may have put any abstract under it. Returns the id of the remaining paper by that of
    the removed one.
    """

    def is_of_feed(*entries: KnownPaper) -> bool:
        return any(is_unverified(one.paper) for one in entries)

    gone: dict[int, int] = {}
    pairs = [tuple(matcher.entries[at] for at in pair) for pair in matcher.shared]
    for entry, other in pairs:
        ids = [gone.get(one.paper.id, one.paper.id) for one in (entry, other)]
        if len(set(ids)) == 1 or conflicting(entry.names, other.names):
            continue
        record = merge_log.as_record(other.paper, other.names)
        apart = matcher.decisions.forbid(record.names, entry.names)
        rule = matcher.comparer.compare(entry.paper, record.record).rule
        if apart or rule is None or (rule is MatchRule.TITLE and is_of_feed(entry, other)):
            continue
        stays, goes = choose_kept(connection, *ids)
        unify(connection, stays, goes, now=matcher.now, rule=MatchRule.SHARED_NAMES)
        gone = {old: stays if new == goes else new for old, new in gone.items()} | {goes: stays}
    return gone


def write(
    connection: Connection, matcher: PaperMatcher, origin: RecordOrigin = UNKNOWN_ORIGIN
) -> None:
    """Write the new and changed entries of a matcher."""
    told = [one for one in matcher.entries if one.gained or one.reworded or one.is_verified_now]
    write_new(connection, [entry for entry in matcher.entries if not entry.paper.id])
    write_changed(connection, [entry for entry in matcher.entries if entry.touched])
    write_names(connection, matcher.entries)
    merge_log.record_placed(connection, matcher.entries, origin, matcher.now)
    hand_over(connection, told, now=matcher.now, comparer=matcher.comparer)


def lay_out(
    connection: Connection,
    asked: Sequence[PaperQuery],
    now: datetime,
    *,
    all_by_text: bool = False,
    comparer: TextComparer | None = None,
) -> PaperMatcher:
    """Read every paper that may match a draft, in a fixed number of queries.

    Only drafts without a known identifier are looked up by text, unless ``all_by_text``. Results
    that ``comparer`` has already are not compared again.
    """
    wanted = {name for one in asked for name in one.all_names}
    decisions = match_decisions.read_about(connection, wanted)
    owned = paper_names.owners(connection, wanted.union(decisions.partners(wanted)))
    # A URL may be that of a page which lists many papers.
    named = {name for name in owned if name.scheme != "url"}
    unnamed = [one for one in asked if all_by_text or named.isdisjoint(one.names)]
    by_key, met = _read_owners(connection, unnamed)
    titled = gather(by_key)
    ids = set(owned.values())
    # Only papers that will be compared are read: thousands may have a title or a phrase in common.
    for one in unnamed:
        ids.update(most_similar(sharing(one.numbers, met), titled.get(one.key, ())))
    papers = paper_rows.get(connection, ids)
    judged = _judged(connection, papers.values())
    places = {one: at for at, one in enumerate(papers)}
    return PaperMatcher(
        [
            KnownPaper(paper, before=paper, is_judged=paper.id in judged)
            for paper in papers.values()
        ],
        by_name={name: places[one] for name, one in paper_names.of(connection, ids)},
        by_key=gather((key, places[one]) for key, one in by_key if one in places),
        by_hash={
            number: [places[one] for one in owners if one in places]
            for number, owners in met.items()
            if not places.keys().isdisjoint(owners)
        },
        now=now,
        decisions=decisions,
        comparer=comparer,
    )


def _judged(connection: Connection, known: Iterable[Paper]) -> set[int]:
    """Read which of these papers have thumbs, and texts that a feed may change or complete."""
    changing = {
        paper.id for paper in known if paper.unverified & Unverified.TEXTS or is_incomplete(paper)
    }
    tables = schema.vote.c.paper_id, schema.forgotten_vote.c.paper_id
    found = (rows_among(connection, select(one).distinct(), one, changing) for one in tables)
    return {row.paper_id for rows in found for row in rows}


def _read_owners(
    connection: Connection, asked: Sequence[PaperQuery]
) -> tuple[list[tuple[str, int]], dict[int, list[int]]]:
    """Read the ids of papers by title keys and by numbers of sketches; at most 200 of each."""
    paper, minhash = schema.paper.c, schema.minhash.c
    keys = {one.key for one in asked}
    numbers = {number for one in asked for number in one.numbers}
    is_sqlite = connection.dialect.name == "sqlite"
    public = paper_rows.PUBLIC_UNINDEXED if is_sqlite else paper_rows.PUBLIC
    by_key = read_first_pairs(
        connection, paper.title_key, paper.id, keys, where=public, most=COMMON
    )
    by_hash = read_rare(connection, minhash.hash, minhash.paper_id, numbers, most=COMMON)
    return by_key, by_hash
