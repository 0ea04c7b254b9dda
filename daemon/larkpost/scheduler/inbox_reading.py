"""Reads the inbox in a thread of its own, so that a large dump does not delay the editions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from larkpost.ingest.inbox import Taken

PATIENCE = 5.0  # seconds that a tick waits, so that papers just before the editions are in them


class InboxReading:
    """The reading of the inbox; one tick begins it, a later one may see its end."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._thread: threading.Thread | None = None
        self._taken: list[Taken] = []
        self._error: Exception | None = None

    @property
    def is_going_on(self) -> bool:
        """Whether the inbox is still being read."""
        return self._thread is not None and self._thread.is_alive()

    def read(self, sweep: Callable[[], list[Taken]]) -> list[Taken]:
        """Begin to read unless that is going on; return its results if it ends in time, else none.

        An earlier tick's reading that has ended is returned first, without another one. Raises what
        ``sweep`` raised.
        """
        if self._thread is None:
            thread = threading.Thread(target=self._run, args=(sweep,), name="inbox", daemon=True)
            self._thread = thread
            thread.start()
            thread.join(self._patience)
        if self.is_going_on:
            return []
        self._thread = None
        taken, error = self._taken, self._error
        self._taken, self._error = [], None
        if error is not None:
            raise error
        return taken

    def _run(self, sweep: Callable[[], list[Taken]]) -> None:
        try:
            self._taken = sweep()
        except Exception as error:  # raised again by ``read``
            self._error = error
