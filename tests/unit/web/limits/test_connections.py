"""Tests how many connections may be open, which one is closed, and the bytes of bodies."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from larkpost.web.limits.connections import ConnectionLimits

OTHER = "203.0.113.9"


@dataclass(eq=False)
class Open:
    """A connection that is idle, at work, or waits for its client."""

    peer: str | None
    idle: bool = True
    waits_for_client: bool = False
    dropped: bool = field(default=False, init=False)

    def drop(self) -> None:
        """Be closed."""
        self.dropped = True


def admitted(limits: ConnectionLimits, *connections: Open) -> list[bool]:
    return [limits.admit(one) for one in connections]


def test_a_network_loses_its_oldest_idle_connection_to_a_new_one() -> None:
    limits = ConnectionLimits(100, per_network=3)
    busy, oldest, idle, newest = Open("192.0.2.1", idle=False), *(Open("192.0.2.1") for _ in "abc")

    assert all(admitted(limits, busy, oldest, idle, newest))
    assert [one.dropped for one in (busy, oldest, idle, newest)] == [False, True, False, False]
    assert limits.count == 3


def test_a_network_whose_connections_are_all_at_work_gets_no_more() -> None:
    limits = ConnectionLimits(100, per_network=3)
    busy = [Open("192.0.2.1", idle=False) for _ in "abcd"]

    assert admitted(limits, *busy) == [True, True, True, False]
    assert limits.admit(Open(OTHER))
    limits.forget(busy[3])
    assert not limits.admit(busy[3])
    limits.forget(busy[3])
    limits.forget(busy[0])
    assert limits.admit(Open("192.0.2.1"))


def test_the_neighbours_of_a_network_have_a_share_together() -> None:
    limits = ConnectionLimits(100, per_network=3)
    at_work = [Open(f"192.0.2.{number}", idle=False) for number in range(12)]
    resting = Open("192.0.2.99")

    assert all(admitted(limits, *at_work[:11], resting))
    assert limits.admit(at_work[11])
    assert resting.dropped
    assert not limits.admit(Open("192.0.2.77"))
    assert limits.admit(Open("192.0.3.77", idle=False))
    limits.forget(at_work[0])
    assert limits.count == 13


def test_neighbours_take_at_most_half_of_all_places() -> None:
    limits = ConnectionLimits(20, per_network=5)

    welcome = admitted(limits, *(Open(f"2001:db8:0:{n}00::1", idle=False) for n in range(12)))

    assert welcome == [True] * 10 + [False] * 2


def test_what_was_refused_makes_room_for_the_next_and_lets_nobody_in() -> None:
    limits = ConnectionLimits(100, per_network=2)
    busy = [Open("192.0.2.1", idle=False) for _ in "ab"]
    refused = [Open("192.0.2.1") for _ in range(20)]

    assert admitted(limits, *busy, *refused) == [True] * 2 + [False] * 20
    assert [one.dropped for one in refused] == [True] * 19 + [False]
    assert limits.count == 3


@pytest.mark.parametrize(
    ("one", "same", "others"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:2::9", "2001:db8:1::1"),
        ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"),
        ("fe80::1%eth0", "fe80::1%eth1", "fe81::1"),
    ],
)
def test_a_network_is_what_one_customer_has(one: str, same: str, others: str) -> None:
    limits = ConnectionLimits(100, per_network=1)

    assert limits.admit(Open(one, idle=False))
    assert not limits.admit(Open(same, idle=False))
    assert limits.admit(Open(others, idle=False))


@pytest.mark.parametrize("peer", [None, "10.1.2.3", "::ffff:10.9.9.9"])
def test_a_web_server_in_front_stands_for_many(peer: str | None) -> None:
    limits = ConnectionLimits(100, per_network=2, proxies=lambda: ("10.0.0.0/8",))

    assert all(admitted(limits, *(Open(peer, idle=False) for _ in range(50))))


def test_where_all_places_are_taken_the_network_with_the_most_makes_room() -> None:
    limits = ConnectionLimits(6, per_network=3)
    hostile = [[Open(f"192.0.{network}.1") for _ in range(3 - network)] for network in range(2)]
    lone = Open(OTHER)
    assert all(admitted(limits, lone, *hostile[1], *hostile[0]))

    async def two_more() -> None:
        for _ in range(2):
            await limits.wait_for_room()
            limits.admit(Open("198.51.100.1"))

    asyncio.run(asyncio.wait_for(two_more(), 60))

    assert not lone.dropped
    assert [one.dropped for one in hostile[0]] == [True, False, False]
    assert limits.count == 6


def make_room(limits: ConnectionLimits, times: int = 1) -> None:
    async def wait() -> None:
        for _ in range(times):
            await limits.wait_for_room()
            limits.admit(Open("198.51.100.1", idle=False))

    asyncio.run(asyncio.wait_for(wait(), 60))


def test_where_slow_clients_take_all_places_one_of_theirs_makes_room_and_no_newcomer() -> None:
    limits = ConnectionLimits(6, per_network=3)
    slow = [Open("192.0.2.1", idle=False, waits_for_client=True) for _ in range(3)]
    others = [Open("192.0.4.1", idle=False, waits_for_client=True) for _ in range(2)]
    newcomer = Open(OTHER)
    assert all(admitted(limits, *others, *slow, newcomer))

    make_room(limits)

    assert [one.dropped for one in slow] == [True, False, False]
    assert not any(one.dropped for one in (*others, newcomer))


def test_slow_clients_of_many_neighbours_count_together() -> None:
    limits = ConnectionLimits(8, per_network=4)
    slow = [Open(f"192.0.2.{n}", idle=False, waits_for_client=True) for n in range(4)]
    honest = [Open(OTHER, idle=False, waits_for_client=True) for _ in range(3)]
    assert all(admitted(limits, *honest, *slow, Open("198.51.100.9")))

    make_room(limits)

    assert [one.dropped for one in (*slow, *honest)].index(True) < 4


def test_what_the_server_works_on_is_never_closed_for_others() -> None:
    limits = ConnectionLimits(4, per_network=2)
    busy = [Open("192.0.2.1", idle=False) for _ in range(2)]
    slow = Open(OTHER, idle=False, waits_for_client=True)
    assert all(admitted(limits, *busy, slow, Open("198.51.100.9", idle=False)))

    make_room(limits)

    assert slow.dropped
    assert not any(one.dropped for one in busy)


def test_where_all_are_at_work_the_next_waits_until_one_has_left() -> None:
    limits = ConnectionLimits(4, per_network=4)
    busy = [Open(f"192.0.{number}.1", idle=False) for number in range(4)]
    assert all(admitted(limits, *busy))

    async def wait() -> bool:
        waiting = asyncio.create_task(limits.wait_for_room())
        for _ in range(10):
            await asyncio.sleep(0)
        waited = not waiting.done()
        limits.forget(busy[0])
        await asyncio.wait_for(waiting, 60)
        return waited

    assert asyncio.run(wait())
    assert not any(one.dropped for one in busy)


def test_where_all_wait_for_their_moment_the_next_comes_when_one_of_them_goes() -> None:
    limits = ConnectionLimits(4, per_network=4)
    assert all(admitted(limits, *(Open(f"192.0.{number}.1", idle=False) for number in range(2))))
    assert all(limits.park(network) for network in ("one", "two"))

    async def wait() -> None:
        waiting = asyncio.create_task(limits.wait_for_room())
        for _ in range(10):
            await asyncio.sleep(0)
        assert not waiting.done()
        limits.unpark("one")
        await asyncio.wait_for(waiting, 60)

    asyncio.run(wait())
    assert limits.parked == 1


def test_one_network_leaves_others_room_to_wait_for_their_moment() -> None:
    limits = ConnectionLimits(100, per_network=10)

    assert [limits.park("flood") for _ in range(12)] == [True] * 10 + [False] * 2
    assert limits.park("lecture hall")
    limits.unpark("flood")
    assert limits.park("flood")


def test_one_owner_of_many_networks_leaves_others_room_to_wait_for_their_moment() -> None:
    limits = ConnectionLimits(1_000, per_network=100)

    parked = [limits.park(f"192.0.2.{number // 100}/32") for number in range(500)]

    assert parked == [True] * 400 + [False] * 100
    assert limits.park("203.0.113.9/32")
    for number in range(400):
        limits.unpark(f"192.0.2.{number // 100}/32")
    assert limits.park("192.0.2.9/32")


def test_those_who_wait_for_their_moment_have_at_most_half_of_all_places() -> None:
    limits = ConnectionLimits(100, per_network=10)

    assert [limits.park(f"network {number // 10}") for number in range(60)] == (
        [True] * 50 + [False] * 10
    )


def test_no_network_has_more_than_half_of_few_places() -> None:
    assert ConnectionLimits(16, per_network=100).per_network == 8
