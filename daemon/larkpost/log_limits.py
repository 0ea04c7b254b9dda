"""Limits the log lines that visitors cause: their number per minute, and their length."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from structlog.typing import EventDict, WrappedLogger

LINES = 10  # per kind and minute
MINUTE = 60.0  # seconds
MOST_KINDS = 200  # all further kinds count as one
MOST_CHARACTERS = 2_000  # of a fact
# Libraries that log data from visitors, also outside of a request.
_OF_VISITORS = ("uvicorn", "asyncio", "python_multipart", "multipart")

_of_a_visitor: ContextVar[bool] = ContextVar("_of_a_visitor", default=False)

Kind = tuple[str, str]  # a logger's name, and the event if it is one of ours


@contextmanager
def limit_lines() -> Iterator[None]:
    """Count lines logged inside the context, and in its threads, as caused by a visitor."""
    token = _of_a_visitor.set(True)
    try:
        yield
    finally:
        _of_a_visitor.reset(token)


@dataclass(slots=True)
class _Window:
    begun: float
    lines: int = 0
    left_out: int = 0


class LineLimit(logging.Filter):
    """Lets ``LINES`` lines per kind and minute pass, and counts those left out.

    Lines of the same logger and event are of one kind; the lines of a library are of one kind per
    logger, because their texts contain data from visitors.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._lock = threading.Lock()
        self._windows: dict[Kind, _Window] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is written."""
        if not (_of_a_visitor.get() or record.name.split(".")[0] in _OF_VISITORS):
            return True
        with self._lock:
            window, left_out = self._open(_kind(record))
            if window.lines >= LINES:
                window.left_out += 1
                return False
            window.lines += 1
        if left_out:
            _note(record, left_out)
        return True

    def close_windows(self) -> dict[Kind, int]:
        """End the minutes that are over; returns the number of lines left out per kind."""
        now = self._clock()
        with self._lock:
            over = {kind: one for kind, one in self._windows.items() if now - one.begun >= MINUTE}
            for kind in over:
                del self._windows[kind]
        return {kind: window.left_out for kind, window in over.items() if window.left_out}

    def _open(self, kind: Kind) -> tuple[_Window, int]:
        """Return the current minute of a kind, and the count left out before if it is new."""
        now = self._clock()
        if kind not in self._windows and len(self._windows) >= MOST_KINDS:
            kind = ("", "")
        window = self._windows.get(kind)
        if window is not None and now - window.begun < MINUTE:
            return window, 0
        fresh = self._windows[kind] = _Window(now)
        return fresh, window.left_out if window else 0


def shorten_facts(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Cut long facts, as a structlog processor: visitors choose parts of some errors."""
    return {key: _short(value) for key, value in event.items()}


def _short(value: object) -> object:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    text = str(value)
    if len(text) <= MOST_CHARACTERS:
        return value
    return f"{text[:MOST_CHARACTERS]}… ({len(text) - MOST_CHARACTERS} characters more)"


def _kind(record: logging.LogRecord) -> Kind:
    ours = record.msg.get("event", "") if isinstance(record.msg, dict) else ""
    return record.name, str(ours)[:100]


def _note(record: logging.LogRecord, left_out: int) -> None:
    if isinstance(record.msg, dict):
        record.msg = {**record.msg, "left_out_before": left_out}
    else:
        record.left_out_before = left_out  # an extra, which structlog adds to the line


line_limit = LineLimit()
