"""One SMTP connection: bytes out, whole replies in, each by a deadline."""

from __future__ import annotations

import contextlib
import fcntl
import math
import select
import socket
import ssl
import termios
from collections.abc import Callable
from time import monotonic

from larkpost.transports.smtp_replies import Reply, reply_of

LONGEST_LINE = 4096  # RFC 5321, 4.5.3.1.5, allows 512; some servers chat
MOST_LINES = 128
CHUNK = 1 << 16
GLANCE = 0.2  # seconds between two checks of ``stopped``


class Garbled(ConnectionError):
    """The received bytes are not SMTP."""


class HungUp(ConnectionError):
    """The server closed the connection properly, after the bytes it had received."""


class Stopped(ConnectionError):
    """The program was told to stop while waiting for the server."""


class SmtpConnection:
    """A connection; every method raises OSError (ssl.SSLError is one) on a break or a timeout.

    A socket's timeout would start again for each byte; here it limits a whole reply, so that a
    server which answers a byte at a time cannot block us for ever.
    """

    def __init__(
        self, host: str, port: int, seconds: float, stopped: Callable[[], bool] = lambda: False
    ) -> None:
        self.host = host
        self._stopped = stopped
        self._stopped_at = math.inf  # when ``stopped`` was first seen
        self._heard = bytearray()
        self._socket = socket.create_connection((host, port), timeout=seconds)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def literal(self) -> str:
        """Our address as an address literal (RFC 5321, 4.1.3): a name that needs no DNS."""
        address = str(self._socket.getsockname()[0])
        return f"[IPv6:{address}]" if ":" in address else f"[{address}]"

    def encrypt(self, context: ssl.SSLContext, seconds: float) -> None:
        """Start TLS.

        Raises Garbled if any bytes arrive between the server's reply and our handshake: they may be
        injected, and would be trusted as if they had come encrypted (CVE-2011-0411).
        """
        if self._heard:
            raise Garbled("it sent data before TLS that nobody asked for")
        self._socket.settimeout(seconds)
        self._socket = context.wrap_socket(self._socket, server_hostname=self.host)

    def write(self, data: bytes, seconds: float) -> None:
        """Send all of it; each 64 KiB may take ``seconds``."""
        self._socket.settimeout(seconds)
        view = memoryview(data)
        for start in range(0, len(view), CHUNK):
            self._socket.sendall(view[start : start + CHUNK])

    def interrupts(self, seconds: float = 0.0) -> bool:
        """Return whether the server sends something out of turn within ``seconds``.

        Raises HungUp, or another OSError, if it ends the connection instead.
        """
        with contextlib.suppress(ValueError):  # more files are open than select can name
            select.select([self._socket], [], [], seconds)
        self._socket.settimeout(0)
        # Under TLS there may be bytes to read that are not a reply.
        with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError):
            self._heard += self._read_chunk()
        return bool(self._heard)

    def reply(self, seconds: float, *, grace: float = 0.0) -> Reply:
        """Read one reply of any number of lines (RFC 5321, 4.2).

        Raises Stopped ``grace`` seconds after the program was told to stop.
        """
        deadline = monotonic() + seconds
        lines: list[str] = []
        for _ in range(MOST_LINES):
            line = self._line(deadline, grace)
            code, mark = line[:3], line[3:4]
            if not (code.isascii() and code.isdigit() and mark in ("", " ", "-")):
                raise Garbled(f"it answered {line[:60]!r}, which is no SMTP")
            lines.append(line[4:])
            if mark != "-":
                return reply_of(int(code), lines)
        raise Garbled("its answer has no end")

    def is_acknowledged(self) -> bool:
        """Return whether the server's system acknowledged all written bytes; True if unknown."""
        try:
            waiting = fcntl.ioctl(self._socket, termios.TIOCOUTQ, bytes(4))
        except OSError:
            return True
        return not any(waiting)  # as an integer, 0

    def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(OSError):
            self._socket.close()

    def _line(self, deadline: float, grace: float) -> str:
        while (end := self._heard.find(b"\n")) < 0:
            if len(self._heard) > LONGEST_LINE:
                raise Garbled("its answer has no end")
            self._heard += self._receive(deadline, grace)
        if end > LONGEST_LINE:  # the whole line arrived at once
            raise Garbled("its answer has a line without measure")
        line = bytes(self._heard[:end])
        del self._heard[: end + 1]
        return line.decode("utf-8", "backslashreplace").rstrip("\r")

    def _receive(self, deadline: float, grace: float) -> bytes:
        while (left := deadline - monotonic()) > 0:
            if self._must_leave(grace):
                raise Stopped("Larkpost was stopped")
            self._socket.settimeout(min(left, GLANCE))
            with contextlib.suppress(TimeoutError):
                return self._read_chunk()
        raise TimeoutError("it did not answer in time")

    def _must_leave(self, grace: float) -> bool:
        if not self._stopped():
            return False
        self._stopped_at = min(self._stopped_at, monotonic())
        return monotonic() >= self._stopped_at + grace

    def _read_chunk(self) -> bytes:
        if data := self._socket.recv(CHUNK):
            return data
        raise HungUp("it hung up")
