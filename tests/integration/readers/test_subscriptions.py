"""Tests that readers subscribe, change their preferences, pause and leave."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Unpack

import pytest
from tests.helpers.factories import add_papers, picks_of

from larkpost.db import editions, readers
from larkpost.db.outbox import deliveries
from larkpost.domain import DeliveryState, Status
from larkpost.errors import UnknownReader, UsageError
from larkpost.readers import subscriptions

if TYPE_CHECKING:
    from larkpost.db.engine import Store
    from larkpost.domain import Reader

# A Friday, at noon in Berlin.
NOW = datetime(2026, 8, 7, 10, 0, tzinfo=UTC)
BERLIN = "Europe/Berlin"


def add(store: Store, **wishes: Unpack[subscriptions.Preferences]) -> Reader:
    return subscriptions.add(
        store, "ada@example.org", now=NOW, **({"zone": BERLIN, "send_time": time(6)} | wishes)
    )


def publish_today(store: Store, reader: Reader) -> None:
    with store.begin() as connection:
        editions.publish(
            connection,
            reader=reader,
            date=date(2026, 8, 7),
            picks=picks_of(add_papers(connection, 2)),
            now=NOW,
            next_slot=reader.next_slot,
            message_id="<1@example.org>",
        )


def read(store: Store, reader: Reader) -> Reader:
    with store.read() as connection:
        return readers.get(connection, reader.id)


def test_the_first_slot_is_the_next_local_day(store: Store) -> None:
    reader = add(store)

    assert reader.next_slot == datetime(2026, 8, 8, 4, 0, tzinfo=UTC)
    assert reader.status is Status.ACTIVE
    assert read(store, reader) == reader


def test_a_reader_without_an_address_reads_by_feed(store: Store) -> None:
    reader = subscriptions.add(store, None, now=NOW)

    assert reader.address is None
    assert reader.next_slot is not None


def test_a_pending_reader_waits_for_confirmation(store: Store) -> None:
    pending = subscriptions.add(store, "ada@example.org", now=NOW, status=Status.PENDING)

    confirmed = subscriptions.confirm(store, pending.id, now=NOW)

    assert pending.next_slot is None
    assert confirmed
    assert confirmed.status is Status.ACTIVE
    assert confirmed.next_slot == datetime(2026, 8, 8, 6, 0, tzinfo=UTC)


def test_confirming_again_changes_nothing(store: Store) -> None:
    reader = add(store)
    gone = subscriptions.change(store, reader.id, now=NOW, status="leave")

    assert subscriptions.confirm(store, reader.id, now=NOW) is None
    with store.read() as connection:
        assert readers.get(connection, reader.id) == gone


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        pytest.param({"zone": "Europe/Berln"}, "Europe/Berln", id="unknown zone"),
        pytest.param({"zone": "../../etc/passwd"}, "no time zone", id="path for a zone"),
        pytest.param({"weekdays": frozenset()}, "at least one weekday", id="no day"),
        pytest.param({"weekdays": frozenset({7})}, "at least one weekday", id="an eighth day"),
        pytest.param({"papers_per_edition": 0}, "0 papers", id="size 0"),
        pytest.param({"papers_per_edition": 101}, "101 papers", id="size 101"),
        pytest.param({"threshold": 1.0}, "threshold", id="impossible threshold"),
    ],
)
def test_a_wish_that_cannot_be_had_is_refused_and_changes_nothing(
    store: Store, wishes: subscriptions.Preferences, said: str
) -> None:
    reader = add(store)

    with pytest.raises(UsageError, match=said):
        subscriptions.change(store, reader.id, now=NOW, **wishes)
    with pytest.raises(UsageError, match=said):
        subscriptions.add(store, "new@example.org", now=NOW, **wishes)

    with store.read() as connection:
        assert readers.all(connection) == [reader]


def test_a_misspelt_zone_is_told_the_nearest(store: Store) -> None:
    with pytest.raises(UsageError) as caught:
        add(store, zone="Europe/Berln")

    assert "Europe/Berlin" in caught.value.hint


def test_an_address_that_is_taken_is_refused(store: Store) -> None:
    add(store)

    with pytest.raises(UsageError, match=r"ada@EXAMPLE\.org already"):
        subscriptions.add(store, "ada@EXAMPLE.org", now=NOW)


def test_interest_words_are_tidied(store: Store) -> None:
    reader = subscriptions.add(
        store, None, now=NOW, words=["  mixture of experts ", "", "routing", "routing", "\n"]
    )

    assert reader.interests[0].words == ("mixture of experts", "routing")


@pytest.mark.parametrize("words", [["word"] * 2 + [str(n) for n in range(50)], ["x" * 101]])
def test_too_many_or_too_long_words_are_refused(store: Store, words: list[str]) -> None:
    with pytest.raises(UsageError, match="interest words"):
        subscriptions.add(store, None, now=NOW, words=words)


def test_a_name_is_one_line_without_tricks(store: Store) -> None:
    reader = add(store, name="Ada\r\nBcc: eve@example.org\u202e")

    assert "\n" not in reader.name
    assert "\u202e" not in reader.name


def test_a_later_hour_does_not_bring_todays_paper_twice(store: Store) -> None:
    reader = add(store)
    publish_today(store, reader)

    changed = subscriptions.change(store, reader.id, now=NOW, send_time=time(18))

    assert changed.next_slot == datetime(2026, 8, 8, 16, 0, tzinfo=UTC)


def test_a_later_hour_brings_todays_paper_if_there_was_none(store: Store) -> None:
    reader = add(store)

    changed = subscriptions.change(store, reader.id, now=NOW, send_time=time(18))

    assert changed.next_slot == datetime(2026, 8, 7, 16, 0, tzinfo=UTC)


def test_an_hour_that_is_moved_again_and_again_brings_a_dozen_rankings_a_day(
    store: Store,
) -> None:
    """Forty readers who count, whom no paper was good enough, kept each run busy for a minute."""
    reader = add(store, zone="UTC")
    slots: list[timedelta] = []
    for number in range(1, 18):
        now = NOW + number * timedelta(minutes=10)
        soon = now + timedelta(minutes=1)
        changed = subscriptions.change(store, reader.id, now=now, send_time=soon.time())
        assert changed.next_slot is not None
        slots.append(changed.next_slot - now)
        with store.begin() as connection:  # ranked, and nothing to publish
            readers.update(connection, reader.id, next_slot=soon + timedelta(days=1))

    waits = [slot > timedelta(hours=20) for slot in slots]
    assert waits[:11] == [False] * 11
    assert sum(waits) >= 4
    assert max(slots) < timedelta(hours=45)


def test_a_slot_that_has_come_is_not_lost_by_new_wishes(store: Store) -> None:
    reader = add(store)
    assert reader.next_slot
    late = reader.next_slot + timedelta(minutes=5)

    changed = subscriptions.change(
        store, reader.id, now=late, send_time=time(5), name="Ada", words=["moe"]
    )

    assert changed.next_slot == reader.next_slot
    assert changed.send_time == time(5)
    assert changed.interests[0].words == ("moe",)


def test_a_new_name_leaves_the_slot_alone(store: Store) -> None:
    reader = add(store)

    changed = subscriptions.change(store, reader.id, now=NOW, name="Ada")

    assert changed == replace(reader, name="Ada")


def test_a_holiday_ends_on_its_day(store: Store) -> None:
    reader = add(store)

    paused = subscriptions.change(
        store, reader.id, now=NOW, until=date(2026, 8, 20), status="pause"
    )

    assert paused.status is Status.ACTIVE
    assert paused.next_slot == datetime(2026, 8, 20, 4, 0, tzinfo=UTC)


def test_a_pause_without_an_end_lasts_until_told(store: Store) -> None:
    reader = add(store)

    paused = subscriptions.change(store, reader.id, now=NOW, status="pause")
    resumed = subscriptions.resume(store, reader.id, now=NOW + timedelta(days=30))

    assert (paused.status, paused.next_slot) == (Status.PAUSED, None)
    assert resumed.status is Status.ACTIVE
    assert resumed.next_slot == datetime(2026, 9, 7, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize("until", [date(2026, 8, 7), date(2020, 1, 1)])
def test_a_pause_cannot_end_in_the_past(store: Store, until: date) -> None:
    reader = add(store)

    with pytest.raises(UsageError, match="not in the future"):
        subscriptions.change(store, reader.id, now=NOW, until=until, status="pause")

    assert read(store, reader) == reader


def test_resuming_a_running_paper_keeps_its_slot(store: Store) -> None:
    reader = add(store)
    assert reader.next_slot

    resumed = subscriptions.resume(store, reader.id, now=reader.next_slot + timedelta(minutes=1))

    assert resumed == reader


def test_resuming_does_not_confirm_an_address(store: Store) -> None:
    pending = subscriptions.add(store, "ada@example.org", now=NOW, status=Status.PENDING)

    assert subscriptions.resume(store, pending.id, now=NOW).status is Status.PENDING


def test_a_command_that_resumes_a_pending_reader_is_told_what_is_needed_and_changes_nothing(
    store: Store,
) -> None:
    pending = subscriptions.add(store, "ada@example.org", now=NOW, status=Status.PENDING)

    with pytest.raises(UsageError, match="has not confirmed") as refused:
        subscriptions.change(store, pending.id, now=NOW, status="resume", papers_per_edition=3)

    assert "the reader has to open the link" in refused.value.hint
    assert read(store, pending) == pending


def test_who_leaves_is_sent_nothing_more_not_even_what_is_planned(store: Store) -> None:
    reader = add(store)
    publish_today(store, reader)

    left = subscriptions.change(store, reader.id, now=NOW, status="leave")
    again = subscriptions.change(store, reader.id, now=NOW, status="leave")

    assert (left.status, left.next_slot) == (Status.LEFT, None)
    assert again == left
    with store.read() as connection:
        counts = deliveries.counts(connection)
    assert counts[DeliveryState.PLANNED] == 0
    assert counts[DeliveryState.CANCELLED] == 1


def test_who_left_cannot_pause(store: Store) -> None:
    reader = add(store)
    subscriptions.change(store, reader.id, now=NOW, status="leave")

    with pytest.raises(UsageError, match=r"ada@example\.org does not get editions"):
        subscriptions.change(store, reader.id, now=NOW, status="pause")


def test_who_comes_back_gets_the_next_day(store: Store) -> None:
    reader = add(store)
    subscriptions.change(store, reader.id, now=NOW, status="leave")

    back = subscriptions.resume(store, reader.id, now=NOW + timedelta(days=2))

    assert back.status is Status.ACTIVE
    assert back.next_slot == datetime(2026, 8, 10, 4, 0, tzinfo=UTC)


def test_a_removed_reader_is_forgotten(store: Store) -> None:
    reader = add(store)
    publish_today(store, reader)

    subscriptions.remove(store, reader.id)

    with pytest.raises(UnknownReader):
        read(store, reader)


def test_a_renewed_feed_key_replaces_the_old_one(store: Store) -> None:
    reader = add(store)

    key = subscriptions.change(store, reader.id, now=NOW, feed="renew").feed_key

    assert key != reader.feed_key
    assert read(store, reader).feed_key == key
