"""Starts the program quickly: a process that has imported its libraries is forked per call.

A call would spend most of its time on importing SQLAlchemy, pydantic or scikit-learn. Modules of
the program itself are imported anew by each call, in the order of the call, so that a module that
cannot be imported first is noticed. A call has the arguments, folder, environment, umask and
standard streams of its caller, and is a separate process with its own exit code. Two servers
alternate: the order of a set depends on a random number of each interpreter, so a result that
depends on this order differs in the next call.

    python -m tests.helpers.fork_server SOCKET

listens on the Unix socket SOCKET until its standard input ends.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parents[2]
LIBRARIES = (
    "alembic.command",
    "alembic.script",
    "click",
    "httpx2",
    "jinja2",
    "lxml.html",
    "markdown_it",
    "numpy",
    "pydantic_settings",
    "scipy.sparse",
    "sklearn.utils.extmath",
    "sqlalchemy.dialects.sqlite",
    "structlog",
)
# Threads do not survive a fork, so numerical libraries must not start any.
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
_TURNS = cycle((0, 1))


def call(
    arguments: Sequence[str],
    *,
    folder: Path,
    environ: Mapping[str, str],
    stdin: bytes = b"",
    timeout: float = 120,
) -> subprocess.CompletedProcess[bytes]:
    """Run ``larkpost`` as ``subprocess.run`` would, with pipes; raises TimeoutExpired."""
    given, out, err = os.pipe(), os.pipe(), os.pipe()
    request = {
        "arguments": list(arguments),
        "folder": str(folder),
        "environ": dict(environ),
        "umask": _umask(),
    }
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout)
        connection.connect(_server(next(_TURNS)))
        socket.send_fds(connection, [b"-"], [given[0], out[1], err[1]])
        for descriptor in (given[0], out[1], err[1]):
            os.close(descriptor)
        connection.sendall(json.dumps(request).encode() + b"\n")
        with ThreadPoolExecutor(3) as pool:
            pool.submit(_write, given[1], stdin)
            printed = [pool.submit(_read, end) for end in (out[0], err[0])]
            code = _wait(connection, arguments, timeout)
        return subprocess.CompletedProcess(
            arguments, code, printed[0].result(), printed[1].result()
        )


def _umask() -> int:
    umask = os.umask(0o077)
    os.umask(umask)
    return umask


def _write(descriptor: int, content: bytes) -> None:
    with suppress(BrokenPipeError), open(descriptor, "wb") as pipe:
        pipe.write(content)


def _read(descriptor: int) -> bytes:
    with open(descriptor, "rb") as pipe:
        return pipe.read()


def _wait(connection: socket.socket, arguments: Sequence[str], timeout: float) -> int:
    """Return the exit code, negative after a signal; kill a call that takes too long."""
    with connection.makefile("r") as answers:
        number = int(answers.readline())
        try:
            return int(answers.readline())
        except TimeoutError:
            os.kill(number, signal.SIGKILL)
            raise subprocess.TimeoutExpired(list(arguments), timeout) from None


@cache
def _server(_turn: int) -> str:
    """Start a server that ends with this process; returns the path of its socket."""
    path = str(Path(tempfile.mkdtemp(prefix="larkpost-fork-")) / "socket")
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.helpers.fork_server", path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **ONE_THREAD},
    )
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    atexit.register(_stop, server, path)
    return path


def _stop(server: subprocess.Popen[bytes], path: str) -> None:
    assert server.stdin is not None
    server.stdin.close()
    server.wait()
    assert server.stdout is not None
    server.stdout.close()
    shutil.rmtree(Path(path).parent)


def serve(path: str) -> None:
    """Fork for every connection, until standard input ends."""
    for library in LIBRARIES:
        importlib.import_module(library)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for these processes
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen()
        os.write(1, b"ready\n")
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            if os.fork() == 0:
                _attend(connection)
            connection.close()


def _attend(connection: socket.socket) -> NoReturn:
    """Start one call; send its process id and, when it has ended, its exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, streams, _, _ = socket.recv_fds(connection, 1, 3)
    with connection.makefile("r") as lines:
        request = json.loads(lines.readline())
    number = os.fork()
    if number == 0:
        _become(request, streams)
    for descriptor in streams:
        os.close(descriptor)
    connection.sendall(f"{number}\n".encode())
    _, status = os.waitpid(number, 0)
    connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _become(request: dict[str, Any], streams: Sequence[int]) -> NoReturn:
    """Become the call: with its streams and environment, and no other open file."""
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
    os.closerange(3, 256)
    os.chdir(request["folder"])
    os.umask(request["umask"])
    os.environ.clear()
    os.environ.update(request["environ"])
    # as Python opens them under C.UTF-8
    lenient, escaped = "surrogateescape", "backslashreplace"
    sys.stdin = open(0, encoding="utf-8", errors=lenient, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", errors=lenient, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, encoding="utf-8", errors=escaped, closefd=False)  # noqa: SIM115
    os._exit(_run(request["arguments"]))


def _run(arguments: list[str]) -> int:
    """Run the program and Python's exit handlers; returns the exit code."""
    code = 1
    try:
        from larkpost.cli import main

        main(arguments)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # as the interpreter does
        traceback.print_exc()
    threading._shutdown()  # type: ignore[attr-defined]  # waits for the threads at exit
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return code


if __name__ == "__main__":
    serve(sys.argv[1])
