"""The order of the outbox: confirmations, then new messages, then retries by their due time.

New messages and retries to readers whose thumbs count for others go before those to the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    func,
    literal_column,
    or_,
    select,
)

from larkpost.db import schema
from larkpost.db.coordination.leases import LONGEST
from larkpost.domain import DeliveryState, MessageKind

# A message that may have been sent is tried once more under its old Message-ID, by which the
# receiver can recognise the copy; after a second such attempt an edition waits for the operator.
AMBIGUOUS_ATTEMPTS = 1
# The longest wait of a retry: one that waits longer was deferred by a clock that was ahead, and is
# due.
LONGEST_WAIT = timedelta(hours=13)
BATCH = 100  # messages that are claimed together
# The share of each batch for retries, however many new messages wait, so that they never starve.
RETRY_SHARE = 5  # a fifth

_table = schema.delivery


def next_due(
    connection: Connection, rows: Select[Any], now: datetime, limit: int | None = None
) -> list[Row[Any]]:
    """Read the next messages by ``rows``, a select from the outbox.

    Confirmations come first, because somebody is waiting for them; then new messages, the latest
    day first; then retries, by due time. If there are more new messages than fit into a batch, a
    fifth of it is still for retries. Among new messages, and among retries, those to readers who do
    not count (``db.usage.vote_eligibility``) come last: anybody can confirm hundreds of mailboxes.
    """
    room = BATCH if limit is None else min(limit, BATCH)
    ordered = chain(
        confirmations_due(connection, rows, now, limit),
        _take_turns(
            _new(connection, rows, now, limit), _retries(connection, rows, now, limit), room
        ),
    )
    return list(islice(ordered, limit))


def confirmations_due(
    connection: Connection, rows: Select[Any], now: datetime, limit: int | None = None
) -> Iterator[Row[Any]]:
    """Read the confirmations that are due by ``rows``, in the order of their places."""
    first = rows.where(_is_due_confirmation(now), _is_free(now))
    yield from connection.execute(first.order_by(_table.c.place, _table.c.id).limit(limit)).all()


def any_confirmation_due(connection: Connection, now: datetime) -> bool:
    """Return whether a confirmation is due; cheap enough to call between two messages."""
    return next(confirmations_due(connection, select(_table.c.id), now, 1), None) is not None


def count_due(connection: Connection, now: datetime) -> int:
    """Count the messages that could be claimed."""
    counted = select(func.count()).select_from(_table).where(_is_free(now))
    # Three statements: a single one could use no index, and would read all messages ever sent.
    queues = (
        and_(in_states(DeliveryState.PLANNED), _is_not_first()),
        and_(_is_retry(now), _is_not_first()),
        _is_due_confirmation(now),
    )
    return sum(connection.execute(counted.where(queue)).scalar_one() for queue in queues)


def count_waiting(connection: Connection) -> int:
    """Count the messages that will be sent automatically, now or later."""
    waiting = or_(in_states(DeliveryState.PLANNED, DeliveryState.DEFERRED), _goes_once_more())
    return connection.execute(select(func.count()).select_from(_table).where(waiting)).scalar_one()


def in_states(*states: DeliveryState) -> ColumnElement[bool]:
    """Make the condition that a message is in one of these states.

    The values are literals, because a list of bound parameters is expanded at each run.
    """
    return _table.c.state.in_([literal_column(f"'{state.value}'") for state in states])


def has_lapsed(now: datetime) -> ColumnElement[bool]:
    """Make the condition that a lease has ended, or ends impossibly late (clock set back)."""
    return or_(_table.c.lease_until <= now, _table.c.lease_until > now + LONGEST)


def of_kind(*kinds: MessageKind) -> ColumnElement[bool]:
    """Make the condition on kinds, with literals as in ``in_states``."""
    return _table.c.kind.in_([literal_column(f"'{kind.value}'") for kind in kinds])


def _new(
    connection: Connection, rows: Select[Any], now: datetime, limit: int | None
) -> Iterator[Row[Any]]:
    """Read the messages never tried, day by day, each day from an index."""
    planned, day = in_states(DeliveryState.PLANNED), _table.c.day
    for whose in (~_is_to_the_rest(), _is_to_the_rest()):
        latest = connection.execute(select(func.max(day)).where(planned)).scalar()
        while latest is not None:
            theirs = rows.where(planned, day == latest, whose, _is_not_first(), _is_free(now))
            yield from connection.execute(theirs.order_by(_table.c.id).limit(limit)).all()
            earlier = select(func.max(day)).where(planned, day < latest)
            latest = connection.execute(earlier).scalar()


def _retries(
    connection: Connection, rows: Select[Any], now: datetime, limit: int | None
) -> Iterator[Row[Any]]:
    for whose in (~_is_to_the_rest(), _is_to_the_rest()):
        again = rows.where(_is_retry(now), whose, _is_not_first(), _is_free(now))
        by_time = again.order_by(_table.c.next_attempt_at, _table.c.id).limit(limit)
        yield from connection.execute(by_time).all()


def _is_to_the_rest() -> ColumnElement[bool]:
    """Make the condition that a message goes to a reader whose thumbs do not count for others."""
    reader = schema.reader.c
    theirs = select(reader.id).where(reader.id == _table.c.reader_id, reader.counts_from.is_(None))
    return theirs.correlate(_table).exists()


def _take_turns(
    new: Iterator[Row[Any]], retries: Iterator[Row[Any]], room: int
) -> Iterator[Row[Any]]:
    """Yield new messages before retries, in batches of ``room`` messages."""
    share = list(islice(retries, room // RETRY_SHARE))
    while some := list(islice(new, room - len(share))):
        yield from some
        yield from share
        share = list(islice(retries, room // RETRY_SHARE))
    yield from share
    yield from retries


def _goes_once_more() -> ColumnElement[bool]:
    again = _table.c.ambiguous_attempts <= AMBIGUOUS_ATTEMPTS
    return and_(in_states(DeliveryState.UNKNOWN), again)


def _is_retry(now: datetime) -> ColumnElement[bool]:
    return and_(or_(in_states(DeliveryState.DEFERRED), _goes_once_more()), _has_come(now))


def _is_due_confirmation(now: datetime) -> ColumnElement[bool]:
    """Make the condition for due confirmations; a new one may have to wait for its domain.

    One that may have arrived is a normal retry: if it crashes the process, others must go on.
    """
    waits = in_states(DeliveryState.PLANNED, DeliveryState.DEFERRED)
    return and_(of_kind(MessageKind.CONFIRMATION), waits, _has_come(now))


def _is_not_first() -> ColumnElement[bool]:
    return or_(~of_kind(MessageKind.CONFIRMATION), in_states(DeliveryState.UNKNOWN))


def _has_come(now: datetime) -> ColumnElement[bool]:
    at = _table.c.next_attempt_at
    return or_(at <= now, at > now + LONGEST_WAIT)


def _is_free(now: datetime) -> ColumnElement[bool]:
    return or_(_table.c.lease_until.is_(None), has_lapsed(now))
