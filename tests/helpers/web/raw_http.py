"""Sends HTTP as raw bytes, to our own server on loopback."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn
from tests.helpers.polling import PATIENCE, until

from larkpost.serve.http_limits import LimitedHttpProtocol

if TYPE_CHECKING:
    from collections.abc import Iterator


HOST = b"Host: papers.example.org\r\n"


FORM = HOST + b"Content-Type: application/x-www-form-urlencoded\r\n"


@contextmanager
def running(pages: object) -> Iterator[uvicorn.Server]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            pages,  # type: ignore[arg-type]  # an ASGI application
            http=LimitedHttpProtocol,
            lifespan="off",
            log_level="critical",
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        until(lambda: server.started)
        yield server
        server.should_exit = server.force_exit = True
        thread.join()


@contextmanager
def connected(server: uvicorn.Server) -> Iterator[socket.socket]:
    address = server.servers[0].sockets[0].getsockname()
    with socket.create_connection(address, timeout=PATIENCE) as connection:
        yield connection


def whole(connection: socket.socket) -> bytes:
    """Read until the server closes the connection."""
    came = b""
    try:
        while some := connection.recv(65536):
            came += some
    except ConnectionError:
        pass
    return came


def statuses(answer: bytes) -> list[int]:
    return [int(one) for one in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


def drip(connection: socket.socket) -> None:
    """Send a byte now and then, until the server closes the connection."""

    def is_closed() -> bool:
        try:
            connection.sendall(b"a")
        except OSError:
            return True
        return False

    until(is_closed)


ENDINGS = [b"Content-Length: 100000\r\n", b"Transfer-Encoding: chunked\r\n"]
