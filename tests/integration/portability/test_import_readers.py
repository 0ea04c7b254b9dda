"""Importing readers: their status, their next edition, the key of their feed."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from larkpost.db import readers
from larkpost.db.outbox import bounces
from larkpost.domain import Bounce, BounceKind, Status
from larkpost.portability.importer import take_readers
from larkpost.readers import subscriptions

if TYPE_CHECKING:
    from pathlib import Path

    from larkpost.db.engine import Store
    from larkpost.domain import Reader
    from larkpost.portability.import_lines import ImportReport

NOW = datetime(2026, 8, 7, 3, tzinfo=UTC)
LATER = NOW + timedelta(days=3)
ANN = "ann@example.org"
KEY = "Zm9vYmFyYmF6cXV4Zm9vYg"


def take(store: Store, folder: Path, *lines: dict[str, Any], **defaults: Any) -> ImportReport:
    file = folder / "readers.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return take_readers(store, file, now=LATER, defaults=defaults)  # type: ignore[arg-type]


def everybody(store: Store) -> dict[str | None, Reader]:
    with store.read() as connection:
        return {reader.address: reader for reader in readers.all(connection)}


def standing(store: Store, status: Status) -> Reader:
    """Create Ann with a status."""
    pending = status is Status.PENDING
    came = Status.PENDING if pending else Status.ACTIVE
    ann = subscriptions.add(store, ANN, now=NOW, status=came)
    if status is Status.PAUSED:
        subscriptions.change(store, ann.id, now=NOW, status="pause")
    elif status is Status.LEFT:
        subscriptions.change(store, ann.id, now=NOW, status="leave")
    elif status is Status.SUSPENDED:
        with store.begin() as connection:
            bounces.record(connection, Bounce(ann.id, NOW, BounceKind.HARD, "5.1.1", "gone"))
            subscriptions.set_status(connection, ann.id, status, now=NOW)
    return ann


@pytest.mark.parametrize("status", Status)
def test_a_new_reader_stands_where_the_file_says(
    store: Store, tmp_path: Path, status: Status
) -> None:
    tally = take(store, tmp_path, {"reader": ANN, "status": status.value, "at": "06:00"})

    ann = everybody(store)[ANN]
    due = datetime(2026, 8, 10, 6, tzinfo=UTC) if status is Status.ACTIVE else None
    assert (tally.refused, tally.remarks) == ([], [])
    assert (ann.status, ann.next_slot) == (status, due)


@pytest.mark.parametrize(
    ("here", "told"), [pair for pair in product(Status, Status) if pair[0] is not pair[1]]
)
def test_a_reader_who_is_here_goes_where_the_file_says_but_nobody_is_subscribed_again(
    store: Store, tmp_path: Path, here: Status, told: Status
) -> None:
    standing(store, here)

    tally = take(store, tmp_path, {"reader": ANN, "status": told.value, "name": "Ann"})

    ann = everybody(store)[ANN]
    stays = here is Status.LEFT or told is Status.PENDING
    assert (ann.status, ann.name) == (here if stays else told, "Ann")
    assert (ann.next_slot is not None) == (ann.status is Status.ACTIVE)
    ((line, remark),) = tally.remarks
    assert (line, tally.taken) == (1, 1)
    assert ANN in remark
    assert ("stays so" in remark) == stays
    if here is Status.LEFT:
        assert f"`larkpost reader set {ANN} --resume`" in remark


def test_who_left_stays_away_whatever_is_taken_in_and_can_still_come_back(
    store: Store, tmp_path: Path
) -> None:
    ann = standing(store, Status.LEFT)
    line = {"reader": ANN, "status": "active", "zone": "Asia/Tokyo", "paused_until": "2026-08-12"}

    for _ in range(2):
        assert len(take(store, tmp_path, line).remarks) == 1
    gone = everybody(store)[ANN]
    back = subscriptions.resume(store, ann.id, now=LATER)

    assert (gone.status, gone.next_slot, gone.paused_until) == (Status.LEFT, None, None)
    assert back.next_slot == datetime(2026, 8, 10, 21, tzinfo=UTC)


def test_who_becomes_active_by_a_file_starts_without_bounces(store: Store, tmp_path: Path) -> None:
    ann = standing(store, Status.SUSPENDED)

    take(store, tmp_path, {"reader": ANN, "status": "active"})

    with store.read() as connection:
        assert list(bounces.of(connection, ann.id)) == []


def test_an_edition_that_is_owed_stays_owed(store: Store, tmp_path: Path) -> None:
    owed = standing(store, Status.ACTIVE).next_slot

    take(store, tmp_path, {"reader": ANN, "at": "17:00", "paused_until": "2026-09-01"})

    assert owed is not None
    assert owed < LATER
    assert everybody(store)[ANN].next_slot == owed


def test_a_pause_with_an_end_moves_along(store: Store, tmp_path: Path) -> None:
    take(store, tmp_path, {"reader": ANN, "paused_until": "2026-09-01"})
    paused = everybody(store)[ANN]
    take(store, tmp_path, {"reader": ANN, "paused_until": None})
    going = everybody(store)[ANN]

    assert (paused.status, paused.paused_until) == (Status.ACTIVE, date(2026, 9, 1))
    assert paused.next_slot == datetime(2026, 9, 1, 6, tzinfo=UTC)
    assert (going.paused_until, going.next_slot) == (None, datetime(2026, 8, 10, 6, tzinfo=UTC))


def test_the_defaults_hold_for_what_the_file_does_not_say_of_a_new_reader(
    store: Store, tmp_path: Path
) -> None:
    standing(store, Status.ACTIVE)
    usual = {
        "zone": "Europe/Berlin",
        "send_time": time(7, 30),
        "weekdays": frozenset({0, 4}),
        "papers_per_edition": 5,
    }

    take(
        store,
        tmp_path,
        {"reader": ANN, "name": "Ann"},
        {"reader": "bob@example.org", "size": 7},
        **usual,
    )

    found = everybody(store)
    bob, ann = found["bob@example.org"], found[ANN]
    assert (bob.zone, bob.send_time, bob.weekdays, bob.papers_per_edition) == (
        *("Europe/Berlin", time(7, 30), frozenset({0, 4}), 7),
    )
    assert bob.next_slot == datetime(2026, 8, 10, 5, 30, tzinfo=UTC)
    assert (ann.zone, ann.send_time, len(ann.weekdays), ann.papers_per_edition) == (
        "UTC",
        time(6),
        7,
        10,
    )


@pytest.mark.parametrize(
    "key",
    ["short", "a" * 65, "a/b" * 8, "off:" + "a" * 20, "\u0661" * 20, "a" * 20 + "\n", 7, ["a"]],
)
def test_a_feed_key_that_cannot_be_one_is_refused_by_name(
    store: Store, tmp_path: Path, key: object
) -> None:
    tally = take(store, tmp_path, {"reader": ANN, "feed_key": key}, {"reader": "b@example.org"})

    assert tally.taken == 1
    assert tally.refused[0][1].startswith(f"the feed key of {ANN} is not valid")
    assert ANN not in everybody(store)


def test_a_feed_key_of_somebody_else_is_refused_by_name_and_nothing_is_half_done(
    store: Store, tmp_path: Path
) -> None:
    first = {"reader": ANN, "feed_key": KEY}
    second = {"reader": "bob@example.org", "feed_key": KEY, "name": "Bob", "size": 3}
    subscriptions.add(store, "bob@example.org", now=NOW)
    before = everybody(store)["bob@example.org"]

    tally = take(store, tmp_path, first, second, {"reader": "eve@example.org", "feed_key": KEY})
    again = take(store, tmp_path, first)

    assert [line for line, _ in tally.refused] == [2, 3]
    for (_, why), name in zip(tally.refused, ("bob", "eve"), strict=True):
        assert why.startswith(f"the feed key of {name}@example.org is that of {ANN} here")
        assert KEY not in why
    assert (again.taken, again.refused) == (1, [])
    found = everybody(store)
    assert found.keys() == {ANN, "bob@example.org"}
    assert found["bob@example.org"] == before
    assert found[ANN].feed_key == KEY


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "asleep"},
        {"paused_until": "tomorrow"},
        {"offer_declined": "0001-01-01T00:00:00+23:59"},
        {"number": 2**31},
        {"interests": [{"name": "x", "quota": 2**31}]},
        {"relinked": "often"},
        {"zone": "Mars"},
        {"themes": [{"name": "x", "quota": 0}]},
        {"editions": [{"date": "2026-08-01"}]},
        {
            "editions": [
                {
                    "date": "2026-08-01",
                    "published_at": "2026-08-01T06:00:00Z",
                    "picks": [{"paper": "arxiv:2608.00001", "like": None}],
                }
            ]
        },
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_line_that_is_wrong_anywhere_changes_nothing(
    store: Store, tmp_path: Path, wrong: dict[str, Any]
) -> None:
    subscriptions.add(store, "bob@example.org", now=NOW)
    before = everybody(store)

    tally = take(
        store,
        tmp_path,
        {"reader": ANN, "name": "Ann"} | wrong,
        {"reader": "bob@example.org", "name": "Robert", "size": 3} | wrong,
    )

    assert (tally.taken, [line for line, _ in tally.refused]) == (0, [1, 2])
    assert everybody(store) == before
