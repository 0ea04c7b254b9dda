"""Plans, claims and begins messages in the outbox, for the tests of the store."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tests.helpers.factories import DAY, NOW, TODAY, add_papers, add_readers, picks_of

from larkpost.db import editions
from larkpost.db.editions import PreparedEdition
from larkpost.db.outbox import deliveries
from larkpost.domain import Delivery, DeliveryState

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

LEASE = timedelta(minutes=10)
MINUTE = timedelta(minutes=1)


def plan_messages(connection: Connection, count: int, days: int = 1) -> list[int]:
    """Publish editions of ``days`` days up to today, day by day; returns the deliveries' ids."""
    who, papers = add_readers(connection, count), add_papers(connection, 1)
    for day in [TODAY - n * DAY for n in reversed(range(days))]:
        editions.publish_many(
            connection,
            [
                PreparedEdition(
                    reader=reader,
                    day=day,
                    picks=picks_of(papers),
                    now=NOW,
                    next_slot=NOW,
                    message_id=f"<{reader.id}.{day}@example.org>",
                )
                for reader in who
            ],
        )
    planned = deliveries.by_state(connection, [DeliveryState.PLANNED], limit=10**6)
    return sorted(message.id for message in planned)


def claim(
    connection: Connection, *, limit: int = 100, now: datetime = NOW, holder: str = "me"
) -> list[Delivery]:
    return deliveries.claim(connection, now, limit=limit, lease=LEASE, holder=holder)


def state_of(connection: Connection, delivery_id: int) -> DeliveryState:
    message = deliveries.get(connection, delivery_id)
    assert message is not None
    return message.state


def begin(
    connection: Connection, delivery_id: int, *, now: datetime = NOW, holder: str = "me"
) -> DeliveryState | None:
    return deliveries.begin(connection, delivery_id, holder, now=now, lease=LEASE)


def take(connection: Connection, *, limit: int = 100, now: datetime = NOW) -> list[Delivery]:
    """Claim messages and begin them all."""
    claimed = claim(connection, limit=limit, now=now)
    for message in claimed:
        assert begin(connection, message.id, now=now) is DeliveryState.SENDING
    return claimed
