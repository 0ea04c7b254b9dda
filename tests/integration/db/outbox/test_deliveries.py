"""The outbox: each message is claimed by one worker, in the right order."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING

import pytest
from tests.helpers.factories import DAY, NOW
from tests.helpers.mail.outbox_claims import (
    LEASE,
    MINUTE,
    begin,
    claim,
    plan_messages,
    state_of,
    take,
)

from larkpost.db import readers
from larkpost.db.engine import Store
from larkpost.db.outbox import deliveries, delivery_queue
from larkpost.domain import DeliveryState, Status

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

WORKERS = 4


def defer(connection: Connection, message: int, until: datetime) -> None:
    deferred = DeliveryState.DEFERRED
    deliveries.settle(connection, message, deferred, next_attempt_at=until, now=NOW)


def test_a_claimed_message_is_reserved_and_otherwise_as_it_was(store: Store) -> None:
    with store.begin() as connection:
        (delivery_id,) = plan_messages(connection, 1)

        (message,) = claim(connection)

    assert message.id == delivery_id
    assert (message.state, message.attempts) == (DeliveryState.PLANNED, 0)
    assert message.lease_until == NOW + LEASE
    with store.read() as connection:
        assert deliveries.get(connection, delivery_id) == message


def test_a_reservation_that_lapses_leaves_no_doubt(store: Store) -> None:
    with store.begin() as connection:
        (delivery_id,) = plan_messages(connection, 1)
        claim(connection, holder="who died")

        assert claim(connection, now=NOW + LEASE - MINUTE) == []
        assert deliveries.expire(connection, NOW + LEASE) == 0
        (again,) = claim(connection, now=NOW + LEASE)

    assert (again.id, again.state, again.attempts) == (delivery_id, DeliveryState.PLANNED, 0)


def test_messages_that_are_put_back_are_due_as_they_were(store: Store) -> None:
    with store.begin() as connection:
        untried, begun, lost = plan_messages(connection, 3)
        claim(connection)
        begin(connection, begun)

        deliveries.put_back(connection, [lost], "another")
        deliveries.put_back(connection, [untried, begun], "me", response="no server")
        messages = {message.id: message for message in claim(connection)}

    assert sorted(messages) == [untried, begun]
    assert (messages[untried].state, messages[untried].last_response) == (DeliveryState.PLANNED, "")
    assert (messages[begun].state, messages[begun].last_response) == (
        DeliveryState.DEFERRED,
        "no server",
    )
    assert [message.attempts for message in messages.values()] == [0, 0]


def test_what_is_due_is_reported_without_reserving_it(store: Store) -> None:
    with store.begin() as connection:
        ids = plan_messages(connection, 2, days=2)
        who = deliveries.get(connection, ids[0])
        assert who is not None
        readers.update(connection, who.reader_id or 0, status=Status.LEFT)

        told = [message.id for message in deliveries.due(connection, NOW)]
        first = deliveries.due(connection, NOW, limit=1)

        assert told == [message.id for message in claim(connection)]
        assert [message.id for message in first] == told[:1]
        assert delivery_queue.count_due(connection, NOW) == 0


def test_a_claimed_message_is_not_claimed_again(store: Store) -> None:
    with store.begin() as connection:
        plan_messages(connection, 3)

        assert len(claim(connection, limit=2)) == 2
        assert len(claim(connection, holder="another")) == 1
        assert claim(connection) == []


def test_messages_of_the_latest_day_come_first_in_the_order_they_were_planned(
    store: Store,
) -> None:
    with store.begin() as connection:
        ids = plan_messages(connection, 3, days=3)

        claimed = [message.id for message in claim(connection, limit=7)]

    assert claimed == ids[6:] + ids[3:6] + ids[:1]


def test_new_messages_go_before_retries_and_these_by_their_due_time(store: Store) -> None:
    with store.begin() as connection:
        early, late, new = plan_messages(connection, 3)
        take(connection, limit=2)
        for message, due in ((early, NOW - MINUTE), (late, NOW + MINUTE)):
            deliveries.settle(
                connection, message, DeliveryState.DEFERRED, next_attempt_at=due, now=NOW
            )

        listed = [message.id for message in deliveries.due(connection, NOW + 2 * MINUTE)]
        claimed = [message.id for message in claim(connection, now=NOW + 2 * MINUTE)]

    assert listed == claimed == [new, early, late]


def test_however_few_are_claimed_at_a_time_the_order_is_the_same(store: Store) -> None:
    with store.begin() as connection:
        ids = plan_messages(connection, 6, days=2)
        take(connection, limit=3)
        for message in ids[6:9]:
            due = NOW + (message % 2) * MINUTE - MINUTE
            deliveries.settle(
                connection, message, DeliveryState.DEFERRED, next_attempt_at=due, now=NOW
            )
        later = NOW + 2 * MINUTE

        listed = [message.id for message in deliveries.due(connection, later)]
        claimed = [message.id for _ in listed for message in claim(connection, now=later, limit=1)]

    assert len(listed) == 12
    assert claimed == listed


def test_a_retry_put_off_by_a_clock_that_was_ahead_is_due(store: Store) -> None:
    with store.begin() as connection:
        (message,) = plan_messages(connection, 1)
        take(connection)
        ahead = NOW + 30 * DAY
        deliveries.settle(
            connection, message, DeliveryState.DEFERRED, next_attempt_at=ahead, now=NOW
        )

        assert [one.id for one in claim(connection)] == [message]


def test_retries_do_not_starve_behind_many_new_messages(store: Store) -> None:
    """Where less goes each day than comes, what has been due the longest gets its turn."""
    with store.begin() as connection:
        retries = plan_messages(connection, 50)[:3]
        take(connection, limit=3)
        for message in retries:
            due = NOW - MINUTE
            deliveries.settle(
                connection, message, DeliveryState.DEFERRED, next_attempt_at=due, now=NOW
            )

        claimed = {message.id for message in claim(connection, now=NOW + DAY, limit=10)}

    assert claimed & set(retries)


def test_a_deferred_message_waits_for_its_next_try(store: Store) -> None:
    with store.begin() as connection:
        (delivery_id,) = plan_messages(connection, 1)
        take(connection)
        later = NOW + 15 * MINUTE
        deliveries.settle(
            connection,
            delivery_id,
            DeliveryState.DEFERRED,
            response="451 4.7.1 greylisted",
            next_attempt_at=later,
            now=NOW,
        )

        assert claim(connection, now=later - MINUTE) == []
        (again,) = claim(connection, now=later)

    assert (again.id, again.attempts, again.last_response) == (
        delivery_id,
        1,
        "451 4.7.1 greylisted",
    )


def test_a_deferred_message_needs_the_time_of_its_next_try(store: Store) -> None:
    with store.begin() as connection:
        (delivery_id,) = plan_messages(connection, 1)

        with pytest.raises(ValueError, match="next attempt"):
            deliveries.settle(connection, delivery_id, DeliveryState.DEFERRED, now=NOW)


@pytest.mark.parametrize("status", [Status.PENDING, Status.PAUSED, Status.SUSPENDED, Status.LEFT])
def test_messages_to_who_is_not_active_are_cancelled_and_not_claimed(
    store: Store, status: Status
) -> None:
    with store.begin() as connection:
        first, second, third = plan_messages(connection, 3)
        gone = deliveries.get(connection, second)
        assert gone is not None
        readers.update(connection, gone.reader_id or 0, status=status)

        assert [message.id for message in claim(connection, limit=2)] == [first, third]
        assert state_of(connection, second) is DeliveryState.CANCELLED


def test_many_who_left_do_not_hide_those_who_stayed(store: Store) -> None:
    with store.begin() as connection:
        ids = plan_messages(connection, 12)
        for reader in readers.all(connection)[:10]:
            readers.update(connection, reader.id, status=Status.LEFT)

        assert [message.id for message in claim(connection, limit=2)] == ids[10:]
        assert deliveries.counts(connection)[DeliveryState.CANCELLED] == 10


def test_cancelling_for_a_reader_leaves_what_is_on_its_way(store: Store) -> None:
    with store.begin() as connection:
        waiting, sending = plan_messages(connection, 1, days=2)
        (message,) = take(connection, limit=1)

        assert deliveries.cancel_for(connection, message.reader_id or 0) == 1
        assert state_of(connection, waiting) is DeliveryState.CANCELLED
        assert state_of(connection, sending) is DeliveryState.SENDING


def test_messages_are_listed_and_counted_by_state(store: Store) -> None:
    with store.begin() as connection:
        ids = plan_messages(connection, 2, days=2)
        take(connection, limit=1)

        counted = deliveries.counts(connection)
        planned = deliveries.by_state(connection, [DeliveryState.PLANNED], limit=2)

    assert counted == dict.fromkeys(DeliveryState, 0) | {
        DeliveryState.PLANNED: 3,
        DeliveryState.SENDING: 1,
    }
    assert [message.id for message in planned] == [ids[3], ids[1]]


def test_workers_at_once_share_the_messages_and_no_message_twice(store: Store) -> None:
    with store.begin() as connection:
        ids = plan_messages(connection, 30, days=2)
    together = Barrier(WORKERS)

    def work(number: int) -> list[int]:
        mine: list[int] = []
        together.wait()
        while True:
            with store.begin() as connection:
                claimed = claim(connection, limit=4, holder=f"worker {number}")
            if not claimed:
                return mine
            mine += [message.id for message in claimed]

    with ThreadPoolExecutor(WORKERS) as pool:
        shares = list(pool.map(work, range(WORKERS)))

    assert sorted(message for share in shares for message in share) == ids


@pytest.mark.postgres
def test_a_worker_passes_over_what_another_is_claiming(postgres_url: str) -> None:
    store = Store(postgres_url)
    with store.begin() as connection:
        ids = plan_messages(connection, 4)

    with store.begin() as one, store.begin() as other:
        first = claim(one, limit=2, holder="one")
        second = claim(other, limit=2, holder="other")
    store.close()

    assert [message.id for message in first + second] == ids
