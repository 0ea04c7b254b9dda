"""How many feeds are cached, and how many bytes of them: in all, and for one network.

What is asked for without parameters lies apart from searches, filters and old pages, of which
anybody can think up any number: they make room among themselves. In both parts a network has a
share of its own, and what it brings beyond that pushes out nothing but its own.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from larkpost.web.feeds.cache import CachedFeed
    from larkpost.web.feeds.request import FeedRequest

MB = 1024 * 1024


class CacheBounds(NamedTuple):
    """At most so many feeds whose tags are known, and so many bytes of bodies at hand."""

    feeds: int
    bytes: int


class FeedCacheLimits:
    """Keeps feeds within ``whole``, and those that one network had made within ``share``."""

    def __init__(self, whole: CacheBounds, share: CacheBounds) -> None:
        self._share = share
        self._kept: dict[FeedRequest, CachedFeed] = {}
        self._owner: dict[FeedRequest, str] = {}
        self._stock = _CachedFeeds(whole)
        self._stocks: dict[str, _CachedFeeds] = {}

    def get(self, asked: FeedRequest) -> CachedFeed | None:
        """Give what is kept of a feed."""
        return self._kept.get(asked)

    def put(self, asked: FeedRequest, kept: CachedFeed, network: str) -> None:
        """Keep a feed; bodies, then feeds, that were put there first make room."""
        self._drop(asked)
        self._kept[asked], self._owner[asked] = kept, network
        own = self._stocks.setdefault(network, _CachedFeeds(self._share))
        for stock in (own, self._stock):
            stock.add(asked, len(kept.body or b""))
        for stock in (own, self._stock):
            while (first := stock.surplus_body()) is not None:
                self._empty(first)
            while (first := stock.surplus_feed()) is not None:
                self._drop(first)

    def drop_paths(self, part: str) -> None:
        """Keep nothing of the feeds whose path holds this text."""
        for asked in [one for one in self._kept if part in one.path]:
            self._drop(asked)

    @property
    def bytes(self) -> int:
        """Bytes of the bodies at hand."""
        return self._stock.bytes

    def __len__(self) -> int:
        return len(self._kept)

    def _empty(self, asked: FeedRequest) -> None:
        self._kept[asked] = self._kept[asked].without_body()
        self._stock.empty(asked)
        self._stocks[self._owner[asked]].empty(asked)

    def _drop(self, asked: FeedRequest) -> None:
        if self._kept.pop(asked, None) is None:
            return
        network = self._owner.pop(asked)
        self._stock.drop(asked)
        own = self._stocks[network]
        own.drop(asked)
        if not own.feeds:
            del self._stocks[network]


class _CachedFeeds:
    """Feeds in the order they were put there, and the lengths of the bodies at hand."""

    def __init__(self, bounds: CacheBounds) -> None:
        self._bounds = bounds
        self.feeds: OrderedDict[FeedRequest, None] = OrderedDict()
        self._bodies: OrderedDict[FeedRequest, int] = OrderedDict()
        self.bytes = 0

    def add(self, asked: FeedRequest, length: int) -> None:
        self.feeds[asked] = None
        self._bodies[asked] = length
        self.bytes += length

    def empty(self, asked: FeedRequest) -> None:
        self.bytes -= self._bodies.pop(asked, 0)

    def drop(self, asked: FeedRequest) -> None:
        self.empty(asked)
        del self.feeds[asked]

    def surplus_body(self) -> FeedRequest | None:
        return next(iter(self._bodies)) if self.bytes > self._bounds.bytes else None

    def surplus_feed(self) -> FeedRequest | None:
        return next(iter(self.feeds)) if len(self.feeds) > self._bounds.feeds else None


def standing_room() -> FeedCacheLimits:
    """Make room for feeds without parameters: the house's, and those of some thousand readers."""
    return FeedCacheLimits(CacheBounds(16_384, 40 * MB), CacheBounds(8_192, 20 * MB))


def make_query_limits() -> FeedCacheLimits:
    """Make room for searches, filters and old pages."""
    return FeedCacheLimits(CacheBounds(2_048, 24 * MB), CacheBounds(128, 6 * MB))
