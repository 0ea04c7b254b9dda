"""Tests a clock that was in 2036 for a while: all jobs continue within a day of its correction."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update
from tests.helpers.mail.outbox_helpers import Mailbag, PlainRenderer

from larkpost.db import editions, papers, readers, schema
from larkpost.db.coordination import future_timestamps, job_status
from larkpost.db.outbox import delivery_queue
from larkpost.db.polling import polled_sources
from larkpost.db.polling.polled_sources import SourceState
from larkpost.domain import Identifier, PaperRecord, Status, Thumb
from larkpost.editions.clock_correction import recover_from_future
from larkpost.editions.publish import PublishContext, PublishOutcome, publish_due
from larkpost.errors import Deferred
from larkpost.mail import confirmations
from larkpost.mail.deliver import deliver
from larkpost.ranking import TfidfRanker
from larkpost.readers import subscriptions
from larkpost.readers.record_votes import cast
from larkpost.settings.polled_sources import PolledSource

if TYPE_CHECKING:
    from collections import Counter

    from larkpost.db.engine import Store
    from larkpost.domain import Reader

NOW = datetime(2026, 8, 7, 3, 0, tzinfo=UTC)
AHEAD = NOW.replace(year=2036)
MORNING = NOW.replace(hour=6, minute=1)
DAY = timedelta(days=1)


def tick(newsroom: PublishContext, *, now: datetime) -> Counter[PublishOutcome]:
    """Correct the clock and publish, as a tick does."""
    recover_from_future(newsroom.store, now=now)
    return publish_due(newsroom, now=now)


@pytest.fixture
def newsroom(store: Store) -> PublishContext:
    return PublishContext(store, TfidfRanker(), timedelta(days=7), "paper.example.org")


def bring_papers(store: Store, count: int, now: datetime, name: str) -> None:
    drafts = [
        PaperRecord(title=f"{name} {n}", abstract=f"About {name} {n}.",
              identifiers=(Identifier("url", f"https://papers.example/{name}/{n}"),))
        for n in range(count)
    ]  # fmt: skip
    with store.begin() as connection:
        list(papers.absorb(connection, drafts, now=now))


def current(store: Store, reader: Reader) -> Reader:
    with store.read() as connection:
        return readers.get(connection, reader.id)


@pytest.mark.parametrize("ahead", [timedelta(days=3), timedelta(days=3650)])
@pytest.mark.parametrize("quiet", [False, True])
def test_readers_get_their_editions_again_at_once(
    newsroom: PublishContext, ahead: timedelta, quiet: bool
) -> None:
    store = newsroom.store
    everybody = [
        subscriptions.add(store, "daily@example.org", now=NOW, papers_per_edition=2),
        subscriptions.add(
            store,
            "workdays@example.org",
            now=NOW,
            papers_per_edition=2,
            weekdays=frozenset(range(5)),
        ),
    ]
    if not quiet:
        bring_papers(store, 4, NOW + ahead, "Future")
    tick(newsroom, now=NOW + ahead + timedelta(hours=4))
    assert all((current(store, one).next_slot or NOW) > NOW + ahead for one in everybody)
    bring_papers(store, 12, NOW, "Right")

    outcomes = [tick(newsroom, now=MORNING + n * DAY) for n in range(4)]

    # Friday's slot is past, and due at once; Saturday and Sunday for the one, Monday for both.
    assert [one[PublishOutcome.PUBLISHED] for one in outcomes] == [2, 1, 1, 2]
    assert all((current(store, one).next_slot or AHEAD) <= MORNING + 4 * DAY for one in everybody)


def test_an_edition_of_a_day_to_come_is_dated_back(newsroom: PublishContext) -> None:
    reader = subscriptions.add(newsroom.store, "a@example.org", now=NOW, papers_per_edition=2)
    bring_papers(newsroom.store, 6, NOW, "Right")
    tick(newsroom, now=MORNING)
    bring_papers(newsroom.store, 6, AHEAD, "Future")
    tick(newsroom, now=AHEAD + DAY)

    tick(newsroom, now=MORNING + timedelta(hours=1))

    with newsroom.store.read() as connection:
        dates = [one.date for one in editions.latest(connection, reader.id, limit=9)]
    assert dates == [NOW.date(), NOW.date() - DAY]  # today's came out in time
    assert current(newsroom.store, reader).next_slot == NOW.replace(hour=6) + DAY


def test_a_reader_who_was_added_while_the_clock_was_ahead_is_not_forgotten(
    newsroom: PublishContext,
) -> None:
    reader = subscriptions.add(newsroom.store, "a@example.org", now=AHEAD)
    bring_papers(newsroom.store, 3, NOW, "Right")

    tick(newsroom, now=NOW)

    assert current(newsroom.store, reader).next_slot == NOW.replace(hour=6)
    assert tick(newsroom, now=MORNING)[PublishOutcome.PUBLISHED] == 1


def test_papers_that_were_read_while_the_clock_was_ahead_are_recommended(
    newsroom: PublishContext,
) -> None:
    subscriptions.add(newsroom.store, "a@example.org", now=NOW, papers_per_edition=3)
    bring_papers(newsroom.store, 3, AHEAD, "Future")

    assert tick(newsroom, now=MORNING)[PublishOutcome.PUBLISHED] == 1
    with newsroom.store.read() as connection:
        assert all(paper.ingested_at <= MORNING for paper in papers.iterate(connection))


def test_a_message_put_off_while_the_clock_was_ahead_goes(newsroom: PublishContext) -> None:
    store = newsroom.store
    reader = subscriptions.add(store, "a@example.org", now=NOW)
    bring_papers(store, 3, NOW, "Right")
    tick(newsroom, now=MORNING)
    later = Mailbag(a=Deferred("450 later"))
    deliver(store, PlainRenderer(), later.open_transport, now=AHEAD, holder="test")
    with store.begin() as connection:
        connection.execute(
            update(schema.delivery).values(
                state="deferred", next_attempt_at=AHEAD + timedelta(hours=1)
            )
        )

    bag = Mailbag()
    ledger = deliver(store, PlainRenderer(), bag.open_transport, now=MORNING, holder="test")

    assert ledger.sent == 1
    assert [message.recipient for message in bag.messages] == [reader.address]


def test_a_wish_to_subscribe_put_off_while_the_clock_was_ahead_is_answered(store: Store) -> None:
    wishes: subscriptions.Preferences = {
        "zone": "UTC", "send_time": NOW.time(), "weekdays": frozenset(range(7)),
        "papers_per_edition": 5,
    }  # fmt: skip
    confirmations.ask(store, confirmations.check_request("a@example.org", wishes), now=AHEAD)

    with store.read() as connection:
        assert future_timestamps.is_any(connection, NOW)
    recover_from_future(store, now=NOW)

    with store.read() as connection:
        assert delivery_queue.count_due(connection, NOW) == 1


def test_thumbs_events_and_editions_of_the_future_count_as_now(newsroom: PublishContext) -> None:
    store = newsroom.store
    reader = subscriptions.add(store, "a@example.org", now=NOW)
    bring_papers(store, 3, AHEAD, "Future")
    tick(newsroom, now=AHEAD + timedelta(hours=4))
    with store.read() as connection:
        paper, *_ = papers.iterate(connection)
    cast(store, reader.id, paper.id, Thumb.UP, source="test", now=AHEAD)

    assert recover_from_future(store, now=NOW)
    assert not recover_from_future(store, now=NOW)

    with store.read() as connection:
        assert connection.execute(select(schema.vote.c.at)).scalars().all() == [NOW]
        assert {event.at for event in job_status.latest(connection).values()} == {NOW}
        assert editions.last_out(connection) == NOW


def test_a_pause_a_weekly_edition_and_a_small_difference_of_clocks_are_no_fault(
    store: Store,
) -> None:
    paused = subscriptions.add(store, "p@example.org", now=NOW)
    subscriptions.change(store, paused.id, now=NOW, until=(NOW + 400 * DAY).date(), status="pause")
    subscriptions.add(store, "w@example.org", now=NOW, weekly=True)
    subscriptions.add(store, "f@example.org", now=NOW, weekdays=frozenset({4}), zone="Pacific/Apia")
    bring_papers(store, 1, NOW + timedelta(minutes=20), "Soon")
    before = {one.id: current(store, one).next_slot for one in everybody(store)}

    assert not recover_from_future(store, now=NOW)
    assert {one.id: current(store, one).next_slot for one in everybody(store)} == before


@pytest.mark.parametrize("days", [frozenset(range(7)), frozenset({5})], ids=["daily", "weekly"])
@pytest.mark.parametrize("hour", [10, 11, 22])
def test_a_reader_who_moves_west_over_the_date_line_is_no_fault_of_the_clock(
    newsroom: PublishContext, days: frozenset[int], hour: int
) -> None:
    """The next slot is up to three days later, or nine: two forms kept votes waiting for 12 s."""
    store, moment = newsroom.store, NOW.replace(hour=hour)
    bring_papers(store, 3, NOW, "Right")
    east = (moment + timedelta(hours=14)).time()
    reader = subscriptions.add(
        store, None, now=NOW, zone="Pacific/Kiritimati", send_time=east, weekdays=days
    )
    assert tick(newsroom, now=moment)[PublishOutcome.PUBLISHED] == 1

    subscriptions.change(
        store, reader.id, now=moment, zone="Etc/GMT+12", send_time=time(23, 59), weekdays=days
    )

    slot = current(store, reader).next_slot
    assert slot is not None
    assert slot - moment > timedelta(hours=50)
    assert not recover_from_future(store, now=moment)
    assert current(store, reader).next_slot == slot


def everybody(store: Store) -> list[Reader]:
    with store.read() as connection:
        return readers.all(connection, Status.ACTIVE)


def test_a_pause_survives_a_clock_that_was_ahead(newsroom: PublishContext) -> None:
    store = newsroom.store
    reader = subscriptions.add(store, "p@example.org", now=NOW)
    subscriptions.change(store, reader.id, now=NOW, until=(NOW + 30 * DAY).date(), status="pause")
    bring_papers(store, 1, AHEAD, "Future")
    tick(newsroom, now=AHEAD + DAY)

    tick(newsroom, now=NOW)

    assert current(store, reader).next_slot == (NOW + 30 * DAY).replace(hour=6)


def test_a_clock_that_falls_back_by_months_rewrites_no_history(newsroom: PublishContext) -> None:
    store = newsroom.store
    for day in (0, 1, 2, 30, 60, 90):
        bring_papers(store, 2, NOW + day * DAY, f"Day {day}")

    def arrivals() -> list[datetime]:
        with store.read() as connection:
            column = schema.paper.c.ingested_at
            return list(connection.execute(select(column).order_by(column)).scalars())

    before = arrivals()
    recover_from_future(store, now=NOW + DAY)

    assert arrivals() == before


def test_publishing_that_began_before_the_computer_slept_takes_no_later_time_for_a_wrong_one(
    newsroom: PublishContext,
) -> None:
    reader = subscriptions.add(newsroom.store, "a@example.org", now=NOW)
    bring_papers(newsroom.store, 6, NOW, "Right")
    tick(newsroom, now=MORNING)
    before = current(newsroom.store, reader).next_slot
    with newsroom.store.begin() as connection:
        job_status.record(connection, "post", ok=True, now=MORNING + DAY)

    assert publish_due(newsroom, now=MORNING) == {}
    assert current(newsroom.store, reader).next_slot == before
    with newsroom.store.read() as connection:
        assert job_status.latest(connection)["post"].at == MORNING + DAY


def test_a_clock_that_is_behind_all_that_was_ever_read_rewrites_no_history(
    newsroom: PublishContext,
) -> None:
    store, behind = newsroom.store, NOW - timedelta(days=150)
    reader = subscriptions.add(store, "a@example.org", now=NOW, papers_per_edition=2)
    for day in range(10):
        bring_papers(store, 4, NOW + day * DAY, f"Day {day}")
        tick(newsroom, now=MORNING + day * DAY)
    with store.read() as connection:
        liked = editions.latest(connection, reader.id)[0].picks[0].paper
    cast(store, reader.id, liked.id, Thumb.UP, source="test", now=MORNING + 9 * DAY)

    def history() -> list[object]:
        with store.read() as connection:
            return [
                connection.execute(select(*columns).order_by(*columns)).all()
                for columns in (
                    (schema.paper.c.id, schema.paper.c.first_seen, schema.paper.c.ingested_at),
                    (schema.edition.c.id, schema.edition.c.date, schema.edition.c.published_at),
                    (schema.delivery.c.id, schema.delivery.c.queued_at),
                    (schema.vote.c.paper_id, schema.vote.c.at),
                    (schema.reader.c.id, schema.reader.c.created),
                )
            ]

    before = history()
    tick(newsroom, now=behind)
    assert history() == before
    bring_papers(store, 4, NOW + 10 * DAY, "Day 10")

    assert tick(newsroom, now=MORNING + 10 * DAY)[PublishOutcome.PUBLISHED] == 1
    assert current(store, reader).next_slot == NOW.replace(hour=6) + 11 * DAY


@pytest.mark.parametrize("times", [2, 3])
def test_a_day_has_its_edition_however_often_the_clock_has_been_at_it(
    newsroom: PublishContext, times: int
) -> None:
    store, ahead = newsroom.store, MORNING + 6 * DAY
    reader = subscriptions.add(store, "a@example.org", now=NOW, papers_per_edition=1)
    bring_papers(store, 20, NOW, "Right")
    for day in range(times):
        tick(newsroom, now=MORNING + day * DAY)
        assert tick(newsroom, now=ahead)[PublishOutcome.PUBLISHED] == 1
    for day in range(times, 6):
        tick(newsroom, now=MORNING + day * DAY)

    assert tick(newsroom, now=ahead)[PublishOutcome.PUBLISHED] == 1
    with store.read() as connection:
        newest = editions.latest(connection, reader.id)[0]
        names = connection.execute(select(schema.delivery.c.message_id)).scalars().all()
    assert newest.date == ahead.date()
    assert len(set(names)) == len(names) == 7 + times


def test_sources_that_were_asked_while_the_clock_was_days_ahead_are_asked_again(
    store: Store,
) -> None:
    ahead = NOW + 5 * DAY
    source = PolledSource(name="blog", address="https://blog.example/feed")
    with store.begin() as connection:
        job_status.record(connection, "tick", ok=True, now=ahead)
        due = ahead + timedelta(hours=1)
        polled_sources.save(connection, SourceState(source, NOW, due, last_poll_at=ahead))

    recover_from_future(store, now=NOW)

    with store.read() as connection:
        (state,) = polled_sources.list_states(connection)
    assert state.next_poll_at == NOW
    assert not recover_from_future(store, now=NOW)
