"""Widens networks: an owner of one address often has all of the surrounding network."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address, ip_network

WIDER = 4  # the limits of the surrounding network are higher by this factor
_IPV4_BITS = 24
_IPV6_BITS = 48
_REMEMBERED = 4096


@lru_cache(maxsize=_REMEMBERED)
def neighbourhood(network: str) -> str:
    """Widen a network, or an address, to 24 bits of IPv4 or 48 of IPv6; other text stays."""
    try:
        address = ip_address(network.partition("/")[0])
    except ValueError:
        return network
    bits = _IPV4_BITS if address.version == 4 else _IPV6_BITS
    return str(ip_network((address, bits), strict=False))
