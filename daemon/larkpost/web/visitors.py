"""Tells which network a request comes from, as far as that can be believed."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request

IPV4_BITS = 32
IPV6_BITS = 56  # what one customer of a provider usually has (RFC 6177)
WIDER_IPV4_BITS = 24
WIDER_IPV6_BITS = 48


def network(request: Request, proxies: Iterable[str]) -> str:
    """Name the network of the visitor: an address in IPv4, 56 bits of one in IPv6.

    X-Forwarded-For is believed as far back as the ``proxies`` (addresses or networks) wrote it:
    the visitor is the last one in it who is none of them. What a visitor adds in front is not read.
    What comes over a Unix socket was written by a web server in front, for nobody else may open it.
    """
    trusted = [ip_network(one) for one in proxies]
    host = request.client.host if request.client else ""
    told = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    if not host:  # a Unix socket: only a web server in front may open it
        host = told.pop().strip()
    while (address := _address(host)) and any(address in one for one in trusted) and told:
        host = told.pop().strip() or host
    if address is None:
        return host[:64]
    bits = IPV4_BITS if address.version == 4 else IPV6_BITS
    return str(ip_network((address, bits), strict=False))


def networks(request: Request, proxies: Iterable[str]) -> tuple[str, ...]:
    """Name the network of the visitor, and the one around it that one owner may have whole.

    Around an address of IPv4 that is its /24; around 56 bits of IPv6 the /48, which is what a
    provider gives to who asks for more (RFC 6177), and tunnel brokers to anybody.
    """
    own = network(request, proxies)
    try:
        narrow = ip_network(own)
    except ValueError:
        return (own,)
    bits = WIDER_IPV4_BITS if narrow.version == 4 else WIDER_IPV6_BITS
    return own, str(narrow.supernet(new_prefix=bits))


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
