"""Accepts connections only while there are free places, and per network at a limited rate."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from larkpost import logs
from larkpost.log_events import LogEvent
from larkpost.log_limits import limit_lines
from larkpost.web.limits.rate_limit import RateLimit, RateLimiter

if TYPE_CHECKING:
    import socket

    from larkpost.web.limits.connections import ConnectionLimits

    Accepted = tuple[socket.socket, Any]  # with the address of the other side

BACKLOG = 2048  # connections that the system queues meanwhile
# Per turn of the event loop: one by one, a flood delayed others for seconds, and many take long,
# because each costs some system calls.
AT_ONCE = 16
# Of one network: enough for a browser's page or a classroom; more come from a loop.
LONGEST_WAIT = 5.0  # seconds
OPENING = RateLimit("opening", 40, per=4.0, longest_wait=LONGEST_WAIT)
AGAIN_SECONDS = 0.1  # after an error, such as a lack of descriptors

_log = logs.get_logger("larkpost.serve")


class Acceptor:
    """Takes connections from a listener, in place of uvicorn's asyncio server.

    That server accepts all waiting connections, thousands at once, and so takes the last
    descriptor.
    """

    def __init__(
        self,
        listener: socket.socket,
        make_protocol: Callable[[], asyncio.Protocol],
        limits: ConnectionLimits,
    ) -> None:
        self._make_protocol = make_protocol
        self._limits = limits
        self._rates = RateLimiter()
        self._parked: set[asyncio.Task[None]] = set()
        listener.setblocking(False)
        listener.listen(BACKLOG)
        self._task = asyncio.get_running_loop().create_task(self._accept_all(listener))

    def close(self) -> None:
        """Stop accepting connections."""
        for task in (self._task, *self._parked):
            task.cancel()

    async def wait_closed(self) -> None:
        """Wait until no connection is being accepted."""
        with suppress(asyncio.CancelledError):
            await self._task

    async def _accept_all(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted = await loop.sock_accept(listener)
            except OSError as error:  # the visitor has left, or descriptors are short
                with limit_lines():
                    _log.warning(LogEvent.CONNECTION_FAILED, problem=str(error))
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                await self._connect_all(listener, accepted)

    async def _connect_all(self, listener: socket.socket, first: Accepted) -> None:
        """Hand on a connection once there is a free place, and with it waiting ones that fit."""
        accepted = [first]
        try:
            await self._limits.wait_for_room()
            accepted += _accept_waiting(listener, min(AT_ONCE, self._limits.room - 1))
            due = [one for one, address in accepted if self._is_due(one, address)]
            await asyncio.gather(*map(self._connect, due))
        except BaseException:  # the end of the daemon
            for connection, _ in accepted:
                connection.close()
            raise

    def _is_due(self, connection: socket.socket, address: Any) -> bool:
        """Return whether to hand on a connection now; else it is parked, or closed."""
        network, is_shared = self._limits.name_network(address[0] if address else None)
        wait = 0.0 if is_shared else self._rates.delay(OPENING, network)
        if wait == 0:
            return True
        if not self._limits.park(network):
            connection.close()
            return False
        task = asyncio.get_running_loop().create_task(self._park(connection, network, wait))
        self._parked.add(task)
        task.add_done_callback(self._parked.discard)
        return False

    async def _park(self, connection: socket.socket, network: str, seconds: float | None) -> None:
        """Hand on a connection later; it takes a place meanwhile.

        Without a time (None) it is closed in the end: closing it at once would only make the client
        open it again.
        """
        try:
            await asyncio.sleep(LONGEST_WAIT if seconds is None else seconds)
        except asyncio.CancelledError:  # the end of the daemon
            connection.close()
            raise
        finally:
            self._limits.unpark(network)
        if seconds is None:
            connection.close()
        else:
            await self._connect(connection)

    async def _connect(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(self._make_protocol, connection)
        except OSError:  # the visitor has left
            connection.close()


def _accept_waiting(listener: socket.socket, most: int) -> list[Accepted]:
    """Accept all waiting connections; an error ends this, and the next turn reports it."""
    accepted: list[Accepted] = []
    with suppress(OSError):
        while len(accepted) < most:
            connection, address = listener.accept()
            connection.setblocking(False)
            accepted.append((connection, address))
    return accepted
