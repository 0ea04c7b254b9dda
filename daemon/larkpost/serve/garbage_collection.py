"""Keeps the pauses of Python's garbage collector short: every thread stands still in them."""

from __future__ import annotations

import gc

# A look at the youngest objects takes about a microsecond for each. The commands' own 20,000 of
# them, and all that is kept besides, stopped the daemon for 25 to 270 ms at a time.
YOUNG_OBJECTS = 1_000
LOOKS_AT_YOUNG, LOOKS_AT_OLDER = 10, 100  # before the next older ones are looked at as well


def shorten_collections() -> None:
    """Look at few objects at a time, and never again at those that are here now.

    These are mostly modules, which live as long as the process. To be called where a pause does no
    harm, for it looks at all objects once.
    """
    gc.set_threshold(YOUNG_OBJECTS, LOOKS_AT_YOUNG, LOOKS_AT_OLDER)
    gc.collect()
    gc.freeze()
