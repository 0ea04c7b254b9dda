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


def shorten_collections() -> None:
    """Set the collector for the daemon: small steps, and existing objects are never checked again.

    Existing objects are mostly modules, which live as long as the process. Call this when a pause
    does no harm, because it checks all objects once.
    """
    gc.set_threshold(*DAEMON)
    gc.collect()
    gc.freeze()
