"""Lets the threads of one process write to SQLite one after another, in the order they came.

SQLite has one writer at a time. Left to itself it has the others look again and again, each after
a longer sleep, so that one that has waited long is passed by those who come later: beside a stream
of writers some waited for many seconds. Other processes are still told apart by SQLite's own lock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from larkpost.errors import Busy


class WriterQueue:
    """A lock on the database ``name`` that goes to whoever has waited longest."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._guard = Lock()
        self._waiting: deque[Lock] = deque()
        self._is_taken = False

    @contextmanager
    def slot(self, patience: float) -> Iterator[None]:
        """Write meanwhile; raises Busy where no turn comes within ``patience`` seconds."""
        self._take(patience)
        try:
            yield
        finally:
            self._give_back()

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def _take(self, patience: float) -> None:
        with self._guard:
            if not self._is_taken:
                self._is_taken = True
                return
            turn = Lock()
            turn.acquire()
            self._waiting.append(turn)
        if not turn.acquire(timeout=patience):
            self._leave(turn)

    def _leave(self, turn: Lock) -> None:
        """Wait no longer; a turn that came in the same moment is had."""
        with self._guard:
            if turn not in self._waiting:
                return
            self._waiting.remove(turn)
        raise Busy(f"{self._name} is being written to by others", hint="try again in a moment")

    def _give_back(self) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._is_taken = False
