"""Reads file arguments one after the other; - means standard input."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO, TypeVar

import click

from larkpost.cli.output import printable, tell, waiting
from larkpost.errors import LarkpostError, UsageError

Progress = Callable[[int, int], None] | None
STDIN = Path("-")
R = TypeVar("R")


def read_each(
    paths: Iterable[Path],
    read: Callable[[Path | None, BinaryIO | None, Progress], R],
    show: Callable[[R], None],
) -> int:
    """Read files one by one and print the result of each; returns the exit code.

    ``read`` gets a path, or a stream instead, and a callback for the progress: bytes read, and
    their total. An unreadable file is reported, and the others are still read.
    """
    code = done = 0
    for path in paths:
        try:
            with waiting(f"reading {path.name}") as progress:
                if path == STDIN:
                    report = read(None, sys.stdin.buffer, progress)
                else:
                    report = read(path, None, progress)
        except LarkpostError as error:
            tell(error)
            code = max(code, error.exit_code)
            continue
        done += 1
        show(report)
    # 2 means that nothing was done, which is wrong after a file was read.
    return 1 if done and code == UsageError.exit_code else code


def tell_oddities(name: str, oddities: Iterable[str]) -> None:
    """Print the warnings about a file on standard error."""
    for what in oddities:
        click.echo(f"larkpost: {printable(name)}: {printable(what)}", err=True)
