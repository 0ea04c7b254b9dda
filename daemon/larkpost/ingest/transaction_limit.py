"""Limits the work of one transaction, because everybody else waits while it writes."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from larkpost.db.matching.comparison.text_comparer import TextComparer

# A record takes at most ``text_comparer.MOST_FOR_RECORD`` of these: about 50 of the worst records,
# or 1,000 usual ones that are compared with one paper each.
MOST_CHARACTERS = 3_000_000
MOST_SECONDS = 0.25


class TransactionLimit:
    """The limit of one transaction, by the characters that a comparer compares and by time."""

    def __init__(self, comparer: TextComparer, clock: Callable[[], float] = monotonic) -> None:
        self._comparer = comparer
        self._characters = comparer.characters
        self._clock = clock
        self._begun = clock()

    def is_enough_compared(self) -> bool:
        """Return whether the texts that were compared took long enough."""
        return self._comparer.characters - self._characters >= MOST_CHARACTERS

    def is_reached(self) -> bool:
        """Return whether the transaction should end, by the comparisons or by the clock."""
        return self.is_enough_compared() or self._clock() - self._begun >= MOST_SECONDS
