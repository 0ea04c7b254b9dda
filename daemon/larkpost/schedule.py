"""Computes when a reader's next edition is due, from local times to UTC; pure functions."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from larkpost.domain import Reader
from larkpost.errors import UsageError

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)

# Between the first and the last time zone (UTC+14, UTC-12) dates differ by at most two days.
DATE_LINE = 2 * DAY
# Every timetable has a slot within two weeks, even if a zone skips the only weekly day.
SEARCHED_DAYS = 16
LAST_YEAR = 9990


@dataclass(frozen=True, slots=True)
class Timetable:
    """A reader's schedule: at the local time ``at`` in ``zone``, on these weekdays (Monday = 0).

    ``weekly`` means once per week, on the first of the chosen days counted from Monday.
    ``paused_until`` is the first local day with editions again. Raises UsageError for an unknown
    zone and for days that are not weekdays.
    """

    zone: str
    at: time
    days: frozenset[int]
    weekly: bool = False
    paused_until: date | None = None

    def __post_init__(self) -> None:
        place(self.zone)
        if not self.days or not self.days <= frozenset(range(7)):
            raise UsageError(
                "an edition needs at least one weekday, Monday to Sunday",
                hint="choose at least one day; to stop for some time, pause instead",
            )
        if self.paused_until is not None and self.paused_until.year > LAST_YEAR:
            raise UsageError(f"the pause lasts too long: until the year {self.paused_until.year}")

    def chooses(self, day: date) -> bool:
        """Return whether an edition is scheduled on that local day."""
        if self.paused_until is not None and day < self.paused_until:
            return False
        return day.weekday() == min(self.days) if self.weekly else day.weekday() in self.days


def timetable_of(reader: Reader) -> Timetable:
    """Make the timetable of a reader."""
    return Timetable(
        reader.zone, reader.send_time, reader.weekdays, reader.weekly, reader.paused_until
    )


def place(zone: str) -> ZoneInfo:
    """Look up an IANA zone; raises UsageError for an unknown name."""
    try:
        return ZoneInfo(zone)
    except (KeyError, ValueError, OSError):  # unknown; not a relative path; a folder of zones
        raise UsageError(
            f"there is no time zone called {zone!r}",
            hint="write it like Europe/Berlin, America/New_York or UTC",
        ) from None


def is_available(zone: str) -> bool:
    """Whether this machine has a zone; one chosen on another machine may be newer."""
    try:
        place(zone)
    except UsageError:
        return False
    return True


def local_time(zone: str, moment: datetime) -> datetime:
    """Convert an aware ``moment`` to local time in ``zone``; to UTC if the zone is unknown.

    A reader with an unknown zone must still be listed, paused and removed.
    """
    return moment.astimezone(place(zone) if is_available(zone) else UTC)


def local_date(zone: str, moment: datetime) -> date:
    """Return the local date in ``zone``, as ``local_time`` does."""
    return local_time(zone, moment).date()


def start_of(day: date, zone: str) -> datetime:
    """Return the time (UTC) at which a day begins in a zone, limited to representable times."""
    known = min(max(day, date(1900, 1, 1)), date(LAST_YEAR, 1, 1))
    return datetime.combine(known, time(), place(zone)).astimezone(UTC)


def slot_on(timetable: Timetable, day: date) -> datetime | None:
    """Find the time (UTC) of the edition of a local ``day``, whether the day is chosen or not.

    For an hour that occurs twice it is the first; for a skipped hour, the next minute that exists.
    It stays within its day: if the gap reaches midnight it is the last minute before the gap. None
    for a day that the zone skipped (Apia, 30 December 2011).
    """
    zone = place(timetable.zone)
    wall = datetime.combine(day, timetable.at.replace(tzinfo=zone, fold=0))
    moment = wall.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return moment
    return _beside_gap(zone, wall)


def _beside_gap(zone: ZoneInfo, wall: datetime) -> datetime | None:
    """Find the first minute after the gap that contains ``wall``, or the last one before it.

    PEP 495: within a gap, fold=1 uses the offset after it, so the result is before the change; with
    fold=0 the result is after it.
    """
    early = wall.replace(fold=1).astimezone(UTC)
    minutes = (wall.astimezone(UTC) - early) // MINUTE
    before = early.astimezone(zone).utcoffset()
    change = early + MINUTE * bisect_left(
        range(minutes),
        True,
        key=lambda m: (early + m * MINUTE).astimezone(zone).utcoffset() != before,
    )
    for moment in (change, change - MINUTE):
        if moment.astimezone(zone).date() == wall.date():
            return moment
    return None


def next_after(timetable: Timetable, moment: datetime, *, last: date | None = None) -> datetime:
    """Find the first slot (UTC) strictly after ``moment``.

    ``last`` is the local date of the newest edition: slots up to that date are skipped, so that a
    reader who moves westward over the date line does not get the same day twice. A date that no
    move can explain (the clock had been wrong) is ignored.
    """
    zone = place(timetable.zone)
    today = moment.astimezone(zone).date()
    if last is None or last > today + DATE_LINE:
        last = date.min
    # Local time may return to the day before, if a repeated hour spans midnight.
    first = max(today - DAY, timetable.paused_until or date.min)
    for ahead in range(SEARCHED_DAYS):
        day = first + ahead * DAY
        if day > last and timetable.chooses(day):
            slot = slot_on(timetable, day)
            if slot is not None and slot > moment:
                return slot
    raise AssertionError(f"no slot of {timetable} within {SEARCHED_DAYS} days of {first}")
