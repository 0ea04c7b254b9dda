"""Tests endless request bodies, and bodies that differ from their announced length."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest
import uvicorn
from tests.helpers.polling import PATIENCE
from tests.helpers.web.site_client import contents

from larkpost.serve.http_limits import LimitedHttpProtocol
from larkpost.web import app, site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.helpers.web.site_client import Place

KIND = b"Host: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"


@pytest.fixture
def port(here: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Start a server that is quickly tired of waiting; returns its port."""
    monkeypatch.setattr(site, "BODY_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            app(here.program, clock=here.clock),
            http=LimitedHttpProtocol,
            lifespan="off",
            log_level="critical",
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join()


def status(port: int, request: bytes) -> int:
    """Send these bytes, wait, and read with which status the server answers."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(request)
        answer = connection.recv(65536)
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        pytest.param(b"Transfer-Encoding: chunked\r\n", b"6\r\naction\r\n", 408, id="no end"),
        pytest.param(b"Transfer-Encoding: chunked\r\n", b"", 408, id="no chunk"),
        pytest.param(b"Transfer-Encoding: chunked\r\n", b"zz\r\naction\r\n", 400, id="no size"),
        pytest.param(b"Content-Length: 1000\r\n", b"action=leave", 408, id="length too large"),
        pytest.param(b"Content-Length: 6\r\n", b"action=leave", 400, id="length too small"),
        pytest.param(b"Content-Length: -1\r\n", b"action=leave", 400, id="length below zero"),
        pytest.param(b"Content-Length: much\r\n", b"action=leave", 400, id="no number"),
        pytest.param(
            b"Content-Length: 3\r\nContent-Length: 12\r\n", b"action=leave", 400, id="two lengths"
        ),
        pytest.param(
            b"Content-Length: 12\r\nTransfer-Encoding: chunked\r\n", b"action=leave", 400, id="both"
        ),
    ],
)
def test_a_body_that_is_not_what_was_said_of_it_does_nothing(
    here: Place, port: int, headers: bytes, body: bytes, expected: int
) -> None:
    path = here.path(here.program.links.leave(here.reader)).encode()
    before = contents(here.program.store)

    answered = status(port, b"POST " + path + b" HTTP/1.1\r\n" + KIND + headers + b"\r\n" + body)

    assert answered == expected
    assert contents(here.program.store) == before
    assert status(port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") == 200


def test_parameters_given_twice_break_nothing(here: Place) -> None:
    links, client = here.program.links, here.client
    me, leave = here.path(links.page(here.reader)), here.path(links.leave(here.reader))
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    wishes = (
        "action=save&action=save&zone=UTC&zone=Mars&send_time=06:00&send_time=x"
        "&weekdays=1&weekdays=1&papers_per_edition=5&papers_per_edition=x"
    )

    asked = [
        client.get(path)
        for path in (
            "/search?q=sparse&q=glaciers&page=1&page=2",
            "/search.rss?q=sparse&q=glaciers",
            "/archive/2026-08?page=1&page=x",
            f"/feed/{here.reader.feed_key}.rss?min=0.1&min=x",
            f"{me}?done=saved&done=paused",
        )
    ] + [
        client.post(path, content=body, headers=kind)
        for path, body in (
            (me, wishes),
            (me, "action=vote&paper=1&paper=2&thumb=up&thumb=down"),
            (here.vote_path(1, "up"), "action=up&action=down"),
            (leave, "List-Unsubscribe=One-Click&List-Unsubscribe=x&action=leave"),
            ("/subscribe", "address=a@example.org&address=b@example.org&zone=UTC&zone=UTC"),
        )
    ]

    assert {answer.status_code for answer in asked} <= {200, 303, 400, 404}
