"""Signals that end a command: it finishes or puts back its current work."""

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
    """Have these signals set ``program.stopping`` as in the daemon; gives those that came.

    A signal that comes a second time does what it did before: it ends the process at once. One
    that whoever called us has set to be ignored stays so.
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
