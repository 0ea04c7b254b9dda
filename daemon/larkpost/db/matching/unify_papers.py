"""Merges two stored papers: identifiers, thumbs, editions and dumps move to one of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, Table, delete, exists, func, insert, select, update

from larkpost.db import paper_rows, schema
from larkpost.db.matching import match_decisions, merge_log, paper_names
from larkpost.db.matching.comparison.duplicate_rules import LOOSE, MatchRule
from larkpost.db.matching.match_decisions import MatchDecision
from larkpost.db.matching.merge_texts import date_new_link, merge, rename, with_link, with_url
from larkpost.db.matching.paper_matcher import KnownPaper
from larkpost.db.matching.paper_writer import write_changed
from larkpost.db.matching.unverified_records import without_unverified_facts
from larkpost.db.search import index
from larkpost.db.search.tokenize import document
from larkpost.domain import Identifier, Paper
from larkpost.text.unverified import Unverified, is_unverified


def unify(
    connection: Connection, paper_id: int, gone_id: int, *, now: datetime, rule: MatchRule
) -> None:
    """Merge the paper ``gone_id`` into ``paper_id`` and delete it.

    The remaining one keeps its uid, which feeds use. Its texts become the best of both. Of two
    thumbs of a reader the later one stays; an edition that shows both then shows the remaining one.
    The uid of the other leads to it from now on. ``rule`` is the reason.
    """
    # Rows of editions and thumbs that are being written cannot be seen before their end, and the
    # paper could not be deleted then, or only with a thumb on it (PostgreSQL).
    mine = select(schema.paper.c.id).where(schema.paper.c.id == gone_id)
    connection.execute(mine.with_for_update())
    papers = paper_rows.get(connection, [paper_id, gone_id])
    known, gone = papers[paper_id], papers[gone_id]
    if rule != MatchRule.DECISION:
        _delete_unverified_names(connection, known, gone)
    names = read_names(connection, gone_id)
    _move_log(connection, known, gone, rule)
    record = replace(merge_log.as_record(gone, names).record, uid=None)
    named = rename(known, sorted(names))
    record = without_unverified_facts(named, with_link(named, record, sorted(names)))
    merged = merge(named, record, now=now)
    _move_rows(connection, paper_id, gone_id)
    index.remove(connection, [(gone_id, document(gone))])
    _leave_trace(connection, gone, paper_id)
    left = read_names(connection, paper_id)
    paper = with_url(with_own_name(merged.paper, left), left)
    paper = date_new_link(known, paper, now)
    entry = KnownPaper(paper, before=known, reworded=merged.reworded, touched=True)
    write_changed(connection, [entry])


def _delete_unverified_names(connection: Connection, one: Paper, other: Paper) -> None:
    """Delete the identifiers of a feed's paper before it is merged with one of an authority.

    The record of an authority with such an identifier may be another paper, and would replace it.
    """
    table = schema.identifier
    if (one.unverified ^ other.unverified) & Unverified.TITLE:
        feeds = one if is_unverified(one) else other
        connection.execute(delete(table).where(table.c.paper_id == feeds.id))


def with_own_name(paper: Paper, names: Collection[Identifier]) -> Paper:
    """Replace the main identifier of a paper by one of its own, if it has any."""
    if paper.identifier in names or not names:
        return paper
    best = min(names, key=lambda one: (one.scheme in LOOSE, one))
    return replace(paper, identifier=best)


def unify_by_decision(
    connection: Connection, paper_id: int, other_id: int, *, now: datetime
) -> int:
    """Merge two papers by the operator's decision; returns the id of the remaining one.

    That is the first, unless readers saw only the second. The decision is stored by the identifiers
    of both, so that later dumps, and another home, follow it.
    """
    parts = tuple(tuple(sorted(read_names(connection, one))) for one in (paper_id, other_id))
    match_decisions.record(connection, MatchDecision(True, parts, now))
    seen_alone = is_shown(connection, other_id) and not is_shown(connection, paper_id)
    stays, goes = (other_id, paper_id) if seen_alone else (paper_id, other_id)
    unify(connection, stays, goes, now=now, rule=MatchRule.DECISION)
    return stays


def choose_kept(connection: Connection, one: int, other: int) -> tuple[int, int]:
    """Return the paper that stays (the one that readers saw, else the older), then the other."""
    first, second = sorted((one, other))
    if is_shown(connection, second) and not is_shown(connection, first):
        return second, first
    return first, second


def is_shown(connection: Connection, paper_id: int) -> bool:
    """Return whether readers saw a paper: in an edition, or with a thumb."""
    return first_shown(connection, paper_id) is not None


def first_shown(connection: Connection, paper_id: int) -> datetime | None:
    """Return when readers first saw a paper, in an edition or with a thumb; None: never."""
    vote, pick, edition = schema.vote.c, schema.pick.c, schema.edition.c
    moments: list[datetime | None] = [
        connection.execute(statement).scalar()
        for statement in (
            select(func.min(vote.at)).where(vote.paper_id == paper_id),
            select(func.min(edition.published_at))
            .join_from(schema.edition, schema.pick, edition.id == pick.edition_id)
            .where(pick.paper_id == paper_id),
        )
    ]
    return min((one for one in moments if one is not None), default=None)


def read_names(connection: Connection, paper_id: int) -> set[Identifier]:
    """Read the identifiers of one paper."""
    return {name for name, _ in paper_names.of(connection, [paper_id])}


def _move_log(connection: Connection, known: Paper, gone: Paper, rule: MatchRule) -> None:
    for paper in (known, gone):
        merge_log.ensure(connection, paper, read_names(connection, paper.id))
    merge_log.move(connection, gone.id, known.id, rule)


def _move_rows(connection: Connection, paper_id: int, gone_id: int) -> None:
    _move_votes(connection, paper_id, gone_id)
    _move_unless_there(connection, schema.forgotten_vote, "reader_id", paper_id, gone_id)
    _move_unless_there(connection, schema.pick, "edition_id", paper_id, gone_id)
    _move_unless_there(connection, schema.dump_paper, "dump_id", paper_id, gone_id)
    pick = schema.pick
    liked = update(pick).where(pick.c.similar_paper_id == gone_id).values(similar_paper_id=paper_id)
    connection.execute(liked)
    names = update(schema.identifier).where(schema.identifier.c.paper_id == gone_id)
    connection.execute(names.values(paper_id=paper_id))


def _move_votes(connection: Connection, paper_id: int, gone_id: int) -> None:
    """Move thumbs; if a reader has two, the later one stays."""
    vote = schema.vote
    mine, theirs = vote.alias("mine"), vote.alias("theirs")
    outdated = (
        select(mine.c.reader_id)
        .join(theirs, theirs.c.reader_id == mine.c.reader_id)
        .where(mine.c.paper_id == paper_id, theirs.c.paper_id == gone_id, theirs.c.at > mine.c.at)
    )
    readers = connection.execute(outdated).scalars().all()
    for reader_id in readers:
        old = (vote.c.reader_id == reader_id, vote.c.paper_id == paper_id)
        connection.execute(delete(vote).where(*old))
    _move_unless_there(connection, vote, "reader_id", paper_id, gone_id)


def _move_unless_there(
    connection: Connection, table: Table, key: str, paper_id: int, gone_id: int
) -> None:
    """Move rows of a paper to another one, except rows whose key that one already has."""
    there = table.alias("there")
    twin = exists().where(there.c[key] == table.c[key], there.c.paper_id == paper_id)
    connection.execute(delete(table).where(table.c.paper_id == gone_id, twin))
    moved = update(table).where(table.c.paper_id == gone_id).values(paper_id=paper_id)
    connection.execute(moved)


def _leave_trace(connection: Connection, gone: Paper, paper_id: int) -> None:
    table = schema.tables.former_paper
    earlier = update(table).where(table.c.paper_id == gone.id).values(paper_id=paper_id)
    connection.execute(earlier)
    connection.execute(delete(schema.paper).where(schema.paper.c.id == gone.id))
    connection.execute(delete(table).where(table.c.uid == gone.uid))  # of an older version
    connection.execute(insert(table), {"id": gone.id, "uid": gone.uid, "paper_id": paper_id})
