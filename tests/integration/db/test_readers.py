"""Tests readers in the store: read as written, with unique addresses, slots in order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, select
from tests.helpers.factories import NOW, TODAY, add_papers, add_readers, all_votes, picks_of

from larkpost.db import editions, interests, readers, schema, votes
from larkpost.domain import Interest, Status, Thumb, Vote
from larkpost.errors import UnknownReader, UsageError

if TYPE_CHECKING:
    from larkpost.db.engine import Store


def test_a_reader_comes_out_as_it_went_in(store: Store) -> None:
    with store.begin() as connection:
        added = readers.add(
            connection,
            address="Ada@Example.ORG",
            name="Ada, Countess of Lovelace \N{CROWN}",
            zone="Europe/London",
            send_time=time(7, 30),
            weekdays=frozenset({0, 4, 6}),
            papers_per_edition=5,
            words=["analytical engine", "Größenordnung"],
            threshold=0.25,
            weekly=True,
            notify_when_empty=True,
            now=NOW,
            next_slot=NOW + timedelta(days=1),
        )

    with store.read() as connection:
        read = readers.get(connection, added.id)

    assert read == added
    assert read.address == "Ada@example.org"
    assert (read.weekdays, read.send_time, read.papers_per_edition) == (
        frozenset({0, 4, 6}),
        time(7, 30),
        5,
    )
    assert (read.created, read.next_slot) == (NOW, NOW + timedelta(days=1))
    assert (read.status, read.weekly, read.threshold) == (Status.ACTIVE, True, 0.25)
    assert read.notify_when_empty
    assert read.interests == (
        Interest(read.interests[0].id, "main", ("analytical engine", "Größenordnung"), 1),
    )


def test_a_reader_is_found_by_every_name(store: Store) -> None:
    with store.begin() as connection:
        ada, emmy = add_readers(connection, 2)

        assert readers.by_address(connection, " reader1@EXAMPLE.org ") == ada
        assert readers.by_uid(connection, emmy.uid) == emmy
        assert readers.by_feed_key(connection, ada.feed_key) == ada
        assert readers.many(connection, {ada.id, emmy.id, 999}) == {ada.id: ada, emmy.id: emmy}


@pytest.mark.parametrize("address", ["nobody@example.org", "'; DROP TABLE reader--@example.org"])
def test_an_unknown_address_is_reported(store: Store, address: str) -> None:
    with pytest.raises(UsageError), store.read() as connection:
        readers.by_address(connection, address)


def test_unknown_numbers_uids_and_keys_are_reported(store: Store) -> None:
    with store.read() as connection:
        with pytest.raises(UnknownReader, match="4711"):
            readers.get(connection, 4711)
        with pytest.raises(UnknownReader):
            readers.by_uid(connection, "none")

        assert readers.by_feed_key(connection, "none") is None


def test_an_address_belongs_to_one_reader(store: Store) -> None:
    with store.begin() as connection:
        add_readers(connection, 1)

        with pytest.raises(UsageError, match=r"reader1@EXAMPLE\.ORG already"):
            readers.add(connection, address="reader1@EXAMPLE.ORG", now=NOW)

        # The transaction is still good for other things.
        readers.add(connection, address="other@example.org", now=NOW)

    with store.read() as connection:
        assert len(readers.all(connection)) == 2


def test_an_address_cannot_be_changed_to_one_that_is_taken(store: Store) -> None:
    with store.begin() as connection:
        _, emmy = add_readers(connection, 2)

        with pytest.raises(UsageError, match="already"):
            readers.update(connection, emmy.id, address="reader1@example.org")

        assert readers.get(connection, emmy.id) == emmy


def test_any_number_of_readers_may_have_no_address(store: Store) -> None:
    with store.begin() as connection:
        for _ in range(3):
            readers.add(connection, address=None, now=NOW)

        assert [reader.address for reader in readers.all(connection)] == [None] * 3


@pytest.mark.parametrize("size", [0, -1, 101])
def test_a_size_that_cannot_be_is_refused(store: Store, size: int) -> None:
    with store.begin() as connection:
        (ada,) = add_readers(connection, 1)

        with pytest.raises(UsageError, match="size"):
            readers.add(connection, address=None, papers_per_edition=size, now=NOW)
        with pytest.raises(UsageError, match="size"):
            readers.update(connection, ada.id, papers_per_edition=size)


def test_an_update_changes_what_is_named_and_nothing_else(store: Store) -> None:
    with store.begin() as connection:
        (ada,) = add_readers(connection, 1)
        changes = {
            "name": "Ada",
            "zone": "Asia/Tokyo",
            "send_time": time(5, 15),
            "weekdays": frozenset({1}),
            "papers_per_edition": 3,
            "status": Status.PAUSED,
            "threshold": 0.5,
            "weekly": True,
            "notify_when_empty": True,
            "paused_until": date(2026, 12, 24),
            "next_slot": None,
        }

        changed = readers.update(connection, ada.id, **changes)

    assert changed == replace(ada, **changes)  # type: ignore[arg-type]  # of several types


@pytest.mark.parametrize("column", ["id", "uid", "created", "interests", "adress"])
def test_an_update_of_something_else_is_a_mistake(store: Store, column: str) -> None:
    with store.begin() as connection:
        (ada,) = add_readers(connection, 1)

        with pytest.raises(TypeError, match=column):
            readers.update(connection, ada.id, **{column: "x"})


def test_due_are_active_readers_whose_slot_has_come_the_longest_waiting_first(
    store: Store,
) -> None:
    with store.begin() as connection:
        late, later, paused, never, soon = add_readers(connection, 5)
        readers.update(connection, later.id, next_slot=NOW - timedelta(days=9))
        readers.update(connection, paused.id, status=Status.PAUSED)
        readers.update(connection, never.id, next_slot=None)
        readers.update(connection, soon.id, next_slot=NOW + timedelta(microseconds=1))

        assert [one.id for one in readers.due(connection, NOW, limit=9)] == [later.id, late.id]
        assert [one.id for one in readers.due(connection, NOW, limit=1)] == [later.id]


def test_a_slot_moves_on_only_from_where_it_was_seen(store: Store) -> None:
    tomorrow = NOW + timedelta(days=1)
    with store.begin() as connection:
        (ada,) = add_readers(connection, 1)

        assert readers.advance(connection, ada, tomorrow)
        assert not readers.advance(connection, ada, tomorrow + timedelta(days=1))
        assert readers.get(connection, ada.id).next_slot == tomorrow


def test_a_slot_moves_on_from_none_too(store: Store) -> None:
    with store.begin() as connection:
        idle = readers.add(connection, address=None, now=NOW)

        assert readers.advance(connection, idle, NOW)
        assert not readers.advance(connection, idle, NOW)


def test_a_renewed_feed_key_closes_the_old_one(store: Store) -> None:
    with store.begin() as connection:
        (ada,) = add_readers(connection, 1)

        key = readers.renew_feed_key(connection, ada.id)

        assert readers.by_feed_key(connection, ada.feed_key) is None
        assert readers.by_feed_key(connection, key) == replace(ada, feed_key=key)


def test_readers_are_listed_and_counted_by_status(store: Store) -> None:
    with store.begin() as connection:
        ada, emmy, _ = add_readers(connection, 3)
        readers.update(connection, emmy.id, status=Status.LEFT)

        counted = readers.count_by_status(connection)
        left = readers.all(connection, Status.LEFT)
        active = readers.all(connection, Status.ACTIVE)

    assert counted == {
        Status.PENDING: 0,
        Status.ACTIVE: 2,
        Status.PAUSED: 0,
        Status.SUSPENDED: 0,
        Status.LEFT: 1,
    }
    assert [one.id for one in left] == [emmy.id]
    assert active[0] == ada


def test_interests_are_written_and_changed_by_name(store: Store) -> None:
    with store.begin() as connection:
        (ada,) = add_readers(connection, 1)
        birds = interests.set_interest(connection, ada.id, "birds", words=["song"], quota=3)
        again = interests.set_interest(connection, ada.id, "birds", words=["song", "nest"], quota=2)

        assert again == replace(birds, words=("song", "nest"), quota=2)
        assert readers.get(connection, ada.id).interests == (*ada.interests, again)


def test_an_interest_that_goes_leaves_its_votes_to_the_first(store: Store) -> None:
    with store.begin() as connection:
        (ada,) = add_readers(connection, 1)
        (paper,) = add_papers(connection, 1)
        birds = interests.set_interest(connection, ada.id, "birds")
        votes.cast(connection, Vote(ada.id, paper.id, Thumb.UP, NOW, "test", birds.id))

        interests.remove_interest(connection, ada.id, "birds")

        assert readers.get(connection, ada.id).interests == ada.interests
        kept = votes.one(connection, ada.id, paper.id)
    assert kept == Vote(ada.id, paper.id, Thumb.UP, NOW, "test", None)


def test_the_last_interest_stays(store: Store) -> None:
    with store.begin() as connection:
        (ada,) = add_readers(connection, 1)

        with pytest.raises(UsageError, match="last"):
            interests.remove_interest(connection, ada.id, "main")
        with pytest.raises(UsageError, match="birds"):
            interests.remove_interest(connection, ada.id, "birds")
        with pytest.raises(UsageError, match="quota"):
            interests.set_interest(connection, ada.id, "birds", quota=0)


def test_a_reader_who_is_removed_is_forgotten_whole(store: Store) -> None:
    with store.begin() as connection:
        ada, emmy = add_readers(connection, 2)
        (paper,) = add_papers(connection, 1)
        for reader in (ada, emmy):
            votes.cast(connection, Vote(reader.id, paper.id, Thumb.UP, NOW, "test"))
            editions.publish(
                connection,
                reader=reader,
                date=TODAY,
                picks=picks_of([paper]),
                now=NOW,
                next_slot=None,
                message_id=f"<{reader.id}@example.org>",
            )

        readers.remove(connection, ada.id)

        assert all_votes(connection) == [Vote(emmy.id, paper.id, Thumb.UP, NOW, "test")]
        assert editions.latest(connection, ada.id) == []
        assert len(editions.latest(connection, emmy.id)) == 1
        with pytest.raises(UnknownReader):
            readers.remove(connection, ada.id)


def test_many_readers_are_read_in_few_queries_and_all_of_them(store: Store) -> None:
    with store.begin() as connection:
        (ada,) = add_readers(connection, 1)
        like_ada = connection.execute(select(schema.reader)).one()._asdict()
        others = range(ada.id + 1, ada.id + 1_201)
        rows = [
            like_ada
            | {"id": n, "uid": f"u{n}", "feed_key": f"k{n}", "address": None, "address_key": None}
            for n in others
        ]
        connection.execute(insert(schema.reader), rows)

        assert list(readers.many(connection, [ada.id, *others])) == [ada.id, *others]


def test_times_come_out_in_utc_whatever_zone_they_went_in(store: Store) -> None:
    berlin = datetime.fromisoformat("2026-08-07T08:00:00.123456+02:00")
    with store.begin() as connection:
        reader = readers.add(connection, address=None, now=berlin)

    assert reader.created == berlin
    assert reader.created.tzinfo is UTC
