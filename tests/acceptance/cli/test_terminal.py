"""Output on a terminal but not in a pipe: a progress bar, tables that fit."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.helpers.cli_helpers import PROGRAM, SAMPLE

if TYPE_CHECKING:
    from tests.helpers.cli_helpers import Shell

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def seen(shell: Shell, *arguments: object) -> str:
    """Call on a terminal of 80 columns; what it shows, errors included."""
    ours, theirs = pty.openpty()
    call = subprocess.Popen(
        [PROGRAM, "--home", str(shell.home), *map(str, arguments)],
        stdin=theirs, stdout=theirs, stderr=theirs, cwd=shell.folder,
        env={**shell.environ, "COLUMNS": "80", "TERM": "xterm-256color"},
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 65536):
            shown += chunk
    except OSError:  # what Linux says when the other side is closed
        pass
    finally:
        os.close(ours)
    assert call.wait() == 0
    return shown.decode()


def test_reading_shows_a_progress_bar(shell: Shell) -> None:
    shown = seen(shell, "ingest", SAMPLE)

    assert "━" in shown
    assert "100%" in shown
    assert "108 papers: 108 new" in shown


@pytest.mark.parametrize("arguments", [("reader", "list"), ("papers", "--limit", 5), ("status",)])
def test_nothing_is_wider_than_the_terminal(
    furnished: Shell, arguments: tuple[object, ...]
) -> None:
    lines = ESCAPES.sub("", seen(furnished, *arguments)).splitlines()

    assert lines
    assert max(map(len, lines)) <= 80


def test_a_title_cannot_move_the_cursor(shell: Shell) -> None:
    title = "Sparse \\u001b[2J\\u001b]0;owned\\u0007 experts [red]bold[/red]"
    shell("ingest", "-", stdin=f'{{"title": "{title}"}}\n'.encode())

    shown = seen(shell, "papers")

    assert "\x1b[2J" not in shown
    assert "\x1b]0;" not in shown
    assert "[red]bold[/red]" in ESCAPES.sub("", shown)
