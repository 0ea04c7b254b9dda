"""Explains why a reader is sent nothing, and requeues messages of other readers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from larkpost.db import readers
from larkpost.db.outbox import bounces, deliveries
from larkpost.db.outbox.delivery_statements import TO_ANYBODY
from larkpost.domain import Bounce, Delivery, DeliveryState, Reader, Status
from larkpost.portability.records import name_of
from larkpost.schedule import local_date
from larkpost.text.normalize import one_line

if TYPE_CHECKING:
    from larkpost.db.engine import Connection, Store


@dataclass(frozen=True, slots=True)
class SendingHold:
    """The reason why a reader is sent nothing, and the action that ends it."""

    reason: str
    hint: str


@dataclass(frozen=True, slots=True)
class RequeuedDelivery:
    """A message to send again, unless ``hold`` says why it is not."""

    delivery: Delivery
    reader: Reader | None
    hold: SendingHold | None


def sending_hold(connection: Connection, reader: Reader, *, now: datetime) -> SendingHold | None:
    """Return why a reader is sent nothing; None if messages go to them."""
    resume = f"larkpost reader set {name_of(reader)} --resume"
    until = reader.paused_until
    match reader.status:
        case Status.SUSPENDED:
            last = bounces.latest(connection, reader.id)
            why = f"mail to it came back, {describe_bounce(last)}" if last else "no bounce is known"
            return SendingHold(f"suspended: {why}", f"if the address is valid again, run {resume}")
        case Status.PAUSED:
            return SendingHold("paused until resumed", f"run {resume}")
        case Status.LEFT:
            return SendingHold("unsubscribed", f"only if the reader asks for it, run {resume}")
        case Status.PENDING:
            hint = "the reader has to open the link in the confirmation email, or subscribe again"
            return SendingHold("the subscription is not confirmed yet", hint)
        case _ if until is not None and local_date(reader.zone, now) < until:
            return SendingHold(f"paused until {until}", f"to end it earlier, run {resume}")
        case _ if reader.address is None:
            change = f"run larkpost reader set {reader.uid} --address NEW"
            return SendingHold("there is no email address", change)
    return None


def describe_bounce(bounce: Bounce) -> str:
    """Describe when a message bounced, and the server's reply."""
    text = one_line(bounce.text)
    code = "" if bounce.code in text else f"{bounce.code} "
    return f"last that of {bounce.at:%Y-%m-%d}: {code}{text}".strip(": ")


def retry(
    store: Store, states: Collection[DeliveryState], *, limit: int, now: datetime
) -> list[RequeuedDelivery]:
    """Requeue messages in these states, the latest day first, at most ``limit``.

    Those to readers who are sent nothing stay unchanged, and their hold says why.
    """
    with store.begin() as connection:
        rows = deliveries.by_state(connection, states, limit)
        people = readers.many(connection, {row.reader_id for row in rows if row.reader_id})
        found = [
            (row, reader, _hold(connection, row, reader, now))
            for row in rows
            for reader in [people.get(row.reader_id or 0)]
        ]
        going = [row.id for row, _, hold in found if hold is None]
        deliveries.reopen(connection, going, now=now)
        return [
            RequeuedDelivery(deliveries.get(connection, row.id) or row, reader, hold)
            for row, reader, hold in found
        ]


def _hold(
    connection: Connection, row: Delivery, reader: Reader | None, now: datetime
) -> SendingHold | None:
    """Return why a message is not sent; confirmations and reports ignore a reader's status."""
    if reader is None or row.kind in TO_ANYBODY:
        return None
    return sending_hold(connection, reader, now=now)
