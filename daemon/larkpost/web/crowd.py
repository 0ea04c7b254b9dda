"""Keeps a crowd from the others' way: so often a minute for each network, few costly pages.

All of it lies in memory, so that asking writes nothing; whoever acts is limited by ``turns``.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import ceil
from threading import Lock
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

MINUTE = 60_000  # milliseconds
REMEMBERED = 10_000  # networks and measures, those that came last
AT_ONCE = 2  # costly pages in the making; the pool has forty threads, and the machine few cores
PATIENCE = 5.0  # seconds that a visit waits for its turn, without a thread
RETRY_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Measure:
    """How often a network may come in a minute; ``costly`` pages are made a few at a time."""

    name: str
    most: int
    costly: bool = False


LOOKING = Measure("looking", 300)
COSTLY = Measure("costly", 60, costly=True)


class Crowd:
    """Who came how often lately, and how many costly pages are in the making."""

    def __init__(self) -> None:
        self._full_at: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._lock = Lock()
        self._free = asyncio.Semaphore(AT_ONCE)

    def count(self, measure: Measure, network: str, now: datetime) -> None:
        """Count a visit of a network; raises HTTPException 429 for one too many.

        A bucket that refills evenly, as in ``larkpost.store.limits``, which says more of it. A
        visit that is sent away costs nothing.
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

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until few enough costly pages are in the making; HTTPException 503 after a while."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._free.acquire()
        except TimeoutError:
            raise HTTPException(503, headers={"Retry-After": str(RETRY_SECONDS)}) from None
        try:
            yield
        finally:
            self._free.release()
