"""Keeps a crowd from the others' way: so often a minute for each network, few costly pages.

All of it lies in memory, so that asking writes nothing; whoever acts is limited by ``turns``.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from math import ceil
from threading import Lock
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from larkpost.web.fair_queue import FairQueue

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

MINUTE = 60_000  # milliseconds
REMEMBERED = 10_000  # networks and measures, those that came last
AT_ONCE = 2  # costly pages of a network in the making; the machine has few cores
COSTLY_AT_ONCE = AT_ONCE + 1  # of all networks, so that one network leaves a turn to the others
COSTLY_WAITING = 10  # visits of a network that wait for their turn, without a thread
PATIENCE = 5.0  # seconds that a visit waits for a costly page
# Other pages: the threads share one interpreter, so that many of one network would slow the others.
PAGES_AT_ONCE, PAGES_OF_A_NETWORK, PAGES_WAITING, PAGE_PATIENCE = 32, 8, 200, 15.0


@dataclass(frozen=True, slots=True)
class Measure:
    """How often a network may come in a minute; ``costly`` pages are made a few at a time."""

    name: str
    most: int
    costly: bool = False


LOOKING = Measure("looking", 300)
COSTLY = Measure("costly", 60, costly=True)
MONTHS = Measure("months", 60, costly=True)  # a page of a month is a feed of 1,000 papers


class Crowd:
    """Who came how often lately, and how many costly pages are in the making."""

    def __init__(self) -> None:
        self._full_at: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._lock = Lock()
        self._costly = FairQueue(COSTLY_AT_ONCE, per_network=AT_ONCE, waiting=COSTLY_WAITING)
        self._others = FairQueue(
            PAGES_AT_ONCE, per_network=PAGES_OF_A_NETWORK, waiting=PAGES_WAITING
        )

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

    @property
    def costly_in_the_making(self) -> int:
        """How many costly pages are made just now."""
        return self._costly.taken

    def turn(self, network: str, *, costly: bool = False) -> AbstractAsyncContextManager[None]:
        """Wait for a network's turn to have a page made; HTTPException 503 where none comes."""
        if costly:
            return self._costly.turn(network, PATIENCE)
        return self._others.turn(network, PAGE_PATIENCE)
