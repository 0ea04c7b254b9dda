"""Schedules pages by the processor time of their networks, so that a busy one delays no other."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from larkpost.child_process import children_seconds
from larkpost.web.limits.byte_budget import add_count, busy_error
from larkpost.web.limits.cpu_usage import CpuUsage, RouteCosts

if TYPE_CHECKING:
    from asyncio import Future

    Ticket = tuple[Future[bool], str]  # whether a turn is one of the slow ones; the route

# Threads share one interpreter, so each page in progress slows all others. So few pages of busy
# networks (``CpuUsage``) are made at a time that others are hardly slowed.
AT_ONCE = 1  # costly pages in progress, of all networks
# Costly pages that wait for a process of their own, which takes seconds but not the interpreter. A
# list is written in this process afterwards, so there is one at a time as well.
APART_AT_ONCE = 1
# Pages whose process may take longer than PATIENCE: a replay of a history takes up to two minutes,
# and one address that opened one taste page after the other kept others from exports and lists.
SLOW_AT_ONCE = 1
# Actions that write thousands of rows. Four addresses that forgot and restored 12,000 thumbs held
# both turns of actions for seven seconds, so that no vote was written and nobody could unsubscribe.
LARGE_AT_ONCE = 1
# Long feeds. A program that reads those of several people asks for many at a time, so more of a
# network may wait than costly pages, of which a person asks for one.
LONG_AT_ONCE = 1
COSTLY_WAITING = 10  # waiting requests of a network, which take no thread
PATIENCE = 15.0  # seconds that a request waits for a page
PAGES_AT_ONCE, PAGES_OF_A_NETWORK, PAGES_OF_THE_BUSY, PAGES_WAITING = 4, 2, 1, 200
# Actions may have to wait for the database, which has one writer: four forms of two networks
# blocked all pages for as long as another program wrote.
ACTS_AT_ONCE, ACTS_OF_A_NETWORK = 2, 1
REST = 4.0  # multiplied by the processor time of a turn

P = ParamSpec("P")
T = TypeVar("T")


class QueueSlot:
    """A turn of a network: work run in it counts as the network's."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run work in the calling thread, and measure its processor time and its children's."""
        began = time.thread_time() + children_seconds()
        try:
            return work(*args, **kwargs)
        finally:
            self.seconds += time.thread_time() + children_seconds() - began


class FairQueue:
    """At most ``at_once`` turns at a time, and ``per_network`` of them for one network.

    Networks that are busy (``CpuUsage.is_busy``) have at most ``busy_at_once`` turns together, so
    that there is always one for other networks; and if several of them want turns, each turn is
    followed by a pause of ``REST`` times its processor time, in which only other networks get it.
    Each network has its own queue, of at most ``waiting``; a free turn goes to the network with the
    least processor time (least attained service, Nuijens and Wierman, 2008), round robin among
    equals, and to its request that has waited longest and may have it. The time that its route
    usually takes (``RouteCosts``) is added, and slow routes have half of the turns: new networks
    are equal, and forty of them that asked for long feeds kept every page waiting for eight
    seconds. For one event loop.
    """

    def __init__(
        self,
        at_once: int,
        *,
        per_network: int,
        waiting: int,
        usage: CpuUsage,
        busy_at_once: int | None = None,
        costs: RouteCosts | None = None,
    ) -> None:
        self._at_once = at_once
        self._per_network = per_network
        self._waiting = waiting
        self._usage = usage
        self._costs = costs or RouteCosts()
        self._busy_at_once = busy_at_once or at_once
        self._taken: Counter[str] = Counter()  # including pauses after turns
        self._resting = 0
        self._slow = 0  # turns of slow routes
        self._queues: OrderedDict[str, deque[Ticket]] = OrderedDict()

    @asynccontextmanager
    async def slot(
        self, network: str, patience: float, route: str = ""
    ) -> AsyncIterator[QueueSlot]:
        """Wait for a turn, and hold it inside the context.

        Raises HTTPException 503 if none comes within ``patience`` seconds, or too many of the
        network wait already.
        """
        if self._goes_at_once(network, route):
            is_slow = self._take(network, route)
        else:
            is_slow = await self._wait(network, route, patience)
        turn = QueueSlot()
        try:
            yield turn
        finally:
            self._slow -= is_slow
            self._usage.add(network, turn.seconds)
            if turn.seconds:  # a form that cannot be read tells nothing about its page
                self._costs.add(route, turn.seconds)
            if turn.seconds and self._is_contended(network):
                self._rest(network, turn.seconds * REST)
            else:
                self._end(network)

    @property
    def active_count(self) -> int:
        """The number of turns in use, including pauses."""
        return self._taken.total()

    def _goes_at_once(self, network: str, route: str) -> bool:
        """Return whether a turn is free, and no request of the network waits that may have it."""
        free = self._is_free(network) and not self._is_held_up(route)
        return free and self._first_of(network) is None

    def _first_of(self, network: str) -> Ticket | None:
        """Return the request of a network that gets its next turn; None if none may have one.

        A quick page goes before slow ones that wait for those of others.
        """
        if not self._is_free(network):
            return None
        waiting = self._queues.get(network, ())
        return next((one for one in waiting if not self._is_held_up(one[1])), None)

    def _is_held_up(self, route: str) -> bool:
        """Return whether all turns for slow routes are taken, and this is one."""
        return self._slow >= max(1, self._at_once // 2) and self._costs.is_slow(route)

    def _is_free(self, network: str) -> bool:
        if self._taken[network] >= self._per_network:
            return False
        if not self._usage.is_busy(network):
            return self.active_count - self._resting < self._at_once
        return self.active_count < self._at_once and self._taken_by_busy() < self._busy_at_once

    def _take(self, network: str, route: str) -> bool:
        """Take a free turn; returns whether it is one of those for slow routes."""
        is_slow = self._costs.is_slow(route)
        self._taken[network] += 1
        self._slow += is_slow
        return is_slow

    def _taken_by_busy(self) -> int:
        return sum(many for one, many in self._taken.items() if self._usage.is_busy(one))

    def _is_contended(self, network: str) -> bool:
        """Return whether a network is busy while another busy one waits for a turn."""
        is_busy = self._usage.is_busy
        return is_busy(network) and any(is_busy(one) for one in self._queues if one != network)

    async def _wait(self, network: str, route: str, patience: float) -> bool:
        queue = self._queues.setdefault(network, deque())
        if len(queue) >= self._waiting:
            raise busy_error()
        given: Future[bool] = asyncio.get_running_loop().create_future()
        ticket = given, route
        queue.append(ticket)
        try:
            async with asyncio.timeout(patience):
                return await given
        except BaseException as error:
            self._give_back(network, ticket)
            raise busy_error() from None if isinstance(error, TimeoutError) else error

    def _give_back(self, network: str, ticket: Ticket) -> None:
        """Leave the queue; a turn that was just given goes to the next."""
        given, _ = ticket
        if given.done() and not given.cancelled():
            self._slow -= given.result()
            self._end(network)
            return
        queue = self._queues.get(network)
        if queue is not None and ticket in queue:
            queue.remove(ticket)
            if not queue:
                del self._queues[network]

    def _rest(self, network: str, seconds: float) -> None:
        self._resting += 1
        asyncio.get_running_loop().call_later(seconds, self._end_rest, network)
        self._give_all()

    def _end_rest(self, network: str) -> None:
        self._resting -= 1
        self._end(network)

    def _end(self, network: str) -> None:
        add_count(self._taken, network, -1)
        self._give_all()

    def _give_all(self) -> None:
        while self._give_next():
            pass

    def _give_next(self) -> bool:
        """Give a turn to the network with the least usage, among those that may have one."""
        first = {one: ticket for one in self._queues if (ticket := self._first_of(one))}
        if not first:
            return False
        chosen = min(first, key=lambda one: self._expected_usage(one, first[one][1]))
        given, route = first[chosen]
        queue = self._queues.pop(chosen)
        queue.remove(first[chosen])
        if queue:
            self._queues[chosen] = queue  # behind the others
        if not given.done():
            given.set_result(self._take(chosen, route))
        return True

    def _expected_usage(self, network: str, route: str) -> float:
        return self._usage.seconds(network) + self._costs.expected(route)


class PageQueues:
    """The queues of pages: costly, made by other processes, slow, long, actions, large, all others.

    They share one usage.
    """

    def __init__(self) -> None:
        usage, costs = CpuUsage(), RouteCosts()
        busy = PAGES_OF_THE_BUSY
        self.costly, self.apart, self.slow, self.large, self.long, self.acts, self.others = (
            FairQueue(
                most,
                per_network=own,
                busy_at_once=busy,
                waiting=waiting,
                usage=usage,
                costs=costs,
            )
            for most, own, waiting in (
                (AT_ONCE, AT_ONCE, COSTLY_WAITING),
                (APART_AT_ONCE, APART_AT_ONCE, COSTLY_WAITING),
                (SLOW_AT_ONCE, SLOW_AT_ONCE, COSTLY_WAITING),
                (LARGE_AT_ONCE, LARGE_AT_ONCE, COSTLY_WAITING),
                (LONG_AT_ONCE, LONG_AT_ONCE, PAGES_WAITING),
                (ACTS_AT_ONCE, ACTS_OF_A_NETWORK, PAGES_WAITING),
                (PAGES_AT_ONCE, PAGES_OF_A_NETWORK, PAGES_WAITING),
            )
        )

    def slot(
        self,
        network: str,
        *,
        route: str = "",
        costly: bool = False,
        apart: bool = False,
        slow: bool = False,
        acts: bool = False,
        large: bool = False,
    ) -> AbstractAsyncContextManager[QueueSlot]:
        """Wait for a network's turn to have a page made; HTTPException 503 if none comes.

        A request that ``acts`` writes, so it takes no turn of read-only pages; one that waits for a
        process of its own (``apart``) takes no turn of either, because that may last, and one whose
        process may take minutes (``slow``) no turn of these. A ``large`` action takes no turn of
        other actions, and another large page one of long feeds.
        """
        order = (
            (large and acts, self.large),
            (slow, self.slow),
            (apart, self.apart),
            (costly, self.costly),
            (large, self.long),
            (acts, self.acts),
        )
        queue = next((queue for is_one, queue in order if is_one), self.others)
        return queue.slot(network, PATIENCE, route)
