"""Runs a batch, and bisects it if it fails, down to the item at fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from larkpost.errors import LarkpostError

One = TypeVar("One")
Done = TypeVar("Done")


def bisect_failures(
    some: Sequence[One],
    together: Callable[[Sequence[One]], Done],
    alone: Callable[[One, Exception], Done],
) -> Iterator[Done]:
    """Run a batch; if that fails, run its halves, down to the items that fail.

    ``alone`` is called for each of those with its exception. Our own errors (a busy database) are
    not an item's fault, and propagate.
    """
    try:
        yield together(some)
    except LarkpostError:
        raise
    except Exception as fault:  # no error from one reader's data may stop the others
        if len(some) == 1:
            yield alone(some[0], fault)
            return
        half = len(some) // 2
        yield from bisect_failures(some[:half], together, alone)
        yield from bisect_failures(some[half:], together, alone)
