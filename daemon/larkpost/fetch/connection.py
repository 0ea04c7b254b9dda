"""Connects only to checked addresses: a name is resolved once, and that address is used.

So a name whose address changes between check and connection (DNS rebinding) has no effect. Every
wait ends at the deadline of the whole request, even if an answer is slow.
"""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

import httpcore2

from larkpost.errors import FetchProblem, SourceFailure
from larkpost.fetch.public_addresses import is_public

if TYPE_CHECKING:
    import ssl

    Resolve = Callable[[str, int], list[str]]

_MOST_ADDRESSES = 4  # the number of addresses that are tried


class Deadline:
    """The time at which a request is aborted."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = monotonic() + seconds

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Exclude the time inside the context, such as waiting for a rate limit."""
        began = monotonic()
        yield
        self._end += monotonic() - began

    def left(self, wanted: float | None = None) -> float:
        """Return the remaining seconds, at most ``wanted``; raises SourceFailure if none remain."""
        rest = self._end - monotonic()
        if rest <= 0:
            raise SourceFailure(
                f"the answer was not complete after {self.seconds:g} seconds",
                problem=FetchProblem.TIMEOUT,
                hint="it is tried again, later each time; fetch.timeout allows more",
            )
        return rest if wanted is None else min(rest, wanted)


def resolve_host(host: str, port: int) -> list[str]:
    """Look up the addresses of a host; raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class CheckedBackend(httpcore2.NetworkBackend):
    """Opens connections to public addresses, or to any where ``allow_private`` is set."""

    def __init__(
        self, deadline: Deadline, *, allow_private: bool, resolve: Resolve = resolve_host
    ) -> None:
        self._deadline = deadline
        self._allow_private = allow_private
        self._resolve = resolve
        self._plain = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Resolve, check, and connect to the checked address; raises SourceFailure."""
        addresses = self._look_up(host, port, timeout)
        allowed = [one for one in addresses if self._allow_private or is_public(one)]
        if not allowed:
            found = f"{host} is {', '.join(addresses[:3]) or 'nowhere'}, which"
            raise SourceFailure(
                f"{host if addresses == [host] else found} is not a public address",
                problem=FetchProblem.PRIVATE_ADDRESS,
                hint="allow_private = true (source add --allow-private) allows the host and port "
                "of one source, but not where it redirects to: set the final address",
            )
        for number, address in enumerate(allowed[:_MOST_ADDRESSES], 1):
            try:
                stream = self._plain.connect_tcp(
                    address, port, self._deadline.left(timeout), local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                if number == len(allowed[:_MOST_ADDRESSES]):
                    raise
            else:
                return _DeadlineStream(stream, self._deadline)
        raise AssertionError("there is at least one address")

    def _look_up(self, host: str, port: int, timeout: float | None) -> list[str]:
        """Resolve in a thread, because the system's resolver has no time limit."""
        answers: queue.SimpleQueue[list[str] | OSError | UnicodeError] = queue.SimpleQueue()

        def look_up() -> None:
            try:
                answers.put(self._resolve(host, port))
            except (OSError, UnicodeError) as error:
                answers.put(error)

        threading.Thread(target=look_up, name="resolver", daemon=True).start()
        try:
            answer = answers.get(timeout=self._deadline.left(timeout))
        except queue.Empty:
            answer = TimeoutError("the resolver did not answer")
        if isinstance(answer, Exception):
            why = getattr(answer, "strerror", None) or answer
            raise SourceFailure(
                f"{host} does not exist or cannot be resolved: {why}",
                problem=FetchProblem.UNREACHABLE,
                hint="check the spelling of the address, and the network of this machine",
            ) from answer
        return answer


class _DeadlineStream(httpcore2.NetworkStream):
    """A connection on which no wait exceeds the deadline."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        wait = self._deadline.left(timeout)
        stream = self._stream.start_tls(ssl_context, server_hostname, wait)
        return _DeadlineStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
