"""The notices of the outbox, each stored until it has gone: confirmations, empty days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, delete, func, insert, select, update

from larkpost.db import schema, upsert

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

_table = schema.notice


@dataclass(frozen=True, slots=True)
class QueuedNotice:
    """What was asked for an address: ``wishes`` as JSON has them, and how often it was tried.

    For what a reader is told, the reader's uid stands for the address, and ``wishes`` for what.
    ``domain`` is the one by which the letter counts; empty where it does not count.
    """

    id: int
    address: str
    wishes: Mapping[str, Any]
    asked: datetime
    attempts: int
    domain: str = ""

    @property
    def doubts(self) -> int:
        """How often it went out and nobody knows whether it arrived."""
        return int(self.wishes.get("doubts", 0))

    @property
    def to_reader(self) -> bool:
        """Whether this tells a reader something, and answers no asking."""
        return "@" not in self.address


def ask(
    connection: Connection,
    address: str,
    preferences: Mapping[str, Any],
    *,
    now: datetime,
    domain: str = "",
    place: datetime | None = None,
) -> None:
    """Write an asking down, in place of one for the same address that still waits.

    It waits at the better of both places, ``now`` where none is given. One statement whatever is
    known of the address, so that its time tells nothing.
    """
    statement = upsert.insert(connection, _table).values(
        address=address,
        wishes=dict(preferences),
        asked=now,
        attempts=0,
        next_try=now,
        domain=domain or None,
        place=place or now,
    )
    new = statement.excluded
    better = case((new.place < _table.c.place, new.place), else_=_table.c.place)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["address"], set_={"wishes": new.wishes, "place": better}
        )
    )


def make_room(connection: Connection, domain: str, place: datetime, *, most: int) -> bool:
    """Tell whether one more may wait for a domain at a place, where ``most`` may wait.

    Where as many do, the one at the last place goes, unless that is before ``place``.
    """
    of_domain = _table.c.domain == domain
    count = select(func.count()).select_from(_table).where(of_domain)
    if connection.execute(count).scalar_one() < most:
        return True
    last = connection.execute(
        select(_table.c.id, _table.c.place)
        .where(of_domain)
        .order_by(_table.c.place.desc(), _table.c.id.desc())
        .limit(1)
    ).one_or_none()
    if last is None or last.place is None or last.place <= place:
        return False
    connection.execute(delete(_table).where(_table.c.id == last.id))
    return True


def tell(connection: Connection, uid: str, what: Mapping[str, Any], *, now: datetime) -> None:
    """Owe a reader a line, in place of an older one that has not gone."""
    connection.execute(delete(_table).where(_table.c.address == uid))
    connection.execute(
        insert(_table).values(
            address=uid, wishes=dict(what), asked=now, attempts=0, next_try=now, place=now
        )
    )


def take(connection: Connection, *, now: datetime, until: datetime) -> QueuedNotice | None:
    """Take the asking at the first place; nobody else is given it before ``until``."""
    waiting = (
        select(_table.c.id)
        .where(_table.c.next_try <= now)
        .order_by(func.coalesce(_table.c.place, _table.c.asked), _table.c.id)
        .limit(1)
    )
    taken = (
        update(_table)
        .where(_table.c.id == waiting.scalar_subquery(), _table.c.next_try <= now)
        .values(next_try=until, attempts=_table.c.attempts + 1)
    )
    row = connection.execute(taken.returning(*_table.c)).one_or_none()
    if row is None:
        return None
    return QueuedNotice(row.id, row.address, row.wishes, row.asked, row.attempts, row.domain or "")


def put_back(
    connection: Connection, notice: QueuedNotice, next_try: datetime, *, doubts: int = 0
) -> None:
    """Try an asking again later; ``doubts`` is how often it may have arrived."""
    values: dict[str, Any] = {"next_try": next_try}
    if doubts:
        values["wishes"] = {**notice.wishes, "doubts": doubts}
    connection.execute(update(_table).where(_table.c.id == notice.id).values(values))


def put_off_domain(
    connection: Connection, notice: QueuedNotice, until: datetime, now: datetime
) -> None:
    """Let an asking that was taken wait until then, untried, and the others of its domain, too."""
    connection.execute(
        update(_table)
        .where(_table.c.id == notice.id)
        .values(next_try=until, attempts=notice.attempts - 1)
    )
    connection.execute(
        update(_table)
        .where(_table.c.domain == notice.domain, _table.c.next_try <= now, _table.c.attempts == 0)
        .values(next_try=until)
    )


def forget(connection: Connection, notice: QueuedNotice) -> None:
    """Be done with an asking."""
    connection.execute(delete(_table).where(_table.c.id == notice.id))


def forget_addressees(connection: Connection, addresses: Collection[str]) -> None:
    """Drop what is owed to these addresses and to the readers with these uids."""
    connection.execute(delete(_table).where(_table.c.address.in_(addresses)))


def waiting(connection: Connection, now: datetime) -> int:
    """Count the askings whose time has come."""
    due = select(func.count()).select_from(_table).where(_table.c.next_try <= now)
    return connection.execute(due).scalar_one()
