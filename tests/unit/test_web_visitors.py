"""Which network a request comes from: what a visitor claims is not believed."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from larkpost.web.visitors import network

PROXIES = ("127.0.0.1/32", "10.0.0.0/8")


def request(peer: str, *forwarded: str) -> Request:
    headers = [(b"x-forwarded-for", one.encode()) for one in forwarded]
    return Request({"type": "http", "client": (peer, 1), "headers": headers})


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("203.0.113.7", [], "203.0.113.7/32"),
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7/32"),  # a visitor's own claim
        ("127.0.0.1", ["198.51.100.1"], "198.51.100.1/32"),
        ("127.0.0.1", ["6.6.6.6, 198.51.100.1"], "198.51.100.1/32"),  # a claim sent on
        ("127.0.0.1", ["6.6.6.6", "198.51.100.1, 10.1.2.3"], "198.51.100.1/32"),
        ("127.0.0.1", [], "127.0.0.1/32"),
        ("127.0.0.1", ["10.9.9.9"], "10.9.9.9/32"),
        ("127.0.0.1", ["rubbish"], "rubbish"),
        ("2001:db8:1:2ff::1", [], "2001:db8:1:200::/56"),
        ("2001:db8:1:2aa::9", [], "2001:db8:1:200::/56"),
        ("::ffff:203.0.113.7", [], "203.0.113.7/32"),
        ("testclient", [], "testclient"),
    ],
)
def test_the_network_is_that_of_the_last_who_is_no_proxy(
    peer: str, forwarded: list[str], found: str
) -> None:
    assert network(request(peer, *forwarded), PROXIES) == found
