"""Sets how often Python collects reference cycles: rarely in commands, in small steps in serve.

Every thread waits while the collector runs, about a microsecond for each young object.
"""

from __future__ import annotations

import atexit
import gc

# Young objects per collection, and collections before older and oldest objects are included. With
# Python's own numbers (700, 10, 10), collections take a fifth of the time of a short command, and
# of reading a large dump.
COMMAND = (20_000, 20, 50)
# With the numbers of a command, collections stopped all threads of the daemon for 25 to 270 ms.
DAEMON = (1_000, 10, 100)


def collect_rarely() -> None:
    """Set the collector for a command, and skip the collection when the process exits."""
    gc.set_threshold(*COMMAND)
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)


class CollectionPauses:
    """Keeps the collections of the daemon short, which stop all threads.

    After the 1st, 2nd, 4th, 8th … tick all objects are exempted from later collections
    (``gc.freeze``): modules, which exist after the first one, and caches, which fill later. What is
    in use then and becomes cyclic garbage later is never freed, a few megabytes each time; so the
    times are as rare as that.
    """

    def __init__(self) -> None:
        self._ticks = 0

    def shorten(self) -> None:
        """Set the collector, and exempt all objects if that is due; call this after each tick."""
        self._ticks += 1
        if self._ticks.bit_count() == 1:  # a power of two
            gc.set_threshold(*DAEMON)
            gc.collect()
            gc.freeze()
