"""Returns freed memory to the system, so that a daemon is not as large as its largest morning.

glibc keeps freed blocks for later use, and after the first large one that is freed it keeps blocks
of up to 32 MB. Other C libraries return large blocks at once; there these functions do nothing.
"""

from __future__ import annotations

import ctypes
from functools import cache

# mallopt(3): blocks from this size on are mapped one by one, and unmapped when they are freed.
# A smaller limit saves little more and costs time: at 1 MB a morning takes a fifth longer.
_M_MMAP_THRESHOLD = -3
LARGE_BLOCK = 2 * 2**20  # bytes


@cache
def _glibc() -> ctypes.CDLL | None:
    """Return the C library of this process if it is glibc."""
    try:
        library = ctypes.CDLL(None)
    except (OSError, TypeError):  # TypeError: Windows
        return None
    has_both = hasattr(library, "malloc_trim") and hasattr(library, "mallopt")
    return library if has_both else None


def unmap_large_blocks() -> bool:
    """Have large blocks returned to the system when they are freed; returns whether it is set."""
    library = _glibc()
    return library is not None and bool(library.mallopt(_M_MMAP_THRESHOLD, LARGE_BLOCK))


def return_freed_memory() -> None:
    """Return all freed blocks to the system; it takes a few milliseconds."""
    if library := _glibc():
        library.malloc_trim(0)
