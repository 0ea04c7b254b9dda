"""Rate limits in memory, so that page views write nothing; actions are limited in the database."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil
from threading import Lock

from starlette.exceptions import HTTPException

REMEMBERED = 20_000  # networks of all limits, the most recent ones
_MILLISECOND = 0.001  # shorter waits are skipped


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most ``most`` requests per ``per`` seconds.

    A request that comes too early waits, for at most ``longest_wait`` seconds. ``costly`` pages are
    made a few at a time; those that a process of their own computes (``apart``) have other places,
    and so have those of them that may take longer than others wait (``slow``). With ``head_bytes``
    a request counts once more for each of so many bytes of its path, query and headers.
    """

    name: str
    most: int
    costly: bool = False
    apart: bool = False
    slow: bool = False
    per: float = 60.0
    longest_wait: float = 0.0
    head_bytes: int = 0


LOOKING = RateLimit("looking", 300)
COSTLY = RateLimit("costly", 60, costly=True)
COSTLY_APART = replace(COSTLY, apart=True)  # by the same count
SLOW_APART = replace(COSTLY_APART, slow=True)
MONTHS = RateLimit("months", 60, costly=True)  # a page of a month is a feed of 1,000 papers


@dataclass(frozen=True, slots=True)
class RouteLimits:
    """The largest body in bytes, the seconds a body may take, and the rate limit of a network.

    Every endpoint has them as its ``limits``. ``cached``: responses are cached while the database
    is unchanged.
    """

    largest_body: int
    body_seconds: float
    measure: RateLimit | None = None
    cached: bool = False


class RateLimiter:
    """Recent request counts; thread-safe. A refused request is not counted.

    A token bucket per limit and key, as explained in ``larkpost.db.coordination.rate_limits``.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._full_at: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._lock = Lock()

    def delay(self, limit: RateLimit, key: str) -> float | None:
        """Return the seconds until one more request is due, mostly 0.

        None if that is more than ``longest_wait``; then it must be refused.
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
        """Count a request; raises HTTPException 429, with Retry-After, over the limit."""
        if self.delay(limit, key) is None:
            now, full_at = self._look(limit, key)
            wait = full_at + limit.per / limit.most - now - limit.per - _MILLISECOND
            raise HTTPException(429, headers={"Retry-After": str(max(1, ceil(wait)))})

    def charge(self, limit: RateLimit, key: str, visits: int) -> None:
        """Count so many more requests, so that the next ones are due later."""
        with self._lock:
            now, full_at = self._look(limit, key)
            latest = now + limit.per + limit.longest_wait
            self._set(limit, key, min(full_at + visits * limit.per / limit.most, latest))

    def _look(self, limit: RateLimit, key: str) -> tuple[float, float]:
        """Return the current time, and the time at which a bucket will be full."""
        now = self._clock()
        full_at = self._full_at.get((limit.name, key), now)
        latest = now + limit.per + limit.longest_wait + 2 * _MILLISECOND
        # The bucket is full again, or the clock was set back.
        return now, full_at if now <= full_at <= latest else now

    def _set(self, limit: RateLimit, key: str, full_at: float) -> None:
        self._full_at[limit.name, key] = full_at
        self._full_at.move_to_end((limit.name, key))
        if len(self._full_at) > REMEMBERED:
            self._full_at.popitem(last=False)
