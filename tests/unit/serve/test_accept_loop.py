"""Tests that connections opened in a loop are refused, but stay open while there is room."""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from larkpost.serve import accept_loop
from larkpost.serve.accept_loop import OPENING, Acceptor
from larkpost.web.limits.connections import ConnectionLimits

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

HOSTILE, HONEST = "127.0.0.1", "127.0.9.1"
PARKED = 5  # connections of a network that wait for their moment
REFUSED = 30
PATIENCE = 60.0


@pytest.fixture(autouse=True)
def _longer_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make all waits a thousand times longer, so that none ends while a machine stands still."""
    waits = replace(OPENING, per=1_000 * OPENING.per, longest_wait=1_000 * OPENING.longest_wait)
    monkeypatch.setattr(accept_loop, "OPENING", waits)
    monkeypatch.setattr(accept_loop, "LONGEST_WAIT", waits.longest_wait)


class Greeting(asyncio.Protocol):
    """Counts among the limits, as the daemon's own protocol does, and says a word."""

    def __init__(self, limits: ConnectionLimits, opened: list[asyncio.Transport]) -> None:
        self.limits = limits
        self.opened = opened
        self.peer: str | None = None
        self.idle = self.waits_for_client = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.opened.append(transport)
        self.peer = transport.get_extra_info("peername")[0]
        self.limits.admit(self)
        transport.write(b"welcome")

    def connection_lost(self, _error: Exception | None) -> None:
        self.limits.forget(self)

    def drop(self) -> None:
        raise AssertionError("nobody is idle here")


def run(places: int, scene: Callable[[Callable[[str], socket.socket]], Awaitable[None]]) -> None:
    """Accept connections meanwhile, at so many places; the scene is given what opens one."""

    async def whole(stack: ExitStack) -> None:
        limits = ConnectionLimits(places, per_network=PARKED)
        listener = stack.enter_context(socket.create_server((HOSTILE, 0)))
        welcomed: list[asyncio.Transport] = []
        acceptor = Acceptor(listener, lambda: Greeting(limits, welcomed), limits)

        def connect(network: str) -> socket.socket:
            address = listener.getsockname()
            opened = socket.create_connection(address, PATIENCE, (network, 0))
            stack.enter_context(opened)
            opened.setblocking(False)
            return opened

        try:
            await asyncio.wait_for(scene(connect), PATIENCE)
        finally:
            acceptor.close()
            await acceptor.wait_closed()
            for transport in welcomed:
                transport.abort()
            await asyncio.sleep(0)

    with ExitStack() as stack:
        asyncio.run(whole(stack))


async def first_word(connection: socket.socket) -> bytes:
    return await asyncio.get_running_loop().sock_recv(connection, 100)


def is_open(connection: socket.socket) -> bool:
    """Return whether the other side has neither sent anything nor closed."""
    try:
        return connection.recv(100) != b""
    except BlockingIOError:
        return True


@pytest.mark.parametrize(("places", "are_kept"), [(1000, True), (OPENING.most + PARKED + 5, False)])
def test_refused_connections_stay_open_for_a_moment_where_there_is_room(
    places: int, are_kept: bool
) -> None:
    async def scene(connect: Callable[[str], socket.socket]) -> None:
        due = [connect(HOSTILE) for _ in range(OPENING.most)]
        assert [await first_word(one) for one in due] == [b"welcome"] * OPENING.most
        parked = [connect(HOSTILE) for _ in range(PARKED)]
        refused = [connect(HOSTILE) for _ in range(REFUSED)]
        honest = connect(HONEST)

        assert await first_word(honest) == b"welcome"
        assert all(map(is_open, parked))
        if are_kept:
            assert all(map(is_open, refused))
        else:
            assert await first_word(refused[-1]) == b""

    run(places, scene)


def test_a_refused_connection_makes_room_for_one_that_is_let_in() -> None:
    async def scene(connect: Callable[[str], socket.socket]) -> None:
        due = [connect(HOSTILE) for _ in range(OPENING.most)]
        assert [await first_word(one) for one in due] == [b"welcome"] * OPENING.most
        for _ in range(PARKED):
            connect(HOSTILE)
        refused = connect(HOSTILE)
        others = [connect(f"127.0.8.{number + 1}") for number in range(4)]

        assert [await first_word(one) for one in others] == [b"welcome"] * len(others)
        assert await first_word(refused) == b""

    run(OPENING.most + PARKED + 4, scene)
