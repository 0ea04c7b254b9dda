"""Adds and changes readers: subscribe, confirm, change preferences, pause, unsubscribe."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

from larkpost.db import editions, interests, readers
from larkpost.db.coordination import rate_limits
from larkpost.db.outbox import bounces, deliveries
from larkpost.domain import Reader, Status
from larkpost.errors import UsageError
from larkpost.schedule import Timetable, is_available, local_date, next_after, timetable_of
from larkpost.text.interest_words import tidy
from larkpost.text.normalize import one_line, shorten
from larkpost.text.time_zones import nearest_zones, zone_names

if TYPE_CHECKING:
    from larkpost.db.engine import Connection, Store

LONGEST_NAME = 100
# How often a day a reader may get an edition that comes soon by a change of their timetable. With a
# threshold that no paper reaches there is no edition of today, and so they could be ranked at each
# run: two seconds of CPU each time, before readers who do not count for others are.
MOST_SOON, SOON, DAY = 12, timedelta(hours=20), timedelta(days=1)

StatusChange = Literal["pause", "resume", "leave"]
FeedChange = Literal["renew", "end"]


class Preferences(TypedDict, total=False):
    """The choices of a reader; values left out stay unchanged."""

    name: str
    zone: str
    send_time: time
    weekdays: frozenset[int]
    papers_per_edition: int
    threshold: float
    weekly: bool
    notify_when_empty: bool


def add(
    store: Store,
    address: str | None,
    *,
    now: datetime,
    words: Iterable[str] = (),
    status: Status = Status.ACTIVE,
    uid: str | None = None,
    number: int | None = None,
    created: datetime | None = None,
    expires: bool = False,
    signed_up: bool = False,
    **preferences: Unpack[Preferences],
) -> Reader:
    """Create a reader; an ``address`` of None makes a reader by feed alone.

    ``number`` and ``created`` come from another home if the reader is imported. ``signed_up``: not
    made by the operator, which decides whether their thumbs count for others. ``expires``: removed
    when nobody uses their page or feed for long, see ``readers.expiry``. A pending reader gets
    nothing before ``confirm``. Raises UsageError if the address is taken or invalid, or a
    preference is invalid.
    """
    with store.begin() as connection:
        return add_reader(
            connection,
            address,
            now=now,
            words=words,
            status=status,
            uid=uid,
            number=number,
            created=created,
            expires=expires,
            signed_up=signed_up,
            **preferences,
        )


def add_reader(
    connection: Connection,
    address: str | None,
    *,
    now: datetime,
    words: Iterable[str] = (),
    status: Status = Status.ACTIVE,
    uid: str | None = None,
    number: int | None = None,
    created: datetime | None = None,
    expires: bool = False,
    signed_up: bool = False,
    **preferences: Unpack[Preferences],
) -> Reader:
    """Do the same as ``add``, within an open transaction."""
    reader = readers.add(
        connection,
        address=address,
        words=tidy(words),
        status=status,
        now=created or now,
        uid=uid,
        number=number,
        expires=expires,
        signed_up=signed_up or status is Status.PENDING,
        **check_preferences(preferences),
    )
    return _schedule(connection, reader, now)


def change(
    store: Store,
    reader_id: int,
    *,
    now: datetime,
    address: str | None = None,
    words: Iterable[str] | None = None,
    status: StatusChange | None = None,
    until: date | None = None,
    feed: FeedChange | None = None,
    **preferences: Unpack[Preferences],
) -> Reader:
    """Change the given values and leave the rest; a new timetable gives a new next slot.

    ``words`` replace the words of the first interest. ``status``: "pause" until resumed, or until
    the local day ``until``, the first with editions again; "resume"; "leave", after which nothing
    is sent, not even planned messages. Votes of a reader who left stay, in case they come back;
    ``remove`` deletes them. ``feed``: "renew" gives a new secret address, also after "end", which
    switches the feed off; an old address gets 404. One transaction: changes nothing if it raises
    UnknownReader or UsageError, as for a day in the past and a pause of an inactive reader.
    """
    with store.begin() as connection:
        change_reader(connection, reader_id, now=now, address=address, words=words, **preferences)
        if status == "pause":
            _pause(connection, reader_id, now, until)
        elif status == "resume":
            reader = _resume(connection, reader_id, now)
            if reader.status is Status.PENDING:
                raise UsageError(
                    f"{who(reader)} has not confirmed the subscription, so there is nothing to "
                    "resume",
                    hint="the reader has to open the link in the email",
                )
        elif status == "leave":
            _leave(connection, reader_id, now)
        if feed == "renew":
            readers.renew_feed_key(connection, reader_id)
        elif feed == "end":
            readers.update(connection, reader_id, feed_key="")
        return readers.get(connection, reader_id)


def change_reader(
    connection: Connection,
    reader_id: int,
    *,
    now: datetime,
    address: str | None = None,
    words: Iterable[str] | None = None,
    **preferences: Unpack[Preferences],
) -> Reader:
    """Do the same as ``change``, within an open transaction."""
    before = readers.get(connection, reader_id)
    if preferences.get("zone") == before.zone:  # known here or not, it is theirs
        del preferences["zone"]
    wanted: dict[str, object] = dict(check_preferences(preferences))
    if address is not None:
        wanted["address"] = address
    if wanted:
        readers.update(connection, reader_id, **wanted)
    if address is not None:  # bounces of the old address do not count against the new one
        bounces.forgive(connection, reader_id)
    if words is not None:
        main = before.interests[0]
        interests.set_interest(
            connection, reader_id, main.name, words=tidy(words), quota=main.quota
        )
    after = readers.get(connection, reader_id)
    # A slot that is due stays: its edition is owed, whatever the new preferences.
    owed = before.next_slot is not None and before.next_slot <= now
    if owed or _timing(before) == _timing(after):
        return after
    return _schedule(connection, after, now)


def set_status(connection: Connection, reader_id: int, status: Status, *, now: datetime) -> Reader:
    """Set a reader's status to that of another home, and compute their next slot.

    A reader who becomes active starts without bounces, and planned messages of one who left are
    cancelled.
    """
    if status is Status.ACTIVE:
        bounces.forgive(connection, reader_id)
    if status is Status.LEFT:
        deliveries.cancel_for(connection, reader_id)
    return _schedule(connection, readers.update(connection, reader_id, status=status), now)


def schedule_missing(connection: Connection, reader_id: int, now: datetime) -> Reader:
    """Compute the next slot of an active reader who has none."""
    reader = readers.get(connection, reader_id)
    if reader.status is not Status.ACTIVE or reader.next_slot is not None:
        return reader
    return _schedule(connection, reader, now)


def confirm(store: Store, reader_id: int, *, now: datetime) -> Reader | None:
    """Confirm a pending reader; returns None for every other reader, who stays unchanged.

    The address evidently works, so earlier bounces do not count.
    """
    with store.begin() as connection:
        reader = readers.get(connection, reader_id)
        if reader.status is not Status.PENDING:
            return None
        bounces.forgive(connection, reader_id)
        reader = readers.update(connection, reader_id, status=Status.ACTIVE)
        return _schedule(connection, reader, now)


def _pause(connection: Connection, reader_id: int, now: datetime, until: date | None) -> Reader:
    reader = readers.get(connection, reader_id)
    if reader.status not in (Status.ACTIVE, Status.PAUSED):
        raise UsageError(f"{who(reader)} does not get editions, so there is nothing to pause")
    if until is None:
        changed = readers.update(connection, reader_id, status=Status.PAUSED, paused_until=None)
    elif until <= local_date(reader.zone, now):
        raise UsageError(
            f"{until} is not in the future",
            hint="give the first day with an edition again",
        )
    else:
        changed = readers.update(connection, reader_id, status=Status.ACTIVE, paused_until=until)
    return _schedule(connection, changed, now)


def resume(store: Store, reader_id: int, *, now: datetime) -> Reader:
    """Resume sending: after a pause, after bounces, or to a reader who left and comes back.

    A pending reader stays pending: only ``confirm`` proves that an address is the reader's own.
    """
    with store.begin() as connection:
        return _resume(connection, reader_id, now)


def _resume(connection: Connection, reader_id: int, now: datetime) -> Reader:
    reader = readers.get(connection, reader_id)
    going = reader.status is Status.ACTIVE and reader.paused_until is None
    if going or reader.status is Status.PENDING:
        return reader
    bounces.forgive(connection, reader_id)
    reader = readers.update(connection, reader_id, status=Status.ACTIVE, paused_until=None)
    return _schedule(connection, reader, now)


def _leave(connection: Connection, reader_id: int, now: datetime) -> Reader:
    reader = readers.get(connection, reader_id)
    if reader.status is Status.LEFT:
        return reader
    reader = readers.update(connection, reader_id, status=Status.LEFT, paused_until=None)
    deliveries.cancel_for(connection, reader_id)
    return _schedule(connection, reader, now)


def remove(
    store: Store,
    reader_id: int,
    *,
    outbox: Path | None = None,
    returned: Path | None = None,
    waits: bool = True,
) -> None:
    """Delete a reader and all their data, irreversibly.

    ``outbox`` is the Maildir of sent messages, ``returned`` that of inbound mail: messages to or
    about the reader are deleted there too. Unless it ``waits`` for others who read, the data may
    stay in the database's journal until the next run of the daemon. Raises UnknownReader.
    """
    from larkpost.readers import removal  # late import: it reads mail folders

    patience = removal.PATIENCE if waits else 0.0
    removal.remove(store, reader_id, outbox=outbox, returned=returned, patience=patience)


def relink(store: Store, reader_id: int) -> Reader:
    """Renew the link to the reader's own page; older links get 404 from now on."""
    with store.begin() as connection:
        return readers.relink(connection, reader_id)


def who(reader: Reader) -> str:
    """Name a reader in a message, on one line."""
    return one_line(reader.address or reader.name or reader.uid)


def check_preferences(preferences: Preferences) -> Preferences:
    """Return normalised preferences; raises UsageError for an invalid one."""
    if "zone" in preferences:
        _check_zone(preferences["zone"])
    if "weekdays" in preferences:
        Timetable("UTC", time(), preferences["weekdays"])
    size = preferences.get("papers_per_edition")
    if size is not None and size not in readers.SIZES:
        raise UsageError(f"a size of {size} papers is not possible", hint="give 1 to 100")
    if "threshold" in preferences and not 0 <= preferences["threshold"] < 1:
        raise UsageError(
            f"a threshold of {preferences['threshold']} is not possible",
            hint="give the lowest match: a number from 0 to 0.99",
        )
    if "name" in preferences:
        preferences = {**preferences, "name": shorten(preferences["name"], LONGEST_NAME).strip()}
    return preferences


def _check_zone(zone: str) -> None:
    if zone not in zone_names():
        near = nearest_zones(zone[:LONGEST_NAME])
        raise UsageError(
            f"there is no time zone called {shorten(zone, 64)!r}",
            hint=f"did you mean {' or '.join(near)}?"
            if near
            else "write it like Europe/Berlin, America/New_York or UTC",
        )


def _timing(reader: Reader) -> tuple[object, ...]:
    """Return the values that determine the next slot, even in an unknown zone."""
    return reader.zone, reader.send_time, reader.weekdays, reader.weekly, reader.paused_until


def _schedule(connection: Connection, reader: Reader, now: datetime) -> Reader:
    """Set the next slot from the reader's preferences; an inactive reader has none.

    The day of a published edition is skipped, so that a later hour, or a move westward, does not
    bring the same day twice. If this machine does not know the zone the slot stays, or is now:
    publishing then reports the problem, and the edition is owed until it is fixed. After
    ``MOST_SOON`` changes a day the slot is not ``SOON``.
    """
    slot = None
    if reader.status is Status.ACTIVE:
        latest = editions.latest(connection, reader.id)
        last = latest[0].date if latest else None
        slot = reader.next_slot or now
        if is_available(reader.zone):
            slot = next_after(timetable_of(reader), now, last=last)
            if slot - now < SOON and not _may_be_soon(connection, reader, now):
                slot = next_after(timetable_of(reader), now + SOON, last=last)
    return readers.update(connection, reader.id, next_slot=slot)


def _may_be_soon(connection: Connection, reader: Reader, now: datetime) -> bool:
    """Count a slot that comes soon; returns whether it may."""
    return rate_limits.allow(connection, f"slot:{reader.uid}", now=now, most=MOST_SOON, per=DAY)
