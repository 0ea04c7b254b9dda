"""Limits the bytes of bodies and responses in memory, in total and per network."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.exceptions import HTTPException

from larkpost.text.ip_networks import neighbourhood

MB = 1024 * 1024
AT_A_TIME = 32  # bodies of a network: a body may drip for as long as a form may take
PATIENCE = 15.0  # seconds that a request waits until its network has read older responses
RETRY_SECONDS = 10


def add_count(counter: Counter[str], network: str, change: int) -> None:
    """Count for a network; one that has nothing left is forgotten."""
    counter[network] += change
    if not counter[network]:
        del counter[network]


class ByteBudget:
    """At most ``most`` bytes at a time, ``per_network`` of one network; only for the event loop.

    A neighbourhood (``text.ip_networks``) gets half of ``most``. A network that holds at most
    ``spared`` bytes gets them even if others hold all: four addresses of one owner held every byte
    with uploads that never ended, and no form of anybody was accepted. ``held`` are the bytes of
    all networks, ``count`` their reservations.
    """

    def __init__(self, most: int, per_network: int, *, spared: int = 0) -> None:
        self.most = most
        self.per_network = per_network
        self.spared = spared
        self.held = 0
        self._by_network: Counter[str] = Counter()
        self._around: Counter[str] = Counter()  # by neighbourhood
        self._reservations: Counter[str] = Counter()
        self._released: dict[str, asyncio.Event] = {}  # per network with waiting requests

    @property
    def count(self) -> int:
        """The number of reservations."""
        return self._reservations.total()

    @contextmanager
    def reserve(self, network: str) -> Iterator[Reservation]:
        """Reserve bytes for growing data, such as a body; raises HTTPException 503 if full."""
        if self._reservations[network] >= AT_A_TIME:
            raise busy_error()
        self._reservations[network] += 1
        reservation = Reservation(self, network)
        try:
            yield reservation
        finally:
            self._change(network, -reservation.size)
            add_count(self._reservations, network, -1)

    @contextmanager
    def hold(self, network: str, size: int) -> Iterator[None]:
        """Count so many bytes inside the context, even over the limit."""
        self._change(network, size)
        try:
            yield
        finally:
            self._change(network, -size)

    def take(self, network: str, size: int) -> None:
        """Take so many bytes; raises HTTPException 503 over a limit."""
        mine = self._by_network[network] + size
        if mine > self.per_network or (mine > self.spared and self._is_full(network, size)):
            raise busy_error()
        self._change(network, size)

    def _is_full(self, network: str, size: int) -> bool:
        """Return whether so many bytes more are too many, in all or in a neighbourhood."""
        around = self._around[neighbourhood(network)] + size
        return self.held + size > self.most or around > max(self.most // 2, self.per_network)

    def has_room(self, network: str) -> bool:
        """Return whether one more response may be made for a network.

        Not while it holds ``per_network`` bytes, or holds any while all together hold ``most``: a
        network that holds nothing is always answered, so that nobody keeps others out.
        """
        mine = self._by_network[network]
        return not mine or (mine < self.per_network and self.held < self.most)

    async def wait_for_room(self, network: str, patience: float = PATIENCE) -> None:
        """Wait until there is space; raises HTTPException 503 after ``patience`` seconds."""
        try:
            async with asyncio.timeout(patience):
                while not self.has_room(network):
                    await self._released.setdefault(network, asyncio.Event()).wait()
        except TimeoutError:
            raise busy_error() from None

    def _change(self, network: str, size: int) -> None:
        self.held += size
        add_count(self._by_network, network, size)
        add_count(self._around, neighbourhood(network), size)
        if size < 0 and (released := self._released.pop(network, None)):
            released.set()


class Reservation:
    """The part of the budget that one body takes; it grows with the body."""

    def __init__(self, budget: ByteBudget, network: str) -> None:
        self.size = 0
        self._budget = budget
        self._network = network

    def grow(self, size: int) -> None:
        """Take so many more bytes; raises HTTPException 503 over the limit."""
        self._budget.take(self._network, size)
        self.size += size


def body_budget() -> ByteBudget:
    """Make the budget for bodies; a network gets two of the largest files, or 128 forms.

    A form is accepted from a network that sends nothing else.
    """
    return ByteBudget(32 * MB, per_network=8 * MB, spared=64 * 1024)


def response_budget() -> ByteBudget:
    """Make the budget for responses being sent."""
    return ByteBudget(128 * MB, per_network=32 * MB)


def busy_error() -> HTTPException:
    """Return the 503 of a server that has no room for a request now."""
    return HTTPException(503, headers={"Retry-After": str(RETRY_SECONDS)})
