"""Opens the socket that the daemon listens on: an address and a port, or a Unix socket."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from larkpost.errors import UsageError
from larkpost.settings import expand
from larkpost.settings.addresses import UNIX


@contextmanager
def open_listener(
    host: str, port: int, *, mode: int = 0o660, home: Path
) -> Iterator[socket.socket]:
    """Listen inside the context on ``host`` and ``port``, or on the Unix socket ``unix:PATH``.

    A relative path starts in ``home``; users with write permission by ``mode`` may connect. Raises
    UsageError with the reason if it is unavailable.
    """
    if not host.startswith(UNIX):
        with listen(host, port) as listener:
            yield listener
        return
    path = _socket_path(host, home)
    listener = listen_unix(path, mode)
    made = path.stat()
    try:
        with listener:
            yield listener
    finally:
        with suppress(OSError):
            if os.path.samestat(path.lstat(), made):  # may be another daemon's by now
                path.unlink()


def check_listening(host: str, port: int, *, mode: int, home: Path) -> None:
    """Raise UsageError if ``open_listener`` would, and change nothing.

    A Unix socket that nobody listens on stays: a starting daemon may just have made it.
    """
    if host.startswith(UNIX):
        path = _socket_path(host, home)
        try:
            stale = _is_stale(path)
        except OSError as error:
            raise _place_error(path, error) from error
        if stale and os.access(path.parent, os.W_OK | os.X_OK):
            return
    with open_listener(host, port, mode=mode, home=home):
        pass


def listen(host: str, port: int) -> socket.socket:
    """Open the socket to listen on; raises UsageError with the reason if it is unavailable."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:  # a host name may not be that long, or empty
        raise UsageError(f"{host} is not an address of this machine: {error}") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise UsageError(
            f"cannot listen on {host} port {port}: {error.strerror}",
            hint="choose another port with --port, or stop the other program",
        ) from error
    return listener


def listen_unix(path: Path, mode: int) -> socket.socket:
    """Open a Unix socket, replacing one left by a crash; raises UsageError."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    umask = os.umask(0o777 & ~mode)  # it has its permissions from the start
    try:
        if _is_stale(path):
            path.unlink()
        listener.bind(os.fspath(path))
    except UsageError:
        listener.close()
        raise
    except OSError as error:
        listener.close()
        raise _place_error(path, error) from error
    finally:
        os.umask(umask)
    return listener


def _socket_path(host: str, home: Path) -> Path:
    return home / expand(Path(host.removeprefix(UNIX)))


def _place_error(path: Path, error: OSError) -> UsageError:
    return UsageError(
        f"cannot listen on {path}: {error.strerror or error}",
        hint="give a path in an existing folder that this user can write to, with at most"
        " about 100 characters",
    )


def _is_stale(path: Path) -> bool:
    """Whether there is a Unix socket that nobody listens on; raises UsageError, OSError.

    False if the path is free; a UsageError if anything else is there.
    """
    try:
        kind = path.lstat().st_mode
    except FileNotFoundError:
        return False
    if not stat.S_ISSOCK(kind):
        raise UsageError(
            f"cannot listen on {path}: another file has that name",
            hint="choose another path in web.host, or move that file",
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knock:
        knock.settimeout(1)
        try:
            knock.connect(os.fspath(path))
        except ConnectionRefusedError:
            return True
    raise UsageError(
        f"cannot listen on {path}: Address already in use",
        hint="choose another path in web.host, or stop the other program",
    )


def name_listener(listener: socket.socket) -> str:
    """Name the address of a socket, as a web address if it is one."""
    if listener.family == socket.AF_UNIX:
        return f"{UNIX}{os.fsdecode(listener.getsockname())}"
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
