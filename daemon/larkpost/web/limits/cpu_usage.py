"""How much of the processor each network's pages took lately.

Pages share one interpreter, so that time on it is what a flood takes from everybody else.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

HALF_LIFE = 10.0  # seconds after which a second of the processor counts half
BUSY = 0.5  # seconds so weighted: about 3.5 % of one processor, all the time
NEWCOMER = 0.25  # what a network begins with, so that a flood of new ones passes no known one

REMEMBERED = 10_000  # networks, those that came last


class CpuUsage:
    """Seconds of the processor by network, older ones counting less (exponential decay)."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._used: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def add(self, network: str, seconds: float) -> None:
        """Count what a page of a network took."""
        self._used[network] = (self.seconds(network) + seconds, self._clock())
        self._used.move_to_end(network)
        if len(self._used) > REMEMBERED:
            self._used.popitem(last=False)

    def seconds(self, network: str) -> float:
        """Give what a network's pages took, in seconds as weighted now; NEWCOMER for a new one."""
        if network not in self._used:
            return NEWCOMER
        used, at = self._used[network]
        half_lives = (self._clock() - at) / HALF_LIFE
        return used * float(0.5**half_lives)

    def is_busy(self, network: str) -> bool:
        """Say whether a network had more made lately than people do who read."""
        return self.seconds(network) > BUSY
