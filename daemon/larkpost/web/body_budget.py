"""Limits how many bytes of forms and files are held at a time, in all and for each network."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_BYTES = 32 * 1024 * 1024
PER_NETWORK = 8 * 1024 * 1024  # two of the largest files, or 128 of the largest forms
RETRY_SECONDS = 10


class BodyBudget:
    """The bytes of the bodies that are being read or worked on; for the event loop alone."""

    def __init__(self, most: int = MOST_BYTES, per_network: int = PER_NETWORK) -> None:
        self.most = most
        self.per_network = per_network
        self.held = 0
        self._by_network: dict[str, int] = {}

    @contextmanager
    def reserve(self, network: str) -> Iterator[Reservation]:
        """Hold bytes for a network meanwhile."""
        reservation = Reservation(self, network)
        try:
            yield reservation
        finally:
            self._change(network, -reservation.size)

    def take(self, network: str, size: int) -> None:
        """Take so many bytes; raises HTTPException 503 where there are no more."""
        mine = self._by_network.get(network, 0)
        if self.held + size > self.most or mine + size > self.per_network:
            raise HTTPException(503, headers={"Retry-After": str(RETRY_SECONDS)})
        self._change(network, size)

    def _change(self, network: str, size: int) -> None:
        self.held += size
        mine = self._by_network.pop(network, 0) + size
        if mine:
            self._by_network[network] = mine


class Reservation:
    """What one body takes of the budget; it grows as the body comes."""

    def __init__(self, budget: BodyBudget, network: str) -> None:
        self.size = 0
        self._budget = budget
        self._network = network

    def grow(self, size: int) -> None:
        """Take so many bytes more; raises HTTPException 503 where there are no more."""
        self._budget.take(self._network, size)
        self.size += size
