"""Tests which addresses count as public, however they are written."""

from __future__ import annotations

import pytest

from larkpost.fetch.public_addresses import is_public


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "151.101.1.42", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.1.2.3", "10.1.2.3", "172.16.0.1", "172.31.255.255",
        "192.168.1.1", "169.254.169.254", "100.64.0.1", "192.0.0.192", "198.18.0.1", "224.0.0.1",
        "255.255.255.255", "240.0.0.1", "192.0.2.1",
    ],
)  # fmt: skip
def test_an_ipv4_address_within_is_not_public(address: str) -> None:
    assert not is_public(address)
    assert not is_public(f"::ffff:{address}")


@pytest.mark.parametrize(
    "address",
    [
        "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "fec0::1", "ff02::1",
        "2001:db8::1", "::7f00:1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::",
        "64:ff9b:1:7f00:0:100:808:808", "2002:c0a8:101::1",
        "2001:0:0:0:0:0:80ff:fefe", "100::1", "nonsense", "",
    ],
)  # fmt: skip
def test_an_ipv6_address_within_or_leading_within_is_not_public(address: str) -> None:
    assert not is_public(address)
