"""Accepts connections only while there are free places, and per network at a limited rate."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from larkpost import logs
from larkpost.log_events import LogEvent
from larkpost.log_limits import limit_lines
from larkpost.web.limits.rate_limit import RateLimit, RateLimiter

if TYPE_CHECKING:
    import socket

    from larkpost.web.limits.connections import ConnectionLimits

BACKLOG = 2048  # connections that the system queues meanwhile
# Per turn of the event loop: one by one, a flood delayed others for seconds, and many take long,
# because each costs some system calls.
AT_ONCE = 16
# Of one network: enough for a browser's page or a classroom; more come from a loop.
LONGEST_WAIT = 5.0  # seconds
OPENING = RateLimit("opening", 40, per=4.0, longest_wait=LONGEST_WAIT)
AGAIN_SECONDS = 0.1  # after an error, such as a lack of descriptors

_log = logs.get_logger("larkpost.serve")


class RefusedConnections:
    """Refused connections, which stay open for a moment while there are free places.

    Closing one at once makes the client open it again: 400 connections of one network became 800 a
    second, and each cost the event loop some system calls.
    """

    def __init__(self) -> None:
        self._timers: dict[socket.socket, asyncio.TimerHandle] = {}  # the oldest first

    def __len__(self) -> int:
        """Return how many are open."""
        return len(self._timers)

    def keep(self, connection: socket.socket) -> None:
        """Keep a connection open for ``LONGEST_WAIT``, unless its place is needed earlier."""
        loop = asyncio.get_running_loop()
        self._timers[connection] = loop.call_later(LONGEST_WAIT, self._close, connection)

    def shrink(self, most: int) -> None:
        """Close the oldest connections beyond ``most``."""
        while len(self._timers) > max(0, most):
            self._close(next(iter(self._timers)))

    def _close(self, connection: socket.socket) -> None:
        self._timers.pop(connection).cancel()
        connection.close()


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
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._connecting = 0  # handed on, but not counted by the limits yet
        self._refused = RefusedConnections()
        listener.setblocking(False)
        listener.listen(BACKLOG)
        self._listener = listener
        self._loop.add_reader(listener, self._accept_waiting)

    def close(self) -> None:
        """Stop accepting connections."""
        self._loop.remove_reader(self._listener)
        self._refused.shrink(0)
        for task in self._tasks:
            task.cancel()

    async def wait_closed(self) -> None:
        """Wait until no connection is being accepted."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept_waiting(self) -> None:
        """Accept waiting connections while there are free places; the loop calls this.

        It awaits nothing: behind a flood of connections that are only refused, others would wait
        for as many turns of the loop as handing one on takes.
        """
        for _ in range(AT_ONCE):
            self._refused.shrink(self._free // 2)
            if self._free <= 0:
                self._pause(self._limits.wait_for_room)
                return
            try:
                connection, address = self._listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:  # the visitor has left, or descriptors are short
                with limit_lines():
                    _log.warning(LogEvent.CONNECTION_FAILED, problem=str(error))
                self._pause(_wait_a_moment)
                return
            if self._is_due(connection, address):
                self._connecting += 1
                self._start(self._hand_on(connection))

    def _pause(self, wait: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Accept no connection until ``wait`` ends."""
        self._loop.remove_reader(self._listener)
        self._start(self._go_on(wait))

    async def _go_on(self, wait: Callable[[], Coroutine[Any, Any, None]]) -> None:
        await wait()
        self._loop.add_reader(self._listener, self._accept_waiting)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def _free(self) -> int:
        """Return how many more connections may be open; refused ones may use half of these."""
        return self._limits.room - self._connecting

    def _refuse(self, connection: socket.socket) -> None:
        if len(self._refused) < self._free // 2:
            self._refused.keep(connection)
        else:
            connection.close()

    def _is_due(self, connection: socket.socket, address: Any) -> bool:
        """Return whether to hand on a connection now; else it is parked, or refused."""
        network, is_shared = self._limits.name_network(address[0] if address else None)
        wait = 0.0 if is_shared else self._rates.delay(OPENING, network)
        if wait == 0:
            return True
        if not self._limits.park(network):
            self._refuse(connection)
            return False
        self._start(self._park(connection, network, wait))
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

    async def _hand_on(self, connection: socket.socket) -> None:
        try:
            await self._connect(connection)
        finally:
            self._connecting -= 1

    async def _connect(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        try:
            await self._loop.connect_accepted_socket(self._make_protocol, connection)
        except OSError:  # the visitor has left
            connection.close()
        except asyncio.CancelledError:  # the end of the daemon
            connection.close()
            raise


async def _wait_a_moment() -> None:
    await asyncio.sleep(AGAIN_SECONDS)
