"""Tests slots in all zones over two years: one per chosen local day, always later."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larkpost.schedule import Timetable, local_date, next_after

ZONES = sorted(available_timezones())
START = datetime(2026, 8, 1, tzinfo=UTC)
END = START + timedelta(days=731)

weekdays = st.frozensets(st.integers(0, 6), min_size=1)
wall_times = st.builds(time, st.integers(0, 23), st.integers(0, 59))
moments = st.datetimes(START.replace(tzinfo=None), END.replace(tzinfo=None), timezones=st.just(UTC))


def walk(timetable: Timetable) -> list[datetime]:
    """Every slot of two years, each found from the one before."""
    slots = [next_after(timetable, START)]
    while slots[-1] < END:
        slots.append(next_after(timetable, slots[-1]))
    return slots


def chosen(timetable: Timetable, slots: list[datetime]) -> list[date]:
    """Count the chosen local days from the first slot's to the last one's."""
    first, last = (local_date(timetable.zone, slots[i]) for i in (0, -1))
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [day for day in days if timetable.chooses(day)]


@given(st.sampled_from(ZONES), wall_times, weekdays, st.booleans())
def test_each_chosen_local_day_has_exactly_one_slot(
    zone: str, at: time, days: frozenset[int], weekly: bool
) -> None:
    timetable = Timetable(zone, at, days, weekly)

    slots = walk(timetable)

    assert [local_date(zone, slot) for slot in slots] == chosen(timetable, slots)
    assert all(early < late for early, late in pairwise(slots))


def changing() -> list[str]:
    """Name the zones whose clocks change in the two years, one of each kind."""
    hours = range(0, 24 * 731, 24)
    kinds: dict[tuple[object, ...], str] = {}
    for name in ZONES:
        zone = ZoneInfo(name)
        offsets = tuple((START + timedelta(hours=h)).astimezone(zone).utcoffset() for h in hours)
        if len(set(offsets)) > 1:
            kinds.setdefault(offsets, name)
    return sorted(kinds.values())


@pytest.mark.parametrize(
    "at", [time(0), time(0, 30), time(1, 45), time(2, 30), time(23, 30)], ids=str
)
def test_the_days_of_the_change_have_exactly_one_slot_in_every_zone(at: time) -> None:
    for zone in changing():
        timetable = Timetable(zone, at, frozenset(range(7)))

        slots = walk(timetable)

        assert [local_date(zone, slot) for slot in slots] == chosen(timetable, slots), zone


@given(st.sampled_from(ZONES), wall_times, weekdays, moments)
def test_the_next_slot_lies_ahead_and_none_lies_between(
    zone: str, at: time, days: frozenset[int], moment: datetime
) -> None:
    timetable = Timetable(zone, at, days)

    slot = next_after(timetable, moment)

    assert slot > moment
    assert slot.tzinfo is UTC
    assert next_after(timetable, slot - timedelta(microseconds=1)) == slot
    assert next_after(timetable, moment + (slot - moment) / 2) == slot


@given(
    st.lists(st.tuples(st.sampled_from(ZONES), wall_times), min_size=2, max_size=6),
    moments,
    st.lists(st.integers(0, 2 * 24 * 60), min_size=6, max_size=6),
)
def test_however_a_reader_moves_no_local_date_has_two_editions(
    homes: list[tuple[str, time]], moment: datetime, stays: list[int]
) -> None:
    dates: list[date] = []
    now = moment
    for (zone, at), minutes in zip(homes, stays, strict=False):
        timetable = Timetable(zone, at, frozenset(range(7)))
        leaving = now + timedelta(minutes=minutes)
        while (slot := next_after(timetable, now, last=dates[-1] if dates else None)) <= leaving:
            dates.append(local_date(zone, slot))
            now = slot
        now = leaving

    assert all(early < late for early, late in pairwise(dates))


@given(st.sampled_from(ZONES), st.sampled_from(ZONES), wall_times, moments)
def test_a_move_costs_one_local_date_at_most(
    old: str, new: str, at: time, moment: datetime
) -> None:
    """The first paper in the new home is there within three dates of the last in the old."""
    every_day = frozenset(range(7))
    slot = next_after(Timetable(old, at, every_day), moment)
    last = local_date(old, slot)

    following = next_after(Timetable(new, at, every_day), slot, last=last)

    assert local_date(new, following) - last in (timedelta(days=1), timedelta(days=2))
    assert following - slot <= timedelta(days=3)
