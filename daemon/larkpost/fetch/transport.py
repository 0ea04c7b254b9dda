"""Wires the HTTP library to the backend that checks addresses; imported at the first request."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

import httpcore2
import httpx2

from larkpost.fetch.connection import CheckedBackend, Deadline, resolve_host

if TYPE_CHECKING:
    import ssl

    from larkpost.fetch.http_client import HttpClient


def make_client(
    settings: HttpClient, deadline: Deadline, *, allow_private: bool, context: ssl.SSLContext
) -> httpx2.Client:
    """Make a client for one request: no proxies or logins from the environment, no redirects."""
    for name in ("httpx2", "httpcore2"):  # they log whole addresses, including secrets
        logging.getLogger(name).setLevel(logging.WARNING)
    backend = CheckedBackend(
        deadline, allow_private=allow_private, resolve=settings.resolve or resolve_host
    )
    pool = httpcore2.ConnectionPool(
        ssl_context=context, max_connections=1, max_keepalive_connections=0, network_backend=backend
    )
    limits = settings.limits
    return httpx2.Client(
        transport=_CheckedTransport(pool),
        timeout=httpx2.Timeout(limits.read, connect=limits.connect),
        trust_env=False,
        follow_redirects=False,
    )


class _CheckedTransport(httpx2.BaseTransport):
    """Passes requests of the client to our own connection pool."""

    def __init__(self, pool: httpcore2.ConnectionPool) -> None:
        self._pool = pool

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        answer = self._pool.handle_request(
            httpcore2.Request(
                method=request.method,
                url=httpcore2.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                ),
                headers=request.headers.raw,
                content=b"",
                extensions=request.extensions,
            )
        )
        return httpx2.Response(
            answer.status,
            headers=answer.headers,
            stream=_BodyStream(answer),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        self._pool.close()


class _BodyStream(httpx2.SyncByteStream):
    def __init__(self, answer: httpcore2.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()
