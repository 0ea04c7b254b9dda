"""Tests how long a source is not polled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from larkpost.fetch.retry_after import LONGEST_BACK_OFF, LONGEST_WAIT, back_off, read_retry_after

NOW = datetime(2026, 8, 7, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("120", timedelta(seconds=120)),
        (" 0 ", timedelta(0)),
        ("999999999", LONGEST_WAIT),
        ("Fri, 07 Aug 2026 09:10:00 GMT", timedelta(minutes=10)),
        ("Fri, 07 Aug 2026 08:00:00 GMT", timedelta(0)),
        ("Fri, 01 Jan 2100 00:00:00 GMT", LONGEST_WAIT),
        ("soon", None),
        ("-5", None),
        ("", None),
        ("٣", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_capped(text: str, wait: timedelta | None) -> None:
    assert read_retry_after(text, now=NOW) == wait


def test_a_date_is_reckoned_from_the_server_s_own_clock() -> None:
    date, until = "Thu, 06 Aug 2026 09:00:00 GMT", "Thu, 06 Aug 2026 09:05:00 GMT"

    assert read_retry_after(until, date=date, now=NOW) == timedelta(minutes=5)


def test_the_wait_doubles_up_to_a_limit_and_has_jitter() -> None:
    whole = [back_off(failures, draw=1.0) for failures in range(1, 30)]

    assert whole[:3] == [timedelta(minutes=5), timedelta(minutes=10), timedelta(minutes=20)]
    assert max(whole) == whole[-1] == LONGEST_BACK_OFF
    assert back_off(3, draw=0.0) == whole[2] / 2
