"""Rate limits in memory, so that asking writes nothing; what acts is limited in the database."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from threading import Lock

from starlette.exceptions import HTTPException

REMEMBERED = 20_000  # networks of all limits, those that came last
_MILLISECOND = 0.001  # for which nobody has to wait


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most ``most`` visits at once; ``per`` seconds later there may be as many again.

    What comes sooner than it is due waits, for ``longest_wait`` seconds at most. Pages that are
    ``costly`` are made a few at a time.
    """

    name: str
    most: int
    costly: bool = False
    per: float = 60.0
    longest_wait: float = 0.0


LOOKING = RateLimit("looking", 300)
COSTLY = RateLimit("costly", 60, costly=True)
MONTHS = RateLimit("months", 60, costly=True)  # a page of a month is a feed of 1,000 papers


@dataclass(frozen=True, slots=True)
class RouteLimits:
    """The largest body in bytes, the seconds a body may take, and how often a network may come.

    Every endpoint has them as its ``limits``. ``cached``: answers are kept and given again while
    the database holds what it held.
    """

    largest_body: int
    body_seconds: float
    measure: RateLimit | None = None
    cached: bool = False


class RateLimiter:
    """Who came how often lately; safe to share between threads.

    A bucket for each limit and key, which refills evenly, as in
    ``larkpost.db.coordination.rate_limits``, which says more of it. A visit that is sent away
    costs nothing.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._full_at: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._lock = Lock()

    def delay(self, limit: RateLimit, key: str) -> float | None:
        """Give the seconds until one more visit is due, mostly 0.

        None where that is more than ``longest_wait``; then it has no place, and has to be refused.
        """
        with self._lock:
            now, full_at = self._look(limit, key)
            full_at += limit.per / limit.most
            wait = full_at - now - limit.per
            if wait > limit.longest_wait + _MILLISECOND:
                return None
            self._set(limit, key, full_at)
        return wait if wait > _MILLISECOND else 0.0

    def check(self, limit: RateLimit, key: str) -> None:
        """Count a visit; raises HTTPException 429, with Retry-After, for one too many."""
        if self.delay(limit, key) is None:
            now, full_at = self._look(limit, key)
            wait = full_at + limit.per / limit.most - now - limit.per - _MILLISECOND
            raise HTTPException(429, headers={"Retry-After": str(max(1, ceil(wait)))})

    def charge(self, limit: RateLimit, key: str, visits: int) -> None:
        """Count so many visits more, so that the next ones are due later."""
        with self._lock:
            now, full_at = self._look(limit, key)
            latest = now + limit.per + limit.longest_wait
            self._set(limit, key, min(full_at + visits * limit.per / limit.most, latest))

    def _look(self, limit: RateLimit, key: str) -> tuple[float, float]:
        """Give this moment, and the one at which a bucket will be full."""
        now = self._clock()
        full_at = self._full_at.get((limit.name, key), now)
        latest = now + limit.per + limit.longest_wait + 2 * _MILLISECOND
        # It has rested, or the clock was set back.
        return now, full_at if now <= full_at <= latest else now

    def _set(self, limit: RateLimit, key: str, full_at: float) -> None:
        self._full_at[limit.name, key] = full_at
        self._full_at.move_to_end((limit.name, key))
        if len(self._full_at) > REMEMBERED:
            self._full_at.popitem(last=False)
