"""Merges private papers into the public one, once a dump lists it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, select

from larkpost.db import paper_rows, schema
from larkpost.db.matching.comparison.duplicate_rules import LOOSE, conflicting
from larkpost.db.matching.comparison.text_comparer import MOST_CANDIDATES
from larkpost.db.matching.verified_texts import may_be_another
from larkpost.db.private import private_papers
from larkpost.db.value_batches import batches, gather, rows_among
from larkpost.domain import Identifier, Paper, PaperRecord
from larkpost.text.minhash import title_key
from larkpost.text.unverified import is_unverified

if TYPE_CHECKING:
    from larkpost.db.matching.comparison.text_comparer import TextComparer
    from larkpost.db.matching.paper_matcher import KnownPaper
    from larkpost.db.matching.paper_query import PaperQuery

MOST_COMPARED = 5_000_000  # characters for all private papers: 0.2 seconds
# Private papers that become public ones in one transaction: anybody can bring the arXiv numbers of
# tomorrow, each with many pages, and 25,000 copies kept all votes waiting for 2.3 seconds.
MOST_COPIES = 2_000
_table = schema.private_identifier


def count_ready(connection: Connection, asked: Sequence[PaperQuery]) -> int:
    """Count the first drafts that have few private copies together; at least one.

    A copy counts by identifier and by title, so there may be fewer than ``MOST_COPIES``.
    """
    if not _any_private(connection):
        return len(asked)
    counts = _count_named(connection, asked) + _count_titled(connection, asked)
    total = 0
    for at, one in enumerate(asked):
        keys: set[Identifier | str] = {*one.names, one.key}
        total += sum(counts[key] for key in keys)
        if at and total > MOST_COPIES:
            return at
    return len(asked)


def _any_private(connection: Connection) -> bool:
    return connection.execute(select(_table.c.paper_id).limit(1)).first() is not None


def _count_named(connection: Connection, asked: Sequence[PaperQuery]) -> Counter[Identifier | str]:
    by_scheme = gather((name.scheme, name.value) for one in asked for name in one.names)
    column, found = _table.c, Counter[Identifier | str]()
    for scheme, values in by_scheme.items():
        counted = select(column.value, func.count()).where(column.scheme == scheme)
        rows = rows_among(connection, counted.group_by(column.value), column.value, values)
        found.update({Identifier(scheme, value): count for value, count in rows})
    return found


def _count_titled(connection: Connection, asked: Sequence[PaperQuery]) -> Counter[Identifier | str]:
    column = schema.paper.c
    counted = select(column.title_key, func.count()).where(column.owner_id.is_not(None))
    keys = {one.key for one in asked}
    rows = rows_among(connection, counted.group_by(column.title_key), column.title_key, keys)
    return Counter({row[0]: row[1] for row in rows})


def hand_over(
    connection: Connection,
    entries: Sequence[KnownPaper],
    *,
    now: datetime,
    comparer: TextComparer,
) -> None:
    """Move the thumbs on private papers to the public papers of these entries.

    The public paper takes over nothing else: no text, link or identifier from a reader. So nobody
    can attach anything to a paper before its dump arrives. A private paper stays if the public one
    has another text, from a source that is no authority: see ``may_be_another``.
    So do those of a title with more than ``MOST_COPIES``, first all but the first of each reader.
    """
    if not entries or not _any_private(connection):
        return
    by_name = {name: entry for entry in entries for name in entry.names}
    by_key = gather((title_key(entry.paper.title), entry) for entry in entries)
    ids = {*_find_named(connection, by_name), *_find_titled(connection, by_key)}
    names = gather((number, name) for name, number in private_papers.names(connection, ids))
    public_of: dict[int, int] = {}
    most = comparer.characters + MOST_COMPARED
    for number, private in paper_rows.get(connection, ids).items():
        if comparer.characters >= most:
            # The others move by whole texts, and by identifiers that need no comparison.
            by_key = {}
            by_name = {name: one for name, one in by_name.items() if _is_enough(name, one)}
        public = _choose_public(private, names.get(number, ()), by_name, by_key, comparer)
        if public is not None:
            public_of[number] = public.paper.id
    private_papers.move_to_public(connection, public_of, now=now)


def _is_enough(name: Identifier, entry: KnownPaper) -> bool:
    """Whether an identifier needs no comparison: it is the text, or the title an authority's."""
    return name.scheme == "text" or not is_unverified(entry.paper)


def _find_named(connection: Connection, wanted: Iterable[Identifier]) -> set[int]:
    by_scheme = gather((name.scheme, name.value) for name in wanted)
    return {
        number
        for scheme, values in by_scheme.items()
        for (number,) in rows_among(
            connection,
            select(_table.c.paper_id).where(_table.c.scheme == scheme),
            _table.c.value,
            values,
        )
    }


def _find_titled(connection: Connection, keys: Iterable[str]) -> set[int]:
    """Find private papers by title, at most ``MOST_COPIES`` of one, in turns of their owners.

    One record has to be absorbed in one transaction, and a reader may bring any number of papers
    under its title: ten pages with 5,000 each kept all votes waiting for three.
    """
    column = schema.paper.c
    its_owners = (column.title_key, column.owner_id)
    turn = func.row_number().over(partition_by=its_owners, order_by=column.id).label("turn")
    private = select(column.id, column.title_key, turn).where(column.owner_id.is_not(None))
    found: set[int] = set()
    for some in batches(keys):
        one = private.where(column.title_key.in_(some)).subquery().c
        place = func.row_number().over(partition_by=one.title_key, order_by=(one.turn, one.id))
        placed = select(one.id, place.label("place")).subquery().c
        first = select(placed.id).where(placed.place <= MOST_COPIES)
        found.update(connection.execute(first).scalars())
    return found


def _choose_public(
    private: Paper,
    names: Collection[Identifier],
    by_name: Mapping[Identifier, KnownPaper],
    by_key: Mapping[str, Sequence[KnownPaper]],
    comparer: TextComparer,
) -> KnownPaper | None:
    """Choose the public paper that matches a private one, by the rules of ``db.matching``.

    Their limit holds here too: readers may have any number of papers of one title.
    """
    brought = PaperRecord(title=private.title, abstract=private.abstract)
    for name in sorted(names):
        entry = by_name.get(name)
        if entry is not None and _is_trusted(name, entry, names, brought, comparer):
            return entry
    titled = by_key.get(title_key(private.title), ())[:MOST_CANDIDATES]
    likely = (
        (one, one.paper)
        for one in titled
        if not conflicting(one.names, names) and not may_be_another(one.paper, brought)
    )
    found = comparer.first_match(likely, brought)
    return found[0] if found else None


def _is_trusted(
    name: Identifier,
    entry: KnownPaper,
    names: Collection[Identifier],
    brought: PaperRecord,
    comparer: TextComparer,
) -> bool:
    if may_be_another(entry.paper, brought):
        return False
    if name.scheme == "arxiv":
        return True
    if conflicting(entry.names, names):
        return False
    return name.scheme not in LOOSE or comparer.akin(entry.paper, brought)
