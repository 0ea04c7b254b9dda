"""The outbox: each letter is claimed by one worker, and moves only by what became of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import TYPE_CHECKING

import pytest
from tests.making import DAY, NOW, TODAY, add_papers, add_readers, picks_of

from larkpost.domain import Delivery, DeliveryState, Status
from larkpost.store import deliveries, editions, readers
from larkpost.store.editions import Prepared
from larkpost.store.engine import Store

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


LEASE = timedelta(minutes=10)
MINUTE = timedelta(minutes=1)
WORKERS = 4


def plan_letters(connection: Connection, count: int, days: int = 1) -> list[int]:
    """Publish editions of ``days`` days up to today, all of a day at once; gives letters' ids."""
    who, papers = add_readers(connection, count), add_papers(connection, 1)
    for day in [TODAY - n * DAY for n in reversed(range(days))]:
        editions.publish_many(
            connection,
            [
                Prepared(
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
    return sorted(letter.id for letter in planned)


def claim(
    connection: Connection, *, limit: int = 100, now: datetime = NOW, holder: str = "me"
) -> list[Delivery]:
    return deliveries.claim(connection, now, limit=limit, lease=LEASE, holder=holder)


def state_of(connection: Connection, delivery_id: int) -> DeliveryState:
    letter = deliveries.get(connection, delivery_id)
    assert letter is not None
    return letter.state


def begin(
    connection: Connection, delivery_id: int, *, now: datetime = NOW, holder: str = "me"
) -> DeliveryState | None:
    return deliveries.begin(connection, delivery_id, holder, now=now, lease=LEASE)


def take(connection: Connection, *, limit: int = 100, now: datetime = NOW) -> list[Delivery]:
    """Claim letters and begin them all."""
    claimed = claim(connection, limit=limit, now=now)
    for letter in claimed:
        assert begin(connection, letter.id, now=now) is DeliveryState.SENDING
    return claimed


def test_a_claimed_letter_is_reserved_and_otherwise_as_it_was(store: Store) -> None:
    with store.begin() as connection:
        (letter_id,) = plan_letters(connection, 1)

        (letter,) = claim(connection)

    assert letter.id == letter_id
    assert (letter.state, letter.attempts) == (DeliveryState.PLANNED, 0)
    assert letter.lease_until == NOW + LEASE
    with store.read() as connection:
        assert deliveries.get(connection, letter_id) == letter


def test_a_letter_that_is_begun_is_being_sent_and_counts_as_tried(store: Store) -> None:
    with store.begin() as connection:
        (letter_id,) = plan_letters(connection, 1)
        claim(connection)

        assert begin(connection, letter_id, now=NOW + MINUTE) is DeliveryState.SENDING
        letter = deliveries.get(connection, letter_id)

    assert letter is not None
    assert (letter.state, letter.attempts) == (DeliveryState.SENDING, 1)
    assert letter.lease_until == NOW + MINUTE + LEASE


def test_a_reservation_that_lapses_leaves_no_doubt(store: Store) -> None:
    with store.begin() as connection:
        (letter_id,) = plan_letters(connection, 1)
        claim(connection, holder="who died")

        assert claim(connection, now=NOW + LEASE - MINUTE) == []
        assert deliveries.expire(connection, NOW + LEASE) == 0
        (again,) = claim(connection, now=NOW + LEASE)

    assert (again.id, again.state, again.attempts) == (letter_id, DeliveryState.PLANNED, 0)


def test_letters_that_are_put_back_are_due_as_they_were(store: Store) -> None:
    with store.begin() as connection:
        untried, begun, lost = plan_letters(connection, 3)
        claim(connection)
        begin(connection, begun)

        deliveries.put_back(connection, [lost], "another")
        deliveries.put_back(connection, [untried, begun], "me", reply="no road")
        letters = {letter.id: letter for letter in claim(connection)}

    assert sorted(letters) == [untried, begun]
    assert (letters[untried].state, letters[untried].reply) == (DeliveryState.PLANNED, "")
    assert (letters[begun].state, letters[begun].reply) == (DeliveryState.DEFERRED, "no road")
    assert [letter.attempts for letter in letters.values()] == [0, 0]


def test_what_is_due_is_told_without_reserving_it(store: Store) -> None:
    with store.begin() as connection:
        ids = plan_letters(connection, 2, days=2)
        who = deliveries.get(connection, ids[0])
        assert who is not None
        readers.update(connection, who.reader_id, status=Status.LEFT)

        told = [letter.id for letter in deliveries.due(connection, NOW)]
        first = deliveries.due(connection, NOW, limit=1)

        assert told == [letter.id for letter in claim(connection)]
        assert [letter.id for letter in first] == told[:1]
        assert deliveries.count_due(connection, NOW) == 0


def test_a_claimed_letter_is_not_claimed_again(store: Store) -> None:
    with store.begin() as connection:
        plan_letters(connection, 3)

        assert len(claim(connection, limit=2)) == 2
        assert len(claim(connection, holder="another")) == 1
        assert claim(connection) == []


def test_letters_of_the_latest_day_come_first_in_the_order_they_were_planned(
    store: Store,
) -> None:
    with store.begin() as connection:
        ids = plan_letters(connection, 3, days=3)

        claimed = [letter.id for letter in claim(connection, limit=7)]

    assert claimed == ids[6:] + ids[3:6] + ids[:1]


def test_letters_never_tried_come_before_retries(store: Store) -> None:
    with store.begin() as connection:
        old, new = plan_letters(connection, 1, days=2)
        (today,) = take(connection, limit=1)
        assert today.id == new
        deliveries.settle(connection, new, DeliveryState.DEFERRED, next_try=NOW - MINUTE, now=NOW)

        assert [letter.id for letter in claim(connection)] == [old, new]


def test_a_deferred_letter_waits_for_its_next_try(store: Store) -> None:
    with store.begin() as connection:
        (letter_id,) = plan_letters(connection, 1)
        take(connection)
        later = NOW + 15 * MINUTE
        deliveries.settle(
            connection,
            letter_id,
            DeliveryState.DEFERRED,
            reply="451 4.7.1 greylisted",
            next_try=later,
            now=NOW,
        )

        assert claim(connection, now=later - MINUTE) == []
        (again,) = claim(connection, now=later)

    assert (again.id, again.attempts, again.reply) == (letter_id, 1, "451 4.7.1 greylisted")


def test_a_deferred_letter_needs_the_time_of_its_next_try(store: Store) -> None:
    with store.begin() as connection:
        (letter_id,) = plan_letters(connection, 1)

        with pytest.raises(ValueError, match="next try"):
            deliveries.settle(connection, letter_id, DeliveryState.DEFERRED, now=NOW)


@pytest.mark.parametrize("status", [Status.PENDING, Status.PAUSED, Status.SUSPENDED, Status.LEFT])
def test_letters_to_who_is_not_active_are_cancelled_and_not_claimed(
    store: Store, status: Status
) -> None:
    with store.begin() as connection:
        first, second, third = plan_letters(connection, 3)
        gone = deliveries.get(connection, second)
        assert gone is not None
        readers.update(connection, gone.reader_id, status=status)

        assert [letter.id for letter in claim(connection, limit=2)] == [first, third]
        assert state_of(connection, second) is DeliveryState.CANCELLED


def test_many_who_left_do_not_hide_those_who_stayed(store: Store) -> None:
    with store.begin() as connection:
        ids = plan_letters(connection, 12)
        for reader in readers.all(connection)[:10]:
            readers.update(connection, reader.id, status=Status.LEFT)

        assert [letter.id for letter in claim(connection, limit=2)] == ids[10:]
        assert deliveries.counts(connection)[DeliveryState.CANCELLED] == 10


def test_cancelling_for_a_reader_leaves_what_is_on_its_way(store: Store) -> None:
    with store.begin() as connection:
        waiting, sending = plan_letters(connection, 1, days=2)
        (letter,) = take(connection, limit=1)

        assert deliveries.cancel_for(connection, letter.reader_id) == 1
        assert state_of(connection, waiting) is DeliveryState.CANCELLED
        assert state_of(connection, sending) is DeliveryState.SENDING


def test_while_a_letter_is_on_its_way_its_lease_is_lengthened(store: Store) -> None:
    with store.begin() as connection:
        (letter_id,) = plan_letters(connection, 1)
        claim(connection)
        later = NOW + 9 * MINUTE

        assert not deliveries.renew(connection, letter_id, "me", now=later, lease=LEASE)
        begin(connection, letter_id)
        assert deliveries.renew(connection, letter_id, "me", now=later, lease=LEASE)
        letter = deliveries.get(connection, letter_id)

    assert letter is not None
    assert letter.lease_until == later + LEASE


def test_who_lost_the_lease_must_not_send(store: Store) -> None:
    with store.begin() as connection:
        (letter_id,) = plan_letters(connection, 1)
        claim(connection)
        later = NOW + LEASE
        claim(connection, now=later, holder="another")

        assert begin(connection, letter_id, now=later) is None
        assert begin(connection, letter_id, now=later, holder="another") is DeliveryState.SENDING
        assert not deliveries.renew(connection, letter_id, "me", now=later, lease=LEASE)


def test_a_letter_that_is_in_doubt_is_not_begun_without_a_new_claim(store: Store) -> None:
    with store.begin() as connection:
        (letter_id,) = plan_letters(connection, 1)
        take(connection)
        later = NOW + LEASE
        deliveries.expire(connection, later)

        assert begin(connection, letter_id, now=later) is None
        assert not deliveries.renew(connection, letter_id, "me", now=later, lease=LEASE)


def test_who_leaves_between_claim_and_sending_gets_nothing(store: Store) -> None:
    with store.begin() as connection:
        (letter_id,) = plan_letters(connection, 1)
        (letter,) = claim(connection)
        readers.update(connection, letter.reader_id, status=Status.LEFT)

        assert begin(connection, letter_id) is DeliveryState.CANCELLED
        assert state_of(connection, letter_id) is DeliveryState.CANCELLED


@pytest.mark.parametrize(
    ("state", "reply"),
    [
        (DeliveryState.SENT, "250 2.0.0 queued as 4XyZ"),
        (DeliveryState.FAILED, "550 5.1.1 no such user"),
        (DeliveryState.UNKNOWN, "connection lost after the final dot"),
    ],
)
def test_what_became_of_a_letter_is_written_down(
    store: Store, state: DeliveryState, reply: str
) -> None:
    with store.begin() as connection:
        (letter_id,) = plan_letters(connection, 1)
        (letter,) = take(connection)

        assert deliveries.settle(connection, letter_id, state, reply=reply, now=NOW)
        settled = deliveries.get(connection, letter_id)

    assert settled == replace(
        letter,
        state=state,
        reply=reply,
        attempts=1,
        lease_until=None,
        doubts=1 if state is DeliveryState.UNKNOWN else 0,
        sent_at=NOW if state is DeliveryState.SENT else None,
    )


def test_sent_is_a_fact_and_stays_one(store: Store) -> None:
    with store.begin() as connection:
        (letter_id,) = plan_letters(connection, 1)
        take(connection)
        deliveries.expire(connection, NOW + LEASE)

        # The worker was slow, and not dead: the server took the letter after all.
        assert deliveries.settle(connection, letter_id, DeliveryState.SENT, now=NOW + LEASE)

        for state in (DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.UNKNOWN):
            assert not deliveries.settle(connection, letter_id, state, now=NOW + LEASE)
        assert state_of(connection, letter_id) is DeliveryState.SENT


def test_a_letter_that_is_nobody_s_is_not_settled_otherwise(store: Store) -> None:
    with store.begin() as connection:
        (letter_id,) = plan_letters(connection, 1)

        assert not deliveries.settle(connection, letter_id, DeliveryState.FAILED, now=NOW)
        assert not deliveries.settle(connection, 4711, DeliveryState.SENT, now=NOW)
        assert state_of(connection, letter_id) is DeliveryState.PLANNED


def test_a_worker_settles_only_what_it_holds(store: Store) -> None:
    with store.begin() as connection:
        (letter_id,) = plan_letters(connection, 1)
        claim(connection)
        failed = DeliveryState.FAILED

        assert not deliveries.settle(connection, letter_id, failed, now=NOW, holder="another")
        assert deliveries.settle(connection, letter_id, failed, now=NOW, holder="me")


def test_a_lease_that_ran_out_puts_a_letter_in_doubt(store: Store) -> None:
    with store.begin() as connection:
        (letter_id,) = plan_letters(connection, 1)
        take(connection)

        assert deliveries.expire(connection, NOW + LEASE - MINUTE) == 0
        assert deliveries.expire(connection, NOW + LEASE) == 1
        assert deliveries.expire(connection, NOW + LEASE) == 0
        assert state_of(connection, letter_id) is DeliveryState.UNKNOWN


def test_a_lease_from_a_clock_that_was_ahead_does_not_hold_for_ever(store: Store) -> None:
    with store.begin() as connection:
        plan_letters(connection, 1)
        take(connection, now=NOW + 30 * DAY)

        assert deliveries.expire(connection, NOW) == 1


def test_a_letter_in_doubt_is_tried_once_more_and_then_left_alone(store: Store) -> None:
    with store.begin() as connection:
        (letter_id,) = plan_letters(connection, 1)
        (first,) = take(connection)
        deliveries.expire(connection, NOW + LEASE)

        (second,) = take(connection, now=NOW + LEASE)
        deliveries.expire(connection, NOW + 2 * LEASE)

        assert second.message_id == first.message_id
        assert claim(connection, now=NOW + 30 * DAY) == []
        assert state_of(connection, letter_id) is DeliveryState.UNKNOWN


def test_a_worker_s_own_doubt_counts_like_a_lease_that_ran_out(store: Store) -> None:
    with store.begin() as connection:
        (letter_id,) = plan_letters(connection, 1)
        for _ in range(2):
            assert [letter.id for letter in take(connection)] == [letter_id]
            for _ in range(2):  # said twice, counted once
                deliveries.settle(connection, letter_id, DeliveryState.UNKNOWN, now=NOW)

        assert claim(connection, now=NOW + 30 * DAY) == []


def test_an_operator_opens_failed_letters_again(store: Store) -> None:
    with store.begin() as connection:
        failed, sent = plan_letters(connection, 2)
        take(connection)
        deliveries.settle(connection, failed, DeliveryState.FAILED, now=NOW)
        deliveries.settle(connection, sent, DeliveryState.SENT, now=NOW)

        assert deliveries.reopen(connection, [failed, sent], now=NOW) == 1
        assert [letter.id for letter in claim(connection)] == [failed]


def test_letters_are_listed_and_counted_by_state(store: Store) -> None:
    with store.begin() as connection:
        ids = plan_letters(connection, 2, days=2)
        take(connection, limit=1)

        counted = deliveries.counts(connection)
        planned = deliveries.by_state(connection, [DeliveryState.PLANNED], limit=2)

    assert counted == dict.fromkeys(DeliveryState, 0) | {
        DeliveryState.PLANNED: 3,
        DeliveryState.SENDING: 1,
    }
    assert [letter.id for letter in planned] == [ids[3], ids[1]]


def test_no_lease_is_longer_than_an_hour(store: Store) -> None:
    long = timedelta(hours=2)
    with store.begin() as connection:
        with pytest.raises(ValueError, match="longer"):
            deliveries.claim(connection, NOW, limit=1, lease=long, holder="me")
        with pytest.raises(ValueError, match="longer"):
            deliveries.renew(connection, 1, "me", now=NOW, lease=long)


def test_workers_at_once_share_the_letters_and_no_letter_twice(store: Store) -> None:
    with store.begin() as connection:
        ids = plan_letters(connection, 30, days=2)
    together = Barrier(WORKERS)

    def work(number: int) -> list[int]:
        mine: list[int] = []
        together.wait()
        while True:
            with store.begin() as connection:
                claimed = claim(connection, limit=4, holder=f"worker {number}")
            if not claimed:
                return mine
            mine += [letter.id for letter in claimed]

    with ThreadPoolExecutor(WORKERS) as pool:
        shares = list(pool.map(work, range(WORKERS)))

    assert sorted(letter for share in shares for letter in share) == ids


@pytest.mark.postgres
def test_a_worker_passes_over_what_another_is_claiming(postgres_url: str) -> None:
    store = Store(postgres_url)
    with store.begin() as connection:
        ids = plan_letters(connection, 4)

    with store.begin() as one, store.begin() as other:
        first = claim(one, limit=2, holder="one")
        second = claim(other, limit=2, holder="other")
    store.close()

    assert [letter.id for letter in first + second] == ids
