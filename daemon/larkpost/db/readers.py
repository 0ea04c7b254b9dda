"""Stores readers with their schedules and interests."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime, time
from typing import Any, TypedDict, Unpack
from uuid import uuid4

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
)
from sqlalchemy import update as change
from sqlalchemy.exc import IntegrityError

from larkpost.db import row_ids, schema
from larkpost.db.usage import vote_eligibility
from larkpost.db.value_batches import batches, gather
from larkpost.domain import Interest, Reader, Status
from larkpost.errors import UnknownReader, UsageError
from larkpost.text.email_address import address_key, spell_address
from larkpost.text.normalize import one_line

_table, _interest_table = schema.reader, schema.interest

EVERY_DAY = frozenset(range(7))
MAIN = "main"  # the interest that every reader starts with
SIZES = range(1, 101)

# The prefix of a value that means no key: it is unique, and no feed address can contain it.
_OFF = "off:"


class NewReaderColumns(TypedDict, total=False):
    """The optional data of a new reader; ``_NEW_READER`` has the defaults."""

    name: str
    zone: str
    send_time: time
    weekdays: frozenset[int]
    papers_per_edition: int
    status: Status
    threshold: float
    weekly: bool
    notify_when_empty: bool
    next_slot: datetime | None
    expires: bool


_NEW_READER = NewReaderColumns(
    name="",
    zone="UTC",
    send_time=time(6),
    weekdays=EVERY_DAY,
    papers_per_edition=10,
    status=Status.ACTIVE,
    threshold=0.0,
    weekly=False,
    notify_when_empty=False,
    next_slot=None,
    expires=False,
)
_NOT_MERGED = _table.c.merged_into.is_(None)
_FIXED = {"id", "uid", "created", "interests", "merged_into"}
_CHANGEABLE = {field.name for field in fields(Reader)} - _FIXED


def add(
    connection: Connection,
    *,
    address: str | None,
    now: datetime,
    words: Sequence[str] = (),
    uid: str | None = None,
    number: int | None = None,
    signed_up: bool = False,
    **others: Unpack[NewReaderColumns],
) -> Reader:
    """Create a reader, with one interest of these ``words``.

    ``signed_up``: the thumbs do not count for others yet, see ``db.usage.vote_eligibility``.
    ``number`` is the number in links, if it should be that of another database and is free.
    ``expires``: removed when nobody uses their page or feed, see ``db.usage.last_use``. Raises
    UsageError if address or uid is taken, and for an invalid number of papers.
    """
    columns = {
        **_NEW_READER,
        **others,
        "uid": uid or str(uuid4()),
        "feed_key": new_feed_key(),
        "created": now,
        "address": address,
        "counts_from": None if signed_up else vote_eligibility.ALWAYS,
    }
    if (own := row_ids.free(connection, _table, number)) is not None:
        columns["id"] = own
    statement = insert(_table).values(_columns(columns)).returning(_table.c.id)
    with _unless_taken(connection, address):
        reader_id: int = connection.execute(statement).scalar_one()
    if own is not None:
        row_ids.count_on(connection, _table)
    main = {"reader_id": reader_id, "name": MAIN, "words": list(words), "quota": 1}
    connection.execute(insert(_interest_table).values(main))
    return get(connection, reader_id)


def get(connection: Connection, reader_id: int) -> Reader:
    """Find a reader by number, also by that of a reader merged into them; raises UnknownReader."""
    return _one(connection, _table.c.id == reader_id, f"the number {reader_id}")


def by_address(connection: Connection, address: str) -> Reader:
    """Find a reader by mail address, ignoring case; raises UnknownReader."""
    key = address_key(address)
    return _one(connection, _table.c.address_key == key, f"the address {one_line(address)}")


def by_uid(connection: Connection, uid: str) -> Reader:
    """Find a reader by uid; raises UnknownReader."""
    return _one(connection, _table.c.uid == uid, f"the uid {one_line(uid)}")


def by_feed_key(connection: Connection, key: str) -> Reader | None:
    """Find the reader whose feed has this key; a feed that is switched off has none."""
    found = next(iter(_where(connection, _has_name(_table.c.feed_key == key))), None)
    return found if found and found.feed_key else None


def many(connection: Connection, reader_ids: Collection[int]) -> dict[int, Reader]:
    """Find several readers at once, by number; removed ones are left out.

    The number of a merged reader maps to the remaining one.
    """
    found = {
        reader.id: reader
        for some in batches(reader_ids)
        for reader in _where(connection, _table.c.id.in_(some))
    }
    owners = {one.id: one.merged_into for one in found.values() if one.merged_into is not None}
    theirs = many(connection, set(owners.values())) if owners else {}
    return found | {number: theirs[owner] for number, owner in owners.items()}


def former(connection: Connection, reader_ids: Collection[int]) -> list[Reader]:
    """List the readers that a migration merged into these.

    Links and feeds made for one of them open the remaining reader's page and feed.
    """
    return [
        reader
        for some in batches(reader_ids)
        for reader in _where(connection, _table.c.merged_into.in_(some))
    ]


def merges(connection: Connection) -> list[tuple[Reader, Reader]]:
    """List merged readers, each with the remaining one."""
    found = _where(connection, _table.c.merged_into.is_not(None))
    owners = many(connection, {one.id for one in found})
    return [(one, owners[one.id]) for one in found]


def all(connection: Connection, status: Status | None = None) -> list[Reader]:  # noqa: A001 - reads as readers.all
    """List every reader, or those of one status, in order of creation."""
    wanted = [_table.c.status == status.value] if status else []
    return _where(connection, _NOT_MERGED, *wanted)


def unconfirmed(connection: Connection, before: datetime) -> list[Reader]:
    """List the readers with an address, made ``before`` a time, who have not confirmed yet."""
    pending = (_table.c.status == Status.PENDING.value, _table.c.address.is_not(None))
    return _where(connection, _NOT_MERGED, *pending, _table.c.created < before)


def newest(connection: Connection, *, limit: int, offset: int = 0) -> list[Reader]:
    """List readers, newest first."""
    column = _table.c.id
    some = select(column).where(_NOT_MERGED).order_by(column.desc()).limit(limit).offset(offset)
    ids = connection.execute(some).scalars().all()
    found = many(connection, ids)
    return [found[reader_id] for reader_id in ids]


def due(connection: Connection, now: datetime, *, limit: int) -> list[Reader]:
    """List the active readers whose slot is due: those who count for others before the rest.

    Within both the longest waiting come first. Of the rest anybody can make hundreds, with an
    address or without, so these wait.
    """
    is_other = _table.c.counts_from.is_(None)
    chosen = (
        select(_table.c.id)
        .where(_table.c.status == Status.ACTIVE.value, _table.c.next_slot <= now)
        .order_by(is_other, _table.c.next_slot, _table.c.id)
        .limit(limit)
    )
    ids = connection.execute(chosen).scalars().all()
    found = many(connection, ids)
    return [found[reader_id] for reader_id in ids]


def due_after(connection: Connection, moment: datetime) -> list[Reader]:
    """List the active readers whose next slot is later than a moment."""
    return _where(
        connection,
        _table.c.status == Status.ACTIVE.value,
        _table.c.next_slot > moment,
    )


def next_slot(connection: Connection) -> datetime | None:
    """Return when the next edition of any active reader is due."""
    soonest = select(func.min(_table.c.next_slot)).where(_table.c.status == Status.ACTIVE.value)
    return connection.execute(soonest).scalar()


def update(connection: Connection, reader_id: int, **columns: Any) -> Reader:
    """Change the given fields, with the names and types of ``larkpost.domain.Reader``.

    Raises UnknownReader, UsageError for a taken address or an invalid size, TypeError for an
    unknown or unchangeable field.
    """
    if wrong := columns.keys() - _CHANGEABLE:
        raise TypeError(f"readers.update cannot change {', '.join(sorted(wrong))}")
    if columns:
        statement = change(_table).where(_table.c.id == reader_id)
        with _unless_taken(connection, columns.get("address")):
            _free_former(connection, reader_id, columns)
            connection.execute(statement.values(_columns(columns)))
    return get(connection, reader_id)


def _free_former(connection: Connection, reader_id: int, columns: Collection[str]) -> None:
    """Clear changed values in merged readers: a feed's old key, an old address."""
    names = change(_table).where(_table.c.merged_into == reader_id)
    if "address" in columns:
        connection.execute(names.values(address=None))
    if "feed_key" in columns:
        connection.execute(names.values(feed_key=literal(_OFF) + _table.c.uid))


def advance(connection: Connection, reader: Reader, next_slot: datetime | None) -> bool:
    """Advance a reader's slot, if it still equals that of ``reader``; returns whether it did."""
    statement = change(_table).where(
        _table.c.id == reader.id, _table.c.next_slot.is_not_distinct_from(reader.next_slot)
    )
    return connection.execute(statement.values(next_slot=next_slot)).rowcount == 1


def remove(connection: Connection, reader_id: int) -> None:
    """Delete a reader with all their data; raises UnknownReader."""
    # Merged readers first: their editions may refer to private papers of the reader, which are
    # deleted too.
    connection.execute(delete(_table).where(_table.c.merged_into == reader_id))
    if connection.execute(delete(_table).where(_table.c.id == reader_id)).rowcount == 0:
        raise _unknown(f"the number {reader_id}")


def renew_feed_key(connection: Connection, reader_id: int) -> str:
    """Give the reader's feed a new key; the old one is invalid from now on.

    A feed that was switched off is switched on. ``update`` switches it off with an empty key.
    """
    return update(connection, reader_id, feed_key=new_feed_key()).feed_key


def relink(connection: Connection, reader_id: int) -> Reader:
    """Renew the link to the reader's own page; older ones are invalid from now on."""
    whose = or_(_table.c.id == reader_id, _table.c.merged_into == reader_id)
    connection.execute(
        change(_table).where(whose).values(page_link_version=_table.c.page_link_version + 1)
    )
    return get(connection, reader_id)


def new_feed_key() -> str:
    """Make a random key of 128 bits for a path."""
    return secrets.token_urlsafe(16)


def count_by_status(connection: Connection) -> dict[Status, int]:
    """Count the readers of each status, including empty ones."""
    column = _table.c.status
    counted = select(column, func.count()).where(_NOT_MERGED).group_by(column)
    rows = connection.execute(counted).all()
    return dict.fromkeys(Status, 0) | {Status(status): count for status, count in rows}


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    """Convert a reader's fields to column values."""
    columns = dict(values)
    if columns.get("address") is not None:
        columns["address_key"] = address_key(columns["address"])
        columns["address"] = spell_address(columns["address"])
    size = columns.get("papers_per_edition")
    if size not in {None, *SIZES}:
        raise UsageError(f"a size of {size} papers is not possible", hint="give 1 to 100")
    if "status" in columns:
        columns["status"] = columns["status"].value
    if columns.get("feed_key") == "":
        columns["feed_key"] = _OFF + new_feed_key()
    if "weekdays" in columns:
        columns["weekday_mask"] = sum(1 << day for day in columns.pop("weekdays"))
    return columns


@contextmanager
def _unless_taken(connection: Connection, address: str | None) -> Iterator[None]:
    """Raise UsageError if a unique column is violated; the transaction stays usable."""
    try:
        with connection.begin_nested():
            yield
    except IntegrityError as error:
        what = f"the address {one_line(address)}" if address else "that uid or feed key"
        raise UsageError(
            f"there is a reader with {what} already",
            hint="run larkpost reader list",
        ) from error


def _has_name(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Find the reader who meets this condition, also through a merged reader."""
    return _table.c.id.in_(
        select(func.coalesce(_table.c.merged_into, _table.c.id)).where(condition)
    )


def _one(connection: Connection, condition: ColumnElement[bool], what: str) -> Reader:
    for reader in _where(connection, _has_name(condition)):
        return reader
    raise _unknown(what)


def _unknown(what: str) -> UnknownReader:
    return UnknownReader(f"there is no reader with {what}", hint="run larkpost reader list")


def _where(connection: Connection, *conditions: ColumnElement[bool]) -> list[Reader]:
    """Read readers and their interests, in order of creation, with two queries for any number."""
    rows = connection.execute(select(_table).where(*conditions).order_by(_table.c.id)).all()
    theirs = select(_interest_table).join(_table).where(*conditions).order_by(_interest_table.c.id)
    found = connection.execute(theirs) if rows else ()
    interests = gather((row.reader_id, read_interest(row)) for row in found)
    return [_reader(row, tuple(interests.get(row.id, ()))) for row in rows]


def read_interest(row: Row[Any]) -> Interest:
    """Make an interest from its row."""
    return Interest(row.id, row.name, row.words, row.quota)


def _reader(row: Row[Any], interests: tuple[Interest, ...]) -> Reader:
    return Reader(
        id=row.id,
        uid=row.uid,
        address=row.address,
        name=row.name,
        status=Status(row.status),
        zone=row.zone,
        send_time=row.send_time,
        weekdays=frozenset(day for day in range(7) if row.weekday_mask >> day & 1),
        papers_per_edition=row.papers_per_edition,
        feed_key="" if row.feed_key.startswith(_OFF) else row.feed_key,
        created=row.created,
        interests=interests,
        threshold=row.threshold,
        weekly=row.weekly,
        paused_until=row.paused_until,
        next_slot=row.next_slot,
        page_link_version=row.page_link_version,
        notify_when_empty=row.notify_when_empty,
        merged_into=row.merged_into,
        offer_declined=row.offer_declined,
    )
