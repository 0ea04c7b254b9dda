"""Tests that addresses which differ only in case are one reader, also in older homes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from tests.helpers.old_databases import Before, left_at

from larkpost.db import editions, migrations, readers, row_ids, schema, votes
from larkpost.db.coordination import job_status
from larkpost.db.outbox import deliveries
from larkpost.domain import DeliveryState, Status, Thumb
from larkpost.errors import UnknownReader, UsageError
from larkpost.mail import confirmations
from larkpost.readers import subscriptions
from larkpost.urls import is_stamped, stamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from larkpost.db.engine import Store

NOW = datetime(2026, 8, 7, 6, 0, tzinfo=UTC)
DAY = timedelta(days=1)
WISHES: subscriptions.Preferences = {
    "zone": "UTC",
    "send_time": time(6),
    "weekdays": frozenset(range(7)),
    "papers_per_edition": 10,
}


@pytest.mark.parametrize("typed", ["ann@example.org", "Ann@example.org", "ANN@EXAMPLE.ORG"])
def test_a_reader_is_found_in_whatever_case_their_address_is_typed(
    store: Store, typed: str
) -> None:
    added = subscriptions.add(store, "Ann@Example.org", now=NOW)

    with store.read() as connection:
        found = readers.by_address(connection, typed)

    assert found.id == added.id
    assert found.address == "Ann@example.org"  # as typed: mail is sent to it


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("ann@example.org", "ANN@example.org"),
        ("Élodie@example.org", "e\u0301lodie@example.org"),
        ("STRASSE@example.org", "straße@example.org"),
        ("ann@bücher.example", "Ann@XN--BCHER-KVA.example"),
    ],
)
def test_an_address_is_taken_in_every_case(store: Store, first: str, second: str) -> None:
    subscriptions.add(store, first, now=NOW)
    other = subscriptions.add(store, "bob@example.org", now=NOW)

    with pytest.raises(UsageError, match="already"):
        subscriptions.add(store, second, now=NOW)
    with pytest.raises(UsageError, match="already"):
        subscriptions.change(store, other.id, now=NOW, address=second)


def test_a_reader_may_change_the_case_of_their_own_address(store: Store) -> None:
    ann = subscriptions.add(store, "ann@example.org", now=NOW)

    assert subscriptions.change(store, ann.id, now=NOW, address="Ann@example.org").address == (
        "Ann@example.org"
    )


def test_who_asks_twice_in_other_cases_is_asked_once_to_confirm(store: Store) -> None:
    for address in ("ann@example.org", "Ann@example.org"):
        confirmations.ask(store, confirmations.check_request(address, WISHES), now=NOW)

    with store.begin() as connection:
        asked = connection.execute(select(schema.delivery)).one()

    assert asked.address_key == "ann@example.org"
    assert asked.payload["address"] == "Ann@example.org"  # who asks last says how to write to them


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def older(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Open a store as the version before left it; once on each kind of database."""
    with left_at("0009", request, tmp_path) as store:
        yield store


def merged(older: Store, **status: str) -> SimpleNamespace:
    """Migrate a home in which Ann is two readers; returns what both became."""
    with older.begin() as connection:
        before = Before(connection)
        before.reader(1, "ann@example.org", status=status.get("first", "active"))
        before.reader(
            2, "Ann@example.org", status=status.get("second", "active"), name="Ann",
            created=NOW - 5 * DAY, relinked=1, zone="Europe/Berlin",
        )  # fmt: skip
        before.reader(3, "bob@example.org")
        before.reader(4, None)
        for number in (1, 2, 3):
            before.paper(number)
        before.interest(1, 1, "main", "routing")
        before.interest(2, 2, "main", "experts", "routing")
        before.interest(3, 1, "proteins", "folding")
        before.interest(4, 3, "main")
        before.interest(5, 4, "main")
        before.vote(1, 1, 1, NOW - 3 * DAY, 1)
        before.vote(2, 1, -1, NOW - 2 * DAY, 2)
        before.vote(1, 2, 1, NOW - 4 * DAY, 3)
        before.vote(2, 3, 1, NOW - 5 * DAY, 2)
        before.edition(1, 1, date(2026, 8, 5), 1, "sent")
        before.edition(2, 1, date(2026, 8, 6), 2, "deferred")
        before.edition(3, 2, date(2026, 8, 6), 3, "planned")
        before.edition(4, 3, date(2026, 8, 6), 3, "planned")
        row_ids.count_on(connection, schema.reader)

    migrations.upgrade(older)

    with older.read() as connection:
        ann = readers.by_address(connection, "ANN@example.org")
        return SimpleNamespace(
            ann=ann,
            former=readers.former(connection, [ann.id]),
            everybody=readers.all(connection),
            votes={vote.paper_id: vote for vote in votes.of(connection, ann.id)},
            editions=editions.latest(connection, ann.id, limit=10),
            stayed=editions.get(connection, 2),
            messages={n: deliveries.of_edition(connection, n) for n in (1, 2, 3, 4)},
            picked=editions.papers_given(connection, [ann.id])[ann.id],
            events=job_status.latest(connection),
        )


def test_who_voted_last_stays_with_their_wishes_and_everybody_s_votes(older: Store) -> None:
    found = merged(older)

    assert (found.ann.id, found.ann.address) == (2, "Ann@example.org")
    assert (found.ann.zone, found.ann.created) == ("Europe/Berlin", NOW - 10 * DAY)
    assert [one.id for one in found.everybody] == [2, 3, 4]
    assert {n: vote.thumb for n, vote in found.votes.items()} == {
        1: Thumb.DOWN,  # the later of two
        2: Thumb.UP,
        3: Thumb.UP,
    }
    words = {interest.name: interest.words for interest in found.ann.interests}
    assert words == {"main": ("experts", "routing"), "proteins": ("folding",)}
    names = {interest.id: interest.name for interest in found.ann.interests}
    assert names[found.votes[2].interest_id] == "proteins"
    assert names[found.votes[1].interest_id] == "main"


def test_no_edition_is_lost_and_no_day_has_two(older: Store) -> None:
    found = merged(older)

    assert [(one.id, one.date.day) for one in found.editions] == [(3, 6), (1, 5)]
    assert found.stayed is not None
    assert found.stayed.reader.id == found.ann.id  # a link to it opens what is Ann's
    assert found.picked == {1, 2, 3}
    assert found.messages[1].reader_id == found.ann.id
    assert found.messages[2].state is DeliveryState.CANCELLED  # that day's other message goes
    assert found.messages[3].state is DeliveryState.PLANNED
    assert found.messages[4].state is DeliveryState.PLANNED


@pytest.mark.parametrize("waiting", ["planned", "deferred", "unknown"])
def test_a_reader_who_was_sent_a_newsletter_of_a_day_gets_no_other_of_that_day(
    older: Store, waiting: str
) -> None:
    with older.begin() as connection:
        before = Before(connection)
        for number, voted in ((1, 3), (2, 1), (3, 2)):  # who voted last, number 2, stays
            before.reader(number, ("ann", "Ann", "ANN")[number - 1] + "@example.org")
            before.interest(number, number, "main")
            before.paper(number)
            before.vote(number, number, 1, NOW - voted * DAY, number)
        before.edition(1, 1, date(2026, 8, 6), 1, "sent")
        before.edition(2, 2, date(2026, 8, 6), 2, waiting)
        before.edition(3, 3, date(2026, 8, 5), 3, waiting)  # becomes number 2's
        before.edition(4, 1, date(2026, 8, 5), 1, "sent")  # stays behind: the day has one
        before.edition(5, 2, date(2026, 8, 4), 1, waiting)
        before.edition(6, 1, date(2026, 8, 4), 1, "cancelled")

    migrations.upgrade(older)

    with older.read() as connection:
        messages = {n: deliveries.of_edition(connection, n) for n in range(1, 7)}
    states = {n: str(message.state) for n, message in messages.items() if message}
    assert [states[n] for n in (1, 2, 3, 4)] == ["sent", "cancelled", "cancelled", "sent"]
    assert states[5] == waiting  # nothing of that day was sent


def test_links_and_feeds_of_both_go_on_working(older: Store) -> None:
    found = merged(older)
    (former,) = found.former

    with older.read() as connection:
        for key in ("key-1", "key-2"):
            ann = readers.by_feed_key(connection, key)
            assert ann is not None
            assert ann.id == found.ann.id
        assert readers.by_uid(connection, "uid-1").id == found.ann.id
        assert readers.get(connection, 1).id == found.ann.id
    assert is_stamped(stamp(former), found.ann, found.former, "leave")
    assert is_stamped(stamp(former, "page"), found.ann, found.former, "page")
    assert not is_stamped(stamp(found.everybody[1]), found.ann, found.former, "leave")


def test_a_new_link_and_a_new_feed_end_those_of_both(older: Store) -> None:
    found = merged(older)
    subscriptions.relink(older, found.ann.id)
    subscriptions.change(older, found.ann.id, now=NOW, feed="renew")

    with older.read() as connection:
        ann = readers.get(connection, found.ann.id)
        former = readers.former(connection, [ann.id])
        assert readers.by_feed_key(connection, "key-1") is None
        assert readers.by_feed_key(connection, "key-2") is None
    old = stamp(found.former[0], "page")
    assert not is_stamped(old, ann, former, "page")


def test_to_forget_a_reader_forgets_their_former_names(older: Store) -> None:
    found = merged(older)
    subscriptions.remove(older, found.ann.id)

    with older.read() as connection:
        assert sorted(connection.execute(select(schema.reader.c.id)).scalars()) == [3, 4]
        assert connection.execute(select(schema.edition.c.id)).scalars().all() == [4]
        with pytest.raises(UnknownReader):
            readers.get(connection, 1)


def test_a_new_address_frees_every_spelling_of_the_old_one(older: Store) -> None:
    found = merged(older)
    subscriptions.change(older, found.ann.id, now=NOW, address="anna@example.org")

    assert subscriptions.add(older, "ann@example.org", now=NOW).id not in (1, 2)


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        ("active", "active", Status.ACTIVE),
        ("left", "active", Status.LEFT),  # nobody is sent mail again by a merge
        ("active", "left", Status.LEFT),
        ("pending", "left", Status.LEFT),
        ("active", "pending", Status.ACTIVE),
        ("pending", "active", Status.ACTIVE),
        ("pending", "pending", Status.PENDING),
        ("active", "paused", Status.PAUSED),  # the second voted last: it is their wish
        ("paused", "active", Status.ACTIVE),
        ("active", "suspended", Status.SUSPENDED),
    ],
)
def test_who_unsubscribed_is_not_subscribed_again(
    older: Store, first: str, second: str, status: Status
) -> None:
    found = merged(older, first=first, second=second)

    assert found.ann.status is status
    if status is Status.LEFT:
        assert found.ann.next_slot is None
        assert found.messages[3].state is DeliveryState.CANCELLED


def test_a_merge_is_reported_afterwards(older: Store) -> None:
    event = merged(older, first="left").events["merge"]

    assert event.ok
    assert event.detail == {"readers": 1, "into": 1, "same_day_editions": 1, "stopped": 1}


def test_a_feed_that_was_on_goes_on(older: Store) -> None:
    with older.begin() as connection:
        before = Before(connection)
        before.reader(1, "ann@example.org", feed_key="key-1")
        before.reader(2, "Ann@example.org", feed_key="off:2", created=NOW)
        before.interest(1, 1, "main")
        before.interest(2, 2, "main")

    migrations.upgrade(older)

    with older.read() as connection:
        ann = readers.by_feed_key(connection, "key-1")
        assert ann is not None
        assert (ann.id, ann.feed_key) == (2, "key-1")


def test_a_home_without_twins_keeps_everybody_as_they_were(older: Store) -> None:
    with older.begin() as connection:
        before = Before(connection)
        before.reader(1, "Ann@example.org")
        before.reader(2, None)
        before.interest(1, 1, "main")
        before.interest(2, 2, "main")

    migrations.upgrade(older)

    with older.read() as connection:
        assert [one.address for one in readers.all(connection)] == ["Ann@example.org", None]
        assert readers.by_address(connection, "ann@EXAMPLE.org").id == 1
        assert "merge" not in job_status.latest(connection)
