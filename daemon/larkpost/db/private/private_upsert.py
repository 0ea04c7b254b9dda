"""Upserts a reader's references: public papers are found, the others become private ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from sqlalchemy import Connection, insert, select

from larkpost.db import paper_rows, schema
from larkpost.db.matching.paper_matcher import (
    KnownPaper,
    MatchOutcome,
    PaperMatcher,
    PaperQuery,
)
from larkpost.db.matching.paper_upsert import UpsertedPaper, lay_out, take_turns
from larkpost.db.matching.paper_upsert import prepare as prepare
from larkpost.db.private import private_papers
from larkpost.db.value_batches import batches, gather
from larkpost.domain import PaperRecord


def look_up(
    connection: Connection, owner_id: int, drafts: Sequence[PaperQuery], *, now: datetime
) -> list[UpsertedPaper]:
    """Return the outcome that each draft would have; the id of a new paper is 0."""
    return [
        UpsertedPaper(entry.paper.id, what)
        for some in batches(drafts)
        for entry, what in _place_all(*_lay_out_both(connection, owner_id, some, now), some)
    ]


def bring(
    connection: Connection, owner_id: int, drafts: Iterable[PaperRecord], *, now: datetime
) -> list[UpsertedPaper]:
    """Find each draft among the public papers, else among the owner's own ones, else add it there.

    Returns the outcomes in order. Existing papers are not changed, and private papers of other
    readers are not read, so the answer reveals nothing about them. Drafts of one call for one paper
    are merged.
    """
    return bring_prepared(connection, owner_id, prepare(drafts, now), now=now)


def bring_prepared(
    connection: Connection, owner_id: int, drafts: Iterable[PaperQuery], *, now: datetime
) -> list[UpsertedPaper]:
    """Do the same as ``bring``, for drafts from ``prepare``."""
    take_turns(connection)
    brought: list[UpsertedPaper] = []
    for some in batches(drafts):
        public, own = _lay_out_both(connection, owner_id, some, now)
        placed = _place_all(public, own, some)
        new = [entry for entry in own.entries if not entry.paper.id]
        _write_new(connection, owner_id, new, now)
        brought += [UpsertedPaper(entry.paper.id, what) for entry, what in placed]
    return brought


def _lay_out_both(
    connection: Connection, owner_id: int, asked: Sequence[PaperQuery], now: datetime
) -> tuple[PaperMatcher, PaperMatcher]:
    public = lay_out(connection, asked, now)
    return public, _lay_out_own(connection, owner_id, asked, now)


def _place_all(
    public: PaperMatcher, own: PaperMatcher, asked: Sequence[PaperQuery]
) -> list[tuple[KnownPaper, MatchOutcome]]:
    return [_place(one, public, own) for one in asked]


def _place(
    asked: PaperQuery, public: PaperMatcher, own: PaperMatcher
) -> tuple[KnownPaper, MatchOutcome]:
    for matcher in (public, own):
        match = matcher.find(asked)
        if match is not None and matcher.entries[match.at].before is not None:
            return matcher.entries[match.at], MatchOutcome.KNOWN
    # A reader's own papers are distinguished by identifiers and whole titles: comparing texts as
    # well took two seconds for 2,000 similar titles, while nobody else could write.
    return own.place(replace(asked, numbers=frozenset()))


def _lay_out_own(
    connection: Connection, owner_id: int, asked: Sequence[PaperQuery], now: datetime
) -> PaperMatcher:
    """Read the owner's private papers that may match a draft: by identifier or title."""
    column, keys = schema.paper.c, {one.key for one in asked}
    named = private_papers.find(connection, owner_id, {name for one in asked for name in one.names})
    titled = [
        (key, number)
        for some in batches(keys)
        for key, number in connection.execute(
            select(column.title_key, column.id).where(
                column.title_key.in_(some), column.owner_id == owner_id
            )
        )
    ]
    papers = paper_rows.get(connection, {*named.values(), *(number for _, number in titled)})
    places = {number: at for at, number in enumerate(papers)}
    names = private_papers.names(connection, papers)
    return PaperMatcher(
        [KnownPaper(paper, before=paper) for paper in papers.values()],
        by_name={name: places[number] for name, number in names},
        by_key=gather((key, places[number]) for key, number in titled),
        by_hash={},
        now=now,
    )


def _write_new(
    connection: Connection, owner_id: int, entries: Sequence[KnownPaper], now: datetime
) -> None:
    """Write private papers with random uids; a uid made from an identifier could be guessed."""
    if not entries:
        return
    by_uid = {str(uuid4()): entry for entry in entries}
    rows = [
        paper_rows.values(replace(entry.paper, uid=uid, owner_id=owner_id, updated=now))
        for uid, entry in by_uid.items()
    ]
    statement = insert(schema.paper).returning(schema.paper.c.uid, schema.paper.c.id)
    for row in connection.execute(statement, rows):
        entry = by_uid[row.uid]
        entry.paper = replace(entry.paper, id=row.id, uid=row.uid, owner_id=owner_id)
    gained = {entry.paper.id: entry.gained for entry in entries}
    private_papers.add_names(connection, owner_id, gained)
