"""A message being sent changes only by its outcome; a lost lease leaves it in doubt."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
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
from larkpost.db.outbox import deliveries
from larkpost.domain import DeliveryState, Status

if TYPE_CHECKING:
    from larkpost.db.engine import Store


def test_a_message_that_is_begun_is_being_sent_and_counts_as_tried(store: Store) -> None:
    with store.begin() as connection:
        (delivery_id,) = plan_messages(connection, 1)
        claim(connection)

        assert begin(connection, delivery_id, now=NOW + MINUTE) is DeliveryState.SENDING
        message = deliveries.get(connection, delivery_id)

    assert message is not None
    assert (message.state, message.attempts) == (DeliveryState.SENDING, 1)
    assert message.lease_until == NOW + MINUTE + LEASE


def test_while_a_message_is_on_its_way_its_lease_is_lengthened(store: Store) -> None:
    with store.begin() as connection:
        (delivery_id,) = plan_messages(connection, 1)
        claim(connection)
        later = NOW + 9 * MINUTE

        assert not deliveries.renew(connection, delivery_id, "me", now=later, lease=LEASE)
        begin(connection, delivery_id)
        assert deliveries.renew(connection, delivery_id, "me", now=later, lease=LEASE)
        message = deliveries.get(connection, delivery_id)

    assert message is not None
    assert message.lease_until == later + LEASE


def test_who_lost_the_lease_must_not_send(store: Store) -> None:
    with store.begin() as connection:
        (delivery_id,) = plan_messages(connection, 1)
        claim(connection)
        later = NOW + LEASE
        claim(connection, now=later, holder="another")

        assert begin(connection, delivery_id, now=later) is None
        assert begin(connection, delivery_id, now=later, holder="another") is DeliveryState.SENDING
        assert not deliveries.renew(connection, delivery_id, "me", now=later, lease=LEASE)


def test_a_message_that_is_in_doubt_is_not_begun_without_a_new_claim(store: Store) -> None:
    with store.begin() as connection:
        (delivery_id,) = plan_messages(connection, 1)
        take(connection)
        later = NOW + LEASE
        deliveries.expire(connection, later)

        assert begin(connection, delivery_id, now=later) is None
        assert not deliveries.renew(connection, delivery_id, "me", now=later, lease=LEASE)


def test_who_leaves_between_claim_and_sending_gets_nothing(store: Store) -> None:
    with store.begin() as connection:
        (delivery_id,) = plan_messages(connection, 1)
        (message,) = claim(connection)
        readers.update(connection, message.reader_id or 0, status=Status.LEFT)

        assert begin(connection, delivery_id) is DeliveryState.CANCELLED
        assert state_of(connection, delivery_id) is DeliveryState.CANCELLED


@pytest.mark.parametrize(
    ("state", "response"),
    [
        (DeliveryState.SENT, "250 2.0.0 queued as 4XyZ"),
        (DeliveryState.FAILED, "550 5.1.1 no such user"),
        (DeliveryState.UNKNOWN, "connection lost after the final dot"),
    ],
)
def test_what_became_of_a_message_is_written_down(
    store: Store, state: DeliveryState, response: str
) -> None:
    with store.begin() as connection:
        (delivery_id,) = plan_messages(connection, 1)
        (message,) = take(connection)

        assert deliveries.settle(connection, delivery_id, state, response=response, now=NOW)
        settled = deliveries.get(connection, delivery_id)

    assert settled == replace(
        message,
        state=state,
        last_response=response,
        attempts=1,
        lease_until=None,
        ambiguous_attempts=1 if state is DeliveryState.UNKNOWN else 0,
        sent_at=NOW if state is DeliveryState.SENT else None,
    )


def test_sent_is_a_fact_and_stays_one(store: Store) -> None:
    with store.begin() as connection:
        (delivery_id,) = plan_messages(connection, 1)
        take(connection)
        deliveries.expire(connection, NOW + LEASE)

        # The worker was slow, and not dead: the server took the message after all.
        assert deliveries.settle(connection, delivery_id, DeliveryState.SENT, now=NOW + LEASE)

        for state in (DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.UNKNOWN):
            assert not deliveries.settle(connection, delivery_id, state, now=NOW + LEASE)
        assert state_of(connection, delivery_id) is DeliveryState.SENT


def test_a_message_that_is_nobody_s_is_not_settled_otherwise(store: Store) -> None:
    with store.begin() as connection:
        (delivery_id,) = plan_messages(connection, 1)

        assert not deliveries.settle(connection, delivery_id, DeliveryState.FAILED, now=NOW)
        assert not deliveries.settle(connection, 4711, DeliveryState.SENT, now=NOW)
        assert state_of(connection, delivery_id) is DeliveryState.PLANNED


def test_a_worker_settles_only_what_it_holds(store: Store) -> None:
    with store.begin() as connection:
        (delivery_id,) = plan_messages(connection, 1)
        claim(connection)
        failed = DeliveryState.FAILED

        assert not deliveries.settle(connection, delivery_id, failed, now=NOW, holder="another")
        assert deliveries.settle(connection, delivery_id, failed, now=NOW, holder="me")


def test_a_lease_that_ran_out_puts_a_message_in_doubt(store: Store) -> None:
    with store.begin() as connection:
        (delivery_id,) = plan_messages(connection, 1)
        take(connection)

        assert deliveries.expire(connection, NOW + LEASE - MINUTE) == 0
        assert deliveries.expire(connection, NOW + LEASE) == 1
        assert deliveries.expire(connection, NOW + LEASE) == 0
        assert state_of(connection, delivery_id) is DeliveryState.UNKNOWN


def test_a_lease_from_a_clock_that_was_ahead_does_not_hold_for_ever(store: Store) -> None:
    with store.begin() as connection:
        plan_messages(connection, 1)
        take(connection, now=NOW + 30 * DAY)

        assert deliveries.expire(connection, NOW) == 1


def test_a_message_in_doubt_is_tried_once_more_and_then_left_alone(store: Store) -> None:
    with store.begin() as connection:
        (delivery_id,) = plan_messages(connection, 1)
        (first,) = take(connection)
        deliveries.expire(connection, NOW + LEASE)

        (second,) = take(connection, now=NOW + LEASE)
        deliveries.expire(connection, NOW + 2 * LEASE)

        assert second.message_id == first.message_id
        assert claim(connection, now=NOW + 30 * DAY) == []
        assert state_of(connection, delivery_id) is DeliveryState.UNKNOWN


def test_a_worker_s_own_doubt_counts_like_a_lease_that_ran_out(store: Store) -> None:
    with store.begin() as connection:
        (delivery_id,) = plan_messages(connection, 1)
        for _ in range(2):
            assert [message.id for message in take(connection)] == [delivery_id]
            for _ in range(2):  # said twice, counted once
                deliveries.settle(connection, delivery_id, DeliveryState.UNKNOWN, now=NOW)

        assert claim(connection, now=NOW + 30 * DAY) == []


def test_an_operator_opens_failed_messages_again(store: Store) -> None:
    with store.begin() as connection:
        failed, sent = plan_messages(connection, 2)
        take(connection)
        deliveries.settle(connection, failed, DeliveryState.FAILED, now=NOW)
        deliveries.settle(connection, sent, DeliveryState.SENT, now=NOW)

        assert deliveries.reopen(connection, [failed, sent], now=NOW) == 1
        assert [message.id for message in claim(connection)] == [failed]


def test_no_lease_is_longer_than_an_hour(store: Store) -> None:
    long = timedelta(hours=2)
    with store.begin() as connection:
        with pytest.raises(ValueError, match="longer"):
            deliveries.claim(connection, NOW, limit=1, lease=long, holder="me")
        with pytest.raises(ValueError, match="longer"):
            deliveries.renew(connection, 1, "me", now=NOW, lease=long)
