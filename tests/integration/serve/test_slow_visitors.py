"""Slow or stalled clients: nothing waits for them for long."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import TYPE_CHECKING

import pytest
from tests.helpers.polling import until
from tests.helpers.web.raw_http import (
    ENDINGS,
    FORM,
    HOST,
    connected,
    drip,
    running,
    statuses,
    whole,
)

from larkpost.serve import http_limits
from larkpost.serve.http_limits import LINGER_BYTES, LONGEST_HEAD, MOST_OVERHEAD, MOST_PIPELINED
from larkpost.web import app, site
from larkpost.web.site import HEADERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import uvicorn
    from starlette.types import Receive, Scope, Send
    from tests.helpers.web.site_client import Place


@pytest.fixture
def server(here: Place) -> Iterator[uvicorn.Server]:
    """Start a server of all pages."""
    with running(app(here.program, clock=here.clock)) as server:
        yield server


@pytest.mark.parametrize("ending", ENDINGS, ids=["length", "chunked"])
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        (b"GET", b"/", 200),
        (b"GET", b"/nothing/here", 404),
        (b"POST", b"/nothing/here", 404),
        (b"POST", b"/archive", 405),
        (b"DELETE", b"/", 405),
        (b"POST", b"/me/forged", 404),
        (b"POST", b"/me/forged/start", 404),
        (b"POST", b"/leave/forged", 404),
        (b"POST", b"/vote/forged/1/up", 404),
        (b"GET", b"/trending.rss", 200),
    ],
)
def test_a_body_that_nobody_reads_is_not_waited_for(
    server: uvicorn.Server,
    method: bytes,
    path: bytes,
    status: int,
    ending: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_limits, "LINGER_SECONDS", 0.2)
    with connected(server) as connection:
        connection.sendall(b"%b %b HTTP/1.1\r\n%b%b\r\n" % (method, path, FORM, ending))
        drip(connection)
        answer = whole(connection)

    if answer:  # else the reset overtook what was not read while dripping
        assert statuses(answer) == [status]
        assert b"\r\nconnection: close\r\n" in answer.lower()
    until(lambda: not server.server_state.connections)


def test_the_answer_comes_before_the_body_and_can_be_read(server: uvicorn.Server) -> None:
    """Also where more comes than the system keeps: a reset would lose the answer."""
    with connected(server) as connection:
        connection.sendall(b"POST /me/forged/start HTTP/1.1\r\n" + FORM)
        connection.sendall(b"Content-Length: 200000\r\n\r\n" + b"a" * (LINGER_BYTES // 2))

        answer = whole(connection)

    assert statuses(answer) == [404]
    assert b"Page not available" in answer


def test_what_follows_a_body_that_nobody_read_is_no_request(server: uvicorn.Server) -> None:
    smuggled = b"GET /archive HTTP/1.1\r\n" + HOST + b"\r\n"
    with connected(server) as connection:
        head = b"GET / HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n"
        connection.sendall(head % (HOST, len(smuggled)))
        begun = connection.recv(100)  # of the answer, which waits for no body
        connection.sendall(smuggled + smuggled)

        assert statuses(begun + whole(connection)) == [200]


def test_a_body_of_a_get_that_is_whole_costs_nothing_and_the_connection_goes_on(
    server: uvicorn.Server,
) -> None:
    request = b"GET /robots.txt HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\nabc"
    last = b"GET /robots.txt HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
    with connected(server) as connection:
        connection.sendall(request + request + last)

        assert statuses(whole(connection)) == [200, 200, 200]


def test_a_form_that_drips_is_given_up_with_a_page(
    here: Place, me: str, server: uvicorn.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "BODY_SECONDS", 0.3)
    with connected(server) as connection:
        connection.sendall(
            b"POST %b HTTP/1.1\r\n%bContent-Length: 9\r\n\r\na" % (me.encode(), FORM)
        )
        answer = whole(connection)

    assert statuses(answer) == [408]
    assert b"The form did not arrive in time" in answer
    assert here.current().feed_key == here.reader.feed_key


async def endless(_scope: Scope, receive: Receive, _send: Send) -> None:
    """Wait for a body as long as it comes."""
    while (await receive())["type"] != "http.disconnect":
        pass


def test_no_body_is_waited_for_for_ever_whoever_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_limits, "BODY_SECONDS", 0.3)
    with running(endless) as server, connected(server) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\n%bContent-Length: 9\r\n\r\na" % FORM)
        answer = whole(connection)

        assert statuses(answer) == [408]
        assert not [name for name in HEADERS if name.encode() not in answer]
        until(lambda: not server.server_state.connections and not server.server_state.tasks)


@pytest.mark.parametrize(
    "rubbish",
    [b"1;" + b"x" * 4096 + b"\r\na\r\n", b"0\r\n" + b"X-Some: y\r\n" * 400],
    ids=["extensions", "trailers"],
)
def test_what_stands_around_a_body_is_limited(
    me: str, server: uvicorn.Server, rubbish: bytes
) -> None:
    head = b"POST %b HTTP/1.1\r\n%bTransfer-Encoding: chunked\r\n\r\n" % (me.encode(), FORM)
    sent = 0
    with connected(server) as connection:
        connection.sendall(head)
        try:
            while sent < 100 * MOST_OVERHEAD:
                connection.sendall(rubbish if not sent else rubbish.removeprefix(b"0\r\n"))
                sent += len(rubbish)
        except OSError:
            pass  # the other end has closed

    assert sent < 100 * MOST_OVERHEAD


def test_a_trailer_is_no_header(server: uvicorn.Server, here: Place, me: str) -> None:
    body = b"c\r\naction=renew\r\n0\r\nOrigin: null\r\nSec-Fetch-Site: same-origin\r\n\r\n"
    lines = b"Sec-Fetch-Site: cross-site\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    with connected(server) as connection:
        connection.sendall(b"POST %b HTTP/1.1\r\n%b%b%b" % (me.encode(), FORM, lines, body))

        assert statuses(whole(connection)) == [403]
    assert here.current().feed_key == here.reader.feed_key


def test_a_form_in_single_bytes_is_still_a_form(
    here: Place, me: str, server: uvicorn.Server
) -> None:
    """Chunks of one byte are mostly sizes; that alone is no reason to refuse them."""
    words = b"action=interest&name=x&words=" + b"a" * 20_000
    body = b"".join(b"1\r\n%c\r\n" % one for one in words) + b"0\r\n\r\n"
    lines = b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    with connected(server) as connection:
        connection.sendall(b"POST %b HTTP/1.1\r\n%b%b%b" % (me.encode(), FORM, lines, body))

        assert statuses(whole(connection))[0] in {200, 303, 400}
    assert here.current().uid == here.reader.uid


class Counting:
    """An application that responds when the test lets it, and counts requests."""

    def __init__(self) -> None:
        self.asked = 0
        self.go = threading.Event()

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        self.asked += 1
        while not self.go.is_set():
            await asyncio.sleep(0.01)
        headers = [(b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok"})


def test_few_requests_may_wait_on_one_connection() -> None:
    pages = Counting()
    with running(pages) as server, connected(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 2000)
        until(lambda: pages.asked == 1)
        pages.go.set()
        answer = whole(connection)

        assert statuses(answer) == [200] * (MOST_PIPELINED + 1)
        assert pages.asked == MOST_PIPELINED + 1


@pytest.mark.parametrize("rubbish", [b"no request at all\r\n\r\n", b"GET / HT"])
def test_a_refusal_never_comes_before_the_answer_to_what_was_asked_before(
    rubbish: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_limits, "HEAD_SECONDS", 0.2)
    pages = Counting()
    with running(pages) as server, connected(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        until(lambda: pages.asked == 1)
        connection.sendall(rubbish)
        time.sleep(0.5)
        pages.go.set()
        answer = whole(connection)

    assert statuses(answer) == [200]
    assert answer.endswith(b"ok")
    assert b"connection: close" in answer.lower()


def test_who_does_not_read_the_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_limits, "STALL_SECONDS", 0.3)

    async def large(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(64):
            await send({"type": "http.response.body", "body": b"a" * 1_000_000, "more_body": True})
        await send({"type": "http.response.body"})

    with running(large) as server, connected(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        until(lambda: bool(server.server_state.connections))
        until(lambda: not server.server_state.connections and not server.server_state.tasks)


@pytest.mark.parametrize(
    ("start", "statuses_"),
    [
        (b"GET /robots.txt HTTP/1.1\r\n\r\n", [400]),
        (b"GET /robots.txt HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", [400]),
        (b"GET /robots.txt HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", [400]),
        (b"GET /robots.txt HTTP/1.1\r\nHost:\r\n\r\n", [400]),
        (b"GET /robots.txt HTTP/1.1\r\nHost: a b\r\n\r\n", [400]),
        (b"GET /robots.txt HTTP/1.1\r\nHost: a, b\r\n\r\n", [400]),
        (b"GET /robots.txt HTTP/1.1\r\nHost: a/b\r\n\r\n", [400]),
        (b"GET /robots.txt HTTP/1.1\r\nHost: user@a\r\n\r\n", [400]),
        (b"GET /robots.txt HTTP/1.1\r\nHost: a:port\r\n\r\n", [400]),
        (b"GET /robots.txt HTTP/1.1\r\nHost: [::1\r\n\r\n", [400]),
        (b"GET /robots.txt HTTP/1.1\r\nHost: \xff\r\n\r\n", [400]),
        (b"GET /robots.txt HTTP/1.1\r\nHost: %b\r\n\r\n" % (b"a" * 300), [400]),
        (b"GET /robots.txt HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", [400]),
        (b"POST /subscribe HTTP/1.1\r\nContent-Length: 0\r\n\r\n", [400]),
        (b"GET /trending.rss HTTP/1.1\r\n\r\n", [400]),
        (b"GET /robots.txt HTTP/1.0\r\n\r\n", [200]),  # it knows no Host (RFC 9112, 3.2)
        (b"GET /robots.txt HTTP/1.1\r\nHost: a\r\n\r\n", [200]),
        (b"GET /robots.txt HTTP/1.1\r\nHost: a:8025\r\n\r\n", [200]),
        (b"GET /robots.txt HTTP/1.1\r\nHost: [::1]:8025\r\n\r\n", [200]),
        (b"GET /robots.txt HTTP/1.1\r\nhOST:   127.0.0.1  \r\n\r\n", [200]),
        (b"GET /robots.txt HTTP/1.1\r\nHost: pa_pers.example.\r\n\r\n", [200]),
    ],
)
def test_a_request_names_one_host(
    here: Place, server: uvicorn.Server, start: bytes, statuses_: list[int]
) -> None:
    for path in ("/trending.rss", "/robots.txt"):  # a feed at hand is refused as well
        here.client.get(path)
    with connected(server) as connection:
        connection.sendall(start.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\nConnection: close\r\n"))
        answer = whole(connection)

    assert statuses(answer) == statuses_
    assert not [name for name in HEADERS if name.lower().encode() not in answer.lower()]


@pytest.mark.parametrize(
    "request_",
    [
        b"rubbish\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\tz\x00\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\nContent-Length: 3\r\n\r\n",
        b"GET http:// HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * LONGEST_HEAD + b"\r\n",
    ],
)
def test_what_is_no_request_is_refused_with_all_headers_and_closed(
    server: uvicorn.Server, request_: bytes
) -> None:
    with connected(server) as connection:
        connection.sendall(request_)
        answer = whole(connection)

    assert len(statuses(answer)) == 1
    assert 400 <= statuses(answer)[0] < 500
    assert not [name for name in HEADERS if name.lower().encode() not in answer.lower()]


def test_another_protocol_is_not_taken_up_and_nothing_is_logged_of_it(
    server: uvicorn.Server, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("uvicorn"), "propagate", True)  # as the daemon has it
    caplog.set_level("WARNING", logger="uvicorn.error")
    for protocol in (b"websocket", b"h2c"):
        with connected(server) as connection:
            lines = b"Connection: Upgrade\r\nUpgrade: %b\r\n\r\n" % protocol
            connection.sendall(b"GET /robots.txt HTTP/1.1\r\n" + HOST + lines)
            assert b"User-agent" in connection.recv(65536)

    assert not caplog.records
