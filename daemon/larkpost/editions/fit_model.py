"""Fits a TF-IDF model to the papers: in this process, or in a separate one to free its memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import IO, TYPE_CHECKING, NamedTuple, Protocol
from urllib.parse import quote

from larkpost import logs
from larkpost.db import papers, popularity
from larkpost.errors import TryAgainLater
from larkpost.log_events import LogEvent

if TYPE_CHECKING:
    from larkpost.db.engine import Store
    from larkpost.ranking import TextSpace, TfidfRanker

log = logs.get_logger(__name__)

NEWEST = 20_000  # papers to which a model is fitted
LIKED = 3  # the least number of liked papers for a reader's thumbs to count
LONGEST = 240.0  # seconds: a tick without progress for five minutes ends the daemon
LOOK = 0.1  # seconds between two checks of the process
MOST_TOLD = 500  # characters of the process's error output


class Fitted(NamedTuple):
    """A model as bytes, and in memory if it was fitted here."""

    body: bytes
    space: TextSpace | None = None


class Fit(Protocol):
    """A function that fits a model to a database at ``now``, optionally with readers' likes."""

    def __call__(
        self, store: Store, ranker: TfidfRanker, now: datetime, *, together: bool
    ) -> Fitted:
        """Fit a model; raises every error, and writes nothing to the database."""
        ...


def fit_here(store: Store, ranker: TfidfRanker, now: datetime, *, together: bool) -> Fitted:
    """Fit a model in this process, with no transaction open meanwhile."""
    with store.read() as connection:
        corpus = papers.corpus(connection, limit=NEWEST)
        libraries = popularity.libraries(connection, least=LIKED, at=now) if together else []
    space = ranker.fit(corpus, libraries=libraries)
    return Fitted(space.to_bytes(), space)


@dataclass(frozen=True, slots=True)
class FitApart:
    """Fits a model in a separate process, so that its memory goes back to the system.

    ``accurate`` is the ranker's setting. The process reads the database itself, runs with a low
    priority (nice), takes ``seconds`` at most, and ends with this one. Its output is a model as
    bytes, which is read like a stored one. Raises RuntimeError if it fails or is killed,
    TimeoutError if it takes too long, TryAgainLater if ``stopped`` says that this process is to
    end.
    """

    accurate: bool
    stopped: Callable[[], bool] = lambda: False
    seconds: float = LONGEST

    def __call__(
        self, store: Store, ranker: TfidfRanker, now: datetime, *, together: bool
    ) -> Fitted:
        """Fit in the other process.

        ``ranker`` is used only if no other process can read the database.
        """
        wanted = {
            # On standard input, because a command line can be read by everybody.
            "store": _address(store),
            "accurate": self.accurate,
            "now": now.isoformat(),
            "together": together,
        }
        if store.file is None and store.engine.dialect.name == "sqlite":  # in memory
            return fit_here(store, ranker, now, together=together)
        began = time.monotonic()
        body = self._run([sys.executable, "-P", "-m", "larkpost.editions.fit_process"], wanted)
        log.info(LogEvent.MODEL_FITTED, seconds=round(time.monotonic() - began, 1), bytes=len(body))
        return Fitted(body)

    def _run(self, command: list[str], wanted: dict[str, object]) -> bytes:
        pipe = subprocess.PIPE
        # Unbuffered: bytes that a dead process did not take would be written again at the end.
        with subprocess.Popen(command, bufsize=0, stdin=pipe, stdout=pipe, stderr=pipe) as process:  # noqa: S603 - our own module
            body, said = _Reader(process.stdout), _Reader(process.stderr)
            try:
                # The input stays open: its end tells the process that this one is gone.
                _ask(process, wanted)
                self._wait(process)
            finally:
                process.kill()
                answer, told = body.whole(), said.whole()
        if process.returncode:
            self._raise_if_stopped()  # stopping a service signals all of its processes
            why = told.decode(errors="replace").strip()[-MOST_TOLD:]
            raise RuntimeError(f"the process that fits ended with {process.returncode}: {why}")
        return answer

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        ends = time.monotonic() + self.seconds
        while True:
            with suppress(subprocess.TimeoutExpired):
                process.wait(LOOK)
                return
            self._raise_if_stopped()
            if time.monotonic() > ends:
                raise TimeoutError(f"fitting took longer than {self.seconds:.0f} seconds")

    def _raise_if_stopped(self) -> None:
        if self.stopped():
            raise TryAgainLater("fitting the model was stopped, because the daemon ends")


def _address(store: Store) -> str:
    """Return the URL of a database, with the password; a file's path may not be valid text."""
    if store.file is None:
        return store.url.render_as_string(hide_password=False)
    return f"sqlite:///{quote(os.fsencode(store.file))}"


def _ask(process: subprocess.Popen[bytes], wanted: dict[str, object]) -> None:
    if process.stdin is None:
        raise ValueError("the process has no standard input")
    with suppress(BrokenPipeError):  # it ended at once, and has printed why
        process.stdin.write(json.dumps(wanted).encode() + b"\n")


class _Reader:
    """Reads a pipe to its end in a thread, so that the process never waits for us."""

    def __init__(self, pipe: IO[bytes] | None) -> None:
        self._parts: list[bytes] = []
        self._thread = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self._thread.start()

    def _read(self, pipe: IO[bytes] | None) -> None:
        self._parts.append(pipe.read() if pipe else b"")

    def whole(self) -> bytes:
        """Return all bytes; the writer has ended."""
        self._thread.join()
        return b"".join(self._parts)
