"""Accepts connections only while there is room for more."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from larkpost import logs
from larkpost.log_limits import limited_lines

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from larkpost.web.connections import ConnectionLimits

BACKLOG = 2048  # connections that the system keeps waiting meanwhile
AT_ONCE = 64  # in one turn of the event loop: one by one, a flood kept others waiting for seconds
AGAIN_SECONDS = 0.1  # after an error, such as a lack of descriptors

_log = logs.get_logger("larkpost.serve")


class Acceptor:
    """Takes connections from a listener; stands where uvicorn has a server of asyncio.

    That one accepts whatever waits, thousands at once, and so takes the last descriptor.
    """

    def __init__(
        self,
        listener: socket.socket,
        make_protocol: Callable[[], asyncio.Protocol],
        limits: ConnectionLimits,
    ) -> None:
        self._make_protocol = make_protocol
        self._limits = limits
        listener.setblocking(False)
        listener.listen(BACKLOG)
        self._task = asyncio.get_running_loop().create_task(self._accept_all(listener))

    def close(self) -> None:
        """Accept nobody any more."""
        self._task.cancel()

    async def wait_closed(self) -> None:
        """Wait until nobody is accepted any more."""
        with suppress(asyncio.CancelledError):
            await self._task

    async def _accept_all(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(listener)
            except OSError as error:  # the visitor is gone again, or descriptors are short
                with limited_lines():
                    _log.warning("connection not accepted", problem=str(error))
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                await self._connect_all(listener, connection)

    async def _connect_all(self, listener: socket.socket, first: socket.socket) -> None:
        """Hand a connection on once there is room, and with it those that wait and find room."""
        accepted = [first]
        try:
            await self._limits.wait_for_room()
            room = self._limits.most - self._limits.count - 1
            accepted += _accept_waiting(listener, min(AT_ONCE, room))
            await asyncio.gather(*map(self._connect, accepted))
        except BaseException:  # the end of the daemon
            for connection in accepted:
                connection.close()
            raise

    async def _connect(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(self._make_protocol, connection)
        except OSError:  # the visitor is gone again
            connection.close()


def _accept_waiting(listener: socket.socket, most: int) -> list[socket.socket]:
    """Accept whoever waits already; an error ends it, and the next turn tells it."""
    accepted: list[socket.socket] = []
    with suppress(OSError):
        while len(accepted) < most:
            connection, _ = listener.accept()
            connection.setblocking(False)
            accepted.append(connection)
    return accepted
