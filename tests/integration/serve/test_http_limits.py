"""Tests ends of connections: endless heads, split requests, pipelined requests."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest
import uvicorn
from tests.helpers.polling import PATIENCE
from tests.helpers.web import raw_http

from larkpost.serve import http_limits
from larkpost.serve.http_limits import (
    LEAST_MEAN,
    LONGEST_HEAD,
    MOST_HEADERS,
    MOST_PIECES,
    LimitedHttpProtocol,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Receive, Scope, Send


CHUNKED = b"POST /in HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
DATE = b"Fri, 07 Aug 2026 10:00:00 GMT"


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Respond with the length of the body."""
    length, more = 0, True
    while more:
        message = await receive()
        length, more = length + len(message["body"]), message.get("more_body", False)
    said = f"{scope['path']} {length}".encode()
    headers = [(b"content-length", str(len(said)).encode()), (b"date", DATE)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": said})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Start a server; returns its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, http=LimitedHttpProtocol, lifespan="off", log_level="critical")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join()


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        yield connection


def answered(connection: socket.socket, until: bytes) -> bytes:
    """Read until this has come, or the end."""
    came = b""
    while until not in came and (some := connection.recv(65536)):
        came += some
    return came


@pytest.mark.parametrize("start", [b"GET / HTTP/1.1\r\nX-Long: ", b"GET /"])
def test_a_head_that_does_not_end_is_refused(port: int, start: bytes) -> None:
    with connected(port) as connection:
        connection.sendall(start)
        sent = 0
        try:
            while sent < 100 * LONGEST_HEAD:
                connection.sendall(b"a" * 4096)
                sent += 4096
        except OSError:
            pass  # the other end has closed

        assert sent < 100 * LONGEST_HEAD


def test_the_refusal_says_why(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX-Long: " + b"a" * (LONGEST_HEAD + 1))

        assert answered(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    "head", [b"GET /one?%b HTTP/1.1\r\n", b"GET /one HTTP/1.1\r\nX-Long: %b\r\n"]
)
def test_a_long_head_that_comes_at_once_is_refused_too(port: int, head: bytes) -> None:
    """Reading it takes the event loop, however it comes: the socket gives 256 kB at a time."""
    for size, status in ((LONGEST_HEAD - 100, b"200"), (LONGEST_HEAD + 1, b"431")):
        with connected(port) as connection:
            connection.sendall(head % (b"a" * size) + b"\r\n")

            assert answered(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 %b " % status)


def test_a_head_of_many_headers_is_refused(port: int) -> None:
    """Eight thousand of two bytes kept the event loop from others for milliseconds."""
    for many, status in ((MOST_HEADERS, b"200"), (MOST_HEADERS + 1, b"431"), (8_000, b"431")):
        with connected(port) as connection:
            connection.sendall(b"GET /one HTTP/1.1\r\n" + b"a:\r\n" * many + b"\r\n")

            assert answered(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 %b " % status)


def test_a_body_in_very_many_tiny_chunks_is_refused(port: int) -> None:
    """Its chunks cost much more than its bytes."""
    with connected(port) as connection:
        connection.sendall(CHUNKED + b"1\r\na\r\n" * MOST_PIECES + b"0\r\n\r\n")
        assert b"/in %d" % MOST_PIECES in answered(connection, b"/in %d" % MOST_PIECES)
    with connected(port) as connection:
        connection.sendall(CHUNKED + b"1\r\na\r\n" * (MOST_PIECES * 2))
        assert answered(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_a_large_body_in_small_chunks_is_read(port: int) -> None:
    size = 2 * MOST_PIECES * LEAST_MEAN
    chunks = b"%x\r\n%b\r\n" % (LEAST_MEAN, b"a" * LEAST_MEAN) * (2 * MOST_PIECES)
    with connected(port) as connection:
        connection.sendall(CHUNKED + chunks + b"0\r\n\r\n")

        assert b"/in %d" % size in answered(connection, b"/in %d" % size)


def test_a_large_body_is_no_long_head(port: int) -> None:
    size = 4 * LONGEST_HEAD
    with connected(port) as connection:
        connection.sendall(b"POST /in HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % size + b"a" * size)

        assert b"/in %d" % size in answered(connection, b"/in %d" % size)


def test_a_body_that_comes_in_one_piece_is_no_head(port: int) -> None:
    """The end of a body brings the next head: what came with it does not count as that head."""
    size = LONGEST_HEAD + 8000
    with connected(port) as connection:
        connection.sendall(b"POST /in HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(2):
            connection.sendall(b"a" * size)
            assert b"/in %d" % size in answered(connection, b"/in %d" % size)
            connection.sendall(b"POST /in HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % size)


@pytest.mark.parametrize("start", [b"", b"GET /", b"GET / HTTP/1.1\r\nHost: a\r\n"])
def test_a_head_that_is_never_finished_is_not_waited_for(
    port: int, start: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_limits, "HEAD_SECONDS", 0.3)
    with connected(port) as connection:
        connection.sendall(start)

        assert answered(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 408 ")
        assert connection.recv(1) == b""


def test_a_slow_next_head_is_not_waited_for_either(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_limits, "HEAD_SECONDS", 0.3)
    with connected(port) as connection:
        connection.sendall(b"GET /one HTTP/1.1\r\n\r\n")
        answered(connection, b"/one 0")
        connection.sendall(b"GET /two")

        assert answered(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 408 ")


def test_hundreds_of_unfinished_heads_keep_nobody_out(port: int) -> None:
    with ExitStack() as stack:
        for _ in range(400):
            stack.enter_context(connected(port)).sendall(b"GET / HT")
        with connected(port) as connection:
            connection.sendall(b"GET /one HTTP/1.1\r\n\r\n")

            assert b"/one 0" in answered(connection, b"/one 0")


def test_many_requests_on_one_connection_are_not_added_up(port: int) -> None:
    request = b"GET /one HTTP/1.1\r\nX-Some: " + b"a" * 1000 + b"\r\n\r\n"
    with connected(port) as connection:
        for _ in range(2 * LONGEST_HEAD // len(request)):
            connection.sendall(request)
            last = answered(connection, b"/one 0")

    assert last.startswith(b"HTTP/1.1 200 ")


def test_a_request_in_pieces_is_one(port: int) -> None:
    with connected(port) as connection:
        for piece in (b"GET /pi", b"eces HTTP/1.1\r\nX-", b"Some: 1\r\n", b"\r\n"):
            connection.sendall(piece)

        assert b"/pieces 0" in answered(connection, b"/pieces 0")


def test_an_answer_has_the_date_of_the_application_alone_and_a_refusal_the_server_s(
    port: int,
) -> None:
    with connected(port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = answered(connection, b"/ 0").lower()
        connection.sendall(b"no request at all\r\n\r\n")
        refused = answered(connection, b"nothing that comes").lower()

    assert answer.count(b"\r\ndate: ") == 1
    assert b"\r\ndate: " + DATE.lower() in answer
    assert refused.startswith(b"http/1.1 400 ")
    assert refused.count(b"\r\ndate: ") == 1


def test_who_leaves_behind_several_requests_breaks_no_answer() -> None:
    """The answers are made all the same, and go nowhere."""
    asked, gone, ended = threading.Event(), threading.Event(), threading.Event()
    problems: list[Exception] = []

    async def slow(_scope: Scope, _receive: Receive, send: Send) -> None:
        asked.set()
        await asyncio.to_thread(gone.wait, PATIENCE)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for _ in range(10):  # the first piece tells the server that the connection is gone
                await asyncio.sleep(0.05)
                await send({"type": "http.response.body", "body": b"late", "more_body": True})
            await send({"type": "http.response.body", "body": b"late"})
        except Exception as error:  # what the server would log
            problems.append(error)
        ended.set()

    with raw_http.running(slow) as server:
        with raw_http.connected(server) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 2)
            assert asked.wait(PATIENCE)
            linger = struct.pack("ii", 1, 0)  # to close is to reset
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        gone.set()
        assert ended.wait(PATIENCE)

    assert problems == []
