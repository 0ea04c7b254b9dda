"""Handles signals that end a command: it finishes or returns its current work."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from larkpost.bootstrap import Program


@contextmanager
def finish_on(program: Program, *numbers: signal.Signals) -> Iterator[set[signal.Signals]]:
    """Let these signals set ``program.stopping``, as in the daemon; yields the received ones.

    A second signal has its usual effect and ends the process at once. A signal that the caller of
    this process ignores stays ignored.
    """
    before = {number: signal.getsignal(number) for number in numbers}
    heard: set[signal.Signals] = set()

    def finish(number: int, _frame: FrameType | None) -> None:
        heard.add(signal.Signals(number))
        program.stopping.set()
        signal.signal(number, before[signal.Signals(number)])

    try:
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, finish)
        yield heard
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
