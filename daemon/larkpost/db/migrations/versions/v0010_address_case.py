"""Compares addresses without case: adds a key, and merges readers who differ only in case."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from alembic import op

from larkpost.db.column_types import CleanText, TextList, UtcDateTime
from larkpost.errors import UsageError
from larkpost.text.email_address import address_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, Row

revision = "0010"
down_revision = "0009"

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

MOST_WORDS = 50
WAITING = ("planned", "deferred")


def _table(name: str, plain: str, *typed: sa.ColumnClause[Any]) -> sa.TableClause:
    return sa.table(name, *map(sa.column, plain.split()), *typed)


_READER = _table(
    "reader",
    "id uid name status feed_key merged_into",
    sa.column("address", CleanText),
    sa.column("address_key", CleanText),
    sa.column("created", UtcDateTime),
    sa.column("next_slot", UtcDateTime),
)
_INTEREST = _table("interest", "id reader_id name", sa.column("words", TextList))
_VOTE = _table("vote", "reader_id paper_id interest_id", sa.column("at", UtcDateTime))
_TASTE = _table("taste", "interest_id")
_EDITION = _table("edition", "id reader_id date")
_PICK = _table("pick", "edition_id interest_id")
_DELIVERY = _table("delivery", "edition_id reader_id state reply")
_NOTICE = _table("notice", "id address", sa.column("wishes", sa.JSON))
_EVENT = _table("event", "kind ok", sa.column("at", UtcDateTime), sa.column("detail", sa.JSON))


def upgrade() -> None:
    """Add the columns, merge readers, and write the keys; a key is unique from now on."""
    connection = op.get_bind()
    op.add_column("reader", sa.Column("address_key", sa.Text()))
    op.add_column("reader", sa.Column("merged_into", Id))
    op.create_index("ix_reader_merged_into", "reader", ["merged_into"])
    counts = [_merge(connection, rows) for rows in _write_keys(connection) if len(rows) > 1]
    op.create_index("ix_reader_address_key", "reader", ["address_key"], unique=True)
    _fold_notices(connection)
    if counts:
        _note(connection, counts)


def _write_keys(connection: Connection) -> list[list[Row[Any]]]:
    """Write every reader's key; returns the readers of each key."""
    column = _READER.c
    rows = connection.execute(sa.select(_READER).where(column.address.is_not(None))).all()
    _each(connection, _READER, "address_key", {row.id: _key(row.address) for row in rows})
    alike = sorted(rows, key=lambda row: (_key(row.address), row.id))
    return [list(some) for _, some in groupby(alike, key=lambda row: _key(row.address))]


def _key(address: str) -> str:
    try:
        return address_key(address)
    except UsageError:  # an address only by an older version's rules
        return address.casefold()


def _merge(connection: Connection, rows: Sequence[Row[Any]]) -> dict[str, int]:
    """Merge several readers into one; returns the counts of the results.

    The reader who voted last stays, with their settings; a confirmed one goes before an unconfirmed
    one. If any of them has unsubscribed, so has the merged reader: a merge resumes no mail.
    """
    kept, *others = _by_activity(connection, rows)
    left = any(row.status == "left" for row in rows)
    untouched = 0
    for other in others:
        _move_interests(connection, kept.id, other.id)
        _move_votes(connection, kept.id, other.id)
        untouched += _move_editions(connection, kept.id, other.id)
        _cancel(connection, other.id)
        _change(
            connection, other.id, address_key=None, status="left", next_slot=None,
            merged_into=kept.id,
        )  # fmt: skip
    names = [row.name for row in (kept, *others) if row.name]
    _change(connection, kept.id, name=(*names, "")[0], created=min(row.created for row in rows))
    _keep_feed(connection, kept, others)
    _cancel_second_letters(connection, kept.id, [row.id for row in rows])
    if left:
        _change(connection, kept.id, status="left", next_slot=None)
        _cancel(connection, kept.id)
    stopped = left and kept.status != "left"
    return {"readers": len(others), "same_day_editions": untouched, "stopped": int(stopped)}


def _by_activity(connection: Connection, rows: Sequence[Row[Any]]) -> list[Row[Any]]:
    ids = [row.id for row in rows]
    newest = sa.select(_VOTE.c.reader_id, sa.func.max(_VOTE.c.at, type_=UtcDateTime()))
    theirs = newest.where(_VOTE.c.reader_id.in_(ids)).group_by(_VOTE.c.reader_id)
    voted = {row[0]: row[1] for row in connection.execute(theirs)}
    return sorted(
        rows,
        key=lambda row: (row.status != "pending", voted.get(row.id) or row.created, row.id),
        reverse=True,
    )


def _move_interests(connection: Connection, kept: int, other: int) -> None:
    """Move the other's interests to the kept reader; two with one name get the words of both."""
    mine = {row.name: (row.id, row.words) for row in _of(connection, _INTEREST, kept)}
    given = sa.select(_EDITION.c.id).where(_EDITION.c.reader_id == other)
    for row in _of(connection, _INTEREST, other):
        if row.name not in mine:
            _change(connection, row.id, _INTEREST, reader_id=kept)
            continue
        same, words = mine[row.name]
        both = list(dict.fromkeys([*words, *row.words]))[:MOST_WORDS]
        _change(connection, same, _INTEREST, words=both)
        votes = sa.update(_VOTE).where(_VOTE.c.interest_id == row.id)
        picks = sa.update(_PICK).where(_PICK.c.interest_id == row.id, _PICK.c.edition_id.in_(given))
        for moved in (votes, picks):
            connection.execute(moved.values(interest_id=same))
        # Foreign keys are off meanwhile on SQLite: nothing is deleted automatically.
        connection.execute(sa.delete(_TASTE).where(_TASTE.c.interest_id == row.id))
        connection.execute(sa.delete(_INTEREST).where(_INTEREST.c.id == row.id))


def _move_votes(connection: Connection, kept: int, other: int) -> None:
    """Move the other's votes to the kept reader; of two on one paper, the last stays."""
    mine = {row.paper_id: row.at for row in _of(connection, _VOTE, kept)}
    for row in _of(connection, _VOTE, other):
        earlier = mine.get(row.paper_id)
        if earlier is not None:
            loser = kept if row.at > earlier else other
            connection.execute(
                sa.delete(_VOTE).where(_VOTE.c.reader_id == loser, _VOTE.c.paper_id == row.paper_id)
            )
    connection.execute(sa.update(_VOTE).where(_VOTE.c.reader_id == other).values(reader_id=kept))


def _move_editions(connection: Connection, kept: int, other: int) -> int:
    """Move the other's editions and messages to the kept reader; returns how many do not move.

    A day has one edition: if the kept reader has one for that day already, the other's edition
    stays under the other's number, so that links to it still work.
    """
    taken = sa.select(_EDITION.c.date).where(_EDITION.c.reader_id == kept)
    mine = connection.execute(taken).scalars().all()
    rows = _of(connection, _EDITION, other)
    free = [row.id for row in rows if row.date not in set(mine)]
    for edition in free:
        _change(connection, edition, _EDITION, reader_id=kept)
        letter = sa.update(_DELIVERY).where(_DELIVERY.c.edition_id == edition)
        connection.execute(letter.values(reader_id=kept))
    return len(rows) - len(free)


def _cancel(connection: Connection, reader: int) -> None:
    waiting = sa.update(_DELIVERY).where(
        _DELIVERY.c.reader_id == reader, _DELIVERY.c.state.in_(WAITING)
    )
    connection.execute(waiting.values(state="cancelled"))


def _cancel_second_letters(connection: Connection, kept: int, everybody: Sequence[int]) -> None:
    """Cancel the kept reader's messages of days for which one of ``everybody`` was sent one."""
    dated = sa.select(_EDITION.c.date).join(_DELIVERY, _DELIVERY.c.edition_id == _EDITION.c.id)
    sent = dated.where(_EDITION.c.reader_id.in_(everybody), _DELIVERY.c.state == "sent")
    days = connection.execute(sent.distinct()).scalars().all()
    of_these = sa.select(_EDITION.c.id).where(
        _EDITION.c.reader_id == kept, _EDITION.c.date.in_(days)
    )
    # A message with an unknown outcome would be sent once more.
    second = sa.update(_DELIVERY).where(
        _DELIVERY.c.edition_id.in_(of_these), _DELIVERY.c.state.in_([*WAITING, "unknown"])
    )
    connection.execute(second.values(state="cancelled", reply="another of that day was sent"))


def _keep_feed(connection: Connection, kept: Row[Any], others: Sequence[Row[Any]]) -> None:
    """If the kept reader's feed is off and another's was on, keep the other's address."""
    going = next((row for row in others if not row.feed_key.startswith("off:")), None)
    if kept.feed_key.startswith("off:") and going is not None:
        _change(connection, going.id, feed_key=f"off:{going.uid}")
        _change(connection, kept.id, feed_key=going.feed_key)


def _fold_notices(connection: Connection) -> None:
    """Compare subscription requests by key too; of two requests the last one counts."""
    rows = connection.execute(sa.select(_NOTICE).order_by(_NOTICE.c.id)).all()
    asked = {_key(row.address): row for row in rows if "@" in row.address}
    last = {row.id for row in asked.values()}
    for row in rows:
        if "@" in row.address and row.id not in last:
            connection.execute(sa.delete(_NOTICE).where(_NOTICE.c.id == row.id))
    for key, row in asked.items():
        wishes = {"address": row.address, **row.wishes}
        _change(connection, row.id, _NOTICE, address=key, wishes=wishes)


def _note(connection: Connection, counts: Iterable[dict[str, int]]) -> None:
    every = list(counts)
    detail = {name: sum(one[name] for one in every) for name in every[0]} | {"into": len(every)}
    event = {"kind": "merge", "ok": True, "at": datetime.now(UTC), "detail": detail}
    connection.execute(sa.insert(_EVENT).values(event))


def _of(connection: Connection, table: sa.TableClause, reader: int) -> Sequence[Row[Any]]:
    return connection.execute(sa.select(table).where(table.c.reader_id == reader)).all()


def _change(
    connection: Connection, number: int, table: sa.TableClause = _READER, **values: object
) -> None:
    connection.execute(sa.update(table).where(table.c.id == number).values(values))


def _each(connection: Connection, table: sa.TableClause, name: str, values: dict[int, str]) -> None:
    statement = (
        sa.update(table)
        .where(table.c.id == sa.bindparam("which"))
        .values({name: sa.bindparam("what", type_=CleanText())})
    )
    rows = [{"which": which, "what": what} for which, what in values.items()]
    if rows:
        connection.execute(statement, rows)
