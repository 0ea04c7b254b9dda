"""Corrects timestamps in the future: written while the clock was wrong, they would block work."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Table, and_, exists, func, or_, select, update

from larkpost.db import schema

# Clocks of machines that share a database may differ a little; none of them is wrong then.
TOLERANCE = timedelta(hours=1)
# A message waits for at most half a day, plus a margin for clocks that differ.
RETRY_TOLERANCE = timedelta(days=1)
# The latest slots of a daily and of any other timetable: the end of the day after the newest
# edition, or of the same weekday, for a reader who moved from the first zone of the date line to
# the last one (UTC+14, UTC-12) since. Anybody can do so: when these were some hours less, two forms
# a minute kept votes waiting for twelve seconds.
ZONES = timedelta(hours=26)
DAILY = timedelta(days=2) + ZONES
WEEKLY = timedelta(days=8) + ZONES

# A clock that was ahead leaves a gap before "now"; if there is recent history within this gap, the
# clock is now behind, and its "future" is real. So it is if it goes on for longer than somebody
# would leave a clock wrong: a computer without a battery may start in the month in which its system
# was built, before anything was read here.
GAP = timedelta(days=2)
LIVED = timedelta(days=7)
_ENDS = (func.min, func.max)

# Past events cannot be in the future.
_HISTORY = (
    (schema.paper, ("first_seen", "ingested_at", "updated", "text_seen")),
    (schema.dump, ("read_at",)),
    (schema.edition, ("published_at",)),
    (schema.delivery, ("queued_at", "sent_at", "requeued_at")),
    (schema.vote, ("at", "counts_from")),
    (schema.forgotten_vote, ("at", "counts_from", "forgotten_at")),
    (schema.bounce, ("at",)),
    (schema.polled_source, ("added_at", "watched_since", "last_news_at")),
    (schema.polled_page, ("checked_at", "whole_at", "grown_at")),
    (schema.tfidf_model, ("fitted_at",)),
    (schema.reader, ("created", "counts_from")),
)
# Times that only concern pending work.
_WORK = ((schema.job_status, ("at",)),)


def is_any(connection: Connection, now: datetime) -> bool:
    """Whether a stored time is impossibly far ahead of ``now``; reads indexes and small tables."""
    slots = select(schema.reader.c.id).where(wrong_slots(now))
    looks = (
        _ahead(schema.job_status, "at", now + TOLERANCE),
        _ahead(schema.edition, "published_at", now + TOLERANCE),
        _ahead(schema.paper, "ingested_at", now + TOLERANCE),
        # The index of the outbox begins with the state; an untried message may wait for its domain.
        and_(
            schema.delivery.c.state.in_(("planned", "deferred", "unknown")),
            schema.delivery.c.next_attempt_at > now + RETRY_TOLERANCE,
        ),
    )
    found = or_(*(exists().where(look) for look in looks), slots.exists())
    return bool(connection.execute(select(found)).scalar())


def history_goes_on(connection: Connection, now: datetime) -> bool:
    """Return whether what is dated after ``now`` was lived through: the clock is behind.

    That is, whether a dump, a paper or an edition is dated shortly after ``now``; see ``GAP`` and
    ``LIVED``.
    """
    moments = (schema.dump.c.read_at, schema.paper.c.ingested_at, schema.edition.c.published_at)
    # One statement for each end: SQLite reads both of them together from all rows.
    ends = (select(end(one)).where(one > now + TOLERANCE) for one in moments for end in _ENDS)
    ahead = [end for one in ends if (end := connection.execute(one).scalar())]
    return bool(ahead) and (min(ahead) <= now + GAP or max(ahead) - min(ahead) > LIVED)


def bring_back(connection: Connection, now: datetime, *, history: bool) -> dict[str, int]:
    """Set future times to now; returns the number of changed rows per table.

    Without ``history`` only times of pending work change, such as the next request to a source.
    Slots of readers need their timetables and are not changed; dates of editions stay as published.
    """
    changed: dict[str, int] = {}
    for table, name, latest in _columns(now, history=history):
        column = table.c[name]
        statement = update(table).where(column > latest).values({name: now})
        if rows := connection.execute(statement).rowcount:
            changed[table.name] = changed.get(table.name, 0) + rows
    if rows := _make_sources_due(connection, now):
        changed["polled_source"] = changed.get("polled_source", 0) + rows
    return changed


def _make_sources_due(connection: Connection, now: datetime) -> int:
    """Make those sources due that were last asked in the future; returns their number.

    A clock that was a week ahead for a minute kept all of them unasked for that week.
    """
    source = schema.polled_source
    asked = update(source).where(source.c.last_poll_at > now + TOLERANCE)
    return connection.execute(asked.values(last_poll_at=now, next_poll_at=now)).rowcount


def wrong_slots(now: datetime) -> ColumnElement[bool]:
    """Select readers whose next edition is later than a timetable without a pause allows."""
    reader = schema.reader.c
    daily = and_(reader.weekday_mask == 127, reader.weekly.is_(False))
    late = or_(reader.next_slot > now + WEEKLY, and_(daily, reader.next_slot > now + DAILY))
    return and_(reader.next_slot > now + DAILY, reader.paused_until.is_(None), late)


def _columns(now: datetime, *, history: bool) -> Iterator[tuple[Table, str, datetime]]:
    for table, names in (*_WORK, *(_HISTORY if history else ())):
        for name in names:
            yield table, name, now + TOLERANCE
    yield schema.delivery, "next_attempt_at", now + RETRY_TOLERANCE


def _ahead(table: Table, name: str, latest: datetime) -> ColumnElement[bool]:
    return table.c[name] > latest
