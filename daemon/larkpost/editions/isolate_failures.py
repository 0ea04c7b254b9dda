"""Does something for many at once, and halves a batch that fails, down to the one at fault."""

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
    """Do something for many at once; where that breaks, for halves of them, down to the broken.

    ``alone`` is called for each of those with what it raised. Our own errors (a database that is
    busy) are nobody's fault among them, and go on up.
    """
    try:
        yield together(some)
    except LarkpostError:
        raise
    except Exception as fault:  # whatever one reader's data brings about must not stop the others
        if len(some) == 1:
            yield alone(some[0], fault)
            return
        half = len(some) // 2
        yield from bisect_failures(some[:half], together, alone)
        yield from bisect_failures(some[half:], together, alone)
