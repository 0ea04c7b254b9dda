"""Gives turns to networks one after another, so that one that asks often keeps no other waiting."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import AsyncIterator

RETRY_SECONDS = 10


class FairQueue:
    """At most ``at_once`` turns at a time, and ``per_network`` of them for one network.

    Each network has a queue of its own, of at most ``waiting``; a turn that is free goes to the
    next network in a circle (round robin), and there to whoever has waited longest. For one event
    loop.
    """

    def __init__(self, at_once: int, *, per_network: int, waiting: int) -> None:
        self._at_once = at_once
        self._per_network = per_network
        self._waiting = waiting
        self._taken: Counter[str] = Counter()
        self._queues: OrderedDict[str, deque[Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def turn(self, network: str, patience: float) -> AsyncIterator[None]:
        """Wait for a turn, and have it meanwhile.

        Raises HTTPException 503 where none comes within ``patience`` seconds, or too many of the
        network wait already.
        """
        if network not in self._queues and self._is_free(network):
            self._taken[network] += 1
        else:
            await self._wait(network, patience)
        try:
            yield
        finally:
            self._end(network)

    @property
    def taken(self) -> int:
        """How many have a turn."""
        return self._taken.total()

    def _is_free(self, network: str) -> bool:
        return self.taken < self._at_once and self._taken[network] < self._per_network

    async def _wait(self, network: str, patience: float) -> None:
        queue = self._queues.setdefault(network, deque())
        if len(queue) >= self._waiting:
            raise _refusal()
        ticket = asyncio.get_running_loop().create_future()
        queue.append(ticket)
        try:
            async with asyncio.timeout(patience):
                await ticket
        except BaseException as error:
            self._give_back(network, ticket)
            raise _refusal() from None if isinstance(error, TimeoutError) else error

    def _give_back(self, network: str, ticket: Future[None]) -> None:
        """Leave the queue; a turn that came in the same moment goes to the next."""
        if ticket.done() and not ticket.cancelled():
            self._end(network)
            return
        queue = self._queues.get(network)
        if queue is not None and ticket in queue:
            queue.remove(ticket)
            if not queue:
                del self._queues[network]

    def _end(self, network: str) -> None:
        self._taken[network] -= 1
        if not self._taken[network]:
            del self._taken[network]
        while self._give_next():
            pass

    def _give_next(self) -> bool:
        """Give a turn to the next network in the circle that may have one."""
        chosen = next((one for one in self._queues if self._is_free(one)), None)
        if chosen is None:
            return False
        queue = self._queues.pop(chosen)
        ticket = queue.popleft()
        if queue:
            self._queues[chosen] = queue  # behind the others
        if not ticket.done():
            ticket.set_result(None)
            self._taken[chosen] += 1
        return True


def _refusal() -> HTTPException:
    return HTTPException(503, headers={"Retry-After": str(RETRY_SECONDS)})
