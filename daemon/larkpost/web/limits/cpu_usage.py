"""Measures the recent processor time of each network's pages.

Pages share one interpreter, so its time is what a flood takes from everybody else.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from larkpost.text.ip_networks import WIDER, neighbourhood

HALF_LIFE = 10.0  # seconds after which a second of the processor counts half
# Seconds so weighted: about 2.4 % of one processor, all the time. Each network of a flood gets as
# much before it is slowed; a page of 20 milliseconds each second stays below.
BUSY = 0.35
# The initial value, so that new networks do not overtake known ones. What is left to BUSY is what
# every network of a flood takes in its first moment, all of them together.
NEWCOMER = 0.25

SLOW = 0.1  # seconds of a page, on average: most take less than 0.05
NEWEST = 0.25  # weight of the newest page in that average

REMEMBERED = 10_000  # the most recent networks, and the surrounding ones


class CpuUsage:
    """Seconds of the processor by network, older ones counting less (exponential decay).

    The time of a network counts for the surrounding one too, a WIDER-th as much: an owner of a /48
    of IPv6 has 256 networks, and none of them starts as new once some of them were busy.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._used: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def add(self, network: str, seconds: float) -> None:
        """Count the time of a network's page."""
        self._count(network, self._own(network) + seconds)
        around = neighbourhood(network)
        if around != network:
            self._count(around, self._decayed(around) + seconds)
        while len(self._used) > REMEMBERED:
            self._used.popitem(last=False)

    def seconds(self, network: str) -> float:
        """Return the weighted seconds of a network's pages; NEWCOMER for a new network.

        If the surrounding network took more than WIDER times as much, a WIDER-th of that.
        """
        return max(self._own(network), self._decayed(neighbourhood(network)) / WIDER)

    def _count(self, network: str, seconds: float) -> None:
        self._used[network] = (seconds, self._clock())
        self._used.move_to_end(network)

    def _own(self, network: str) -> float:
        return self._decayed(network) if network in self._used else NEWCOMER

    def _decayed(self, network: str) -> float:
        used, at = self._used.get(network, (0.0, 0.0))
        return used * float(0.5 ** ((self._clock() - at) / HALF_LIFE))

    def is_busy(self, network: str) -> bool:
        """Return whether a network recently used more than people who read."""
        return self.seconds(network) > BUSY


class RouteCosts:
    """The seconds of the processor that pages of each route took lately (a moving average).

    A network that was never seen before has the usage of any other, so only what it asks for tells
    how long its page will take.
    """

    def __init__(self) -> None:
        self._mean: dict[str, float] = {}

    def add(self, route: str, seconds: float) -> None:
        """Count a page of a route; there are as many routes as there are handlers."""
        if route:
            before = self.expected(route)
            self._mean[route] = before + NEWEST * (seconds - before)

    def expected(self, route: str) -> float:
        """Return the seconds that the next page of a route will probably take, 0 if unknown."""
        return self._mean.get(route, 0.0)

    def is_slow(self, route: str) -> bool:
        """Return whether pages of a route take so long that others must not wait for several."""
        return self.expected(route) > SLOW
