"""Distinguishes public internet addresses from those of this machine and of private networks."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

# IPv6 addresses with an embedded IPv4 one, to which a gateway forwards: that one counts too. NAT64
# is RFC 6052; a network's own prefixes (RFC 8215) are not public.
_NAT64 = IPv6Network("64:ff9b::/96")
_6TO4 = IPv6Network("2002::/16")  # RFC 3056
_TEREDO = IPv6Network("2001::/32")  # RFC 4380
_COMPATIBLE = IPv6Network("::/96")  # RFC 4291, 2.5.5.1
# Not public, whatever the Python version says (IANA special-purpose registries, RFC 6890).
_NEVER_PUBLIC_4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
_PUBLIC_6 = IPv6Network("2000::/3")  # all addresses that IANA assigned to global unicast
_NEVER_PUBLIC_6 = tuple(
    IPv6Network(network)
    for network in ("2001:db8::/32", "2001:10::/28", "2001:2::/48", "3fff::/20")
)


def is_public(address: str) -> bool:
    """Return whether an IP address is on the public internet (RFC 6890); False for other text."""
    try:
        number = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(number, IPv4Address):
        return not any(number in network for network in _NEVER_PUBLIC_4)
    if number.ipv4_mapped is not None:
        return is_public(str(number.ipv4_mapped))
    if (embedded := _embedded_ipv4(number)) is not None:
        return is_public(str(embedded))
    return number in _PUBLIC_6 and not any(number in network for network in _NEVER_PUBLIC_6)


def _embedded_ipv4(number: IPv6Address) -> IPv4Address | None:
    if number in _NAT64:
        return IPv4Address(int(number) & 0xFFFFFFFF)
    if number in _6TO4:
        return IPv4Address(int(number) >> 80 & 0xFFFFFFFF)
    if number in _TEREDO:
        return IPv4Address(~int(number) & 0xFFFFFFFF)
    if number in _COMPATIBLE:
        return IPv4Address(int(number) & 0xFFFFFFFF)
    return None
