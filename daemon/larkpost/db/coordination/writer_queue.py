"""Queues the threads of one process that write to SQLite, in order of arrival.

SQLite has one writer at a time. By default the others poll with growing sleeps, so later writers
overtake one that has waited long: under constant load some waited for many seconds. Between
processes SQLite's own lock applies.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from larkpost.errors import Busy


class WriterQueue:
    """A fair lock on the database ``name``: it goes to the thread that has waited longest."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._guard = Lock()
        self._waiting: deque[Lock] = deque()
        self._is_taken = False

    @contextmanager
    def slot(self, patience: float) -> Iterator[None]:
        """Hold the lock inside the context.

        Raises Busy if it is not free within ``patience`` seconds.
        """
        self._take(patience)
        try:
            yield
        finally:
            self._give_back()

    def __len__(self) -> int:
        """The number of waiting threads."""
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
        """Stop waiting; returns whether the lock was given in that moment."""
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
