"""Tests that no request can be smuggled in a body: ambiguous framing ends the connection.

Each case contains a second request, which a server in front may treat as part of the first one's
body (RFC 9112, sections 6 and 11.2).
"""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest
import uvicorn
from tests.helpers.polling import PATIENCE

from larkpost.serve.http_limits import LimitedHttpProtocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Receive, Scope, Send

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
CHUNKED, LENGTH = b"Transfer-Encoding: chunked", b"Content-Length: 4"
LAST_CHUNK = b"0\r\n\r\n"
TWO_FIELDS = {
    "both, the length first": (LENGTH, CHUNKED),
    "both, the length last": (CHUNKED, LENGTH),
    "two lengths": (b"Content-Length: 0", b"Content-Length: 4"),
    "the same length twice": (LENGTH, LENGTH),
    "two codings": (CHUNKED, b"Transfer-Encoding: cow"),
}
ONE_FIELD = {
    "a list of lengths": b"Content-Length: 4, 4",
    "a sign": b"Content-Length: +4",
    "a negative length": b"Content-Length: -4",
    "a hexadecimal length": b"Content-Length: 0x4",
    "an underscore": b"Content-Length: 1_0",
    "more than 64 bits": b"Content-Length: 18446744073709551617",
    "a space before the colon of a length": b"Content-Length : 4",
    "a space before the colon of a coding": b"Transfer-Encoding : chunked",
    "a folded line": b"Transfer-Encoding:\r\n chunked",
    "another coding": b"Transfer-Encoding: xchunked",
    "chunked, but not last": b"Transfer-Encoding: chunked, identity",
    "a vertical tab": b"Transfer-Encoding: \x0bchunked",
    "a bare CR": b"X: a\rTransfer-Encoding: chunked",
    "a NUL": b"X: a\x00b",
    "a name with a space": b"X Y: z",
    "no colon": b"X",
}
CHUNKS = {
    "a size that ends with LF": b"3\na=b\r\n",
    "an extension with CRLF in quotes": b'3;x="\r\n"\r\na=b\r\n',
    "an extension that ends with LF": b"3;\nxx\r\na=b\r\n",
    "a hexadecimal prefix": b"0x3\r\na=b\r\n",
    "a negative size": b"-1\r\na=b\r\n",
    "a size of more than 64 bits": b"10000000000000003\r\na=b\r\n",
    "more data than the size says": b"3\r\na=bXX",
}


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Read the body, if any, and name the path."""
    while (await receive()).get("more_body"):
        pass
    said = scope["path"].encode()
    headers = [(b"content-length", str(len(said)).encode())]
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


def exchange(port: int, fields: tuple[bytes, ...], body: bytes) -> bytes:
    """Send a POST and the hidden request; returns all responses until the server closes."""
    head = b"".join(line + b"\r\n" for line in (b"POST /form HTTP/1.1", b"Host: a", *fields, b""))
    came = b""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(head + body + HIDDEN)
        while some := connection.recv(65536):
            came += some
    return came


def is_refused(answers: bytes) -> bool:
    return (
        answers.startswith(b"HTTP/1.1 400 ")
        and answers.count(b"HTTP/1.1 ") == 1
        and b"/hidden" not in answers
    )


@pytest.mark.parametrize("fields", TWO_FIELDS.values(), ids=TWO_FIELDS)
def test_two_fields_that_disagree_on_the_body_are_refused(
    port: int, fields: tuple[bytes, ...]
) -> None:
    assert is_refused(exchange(port, fields, LAST_CHUNK))


@pytest.mark.parametrize("field", ONE_FIELD.values(), ids=ONE_FIELD)
def test_a_field_that_others_may_read_otherwise_is_refused(port: int, field: bytes) -> None:
    assert is_refused(exchange(port, (field,), LAST_CHUNK))


@pytest.mark.parametrize("chunk", CHUNKS.values(), ids=CHUNKS)
def test_a_chunk_that_others_may_read_otherwise_hides_nothing(port: int, chunk: bytes) -> None:
    answers = exchange(port, (CHUNKED,), chunk + LAST_CHUNK)

    assert b"/hidden" not in answers
    assert answers.count(b"HTTP/1.1 ") <= 1


def test_a_length_counts_for_a_get_as_well(port: int) -> None:
    """The hidden request is the body; nothing answers it."""
    asked = b"GET /page HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(HIDDEN)
    last = b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    came = b""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(asked + HIDDEN + last)
        while some := connection.recv(65536):
            came += some

    assert came.endswith(b"/last")
    assert b"/page" in came
    assert b"/hidden" not in came
