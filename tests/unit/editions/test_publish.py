"""Tests the local day of an edition, and the slot after it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from tests.helpers.edition_factories import reader

from larkpost.editions.publish import by_hand, due

BERLIN = replace(reader(), zone="Europe/Berlin", next_slot=datetime(2026, 8, 7, 4, tzinfo=UTC))


def test_a_slot_that_has_just_come_is_todays_edition() -> None:
    occasion = due(BERLIN, datetime(2026, 8, 7, 4, 0, 12, tzinfo=UTC))

    assert (occasion.day, occasion.since) == (date(2026, 8, 7), None)
    assert occasion.next_slot == datetime(2026, 8, 8, 4, tzinfo=UTC)


def test_nine_missed_days_make_one_catch_up() -> None:
    occasion = due(BERLIN, datetime(2026, 8, 16, 12, tzinfo=UTC))

    assert (occasion.day, occasion.since) == (date(2026, 8, 16), date(2026, 8, 7))
    assert occasion.next_slot == datetime(2026, 8, 17, 4, tzinfo=UTC)


def test_a_machine_that_wakes_before_todays_slot_catches_up_for_yesterday() -> None:
    occasion = due(BERLIN, datetime(2026, 8, 8, 3, tzinfo=UTC))

    assert (occasion.day, occasion.since) == (date(2026, 8, 7), None)
    assert occasion.next_slot == datetime(2026, 8, 8, 4, tzinfo=UTC)


def test_a_reader_without_a_slot_is_never_due() -> None:
    with pytest.raises(ValueError, match="no slot"):
        due(replace(BERLIN, next_slot=None), datetime(2026, 8, 7, 4, tzinfo=UTC))


def test_asking_by_hand_leaves_the_slot_where_it_is() -> None:
    occasion = by_hand(BERLIN, datetime(2026, 8, 6, 23, tzinfo=UTC))

    assert occasion.day == date(2026, 8, 7)  # one in the morning in Berlin
    assert occasion.next_slot == BERLIN.next_slot


def test_a_past_day_is_published_as_of_its_end() -> None:
    occasion = by_hand(BERLIN, datetime(2026, 11, 23, tzinfo=UTC), date(2026, 8, 7))

    assert occasion.at.date() == date(2026, 8, 7)
    assert occasion.at > datetime(2026, 8, 7, 23, 59, tzinfo=UTC)
