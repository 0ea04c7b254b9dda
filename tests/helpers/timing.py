"""Measures how work grows, in processor time; repeats what other load may have disturbed.

Other load makes two measurements longer by different factors. So a ratio fails a test only if it is
too high every time, as it is for an algorithm of the wrong order. ``executed_lines`` counts work
instead, and needs no repetition.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from time import process_time
from typing import TYPE_CHECKING

from larkpost.errors import LarkpostError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

ATTEMPTS = 6


def cpu_seconds(work: Callable[[], object], rounds: int = 1) -> float:
    """Return the processor time of this process for some work, in the shortest round."""
    return min(_once(work) for _ in range(rounds))


def assert_grows_less_than(measure: Callable[[], float], limit: float) -> None:
    """Assert that a measured ratio or exponent is below the limit at least once."""
    seen: list[float] = []
    while not seen or seen[-1] >= limit:
        assert len(seen) < ATTEMPTS, f"{limit} is passed each time: {seen}"
        seen.append(measure())


def executed_lines(work: Callable[[], object]) -> int:
    """Return how many lines of Python the work executes, even if it ends with one of our errors."""
    count = 0

    def trace(_frame: FrameType, event: str, _value: object) -> object:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)  # type: ignore[arg-type]  # that of typeshed is recursive
    try:
        with suppress(LarkpostError):
            work()
    finally:
        sys.settrace(before)
    return count


def _once(work: Callable[[], object]) -> float:
    begun = process_time()
    work()
    return process_time() - begun
