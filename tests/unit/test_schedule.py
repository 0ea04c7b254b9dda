"""Tests slots on named days: gaps, doubled hours, weekly editions, holidays, travel."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from larkpost.errors import UsageError
from larkpost.schedule import Timetable, is_available, local_date, local_time, next_after, slot_on

EVERY_DAY = frozenset(range(7))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "at", "day", "slot"),
    [
        # An ordinary day.
        ("Europe/Berlin", time(6), date(2026, 8, 7), "2026-08-07T04:00"),
        ("UTC", time(6), date(2026, 8, 7), "2026-08-07T06:00"),
        # The hour that is left out: 02:30 becomes 03:00.
        ("Europe/Berlin", time(2, 30), date(2027, 3, 28), "2027-03-28T01:00"),
        ("Europe/Berlin", time(2, 0), date(2027, 3, 28), "2027-03-28T01:00"),
        ("Europe/Berlin", time(1, 59), date(2027, 3, 28), "2027-03-28T00:59"),
        # The hour that comes twice: the first.
        ("Europe/Berlin", time(2, 30), date(2026, 10, 25), "2026-10-25T00:30"),
        ("Europe/Berlin", time(3, 0), date(2026, 10, 25), "2026-10-25T02:00"),
        # Lord Howe moves by half an hour: 02:15 is left out, 01:45 comes twice.
        ("Australia/Lord_Howe", time(2, 15), date(2026, 10, 4), "2026-10-03T15:30"),
        ("Australia/Lord_Howe", time(1, 45), date(2026, 4, 5), "2026-04-04T14:45"),
        # Nuuk leaves out the last hour of a Saturday: the last minute before it.
        ("America/Nuuk", time(23, 30), date(2026, 3, 28), "2026-03-29T00:59"),
        # Havana leaves out the first hour of a Sunday.
        ("America/Havana", time(0, 30), date(2026, 3, 8), "2026-03-08T05:00"),
    ],
)
def test_the_slot_of_a_day_is_the_first_minute_that_fits(
    zone: str, at: time, day: date, slot: str
) -> None:
    assert slot_on(Timetable(zone, at, EVERY_DAY), day) == utc(slot)


def test_a_day_that_its_zone_left_out_has_no_slot() -> None:
    apia = Timetable("Pacific/Apia", time(6), EVERY_DAY)

    assert slot_on(apia, date(2011, 12, 30)) is None
    assert next_after(apia, utc("2011-12-29T17:00")) == utc("2011-12-30T16:00")


def test_the_slot_itself_is_not_after_itself() -> None:
    timetable = Timetable("UTC", time(6), EVERY_DAY)

    assert next_after(timetable, utc("2026-08-07T06:00")) == utc("2026-08-08T06:00")
    assert next_after(timetable, utc("2026-08-07T05:59:59")) == utc("2026-08-07T06:00")


def test_the_second_of_two_equal_hours_brings_no_second_slot() -> None:
    berlin = Timetable("Europe/Berlin", time(2, 30), EVERY_DAY)

    assert next_after(berlin, utc("2026-10-25T00:30")) == utc("2026-10-26T01:30")


def test_only_chosen_weekdays_have_a_slot() -> None:
    weekdays = Timetable("UTC", time(6), frozenset(range(5)))
    friday = utc("2026-08-07T06:00")

    assert next_after(weekdays, friday) == utc("2026-08-10T06:00")


def test_a_weekly_paper_comes_on_the_first_chosen_day_only() -> None:
    weekly = Timetable("UTC", time(6), frozenset({2, 4}), weekly=True)
    wednesday = utc("2026-08-05T06:00")

    assert next_after(weekly, wednesday - timedelta(minutes=1)) == wednesday
    assert next_after(weekly, wednesday) == wednesday + timedelta(days=7)


def test_a_pause_ends_on_its_date() -> None:
    paused = Timetable("Europe/Berlin", time(6), EVERY_DAY, paused_until=date(2026, 8, 20))

    assert next_after(paused, utc("2026-08-07T00:00")) == utc("2026-08-20T04:00")


def test_a_pause_that_is_over_changes_nothing() -> None:
    paused = Timetable("UTC", time(6), EVERY_DAY, paused_until=date(2026, 8, 1))

    assert next_after(paused, utc("2026-08-07T00:00")) == utc("2026-08-07T06:00")


def test_a_pause_and_a_weekly_paper_go_together() -> None:
    paused = Timetable("UTC", time(6), frozenset({0}), weekly=True, paused_until=date(2026, 8, 18))

    assert next_after(paused, utc("2026-08-07T00:00")) == utc("2026-08-24T06:00")


def test_who_flies_west_over_the_date_line_does_not_get_the_same_date_twice() -> None:
    """Friday's edition in Auckland, then travel to Honolulu, where it is still Thursday."""
    honolulu = Timetable("Pacific/Honolulu", time(6), EVERY_DAY)
    noon_in_auckland = utc("2026-08-07T00:00")

    assert next_after(honolulu, noon_in_auckland) == utc("2026-08-07T16:00")
    assert next_after(honolulu, noon_in_auckland, last=date(2026, 8, 7)) == utc("2026-08-08T16:00")


def test_who_flies_east_misses_one_date_at_most() -> None:
    auckland = Timetable("Pacific/Auckland", time(6), EVERY_DAY)
    noon_in_honolulu = utc("2026-08-07T22:00")

    assert next_after(auckland, noon_in_honolulu, last=date(2026, 8, 7)) == utc("2026-08-08T18:00")


def test_an_edition_dated_by_a_wrong_clock_does_not_silence_the_years_between() -> None:
    timetable = Timetable("UTC", time(6), EVERY_DAY)

    assert next_after(timetable, utc("2026-08-07T12:00"), last=date(2031, 1, 1)) == utc(
        "2026-08-08T06:00"
    )


def test_nine_days_asleep_leave_one_slot_to_come() -> None:
    timetable = Timetable("UTC", time(6), EVERY_DAY)

    assert next_after(timetable, utc("2026-08-16T09:00")) == utc("2026-08-17T06:00")


def test_the_local_date_is_the_readers_own() -> None:
    moment = utc("2026-08-07T11:00")

    assert local_date("Pacific/Kiritimati", moment) == date(2026, 8, 8)
    assert local_date("Pacific/Pago_Pago", moment) == date(2026, 8, 7)
    assert local_date("Etc/GMT+12", moment) == date(2026, 8, 6)


@pytest.mark.parametrize("zone", ["Europe/Berlim", "", "../etc/passwd", "America", "a\0b"])
def test_an_unknown_zone_is_a_usage_error_that_names_it(zone: str) -> None:
    with pytest.raises(UsageError, match="no time zone"):
        Timetable(zone, time(6), EVERY_DAY)


@pytest.mark.parametrize("days", [frozenset(), frozenset({7}), frozenset({-1, 3})])
def test_days_that_are_no_weekdays_are_a_usage_error(days: frozenset[int]) -> None:
    with pytest.raises(UsageError, match="weekday"):
        Timetable("UTC", time(6), days)


def test_a_pause_for_eight_thousand_years_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="9999"):
        Timetable("UTC", time(6), EVERY_DAY, paused_until=date.max)


def test_a_zone_that_this_machine_lacks_is_read_as_utc() -> None:
    moment = utc("2026-08-07T23:30")

    assert not is_available("Mars/Olympus_Mons")
    assert local_time("Mars/Olympus_Mons", moment).hour == 23
    assert local_date("Mars/Olympus_Mons", moment) == date(2026, 8, 7)
    assert local_date("Europe/Berlin", moment) == date(2026, 8, 8)
