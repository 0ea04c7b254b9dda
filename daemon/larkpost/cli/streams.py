"""The standard streams of a command: closed, full, or in an encoding that lacks our letters."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import TextIO

_HIGHEST_STANDARD = 2  # the descriptor of standard error


def prepare_streams() -> None:
    """Make the three standard streams usable, whatever their state.

    A closed stream reads as empty and discards output: Python has None for it, and a file opened
    later would get its number, and our messages. A character that a stream's encoding lacks is
    written as its code point.
    """
    if sys.stdin is None or sys.stdout is None or sys.stderr is None:
        _fill_descriptors()
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115, PTH123 - until the process ends
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - as above
        elif hasattr(stream := getattr(sys, name), "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _fill_descriptors() -> None:
    """Open the null device at each of the numbers 0, 1 and 2 that is free."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _HIGHEST_STANDARD:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)


def is_broken(stream: TextIO) -> bool:
    """Return whether the buffered output of a stream cannot be written."""
    try:
        stream.flush()
    except (OSError, ValueError):
        return True
    return False


def discard(stream: TextIO) -> None:
    """Send the rest of a broken stream to the null device.

    Otherwise Python would fail again on the rest of its buffer when it exits, with status 120.
    """
    with suppress(OSError, ValueError):  # not a stream of the system: nothing is left over
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
    with suppress(OSError, ValueError):
        stream.flush()


def help_width(most: int, environ: Mapping[str, str] = os.environ) -> int:
    """Return the width of help texts: two columns less than the terminal, at least 50.

    Click would ask ``shutil`` for it, which also imports modules for archives.
    """
    columns = int(environ.get("COLUMNS", "")) if environ.get("COLUMNS", "").isdecimal() else 0
    if not columns:
        with suppress(OSError, ValueError):
            columns = os.get_terminal_size(sys.stdout.fileno()).columns
    return max(min(columns or 80, most) - 2, 50)
