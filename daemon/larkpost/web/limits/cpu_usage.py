"""How much of the processor each network's pages took lately.

Pages share one interpreter, so that time on it is what a flood takes from everybody else.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from larkpost.text.ip_networks import WIDER, neighbourhood

HALF_LIFE = 10.0  # seconds after which a second of the processor counts half
BUSY = 0.5  # seconds so weighted: about 3.5 % of one processor, all the time
NEWCOMER = 0.25  # what a network begins with, so that a flood of new ones passes no known one

REMEMBERED = 10_000  # networks, and those around them: those that came last


class CpuUsage:
    """Seconds of the processor by network, older ones counting less (exponential decay).

    What a network used counts for the one around it too, a WIDER-th as much: who rents a /48 of
    IPv6 has 256 networks, and none of them begins as a newcomer once some of them were busy.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._used: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def add(self, network: str, seconds: float) -> None:
        """Count what a page of a network took."""
        self._count(network, self._own(network) + seconds)
        around = neighbourhood(network)
        if around != network:
            self._count(around, self._decayed(around) + seconds)
        while len(self._used) > REMEMBERED:
            self._used.popitem(last=False)

    def seconds(self, network: str) -> float:
        """Give what a network's pages took, in seconds as weighted now; NEWCOMER for a new one.

        Where the network around it took more than WIDER times as much, a WIDER-th of that.
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
        """Say whether a network had more made lately than people do who read."""
        return self.seconds(network) > BUSY
