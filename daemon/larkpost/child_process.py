"""Runs costly work in a child process: its memory is freed completely, and pages stay fast.

A thread would share the interpreter lock with all visitors. The child is a module of ours that
calls ``answer_request``; it reads one line of JSON from standard input and writes bytes.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING
from urllib.parse import quote

from larkpost.blas_threads import limit_blas_threads
from larkpost.errors import TryAgainLater

if TYPE_CHECKING:
    from larkpost.db.engine import Store

NICE = 10
LOOK = 0.1  # seconds between two checks of the process
LONGEST_ERROR = 500  # characters of the process's error output

_waited = threading.local()


def children_seconds() -> float:
    """Return the processor time (s) of the children that this thread has waited for so far.

    A child of another thread that ended in the same moment may be counted too.
    """
    return float(getattr(_waited, "seconds", 0.0))


@contextmanager
def _count_seconds() -> Iterator[None]:
    before = _seconds_of_all()
    try:
        yield
    finally:
        _waited.seconds = children_seconds() + _seconds_of_all() - before


def _seconds_of_all() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@dataclass(frozen=True, slots=True)
class ChildProcess:
    """A module that runs as our child with a low priority (nice), for at most ``seconds``.

    ``purpose`` names the work in errors. ``stopped`` says whether this process is to end. The child
    may use ``cpu_seconds`` of a processor, without a limit if that is None.
    """

    module: str
    purpose: str
    seconds: float
    stopped: Callable[[], bool] = lambda: False
    cpu_seconds: int | None = None

    def run(self, wanted: Mapping[str, object]) -> bytes:
        """Return the child's output.

        Raises RuntimeError if it fails or is killed, TimeoutError if it takes too long,
        TryAgainLater if this process is to end.
        """
        with _count_seconds():
            command = [sys.executable, "-P", "-m", self.module]
            return self._run(command, {**wanted, "cpu_seconds": self.cpu_seconds})

    def _run(self, command: Sequence[str], wanted: Mapping[str, object]) -> bytes:
        pipe = subprocess.PIPE
        # Unbuffered: bytes that a dead process did not read would be written again when closing.
        with subprocess.Popen(command, bufsize=0, stdin=pipe, stdout=pipe, stderr=pipe) as process:  # noqa: S603 - our own module
            output, errors = _Reader(process.stdout), _Reader(process.stderr)
            try:
                # The input stays open: when it ends, the child knows that this process is gone.
                _ask(process, wanted)
                self._wait(process, output)
            finally:
                process.kill()
                body, message = output.whole(), errors.whole()
        if process.returncode:
            self._raise_if_stopped()  # stopping a service signals all of its processes
            if process.returncode == -signal.SIGXCPU:
                raise TimeoutError(f"{self.purpose} used {self.cpu_seconds} seconds of processor")
            why = message.decode(errors="replace").strip()[-LONGEST_ERROR:]
            raise RuntimeError(
                f"the process for {self.purpose} ended with {process.returncode}: {why}"
            )
        return body

    def _wait(self, process: subprocess.Popen[bytes], output: _Reader) -> None:
        """Wait for the end of the output and then of the process.

        While it works, ``Popen.wait`` would look eighty times a second; a thread does not.
        """
        ends = time.monotonic() + self.seconds
        while True:
            if output.has_ended(LOOK):
                with suppress(subprocess.TimeoutExpired):
                    process.wait(LOOK)
                    return
            self._raise_if_stopped()
            if time.monotonic() > ends:
                raise TimeoutError(f"{self.purpose} took longer than {self.seconds:.0f} seconds")

    def _raise_if_stopped(self) -> None:
        if self.stopped():
            raise TryAgainLater(f"{self.purpose} was stopped, because the daemon ends")


def database_for_child(store: Store) -> str | None:
    """Return the URL of a database, with the password; None for one in this process's memory.

    A child gets it on standard input, because everybody can read a command line.
    """
    if store.file is not None:  # its path may be invalid text
        return f"sqlite:///{quote(os.fsencode(store.file))}"
    if store.engine.dialect.name == "sqlite":
        return None
    return store.url.render_as_string(hide_password=False)


def _ask(process: subprocess.Popen[bytes], wanted: Mapping[str, object]) -> None:
    if process.stdin is None:
        raise ValueError("the process has no standard input")
    left = memoryview(json.dumps(wanted).encode() + b"\n")
    with suppress(BrokenPipeError):  # it ended at once, and has printed why
        while left:  # a signal can interrupt a long write
            left = left[process.stdin.write(left) or 0 :]


class _Reader:
    """Reads a pipe to its end in a thread, so that the process never waits for us."""

    def __init__(self, pipe: IO[bytes] | None) -> None:
        self._parts: list[bytes] = []
        self._thread = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self._thread.start()

    def _read(self, pipe: IO[bytes] | None) -> None:
        self._parts.append(pipe.read() if pipe else b"")

    def has_ended(self, seconds: float) -> bool:
        """Wait for the writer to end, at most so many seconds; return whether it has."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def whole(self) -> bytes:
        """Wait for the writer to end, and return all bytes."""
        self._thread.join()
        return b"".join(self._parts)


def answer_request(compute: Callable[[dict[str, object]], bytes]) -> None:
    """Answer the request on standard input as the child, then end the process.

    On an error it ends with 1 and one line of explanation, without the password of the database
    that the request calls ``store``.
    """
    limit_blas_threads()
    os.nice(NICE)
    answer = os.dup(1)
    os.dup2(2, 1)  # prints must not get into the output
    sys.stdout = sys.stderr
    wanted = json.loads(sys.stdin.buffer.readline())
    _limit_cpu(wanted.get("cpu_seconds"))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        body = compute(wanted)
    except Exception as error:  # reported to the waiting process, which logs it
        _report(error, str(wanted["store"]))
        os._exit(1)
    with os.fdopen(answer, "wb") as pipe:
        pipe.write(body)
    os._exit(0)  # at once, without freeing the memory


def _limit_cpu(seconds: int | None) -> None:
    """Have the system end this process with SIGXCPU after so many seconds of processor.

    However long a call is: a Python handler would wait for its end.
    """
    if seconds is not None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # SIGXCPU would write the memory to a file
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))


def _report(error: Exception, store: str) -> None:
    """Write the error to standard error, without the database's password."""
    from larkpost.masking import mask_text, secrets_of_url

    sys.stderr.write(mask_text(f"{type(error).__name__}: {error}", secrets_of_url(store)))
    sys.stderr.flush()


def _end_with_parent() -> None:
    """End when the input ends: the parent is gone, and nobody would read the output."""
    sys.stdin.buffer.read()
    os._exit(1)
