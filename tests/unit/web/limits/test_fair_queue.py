"""Tests the fair queue: a network that asks often delays no other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from starlette.exceptions import HTTPException

from larkpost.text.ip_networks import WIDER
from larkpost.web.limits.cpu_usage import BUSY, HALF_LIFE, NEWCOMER, CpuUsage
from larkpost.web.limits.fair_queue import FairQueue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

LONG = 60.0


class Visits:
    """Visits to a queue: who has a turn, in which order turns began, and who was refused."""

    def __init__(self, queue: FairQueue, patience: float = LONG) -> None:
        self.queue = queue
        self.patience = patience
        self.begun: list[str] = []
        self.refused: list[str] = []
        self.refusals: list[HTTPException] = []
        self.ends: list[asyncio.Event] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def come(self, network: str, times: int = 1) -> list[asyncio.Task[None]]:
        """Let a network request turns, each of which lasts until the test ends it."""
        tasks = [asyncio.create_task(self._visit(network)) for _ in range(times)]
        self.tasks += tasks
        await settle()
        return tasks

    async def end_one(self) -> None:
        """End the turn that began first."""
        self.ends.pop(0).set()
        await settle()

    async def _visit(self, network: str) -> None:
        try:
            async with self.queue.slot(network, self.patience):
                self.begun.append(network)
                end = asyncio.Event()
                self.ends.append(end)
                await end.wait()
        except HTTPException as refusal:
            self.refusals.append(refusal)
            self.refused.append(network)

    async def end_all(self) -> None:
        """End turns until nobody waits."""
        while not all(task.done() for task in self.tasks):
            while self.ends:
                await self.end_one()
            await settle()


def queue_of(
    at_once: int,
    *,
    per_network: int,
    waiting: int,
    busy_at_once: int | None = None,
    used: Mapping[str, float] | None = None,
) -> FairQueue:
    """Make a queue with a fixed clock; networks ``used`` so many seconds of the processor."""
    usage = CpuUsage(clock=lambda: 0.0)
    for network, seconds in (used or {}).items():
        usage.add(network, seconds - NEWCOMER)
    return FairQueue(
        at_once, per_network=per_network, waiting=waiting, busy_at_once=busy_at_once, usage=usage
    )


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def run(scene: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        await asyncio.wait_for(scene(), 60)

    asyncio.run(whole())


def test_a_network_leaves_a_turn_to_the_others() -> None:
    async def scene() -> None:
        visits = Visits(queue_of(3, per_network=2, waiting=10))
        await visits.come("hostile", 12)
        await visits.come("honest")
        assert visits.begun == ["hostile", "hostile", "honest"]
        await visits.end_all()
        assert visits.refused == []

    run(scene)


def test_turns_go_round_the_networks_whoever_came_first() -> None:
    async def scene() -> None:
        visits = Visits(queue_of(1, per_network=1, waiting=10))
        await visits.come("hostile", 10)
        for honest in ("a", "b"):
            await visits.come(honest, 2)
        for _ in range(6):
            await visits.end_one()
        assert visits.begun == ["hostile", "hostile", "a", "b", "hostile", "a", "b"]
        await visits.end_all()
        assert len(visits.begun) == 14

    run(scene)


def test_few_of_a_network_wait_and_the_others_are_refused_at_once() -> None:
    async def scene() -> None:
        visits = Visits(queue_of(3, per_network=2, waiting=5))
        await visits.come("hostile", 50)
        assert visits.refused == ["hostile"] * 43
        await visits.come("honest", 2)
        assert visits.refused == ["hostile"] * 43
        assert {one.status_code for one in visits.refusals} == {503}
        assert all(int((one.headers or {})["Retry-After"]) > 0 for one in visits.refusals)
        await visits.end_all()
        assert visits.begun.count("hostile") == 7
        assert visits.begun.count("honest") == 2

    run(scene)


def test_who_waits_too_long_is_refused_and_takes_no_turn() -> None:
    async def scene() -> None:
        visits = Visits(queue_of(1, per_network=1, waiting=5), patience=0.01)
        await visits.come("hostile", 4)
        while len(visits.refused) < 3:
            await asyncio.sleep(0.01)
        visits.patience = LONG
        await visits.come("honest")
        await visits.end_one()
        assert visits.begun == ["hostile", "honest"]
        await visits.end_all()

    run(scene)


@pytest.mark.parametrize("in_the_same_moment", [False, True])
def test_a_visit_that_is_given_up_takes_no_turn(in_the_same_moment: bool) -> None:
    async def scene() -> None:
        visits = Visits(queue_of(1, per_network=1, waiting=5))
        await visits.come("a")
        (gone,) = await visits.come("b")
        await visits.come("c")
        if in_the_same_moment:
            visits.ends.pop(0).set()
            await asyncio.sleep(0)
        gone.cancel()
        await settle()
        if not in_the_same_moment:
            await visits.end_one()
        assert visits.begun == ["a", "c"]
        await visits.end_all()
        await visits.come("a")
        assert visits.begun == ["a", "c", "a"]
        await visits.end_all()

    run(scene)


def test_a_turn_goes_to_the_network_that_used_least() -> None:
    async def scene() -> None:
        visits = Visits(
            queue_of(1, per_network=1, waiting=9, used={"a": 3.0, "b": 2.0, "c": 1.0, "d": 0.5})
        )
        for network in ("a", "a", "b", "c", "d"):
            await visits.come(network)
        await visits.end_all()
        assert visits.begun == ["a", "d", "c", "b", "a"]

    run(scene)


def test_busy_networks_leave_turns_to_whoever_comes_seldom() -> None:
    async def scene() -> None:
        used = dict.fromkeys("abcdef", BUSY + 1)
        visits = Visits(
            queue_of(4, per_network=2, waiting=9, busy_at_once=2, used={**used, "few": BUSY / 2})
        )
        for network in used:
            await visits.come(network, 2)
        assert visits.begun == ["a", "a"]
        await visits.come("few", 3)
        assert visits.begun == ["a", "a", "few", "few"]
        await visits.end_all()
        assert len(visits.begun) == 15

    run(scene)


def test_a_busy_network_rests_after_a_turn_where_another_busy_one_waits() -> None:
    async def scene() -> None:
        usage = CpuUsage()
        queue = FairQueue(1, per_network=1, waiting=9, usage=usage)
        usage.add("a", 100.0)
        usage.add("b", 100.0)
        order: list[str] = []

        async def visit(network: str) -> None:
            async with queue.slot(network, LONG) as turn:
                order.append(network)
                await asyncio.sleep(0)
                turn.seconds = 0.01 if network == "a" else 0.0

        await asyncio.gather(visit("a"), visit("b"))
        assert order == ["a", "b"]
        assert queue.active_count == 0

    async def honest() -> None:
        """Two busy networks must not keep the only turn from one that rarely asks."""
        usage = CpuUsage()
        queue = FairQueue(1, per_network=1, waiting=9, usage=usage)
        usage.add("a", 100.0)
        usage.add("b", 100.0)
        async with queue.slot("a", LONG) as turn:
            busy = asyncio.create_task(_take(queue, "b"))
            waiting = asyncio.create_task(_take(queue, "seldom"))
            await settle()
            turn.seconds = 1_000.0
        await settle()
        assert waiting.done()
        await _take(queue, "another")
        assert not busy.done()
        busy.cancel()

    async def resting() -> None:
        usage = CpuUsage()
        queue = FairQueue(2, per_network=1, waiting=9, busy_at_once=1, usage=usage)
        usage.add("a", 100.0)
        usage.add("b", 100.0)
        async with queue.slot("a", LONG) as turn:
            waiting = asyncio.create_task(_take(queue, "b"))
            await settle()
            turn.seconds = 0.05
        await settle()
        assert queue.active_count == 1  # a still counts, so that b waits
        assert not waiting.done()
        async with queue.slot("new", LONG):
            assert queue.active_count == 2  # which keeps nobody waiting who comes seldom
        await waiting
        assert queue.active_count == 0

    run(scene)
    run(honest)
    run(resting)


async def _take(queue: FairQueue, network: str) -> None:
    async with queue.slot(network, LONG):
        pass


def test_work_in_a_turn_counts_as_used_by_its_network() -> None:
    async def scene() -> None:
        usage = CpuUsage(clock=lambda: 0.0)
        queue = FairQueue(1, per_network=1, waiting=1, usage=usage)
        async with queue.slot("a", LONG) as turn:
            assert turn.run(sum, range(100_000)) == 4_999_950_000
        assert usage.seconds("a") == NEWCOMER + turn.seconds > NEWCOMER
        with pytest.raises(ZeroDivisionError):
            async with queue.slot("b", LONG) as turn:
                turn.run(divmod, 1, 0)
        assert usage.seconds("b") > NEWCOMER

    run(scene)


def test_what_was_used_counts_half_after_a_while() -> None:
    now = [0.0]
    usage = CpuUsage(clock=lambda: now[0])
    usage.add("a", 4 * BUSY - NEWCOMER)
    assert usage.is_busy("a")
    now[0] = HALF_LIFE
    assert usage.seconds("a") == pytest.approx(2 * BUSY)
    now[0] = 3 * HALF_LIFE
    assert not usage.is_busy("a")
    assert usage.seconds("b") == NEWCOMER


def test_a_network_of_people_who_read_is_not_busy_and_a_flood_soon_is() -> None:
    now = [0.0]
    usage = CpuUsage(lambda: now[0])

    for second in range(120):  # a page each second, of a fiftieth of a second of processor
        now[0] = float(second)
        usage.add("reading", 0.02)
        assert not usage.is_busy("reading")
    usage.add("flood", 0.15)
    assert usage.is_busy("flood")


def test_a_new_network_begins_with_its_share_of_what_those_beside_it_used() -> None:
    usage = CpuUsage(clock=lambda: 0.0)
    for number in range(16):
        usage.add(f"2001:db8:5:{number:x}00::/56", BUSY)

    assert usage.seconds("2001:db8:5:ff00::/56") == pytest.approx(16 * BUSY / WIDER)
    assert usage.is_busy("2001:db8:5:ff00::/56")
    assert usage.seconds("2001:db8:6::/56") == NEWCOMER
    assert usage.seconds("2001:db8:5::/56") == pytest.approx(16 * BUSY / WIDER)


def test_one_busy_network_makes_no_other_one_beside_it_busy() -> None:
    usage = CpuUsage(clock=lambda: 0.0)
    usage.add("192.0.2.7", 3 * BUSY)

    assert usage.is_busy("192.0.2.7")
    assert not usage.is_busy("192.0.2.8")
