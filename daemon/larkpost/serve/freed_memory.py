"""Returns freed memory to the system, so that a daemon is not as large as its largest morning.

glibc keeps freed blocks for later use, and after the first large one that is freed it keeps blocks
of up to 32 MB. It keeps them by arena, and gives threads eight arenas per processor. Other C
libraries return large blocks at once; there these functions do nothing.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from time import monotonic

# mallopt(3): blocks from this size on are mapped one by one, and unmapped when they are freed.
# A smaller limit saves little more and costs time: at 1 MB a morning takes a fifth longer.
_M_MMAP_THRESHOLD = -3
LARGE_BLOCK = 2 * 2**20  # bytes
# Arenas that all threads share. With sixteen, each of which kept what its threads had once needed,
# forty visitors of long feeds made a daemon of 150 MB one of 1.7 GB within five minutes.
_M_ARENA_MAX = -8
ARENAS = 2
RETURN_SECONDS = 600.0  # between two returns of all blocks


@cache
def _glibc() -> ctypes.CDLL | None:
    """Return the C library of this process if it is glibc."""
    try:
        library = ctypes.CDLL(None)
    except (OSError, TypeError):  # TypeError: Windows
        return None
    has_both = hasattr(library, "malloc_trim") and hasattr(library, "mallopt")
    return library if has_both else None


def limit_kept_memory() -> bool:
    """Have large blocks returned when they are freed, and few arenas for the others.

    To be called before threads are started; returns whether it is set.
    """
    library = _glibc()
    if library is None:
        return False
    wanted = ((_M_MMAP_THRESHOLD, LARGE_BLOCK), (_M_ARENA_MAX, ARENAS))
    are_set = [library.mallopt(name, value) for name, value in wanted]
    return all(are_set)


def return_freed_memory() -> None:
    """Return all freed blocks to the system."""
    if library := _glibc():
        library.malloc_trim(0)


class MemoryReturns:
    """Returns freed memory now and then.

    After each return all threads wait for their memory: with one after each tick, every five
    seconds, the slowest hundredth of visits during an attack took 0.44 s instead of 0.27.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._due = clock() + RETURN_SECONDS

    def return_if_due(self) -> bool:
        """Return freed memory if the last time is long ago; returns whether it was."""
        if self._clock() < self._due:
            return False
        self._due = self._clock() + RETURN_SECONDS
        return_freed_memory()
        return True
