"""When a reader's next edition is due: local wishes in, moments in UTC out; pure."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from larkpost.domain import Reader
from larkpost.errors import UsageError

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)

# From the first zone of the world to the last (UTC+14 to UTC-12) a date falls by two at most.
DATE_LINE = 2 * DAY
# Two weeks hold a slot of every timetable, even where a zone leaves out a whole weekly day.
SEARCHED_DAYS = 16
LAST_YEAR = 9990


@dataclass(frozen=True, slots=True)
class Timetable:
    """A reader's wish: at the local time ``at`` in ``zone``, on these weekdays (Monday = 0).

    ``weekly`` means once a week, on the first of the chosen days counted from Monday.
    ``paused_until`` is the first local day on which editions come again.
    Raises UsageError for a zone that nobody knows and for days that are no weekdays.
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
                "An edition needs at least one weekday, Monday to Sunday.",
                hint="Choose Monday, for example. To stop for a while, pause instead.",
            )
        if self.paused_until is not None and self.paused_until.year > LAST_YEAR:
            raise UsageError(f"A pause until the year {self.paused_until.year} is a farewell.")

    def chooses(self, day: date) -> bool:
        """Say whether an edition is wished for on that local day."""
        if self.paused_until is not None and day < self.paused_until:
            return False
        return day.weekday() == min(self.days) if self.weekly else day.weekday() in self.days


def timetable_of(reader: Reader) -> Timetable:
    """Read a reader's wishes."""
    return Timetable(
        reader.zone, reader.send_time, reader.weekdays, reader.weekly, reader.paused_until
    )


def place(zone: str) -> ZoneInfo:
    """Look up an IANA zone; raises UsageError for a name that is none."""
    try:
        return ZoneInfo(zone)
    except (KeyError, ValueError, OSError):  # unknown; not a relative path; a folder of zones
        raise UsageError(
            f"There is no time zone called {zone!r}",
            hint="zones are named like Europe/Berlin, America/New_York or UTC",
        ) from None


def is_available(zone: str) -> bool:
    """Whether this machine knows a zone; one that was chosen on another may be newer."""
    try:
        place(zone)
    except UsageError:
        return False
    return True


def local_time(zone: str, moment: datetime) -> datetime:
    """Read the clock of somebody in ``zone`` at an aware ``moment``; UTC's, where it is unknown.

    A reader whose zone this machine does not know must be listed, paused and removed all the same.
    """
    return moment.astimezone(place(zone) if is_available(zone) else UTC)


def local_date(zone: str, moment: datetime) -> date:
    """Read the date on the wall of somebody in ``zone``, as ``local_time`` does."""
    return local_time(zone, moment).date()


def start_of(day: date, zone: str) -> datetime:
    """Give the moment (UTC) at which a day begins in a zone; of centuries far off, the nearest."""
    known = min(max(day, date(1900, 1, 1)), date(LAST_YEAR, 1, 1))
    return datetime.combine(known, time(), place(zone)).astimezone(UTC)


def slot_on(timetable: Timetable, day: date) -> datetime | None:
    """Find the one moment (UTC) of the edition of a local ``day``, chosen or not.

    Of an hour that comes twice it is the first; of an hour that is left out, the next minute
    that exists. It never leaves its day: where the gap reaches midnight it is the last minute
    before the gap. None for a day that the zone left out altogether (Apia, 30 December 2011).
    """
    zone = place(timetable.zone)
    wall = datetime.combine(day, timetable.at.replace(tzinfo=zone, fold=0))
    moment = wall.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return moment
    return _beside_gap(zone, wall)


def _beside_gap(zone: ZoneInfo, wall: datetime) -> datetime | None:
    """Find the first minute after the gap that swallowed ``wall``, or the last one before it.

    PEP 495: within a gap, fold=1 reads the wall clock with the offset after it and so lies
    before the change; fold=0 lies behind it.
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

    ``last`` is the local date of the newest edition: slots up to that date are passed over,
    so that a reader who moves westward over the date line does not get the same day twice.
    A date that no journey explains (the clock had been wrong) is not heeded.
    """
    zone = place(timetable.zone)
    today = moment.astimezone(zone).date()
    if last is None or last > today + DATE_LINE:
        last = date.min
    # The wall clock may show the day before again, where a doubled hour spans midnight.
    first = max(today - DAY, timetable.paused_until or date.min)
    for ahead in range(SEARCHED_DAYS):
        day = first + ahead * DAY
        if day > last and timetable.chooses(day):
            slot = slot_on(timetable, day)
            if slot is not None and slot > moment:
                return slot
    raise AssertionError(f"no slot of {timetable} within {SEARCHED_DAYS} days of {first}")
