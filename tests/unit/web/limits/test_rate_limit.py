"""Tests that requests beyond the rate wait until they are due; others are not affected."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from larkpost.web.limits.rate_limit import RateLimit, RateLimiter

LIMIT = RateLimit("test", 3, per=0.3, longest_wait=0.5)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limiter(clock: Clock) -> RateLimiter:
    return RateLimiter(clock)


def test_a_burst_waits_for_nothing_and_then_things_are_spaced_out(limiter: RateLimiter) -> None:
    waits = [limiter.delay(LIMIT, "a") for _ in range(8)]

    assert waits[:3] == [0.0, 0.0, 0.0]
    assert waits[3:] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])


def test_what_would_wait_too_long_is_refused_and_takes_no_place(
    limiter: RateLimiter, clock: Clock
) -> None:
    for _ in range(8):
        limiter.delay(LIMIT, "a")
    assert [limiter.delay(LIMIT, "a") for _ in range(100)] == [None] * 100
    clock.now += 0.11
    assert limiter.delay(LIMIT, "a") == pytest.approx(0.49)


def test_each_network_has_a_pace_of_its_own(limiter: RateLimiter) -> None:
    while limiter.delay(LIMIT, "a") is not None:
        pass
    assert limiter.delay(LIMIT, "b") == 0.0


def test_who_rests_has_the_burst_again(limiter: RateLimiter, clock: Clock) -> None:
    while limiter.delay(LIMIT, "a") is not None:
        pass
    clock.now += 3600
    assert [limiter.delay(LIMIT, "a") for _ in range(3)] == [0.0, 0.0, 0.0]
    assert limiter.delay(LIMIT, "a") == pytest.approx(0.1)


def test_a_charge_puts_the_next_things_off_but_never_for_long(
    limiter: RateLimiter, clock: Clock
) -> None:
    limiter.charge(LIMIT, "a", 4)
    assert limiter.delay(LIMIT, "a") == pytest.approx(0.2)
    limiter.charge(LIMIT, "a", 10_000)
    assert limiter.delay(LIMIT, "a") is None
    clock.now += 0.2
    assert limiter.delay(LIMIT, "a") == pytest.approx(0.4)


def test_threads_that_ask_at_once_take_no_turn_twice(limiter: RateLimiter) -> None:
    """Forms are counted in threads, pages in the event loop."""
    many = RateLimit("many", 500)

    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda _: limiter.delay(many, "a"), range(4_000)))

    assert sum(wait is not None for wait in waits) == 500
