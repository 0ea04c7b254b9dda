"""Finds the network of a request's client, also behind trusted proxies."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TYPE_CHECKING

from larkpost.text.ip_networks import neighbourhood

if TYPE_CHECKING:
    from starlette.requests import Request

IPV4_BITS = 32
IPV6_BITS = 56  # the usual prefix of one customer (RFC 6177)
UNIX_SOCKET = "unix"  # the network of requests over a Unix socket without an address

# An address as proxies write it (RFC 7239, section 6, whose forms X-Forwarded-For takes over): an
# IPv6 address maybe in brackets, then maybe a port, all of it maybe in quotes.
_FORWARDED = re.compile(
    r'(?P<quote>"?)(?:\[(?P<v6>[0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?'
    r"|(?P<v4>[0-9.]+)(?::[0-9]{1,5})?"
    r"|(?P<bare>[0-9A-Fa-f:.]+))(?P=quote)"
)

Address = IPv4Address | IPv6Address
_REMEMBERED = 4096  # addresses: parsing one takes as long as answering a feed from memory


def network(request: Request, proxies: tuple[str, ...]) -> str:
    """Name the network of the visitor: an address in IPv4, 56 bits of one in IPv6.

    X-Forwarded-For is trusted as far back as the ``proxies`` (addresses or networks) wrote it: the
    visitor is its last address that is not a proxy. Addresses that a visitor puts in front are not
    read, and if a proxy wrote no address (``unknown``, nothing, rubbish) the proxy itself counts. A
    header over a Unix socket was written by a web server in front, because nobody else may open the
    socket. ``Forwarded`` (RFC 7239) is not read: a proxy that does not know it passes on a
    visitor's.
    """
    peer = request.client.host if request.client else ""
    told = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    address = _parse_forwarded(told.pop()) if not peer else parse_address(peer)
    if address is None:
        return peer[:64] or UNIX_SOCKET
    while told and is_trusted(address, proxies):
        before = _parse_forwarded(told.pop())
        if before is None:
            break
        address = before
    return network_of(address)


def networks(request: Request, proxies: tuple[str, ...]) -> tuple[str, ...]:
    """Name the network of the visitor, and the surrounding one (see ``neighbourhood``)."""
    own = network(request, proxies)
    around = neighbourhood(own)
    return (own,) if around == own else (own, around)


@lru_cache(maxsize=_REMEMBERED)
def stands_for_many(network: str, proxies: tuple[str, ...]) -> bool:
    """Return whether a network is a web server in front that hides its visitors' addresses."""
    if network == UNIX_SOCKET:
        return True
    try:
        own = ip_network(network)
    except ValueError:  # a peer without an address
        return False
    return any(own.overlaps(one) for one in _networks(proxies))


@lru_cache(maxsize=_REMEMBERED)
def network_of(address: Address) -> str:
    """Name the network of an address: the address itself in IPv4, its first 56 bits in IPv6."""
    if isinstance(address, IPv4Address):
        return str(IPv4Network((int(address), IPV4_BITS)))
    return str(IPv6Network((int(address), IPV6_BITS), strict=False))


def is_trusted(address: Address, proxies: tuple[str, ...]) -> bool:
    """Return whether an address is one of these, or in one of these networks."""
    return any(address in one for one in _networks(proxies))


@lru_cache(maxsize=_REMEMBERED)
def parse_address(text: str) -> Address | None:
    """Read an address without a port; an IPv4 address in IPv6 (``::ffff:1.2.3.4``) is one of IPv4.

    The zone of a link-local address (``fe80::1%eth0``) is left out. None for anything else.
    """
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _parse_forwarded(text: str) -> Address | None:
    found = _FORWARDED.fullmatch(text.strip(" \t"))
    return parse_address(found["v6"] or found["v4"] or found["bare"]) if found else None


@lru_cache(maxsize=8)
def _networks(proxies: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(one) for one in proxies)
