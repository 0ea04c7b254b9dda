"""Caches the entries of editions, by their size in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from larkpost.interfaces import FeedFormat
    from larkpost.render.feeds.entries import FeedEdition

    Entries = Sequence[tuple[str, bytes]]  # of an edition: uids, and items of a feed

MOST_BYTES = 64 * 2**20
COPIES = 2  # an entry is kept beside its paper, which has the same texts
OVERHEAD = 1_000  # bytes of the rest of an entry and its pick


class EditionCache:
    """The entries that ``make`` rendered last, of at most ``most_bytes`` together.

    Limited by number, editions of a hundred long papers would fill the memory: anybody can ask for
    a thousand parts of each by their probability.
    """

    def __init__(
        self, make: Callable[[FeedEdition, FeedFormat], Entries], most_bytes: int = MOST_BYTES
    ) -> None:
        self._make = make
        self._most = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[tuple[FeedEdition, FeedFormat], tuple[Entries, int]] = OrderedDict()
        self._lock = Lock()

    def entries(self, issue: FeedEdition, form: FeedFormat) -> Entries:
        """Return the entries of an edition in a format."""
        key = issue, form
        with self._lock:
            if kept := self._kept.get(key):
                self._kept.move_to_end(key)
                return kept[0]
        made = self._make(issue, form)
        size = sum(COPIES * len(item) + OVERHEAD for _, item in made) + OVERHEAD
        with self._lock:
            self._bytes += size - self._kept.pop(key, ((), 0))[1]
            self._kept[key] = made, size
            while self._bytes > self._most:
                self._bytes -= self._kept.popitem(last=False)[1][1]
        return made
