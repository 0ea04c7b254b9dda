"""Limits the open connections, in total and per network; who keeps others waiting is closed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Protocol

from larkpost.text.ip_networks import WIDER, neighbourhood
from larkpost.web.client_ip import UNIX_SOCKET, is_trusted, network_of, parse_address
from larkpost.web.limits.byte_budget import add_count

MOST_CONNECTIONS = 1_000
PER_NETWORK = 100  # a browser opens six; a classroom behind one address takes turns
MOST_PARKED = 2  # the share of places that delayed connections may take

Networks = tuple[str, ...]


class Connection(Protocol):
    """The interface of a connection to the limits."""

    peer: str | None  # an address; None over a Unix socket

    @property
    def idle(self) -> bool:
        """Whether no request is being answered on it."""

    @property
    def waits_for_client(self) -> bool:
        """Whether the rest of a request has to come, or the response has to be read."""

    def drop(self) -> None:
        """Close it at once, without a word."""


class ConnectionLimits:
    """The connections that are open, by network.

    A network with its full share open loses its oldest idle connection to a new one; if all are
    busy the new one is refused. The same holds for a neighbourhood (``text.ip_networks``): its
    share is larger, but at most half of all places. When all places are taken, the network with the
    most connections, in the neighbourhood with the most, loses one: the oldest idle one, or else
    the oldest that waits for its client, for slow clients of many networks could take all places.
    The ``proxies``, and Unix sockets, carry many visitors and have no share.
    """

    def __init__(
        self,
        most: int = MOST_CONNECTIONS,
        *,
        per_network: int = PER_NETWORK,
        proxies: Callable[[], Networks] = tuple,
    ) -> None:
        self.most = most
        self.per_network = max(1, min(per_network, most // 2))
        self.per_neighbourhood = max(self.per_network, min(WIDER * per_network, most // 2))
        self._proxies = proxies
        self._open: dict[str, dict[Connection, None]] = {}  # the oldest first
        self._networks: dict[Connection, str] = {}
        self._around: Counter[str] = Counter()  # connections, by neighbourhood
        self._left = asyncio.Event()
        self._parked: Counter[str] = Counter()  # accepted and delayed
        self._parked_around: Counter[str] = Counter()  # the same, by neighbourhood

    @property
    def room(self) -> int:
        """The number of free places; below 0 while refused connections are still closing."""
        return self.most - self.count - self.parked

    @property
    def parked(self) -> int:
        """The number of delayed connections, which take places as well."""
        return self._parked.total()

    def park(self, network: str) -> bool:
        """Count a delayed connection; False if there is no place for it.

        A network may have as many of these as it may have open: otherwise one that opens them in a
        loop would take all places from others. The same holds for a neighbourhood.
        """
        around = neighbourhood(network)
        if (
            self.parked >= self.most // MOST_PARKED
            or self._parked[network] >= self.per_network
            or self._parked_around[around] >= self.per_neighbourhood
        ):
            return False
        self._parked[network] += 1
        self._parked_around[around] += 1
        return True

    def unpark(self, network: str) -> None:
        """Count a connection as no longer delayed."""
        add_count(self._parked, network, -1)
        add_count(self._parked_around, neighbourhood(network), -1)
        self._left.set()

    @property
    def count(self) -> int:
        """The number of open connections."""
        return len(self._networks)

    def admit(self, connection: Connection) -> bool:
        """Count a new connection; False if its network has too many busy ones.

        A refused one counts as well until it is closed, and is idle.
        """
        network, shared = self.name_network(connection.peer)
        while not shared and any(self._drop_idle(one) for one in self._find_full(network)):
            pass
        welcome = shared or not self._find_full(network)
        self._open.setdefault(network, {})[connection] = None
        self._networks[connection] = network
        self._around[neighbourhood(network)] += 1
        return welcome

    def _find_full(self, network: str) -> list[str]:
        """Return the network or else the neighbourhood whose share is used up, or None."""
        if len(self._open.get(network, ())) >= self.per_network:
            return [network]
        around = neighbourhood(network)
        if self._around[around] < self.per_neighbourhood:
            return []
        return [one for one in self._open if neighbourhood(one) == around]

    def name_network(self, peer: str | None) -> tuple[str, bool]:
        """Return a peer's network, and whether it carries many visitors."""
        if peer is None:
            return UNIX_SOCKET, True
        address = parse_address(peer)
        if address is None:
            return peer, False
        return network_of(address), is_trusted(address, self._proxies())

    def forget(self, connection: Connection) -> None:
        """Stop counting a connection."""
        network = self._networks.pop(connection, None)
        if network is None:
            return
        del self._open[network][connection]
        if not self._open[network]:
            del self._open[network]
        add_count(self._around, neighbourhood(network), -1)
        self._left.set()

    async def wait_for_room(self) -> None:
        """Wait until one more connection may be open, after closing one if need be."""
        while self.room <= 0 and not self._drop_any():
            self._left.clear()
            await self._left.wait()

    def _drop_any(self) -> bool:
        fullest = sorted(self._open, key=self._fullness, reverse=True)
        return any(self._drop_idle(network) or self._drop_slow(network) for network in fullest)

    def _fullness(self, network: str) -> tuple[int, int]:
        return self._around[neighbourhood(network)], len(self._open[network])

    def _drop_idle(self, network: str) -> bool:
        return self._drop(next((one for one in self._open[network] if one.idle), None))

    def _drop_slow(self, network: str) -> bool:
        return self._drop(next((one for one in self._open[network] if one.waits_for_client), None))

    def _drop(self, connection: Connection | None) -> bool:
        if connection is None:
            return False
        self.forget(connection)
        connection.drop()
        return True
