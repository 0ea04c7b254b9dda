"""Measures how work grows, on any machine: processor time, again where something else disturbed it.

What runs beside a test makes both of two measurements longer, but not evenly. So a ratio counts
only where it comes out too high every time: an algorithm of the wrong order does so.
"""

from __future__ import annotations

from time import process_time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ATTEMPTS = 6


def cpu_seconds(work: Callable[[], object], rounds: int = 1) -> float:
    """Return the processor time of this process for some work: the shortest of the rounds."""
    return min(_once(work) for _ in range(rounds))


def assert_grows_less_than(measure: Callable[[], float], limit: float) -> None:
    """Assert that a measured ratio or exponent lies below the limit, at least once."""
    seen: list[float] = []
    while not seen or seen[-1] >= limit:
        assert len(seen) < ATTEMPTS, f"{limit} is passed each time: {seen}"
        seen.append(measure())


def _once(work: Callable[[], object]) -> float:
    begun = process_time()
    work()
    return process_time() - begun
