"""Spaces out what a network sends faster than people and feed readers do."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

REMEMBERED = 10_000  # networks, those that came last
_MILLISECOND = 0.001  # for which nobody has to wait


class Pacer:
    """At most ``per_second`` things of a network, after a first ``burst``; for one thread.

    What comes sooner waits until it is due, so that nobody who is only quick is refused. The
    bucket is that of ``larkpost.db.coordination.rate_limits``, in memory and by the monotonic
    clock.
    """

    def __init__(
        self,
        per_second: float,
        *,
        burst: int,
        longest_wait: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._step = 1 / per_second
        self._burst = burst
        self._longest_wait = longest_wait
        self._clock = clock
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def delay(self, network: str) -> float | None:
        """Give the seconds until one more thing is due, mostly 0.

        None where that is more than ``longest_wait``; then it has no place, and has to be refused.
        """
        now = self._clock()
        full_at = max(self._full_at.get(network, now), now) + self._step
        wait = full_at - now - self._burst * self._step
        if wait > self._longest_wait + _MILLISECOND:
            return None
        self._set(network, full_at)
        return wait if wait > _MILLISECOND else 0.0

    def charge(self, network: str, things: int) -> None:
        """Count so many things more, so that the next ones are due later."""
        now = self._clock()
        latest = now + self._burst * self._step + self._longest_wait
        full_at = max(self._full_at.get(network, now), now) + things * self._step
        self._set(network, min(full_at, latest))

    def _set(self, network: str, full_at: float) -> None:
        self._full_at[network] = full_at
        self._full_at.move_to_end(network)
        if len(self._full_at) > REMEMBERED:
            self._full_at.popitem(last=False)
