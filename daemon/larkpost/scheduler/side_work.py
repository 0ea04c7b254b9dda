"""Reads the inbox and mails in threads of their own, so that much of it delays no edition."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

PATIENCE = 5.0  # seconds that a tick waits, so that papers just before the editions are in them


class SideWork(Generic[T]):
    """Work that one tick begins, and whose end a later one may see."""

    def __init__(self, name: str, patience: float = PATIENCE) -> None:
        self._name = name
        self._patience = patience
        self._thread: threading.Thread | None = None
        self._done: T | None = None
        self._error: Exception | None = None

    @property
    def is_going_on(self) -> bool:
        """Whether the work has not ended yet."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def is_open(self) -> bool:
        """Whether it is going on, or has ended and nobody took its result."""
        return self._thread is not None

    def do(self, work: Callable[[], T]) -> T | None:
        """Begin the work unless it is going on; return its result, None if it takes too long.

        If the work of an earlier tick has ended meanwhile, its result is returned, and nothing is
        begun. Raises what ``work`` raised.
        """
        if self._thread is None:
            thread = threading.Thread(target=self._run, args=(work,), name=self._name, daemon=True)
            thread.start()
            self._thread = thread  # ``wait``, of another thread, could not join it before
            thread.join(self._patience)
        return None if self.is_going_on else self._take()

    def finish(self) -> T | None:
        """Wait for work that is going on, however long; return or raise like ``do``."""
        self.wait()
        return self._take()

    def wait(self, seconds: float | None = None) -> None:
        """Wait for work that is going on: for so many seconds at most, or however long."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _take(self) -> T | None:
        done, error = self._done, self._error
        self._thread = self._done = self._error = None
        if error is not None:
            raise error
        return done

    def _run(self, work: Callable[[], T]) -> None:
        try:
            self._done = work()
        except Exception as error:  # raised again by ``do``
            self._error = error
