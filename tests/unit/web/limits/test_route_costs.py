"""Tests the order of pages by what their routes usually cost, among networks that are new."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from larkpost.web.limits.cpu_usage import SLOW, CpuUsage, RouteCosts
from larkpost.web.limits.fair_queue import FairQueue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

LONG = 60.0


class Crowd:
    """New networks at a queue for which pages of the route ``slow`` took a second each."""

    def __init__(self, at_once: int) -> None:
        costs = RouteCosts()
        for _ in range(20):
            costs.add("slow", 1.0)
        usage = CpuUsage(clock=lambda: 0.0)
        self.queue = FairQueue(at_once, per_network=2, waiting=9, usage=usage, costs=costs)
        self.begun: list[str] = []
        self.ends: dict[str, asyncio.Event] = {}

    async def ask(self, network: str, route: str) -> asyncio.Task[None]:
        """Let a network ask for a page, whose turn lasts until ``end``."""
        task = asyncio.create_task(self.visit(network, network, route))
        await settle()
        return task

    async def end(self, person: str) -> None:
        """End the turn of a network, or of a person in one."""
        self.ends[person].set()
        await settle()

    async def visit(self, network: str, person: str, route: str = "quick") -> None:
        """Ask for a page as a person of a network, and hold the turn until ``end``."""
        self.ends[person] = asyncio.Event()
        async with self.queue.slot(network, LONG, route):
            self.begun.append(person)
            await self.ends[person].wait()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def run(scene: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        await asyncio.wait_for(scene(), 60)

    asyncio.run(whole())


def test_many_new_networks_that_ask_for_slow_pages_leave_half_of_the_turns() -> None:
    async def scene() -> None:
        crowd = Crowd(4)
        tasks = [await crowd.ask(f"new {number}", "slow") for number in range(6)]
        assert crowd.begun == ["new 0", "new 1"]
        tasks += [await crowd.ask(one, "quick") for one in ("a", "b", "c")]
        assert crowd.begun == ["new 0", "new 1", "a", "b"]
        await crowd.end("a")
        assert crowd.begun[4:] == ["c"]
        for one in ("new 0", "new 1", "b", "c", "new 2", "new 3", "new 4", "new 5"):
            await crowd.end(one)
        await asyncio.gather(*tasks)
        assert crowd.queue.active_count == 0

    run(scene)


def test_a_quick_page_goes_before_slow_ones_that_wait_already() -> None:
    async def scene() -> None:
        crowd = Crowd(1)
        tasks = [await crowd.ask(f"new {number}", "slow") for number in range(3)]
        tasks.append(await crowd.ask("late", "quick"))
        for one in ("new 0", "late", "new 1", "new 2"):
            await crowd.end(one)
        await asyncio.gather(*tasks)
        assert crowd.begun == ["new 0", "late", "new 1", "new 2"]

    run(scene)


def test_a_quick_page_goes_before_a_slow_one_of_its_own_network_that_must_wait() -> None:
    async def scene() -> None:
        crowd = Crowd(4)
        tasks = [await crowd.ask(one, "slow") for one in ("a", "b", "shared")]
        quick = [asyncio.create_task(crowd.visit("shared", f"person {n}")) for n in range(3)]
        await settle()
        assert crowd.begun == ["a", "b", "person 0", "person 1"]
        await crowd.end("person 0")
        assert crowd.begun[4:] == ["person 2"]
        for one in ("a", "b", "person 1", "person 2"):
            await crowd.end(one)
        await crowd.end("shared")
        await asyncio.gather(*tasks, *quick)
        assert crowd.begun[5:] == ["shared"]
        assert crowd.queue.active_count == 0

    run(scene)


@pytest.mark.parametrize("moment", ["while it waits", "as the turn is given"])
def test_a_slow_page_that_is_given_up_leaves_its_turn_to_another_one(moment: str) -> None:
    async def scene() -> None:
        crowd = Crowd(2)
        first, second, third = [await crowd.ask(one, "slow") for one in "abc"]
        if moment == "as the turn is given":
            crowd.ends["a"].set()
            while not first.done():
                await asyncio.sleep(0)
        second.cancel()
        await settle()
        await crowd.end("a")
        assert crowd.begun == ["a", "c"]
        await crowd.end("c")
        await third

    run(scene)


def test_a_route_is_slow_by_its_latest_pages_and_no_longer_once_they_are_quick() -> None:
    costs = RouteCosts()
    assert costs.expected("search") == 0.0
    costs.add("search", SLOW)
    assert not costs.is_slow("search")  # the first one after a start may be
    for _ in range(9):
        costs.add("search", 5 * SLOW)
    assert costs.is_slow("search")
    assert not costs.is_slow("front")
    for _ in range(9):
        costs.add("search", SLOW / 10)
    assert not costs.is_slow("search")


def test_a_page_in_a_turn_counts_as_a_cost_of_its_route() -> None:
    async def scene() -> None:
        costs = RouteCosts()
        queue = FairQueue(1, per_network=1, waiting=1, usage=CpuUsage(), costs=costs)
        async with queue.slot("a", LONG, "sums") as turn:
            turn.run(sum, range(100_000))
        once = costs.expected("sums")
        assert 0 < once < turn.seconds
        async with queue.slot("a", LONG, "sums"):
            pass  # as with a form that cannot be read
        assert costs.expected("sums") == once

    run(scene)
