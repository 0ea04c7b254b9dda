"""The state of a message after each error of sending, and how long sending pauses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larkpost.db.outbox.delivery_queue import LONGEST_WAIT
from larkpost.domain import BounceKind, DeliveryState
from larkpost.errors import Deferred, Refused, Unanswered
from larkpost.mail.retry_policy import (
    FIRST_TRY_AGAIN,
    LAST_TRY_AGAIN,
    LONGEST_REST,
    DeliveryDecision,
    classify_outcome,
    describe,
    rest,
    try_again,
    unmade,
)

MORNING = datetime(2026, 8, 7, 6, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SOON = MORNING + 5 * MINUTE


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (None, DeliveryDecision(DeliveryState.SENT)),
        (Deferred("450"), DeliveryDecision(DeliveryState.DEFERRED, "450", SOON)),
        (
            Deferred("cut", cut=True),
            DeliveryDecision(DeliveryState.DEFERRED, "cut", SOON, strains=True),
        ),
        (
            Deferred("4.7.1", tired=True),
            DeliveryDecision(DeliveryState.DEFERRED, "4.7.1", SOON, strains=True),
        ),
        # The server is at fault: the message stays due.
        (
            Deferred("535", server_fault=True),
            DeliveryDecision(DeliveryState.DEFERRED, "535", MORNING, closes=True),
        ),
        (Refused("554"), DeliveryDecision(DeliveryState.FAILED, "554")),
        (
            Refused("550 5.1.1", nobody=True),
            DeliveryDecision(DeliveryState.FAILED, "550 5.1.1", bounce=BounceKind.HARD),
        ),
        (
            Refused("552", unwelcome=True, code="5.2.2"),
            DeliveryDecision(DeliveryState.FAILED, "552", bounce=BounceKind.SOFT, code="5.2.2"),
        ),
        (Unanswered("cut"), DeliveryDecision(DeliveryState.UNKNOWN, "cut", SOON, strains=True)),
        # Nobody foresaw it: it may have been after the dot.
        (KeyError("x"), DeliveryDecision(DeliveryState.UNKNOWN, "KeyError: 'x'", SOON)),
    ],
)
def test_what_sending_raised_decides(error: Exception | None, verdict: DeliveryDecision) -> None:
    assert classify_outcome(error, since=MORNING, tries=1, now=MORNING) == verdict


def test_a_message_is_given_up_after_five_days() -> None:
    later = Deferred("450 greylisted")

    almost = classify_outcome(
        later, since=MORNING, tries=9, now=MORNING + timedelta(days=5, seconds=-1)
    )
    over = classify_outcome(later, since=MORNING, tries=9, now=MORNING + timedelta(days=5))
    first = classify_outcome(later, since=MORNING, tries=1, now=MORNING + timedelta(days=5))

    assert almost.state is first.state is DeliveryState.DEFERRED
    assert almost.state is DeliveryState.DEFERRED
    assert over.state is DeliveryState.FAILED
    assert over.reply == "given up after 5 days: 450 greylisted"


def test_a_message_that_cannot_be_made_is_tried_again_later() -> None:
    verdict = unmade(ValueError("bad title"), since=MORNING, now=MORNING)

    assert verdict.state is DeliveryState.DEFERRED
    assert verdict.reply == "the message could not be made: ValueError: bad title"
    assert verdict.next_try == SOON


def gaps(first: datetime, until: timedelta) -> list[int]:
    """Return the minutes between attempts of a message that has waited since MORNING."""
    minutes: list[int] = []
    now = first
    while now < MORNING + until:
        following = try_again(MORNING, now, len(minutes) + 1)
        minutes.append((following - now) // MINUTE)
        now = following
    return minutes


def test_the_tries_of_a_message_lie_further_and_further_apart() -> None:
    first_day = gaps(MORNING, DAY)
    later = gaps(MORNING, 5 * DAY)[len(first_day) :]

    assert first_day[:6] == [5, 5, 10, 20, 40, 45]
    assert set(first_day[6:]) == {45}
    assert later[0] >= 4 * 60
    assert later == sorted(later)
    assert max(later) == 12 * 60
    assert LAST_TRY_AGAIN < LONGEST_WAIT  # or the queue would take it for due at once


@pytest.mark.parametrize("waited", [HOUR, 5 * HOUR, DAY, 3 * DAY])
def test_a_message_first_tried_after_a_long_wait_goes_again_soon(waited: timedelta) -> None:
    """The server was away; greylisting begins with the first try."""
    tries = gaps(MORNING + waited, waited + 2 * HOUR)

    assert tries[:3] == [15, 30, 45]


@given(
    st.timedeltas(timedelta(days=-400), timedelta(days=400)),
    st.integers(1, 1000),
)
def test_the_next_try_is_five_minutes_to_twelve_hours_ahead(age: timedelta, tries: int) -> None:
    now = MORNING + age
    wait = try_again(MORNING, now, tries) - now

    assert FIRST_TRY_AGAIN <= wait <= LAST_TRY_AGAIN
    assert wait <= HOUR or age >= DAY
    assert wait <= 15 * MINUTE or tries > 1


def test_sending_pauses_longer_with_each_failure() -> None:
    minutes = [rest(failures, 0) // timedelta(minutes=1) for failures in range(1, 9)]

    assert minutes == [1, 2, 4, 8, 16, 32, 60, 60]
    assert rest(10**9, 0) == LONGEST_REST


def test_a_refused_login_makes_sending_pause_at_once() -> None:
    assert rest(1, 1800) == timedelta(minutes=30)
    assert rest(1, 1e9) == LONGEST_REST


def test_an_error_is_reported_on_one_line() -> None:
    assert describe(ValueError("two\nlines\x1b[0m")).isprintable()
    assert describe(Deferred("our own speak for themselves")) == "our own speak for themselves"
