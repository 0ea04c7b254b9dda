"""Limits how many request bodies are held at a time, and their bytes, in all and by network."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_BYTES = 32 * 1024 * 1024
PER_NETWORK = 8 * 1024 * 1024  # two of the largest files, or 128 of the largest forms
BODIES_OF_A_NETWORK = 32  # at a time: a body may drip for as long as a form may take
RETRY_SECONDS = 10


class BodyBudget:
    """The bytes of the bodies that are being read or worked on; for the event loop alone."""

    def __init__(self, most: int = MOST_BYTES, per_network: int = PER_NETWORK) -> None:
        self.most = most
        self.per_network = per_network
        self.held = 0
        self._by_network: Counter[str] = Counter()
        self._bodies: Counter[str] = Counter()

    @property
    def count(self) -> int:
        """How many bodies are held."""
        return self._bodies.total()

    @contextmanager
    def reserve(self, network: str) -> Iterator[BodyReservation]:
        """Hold a body for a network meanwhile; raises HTTPException 503 for one too many."""
        if self._bodies[network] >= BODIES_OF_A_NETWORK:
            raise _refusal()
        self._bodies[network] += 1
        reservation = BodyReservation(self, network)
        try:
            yield reservation
        finally:
            self._change(network, -reservation.size)
            self._bodies[network] -= 1
            if not self._bodies[network]:
                del self._bodies[network]

    def take(self, network: str, size: int) -> None:
        """Take so many bytes; raises HTTPException 503 where there are no more."""
        mine = self._by_network[network]
        if self.held + size > self.most or mine + size > self.per_network:
            raise _refusal()
        self._change(network, size)

    def _change(self, network: str, size: int) -> None:
        self.held += size
        self._by_network[network] += size
        if not self._by_network[network]:
            del self._by_network[network]


class BodyReservation:
    """What one body takes of the budget; it grows as the body comes."""

    def __init__(self, budget: BodyBudget, network: str) -> None:
        self.size = 0
        self._budget = budget
        self._network = network

    def grow(self, size: int) -> None:
        """Take so many bytes more; raises HTTPException 503 where there are no more."""
        self._budget.take(self._network, size)
        self.size += size


def _refusal() -> HTTPException:
    return HTTPException(503, headers={"Retry-After": str(RETRY_SECONDS)})
