"""Tests that a clock which is years ahead for a minute makes nothing old: not readers, not mail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.mail.every_kind import KINDS, queue, rows, send
from tests.helpers.mail.outbox_helpers import Mailbag, publish

from larkpost.db import editions, readers
from larkpost.db.coordination import clock_steadiness
from larkpost.db.usage import forgotten_votes, old_editions
from larkpost.db.usage.last_use import ExpiryRule
from larkpost.domain import Status, Thumb
from larkpost.editions.clock_correction import recover_from_future
from larkpost.errors import Deferred
from larkpost.readers import onboarding, record_votes, subscriptions
from larkpost.readers.expiry import LastUses
from larkpost.scheduler.housekeeping import clean_up

if TYPE_CHECKING:
    from collections.abc import Iterable

    from larkpost.db.engine import Store
    from larkpost.domain import MessageKind

NOW = datetime(2026, 8, 7, 5, tzinfo=UTC)
AHEAD = NOW.replace(year=2036)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
RULE = ExpiryRule(days=90, unused=7)
REFERENCE = "@article{k, title = {The colour of distant glaciers}}"


def run(store: Store, moments: Iterable[datetime]) -> None:
    """Do what the jobs of the daemon do at each of these times."""
    for now in moments:
        recover_from_future(store, now=now)
        clean_up(store, LastUses(), RULE, now=now)


def count(store: Store) -> int:
    with store.read() as connection:
        return sum(readers.count_by_status(connection).values())


@pytest.fixture
def running(store: Store) -> Store:
    """Return a database with a feed reader, a pending one, and jobs that run since yesterday."""
    run(store, [NOW - DAY])
    subscriptions.add(store, None, now=NOW - DAY, expires=True, signed_up=True)
    subscriptions.add(store, "b@example.org", now=NOW - DAY, status=Status.PENDING)
    run(store, [NOW])
    return store


def test_a_minute_in_another_year_removes_nobody(running: Store) -> None:
    run(running, [AHEAD, AHEAD + MINUTE, AHEAD + 2 * MINUTE, NOW + MINUTE])
    assert count(running) == 2

    run(running, [NOW + n * DAY for n in range(1, 6)])
    assert count(running) == 2


def test_unused_readers_go_in_time_all_the_same(running: Store) -> None:
    run(running, [AHEAD, NOW + MINUTE])
    run(running, [NOW + n * DAY for n in range(1, 8)])
    assert count(running) == 1

    run(running, [NOW + n * DAY for n in range(8, 31)])
    assert count(running) == 0


def test_they_go_a_day_after_a_machine_that_was_off_is_back(running: Store) -> None:
    run(running, [NOW + 40 * DAY, NOW + 40 * DAY + 23 * timedelta(hours=1)])
    assert count(running) == 2

    run(running, [NOW + 41 * DAY])
    assert count(running) == 0


def test_jobs_that_run_once_a_day_and_late_remove_them_too(running: Store) -> None:
    run(running, [NOW + n * (DAY + timedelta(hours=3)) for n in range(1, 30)])

    assert count(running) == 0


@pytest.mark.parametrize("runs", [1, 3])  # at a time, an hour apart
def test_jobs_that_run_once_a_week_remove_them_too(running: Store, runs: int) -> None:
    hour = timedelta(hours=1)
    run(running, [NOW + n * 7 * DAY + run * hour for n in range(1, 8) for run in range(runs)])

    assert count(running) == 0


def test_a_second_gap_that_is_much_longer_is_a_jump(running: Store) -> None:
    run(running, [NOW + 3 * DAY, NOW + 3 * DAY + MINUTE, AHEAD, NOW + 3 * DAY + 2 * MINUTE])
    assert count(running) == 2


def test_gaps_before_the_clock_was_set_back_do_not_count(running: Store) -> None:
    run(running, [AHEAD, NOW + MINUTE, AHEAD, NOW + 2 * MINUTE])
    assert count(running) == 2


def test_a_gap_before_a_day_of_running_does_not_count(running: Store) -> None:
    hours = [NOW + 9 * DAY + n * timedelta(hours=1) for n in range(26)]
    run(running, hours[:20])  # the unused reader would go a day after the gap
    assert count(running) == 2
    run(running, hours[20:])
    gone = count(running)
    late = subscriptions.add(running, None, now=hours[-1], expires=True, signed_up=True)
    run(running, [hours[-1] + 17 * DAY])

    assert count(running) == gone + 1
    with running.read() as connection:
        assert readers.many(connection, [late.id])


def test_forgotten_thumbs_can_be_restored_afterwards(running: Store) -> None:
    reader = subscriptions.add(running, None, now=NOW)
    onboarding.from_references(running, reader.id, REFERENCE, now=NOW)
    record_votes.forget(running, reader.id, NOW + MINUTE, now=NOW + MINUTE)

    run(running, [AHEAD, NOW + 2 * MINUTE])

    with running.read() as connection:
        assert [vote.thumb for vote in forgotten_votes.of(connection, reader.id)] == [Thumb.UP]


@pytest.mark.parametrize("kind", KINDS)
def test_no_message_is_given_up(store: Store, kind: MessageKind) -> None:
    (address,) = queue(store, kind)
    later = Mailbag(**{address.partition("@")[0]: Deferred("450 later")})
    run(store, [NOW - DAY, NOW])
    send(store, later.open_transport, NOW)
    assert send(store, later.open_transport, AHEAD).deferred == 1
    run(store, [AHEAD, NOW + MINUTE])

    bag = Mailbag()
    assert send(store, bag.open_transport, NOW + timedelta(hours=1)).sent == 1

    assert [message.recipient for message in bag.messages] == [address]
    assert [state for _, state in rows(store)] in ([], ["sent"])


def test_no_edition_is_replaced_by_that_of_a_day_to_come(store: Store) -> None:
    run(store, [NOW - DAY, NOW])
    publish(store, 1, NOW.date(), NOW)
    later = Mailbag(reader1=Deferred("450 later"))
    assert send(store, later.open_transport, NOW).deferred == 1
    publish(store, 1, AHEAD.date(), AHEAD)

    bag = Mailbag()
    assert send(store, bag.open_transport, AHEAD).sent == 2

    assert len(bag.messages) == 2


def test_an_old_edition_is_replaced_by_a_newer_one_all_the_same(store: Store) -> None:
    run(store, [NOW - DAY, NOW])
    publish(store, 1, NOW.date(), NOW)
    send(store, Mailbag(reader1=Deferred("450 later")).open_transport, NOW)
    run(store, [NOW + DAY])
    publish(store, 1, (NOW + DAY).date(), NOW + DAY)

    bag = Mailbag()
    assert send(store, bag.open_transport, NOW + DAY).sent == 1

    assert len(bag.messages) == 1


def test_no_old_edition_is_dropped(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(old_editions, "MOST_PICKS", -1)
    reader = subscriptions.add(store, None, now=NOW, signed_up=True)
    clock_steadiness.note(store, NOW)
    with store.begin() as connection:
        editions.publish(
            connection,
            reader=reader,
            date=NOW.date(),
            picks=[],
            now=NOW,
            next_slot=reader.next_slot,
            message_id=None,
        )

    assert old_editions.drop(store, [reader.id], now=AHEAD, window=7 * DAY) == 0

    for days in range(1, 40):
        clock_steadiness.note(store, NOW + days * DAY)
    assert old_editions.drop(store, [reader.id], now=NOW + 40 * DAY, window=7 * DAY) == 1
