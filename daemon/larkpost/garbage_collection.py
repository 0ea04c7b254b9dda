"""Looks for reference cycles less often while many objects are made that are in none."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

# Python's own are 700, 10 and 10: then a fifth of the time of reading a large dump goes into
# looking, again and again, at the same records, which reference counts free a moment later.
_RARE = (10_000, 20, 50)

_lock = Lock()
_usual: list[tuple[int, int, int]] = []  # the thresholds before, once for each who is within


@contextmanager
def collect_rarely() -> Iterator[None]:
    """Raise the thresholds of the garbage collector (``gc.set_threshold``) for this process.

    Cycles are still found, only later. Threads may be within at the same time: the last one out
    sets the thresholds back.
    """
    with _lock:
        _usual.append(_usual[0] if _usual else gc.get_threshold())
        gc.set_threshold(*_RARE)
    try:
        yield
    finally:
        with _lock:
            usual = _usual.pop()
            if not _usual:
                gc.set_threshold(*usual)
