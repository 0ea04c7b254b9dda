"""Ends a call that takes more processor time than a quiet machine would need."""

from __future__ import annotations

import json
import signal
from contextlib import contextmanager
from time import process_time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_REFERENCE = 0.02  # seconds of processor time: what the fixed calculation takes on a quiet machine
_TRIES = 3  # caches and clock rates shared with other work make the same text take twice as long


class OverBudgetError(BaseException):
    """A call took too long; nothing that is called may catch this."""


def run_within(seconds: float, call: Callable[[bytes], None], given: bytes) -> None:
    """Call with some bytes in so many seconds of a quiet machine's processor time, with some tries.

    Raises OverBudgetError if no try was short enough.
    """
    for _ in range(_TRIES - 1):
        try:
            with _interrupted_after(seconds):
                return call(given)
        except OverBudgetError:
            seconds = max(seconds, seconds * slowdown())
    with _interrupted_after(seconds):
        return call(given)


def slowdown() -> float:
    """Return how many times as long as on a quiet machine a fixed calculation takes now."""
    begun = process_time()
    for _ in range(400):
        json.loads(json.dumps([str(number) for number in range(500)]))
    return (process_time() - begun) / _REFERENCE


@contextmanager
def _interrupted_after(seconds: float) -> Iterator[None]:
    """Raise OverBudgetError after this much processor time, even in a regular expression."""

    def interrupt(*_: object) -> None:
        raise OverBudgetError(f"over its budget of {seconds:.1f} s")

    before = signal.signal(signal.SIGVTALRM, interrupt)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
