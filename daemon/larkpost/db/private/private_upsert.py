"""Upserts a reader's references: public papers are found, the others become private ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from sqlalchemy import Connection, func, insert

from larkpost.db import paper_rows, schema
from larkpost.db.matching.bulk_rows import read_first_pairs
from larkpost.db.matching.comparison.text_comparer import MOST_CANDIDATES, TextComparer
from larkpost.db.matching.paper_matcher import KnownPaper, MatchOutcome, PaperMatcher
from larkpost.db.matching.paper_upsert import UpsertedPaper, lay_out, prepare, take_turns
from larkpost.db.matching.verified_texts import may_be_another
from larkpost.db.private import private_papers
from larkpost.db.value_batches import batches, gather
from larkpost.domain import PaperRecord
from larkpost.errors import UsageError
from larkpost.text.normalize import shorten

if TYPE_CHECKING:
    from larkpost.db.matching.paper_query import PaperQuery

# Characters that are compared for one list, in a second or two: 4,000 pairs of usual abstracts,
# twice as many as its references.
MOST_FOR_LIST = 12_000_000


def look_up(
    connection: Connection,
    owner_id: int,
    drafts: Sequence[PaperQuery],
    *,
    now: datetime,
    comparer: TextComparer | None = None,
) -> list[UpsertedPaper]:
    """Return the outcome that each draft would have; the id of a new paper is 0.

    Raises UsageError if more than ``MOST_FOR_LIST`` characters would have to be compared, as for
    thousands of texts under one title.
    """
    comparer = comparer or TextComparer()
    looked_up: list[UpsertedPaper] = []
    for some in batches(drafts):
        public, own = _lay_out_both(connection, owner_id, some, now, comparer)
        for one in some:
            entry, what = _place(one, public, own)
            looked_up.append(UpsertedPaper(entry.paper.id, what))
            _check_limit(comparer, one)
    return looked_up


def _check_limit(comparer: TextComparer, asked: PaperQuery) -> None:
    if comparer.characters > MOST_FOR_LIST:
        title = shorten(asked.draft.title, 100)
        raise UsageError(
            f"too many alike titles with different abstracts, such as {title!r}",
            hint="nothing was imported; leave them out, or import the list in parts",
        )


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
    connection: Connection,
    owner_id: int,
    drafts: Iterable[PaperQuery],
    *,
    now: datetime,
    comparer: TextComparer | None = None,
) -> list[UpsertedPaper]:
    """Do the same as ``bring``, for drafts from ``paper_upsert.prepare``.

    What ``comparer`` compared in ``look_up`` is not compared again.
    """
    comparer = comparer or TextComparer()
    take_turns(connection)
    brought: list[UpsertedPaper] = []
    for some in batches(drafts):
        public, own = _lay_out_both(connection, owner_id, some, now, comparer)
        placed = [_place(one, public, own) for one in some]
        new = [entry for entry in own.entries if not entry.paper.id]
        _write_new(connection, owner_id, new, now)
        brought += [UpsertedPaper(entry.paper.id, what) for entry, what in placed]
    return brought


def _lay_out_both(
    connection: Connection,
    owner_id: int,
    asked: Sequence[PaperQuery],
    now: datetime,
    comparer: TextComparer,
) -> tuple[PaperMatcher, PaperMatcher]:
    public = lay_out(connection, asked, now, comparer=comparer)
    return public, _lay_out_own(connection, owner_id, asked, now, comparer)


def _place(
    asked: PaperQuery, public: PaperMatcher, own: PaperMatcher
) -> tuple[KnownPaper, MatchOutcome]:
    match = public.find(asked)
    if match is not None:
        entry = public.entries[match.at]
        if not may_be_another(entry.paper, asked.draft):
            return entry, MatchOutcome.KNOWN
    # A reader's own papers are distinguished by identifiers and whole titles: comparing texts as
    # well took two seconds for 2,000 similar titles, while nobody else could write.
    asked = replace(asked, numbers=frozenset())
    match = own.find(asked)
    if match is not None and own.entries[match.at].before is not None:
        return own.entries[match.at], MatchOutcome.KNOWN
    return own.put(asked, match)


def _lay_out_own(
    connection: Connection,
    owner_id: int,
    asked: Sequence[PaperQuery],
    now: datetime,
    comparer: TextComparer,
) -> PaperMatcher:
    """Read the owner's private papers that may match a draft: by identifier or title."""
    column, keys = schema.paper.c, {one.key for one in asked}
    named = private_papers.find(connection, owner_id, {name for one in asked for name in one.names})
    # Not the index of owners: a reader may have thousands of papers, and a title few.
    whose = func.coalesce(column.owner_id, 0) == owner_id
    titled = read_first_pairs(
        connection, column.title_key, column.id, keys, where=whose, most=MOST_CANDIDATES
    )
    papers = paper_rows.get(connection, {*named.values(), *(number for _, number in titled)})
    places = {number: at for at, number in enumerate(papers)}
    names = private_papers.names(connection, papers)
    return PaperMatcher(
        [KnownPaper(paper, before=paper) for paper in papers.values()],
        by_name={name: places[number] for name, number in names},
        by_key=gather((key, places[number]) for key, number in titled),
        by_hash={},
        now=now,
        comparer=comparer,
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
