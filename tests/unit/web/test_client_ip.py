"""Tests which network a request comes from: a visitor's own claims are not trusted."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from larkpost.web.client_ip import network

PROXIES = ("127.0.0.1/32", "10.0.0.0/8")


def request(peer: str, *forwarded: str, **others: str) -> Request:
    headers = [(b"x-forwarded-for", one.encode("latin-1")) for one in forwarded]
    headers += [(name.encode(), one.encode()) for name, one in others.items()]
    client = (peer, 1) if peer else None
    return Request({"type": "http", "client": client, "headers": headers})


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
        ("127.0.0.1", ["rubbish"], "127.0.0.1/32"),
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


VISITOR = "198.51.100.1/32"
VISITOR_V6 = "2001:db8:1:200::/56"


@pytest.mark.parametrize(
    ("forwarded", "found"),
    [
        (["198.51.100.1:567"], VISITOR),  # Azure's gateway writes ports
        (["198.51.100.1:1", "198.51.100.1:2"], VISITOR),
        (["  198.51.100.1:567  "], VISITOR),
        (["\t198.51.100.1"], VISITOR),
        (['"198.51.100.1:567"'], VISITOR),
        (["6.6.6.6,198.51.100.1:567 , 10.1.2.3:80"], VISITOR),
        (["198.51.100.1:567", "10.1.2.3"], VISITOR),
        (["::ffff:198.51.100.1"], VISITOR),
        (["[::ffff:198.51.100.1]:443"], VISITOR),
        (["198.51.100.1, ::ffff:10.1.2.3"], VISITOR),
        (["2001:db8:1:2ff::1"], VISITOR_V6),
        (["[2001:db8:1:2ff::1]"], VISITOR_V6),
        (["[2001:db8:1:2ff::1]:443"], VISITOR_V6),
        (['"[2001:DB8:1:2FF::1]:443"'], VISITOR_V6),
        (["2001:db8:1:200:5:6:7:8"], VISITOR_V6),
    ],
)
def test_an_address_is_read_in_every_form_that_proxies_write(
    forwarded: list[str], found: str
) -> None:
    assert network(request("127.0.0.1", *forwarded), PROXIES) == found


@pytest.mark.parametrize(
    "rubbish",
    [
        "", " ", "unknown", "_hidden", "_hidden:80", "rubbish", "198.51.100.1:", "198.51.100.1:x",
        "198.51.100.1:123456", "198.51.100.1:-1", "198.51.100.1:1:2", "198.51.100",
        "198.51.100.256", "0198.51.100.1", "[2001:db8::1", "2001:db8::1]:443", "[]", "[::1]x",
        "[fe80::1%eth0]:1", "fe80::1%a", '"198.51.100.1', "1.2.3.4 5.6.7.8", "1.2.3.4\x00",
        "\xb2.1.1.1",        "for=198.51.100.1", "http://198.51.100.1", "1" * 5000,
    ],
)  # fmt: skip
def test_what_is_no_address_counts_as_the_proxy_that_wrote_it(rubbish: str) -> None:
    assert network(request("127.0.0.1", rubbish), PROXIES) == "127.0.0.1/32"
    assert network(request("127.0.0.1", f"6.6.6.6, {rubbish}, 10.1.2.3"), PROXIES) == "10.1.2.3/32"


@pytest.mark.parametrize(
    "claim",
    ["6.6.6.6", "6.6.6.7:1", "[2001:db8::7]:1", "unknown", '"', "10.1.1.1", "127.0.0.1", ","],
)
def test_nothing_that_a_visitor_writes_gives_another_network(claim: str) -> None:
    appended = request("127.0.0.1", f"{claim}, 198.51.100.1")
    own_line = request("127.0.0.1", claim, "198.51.100.1:9")
    unasked = request("203.0.113.7", claim, forwarded=f"for={claim}", **{"x-real-ip": claim})

    assert network(appended, PROXIES) == network(own_line, PROXIES) == VISITOR
    assert network(unasked, PROXIES) == "203.0.113.7/32"


def test_forwarded_is_not_read_for_a_proxy_that_does_not_know_it_passes_it_on() -> None:
    asked = request("127.0.0.1", "198.51.100.1", forwarded="for=6.6.6.6")

    assert network(asked, PROXIES) == VISITOR


@pytest.mark.parametrize(
    ("forwarded", "found"),
    [
        (["198.51.100.1:567"], VISITOR),
        (["6.6.6.6, 198.51.100.1, 10.1.2.3"], VISITOR),
        (["6.6.6.6, unknown"], "unix"),
        ([], "unix"),
    ],
)
def test_over_a_unix_socket_the_web_server_in_front_is_believed(
    forwarded: list[str], found: str
) -> None:
    assert network(request("", *forwarded), PROXIES) == found


def test_the_zone_of_a_link_local_address_is_no_part_of_it() -> None:
    assert network(request("fe80::1%eth0"), ()) == network(request("fe80::1%eth1"), ())
