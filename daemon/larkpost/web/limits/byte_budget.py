"""Limits the bytes of bodies and of responses that are held, in all and by network."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.exceptions import HTTPException

MB = 1024 * 1024
AT_A_TIME = 32  # bodies of a network: a body may drip for as long as a form may take
PATIENCE = 15.0  # seconds that a visit waits until older responses of its network have been read
RETRY_SECONDS = 10


class ByteBudget:
    """At most ``most`` bytes at a time, ``per_network`` of one network; for the event loop alone.

    ``held`` are those of all networks, ``count`` the reservations of all networks.
    """

    def __init__(self, most: int, per_network: int) -> None:
        self.most = most
        self.per_network = per_network
        self.held = 0
        self._by_network: Counter[str] = Counter()
        self._reservations: Counter[str] = Counter()
        self._released: dict[str, asyncio.Event] = {}  # by networks that somebody waits for

    @property
    def count(self) -> int:
        """How many reservations there are."""
        return self._reservations.total()

    @contextmanager
    def reserve(self, network: str) -> Iterator[Reservation]:
        """Have what grows meanwhile, such as a body; raises HTTPException 503 for one too many."""
        if self._reservations[network] >= AT_A_TIME:
            raise _refusal()
        self._reservations[network] += 1
        reservation = Reservation(self, network)
        try:
            yield reservation
        finally:
            self._change(network, -reservation.size)
            _count(self._reservations, network, -1)

    @contextmanager
    def hold(self, network: str, size: int) -> Iterator[None]:
        """Hold so many bytes meanwhile, whether or not there is room for all of them."""
        self._change(network, size)
        try:
            yield
        finally:
            self._change(network, -size)

    def take(self, network: str, size: int) -> None:
        """Take so many bytes; raises HTTPException 503 where there are no more."""
        mine = self._by_network[network]
        if self.held + size > self.most or mine + size > self.per_network:
            raise _refusal()
        self._change(network, size)

    def has_room(self, network: str) -> bool:
        """Say whether one more response may be made for a network.

        There is none while it holds ``per_network`` bytes, or any where all together hold
        ``most``: who holds nothing is always answered, so that nobody keeps others out.
        """
        mine = self._by_network[network]
        return not mine or (mine < self.per_network and self.held < self.most)

    async def wait_for_room(self, network: str, patience: float = PATIENCE) -> None:
        """Wait until there is room; raises HTTPException 503 after ``patience`` seconds."""
        try:
            async with asyncio.timeout(patience):
                while not self.has_room(network):
                    await self._released.setdefault(network, asyncio.Event()).wait()
        except TimeoutError:
            raise _refusal() from None

    def _change(self, network: str, size: int) -> None:
        self.held += size
        _count(self._by_network, network, size)
        if size < 0 and (released := self._released.pop(network, None)):
            released.set()


class Reservation:
    """What one body takes of the budget; it grows as the body comes."""

    def __init__(self, budget: ByteBudget, network: str) -> None:
        self.size = 0
        self._budget = budget
        self._network = network

    def grow(self, size: int) -> None:
        """Take so many bytes more; raises HTTPException 503 where there are no more."""
        self._budget.take(self._network, size)
        self.size += size


def body_budget() -> ByteBudget:
    """Give room for bodies; a network has two of the largest files, or 128 of the largest forms."""
    return ByteBudget(32 * MB, per_network=8 * MB)


def response_budget() -> ByteBudget:
    """Give room for responses that are being sent."""
    return ByteBudget(128 * MB, per_network=32 * MB)


def _count(counter: Counter[str], network: str, change: int) -> None:
    counter[network] += change
    if not counter[network]:
        del counter[network]


def _refusal() -> HTTPException:
    return HTTPException(503, headers={"Retry-After": str(RETRY_SECONDS)})
