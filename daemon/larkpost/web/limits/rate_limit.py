"""Rate limits in memory: how often a network may come in a minute, and few costly pages at a time.

All of it lies in memory, so that asking writes nothing; whoever acts is limited by ``turns``.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from math import ceil
from threading import Lock
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from larkpost.web.limits.cpu_usage import CpuUsage
from larkpost.web.limits.fair_queue import FairQueue

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from larkpost.web.limits.fair_queue import QueueSlot

MINUTE = 60_000  # milliseconds
REMEMBERED = 10_000  # networks and measures, those that came last
# Threads share one interpreter, so that each page in the making slows all others. Of busy networks
# (``CpuUsage``) so few are made at a time that whoever comes seldom is hardly slowed.
AT_ONCE = 1  # costly pages in the making, of all networks
COSTLY_WAITING = 10  # visits of a network that wait for their turn, without a thread
PATIENCE = 15.0  # seconds that a visit waits for a page
PAGES_AT_ONCE, PAGES_OF_A_NETWORK, PAGES_OF_THE_BUSY, PAGES_WAITING = 4, 2, 1, 200
# What acts may have to wait for the database, which has one writer: four forms of two networks
# kept every page from everybody for as long as another program wrote.
ACTS_AT_ONCE, ACTS_OF_A_NETWORK = 2, 1


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How often a network may come in a minute; ``costly`` pages are made a few at a time."""

    name: str
    most: int
    costly: bool = False


LOOKING = RateLimit("looking", 300)
COSTLY = RateLimit("costly", 60, costly=True)
MONTHS = RateLimit("months", 60, costly=True)  # a page of a month is a feed of 1,000 papers


class RateLimiter:
    """Who came how often lately, and how many costly pages are in the making."""

    def __init__(self) -> None:
        self._full_at: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._lock = Lock()
        usage = CpuUsage()
        self._costly = FairQueue(AT_ONCE, per_network=AT_ONCE, waiting=COSTLY_WAITING, usage=usage)
        queue = partial(
            FairQueue, busy_at_once=PAGES_OF_THE_BUSY, waiting=PAGES_WAITING, usage=usage
        )
        self._others = queue(PAGES_AT_ONCE, per_network=PAGES_OF_A_NETWORK)
        self._acts = queue(ACTS_AT_ONCE, per_network=ACTS_OF_A_NETWORK)

    def count(self, measure: RateLimit, network: str, now: datetime) -> None:
        """Count a visit of a network; raises HTTPException 429 for one too many.

        A bucket that refills evenly, as in ``larkpost.db.coordination.rate_limits``, which says
        more of it. A visit that is sent away costs nothing.
        """
        key, moment = (measure.name, network), int(now.timestamp() * 1000)
        turn = MINUTE // measure.most
        with self._lock:
            full_at = self._full_at.get(key, moment)
            if not moment <= full_at <= moment + MINUTE:  # rested, or the clock was set back
                full_at = moment
            wait = full_at + turn - (moment + MINUTE)
            if wait > 0:
                raise HTTPException(429, headers={"Retry-After": str(ceil(wait / 1000))})
            self._full_at[key] = full_at + turn
            self._full_at.move_to_end(key)
            if len(self._full_at) > REMEMBERED:
                self._full_at.popitem(last=False)

    @property
    def costly_in_the_making(self) -> int:
        """How many costly pages are made just now."""
        return self._costly.active_count

    @property
    def acting(self) -> int:
        """How many forms are worked on just now."""
        return self._acts.active_count

    def slot(
        self, network: str, *, costly: bool = False, acts: bool = False
    ) -> AbstractAsyncContextManager[QueueSlot]:
        """Wait for a network's turn to have a page made; HTTPException 503 where none comes.

        What ``acts`` writes, so that it takes none of the turns of those who only look.
        """
        queue = self._costly if costly else self._acts if acts else self._others
        return queue.slot(network, PATIENCE)
