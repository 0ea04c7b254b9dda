"""Tests that a forked call behaves as a started one, in its own process."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.helpers import fork_server
from tests.helpers.cli_helpers import PROGRAM, Shell, paper_lines

if TYPE_CHECKING:
    from pathlib import Path


def started(shell: Shell, *arguments: str, stdin: bytes = b"") -> tuple[int, bytes, bytes]:
    """Start the installed program itself."""
    done = subprocess.run(
        [PROGRAM, *arguments],
        input=stdin, capture_output=True, cwd=shell.folder, env=shell.environ, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def forked(shell: Shell, *arguments: str, stdin: bytes = b"") -> tuple[int, bytes, bytes]:
    """Do the same by way of the server."""
    done = fork_server.call(
        list(arguments), folder=shell.folder, environ=shell.environ, stdin=stdin
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "words",
    [("--version",), ("status", "--json"), ("vote",), ("reader", "show", "näh@example.org"), ()],
)
def test_a_forked_call_answers_as_a_started_one(tmp_path: Path, words: tuple[str, ...]) -> None:
    shell = Shell(tmp_path, {"LARKPOST_HOME": str(tmp_path / "home")})
    shell("init")

    assert forked(shell, *words) == started(shell, *words)


def test_a_forked_call_reads_standard_input_in_the_callers_folder(tmp_path: Path) -> None:
    shell = Shell(tmp_path)

    code, out, err = forked(shell, "--home", "here", "ingest", "-", stdin=paper_lines("Larks"))

    assert code == 0
    assert err.startswith(b"larkpost: standard input: ")
    assert b"1 new" in out
    assert (tmp_path / "here" / "larkpost.db").is_file()


def test_a_call_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    shell = Shell(tmp_path, {"LARKPOST_WEB__PORT": "0"})
    shell("init")

    with pytest.raises(subprocess.TimeoutExpired):
        fork_server.call(
            ["--home", str(shell.home), "serve"],
            folder=tmp_path, environ=shell.environ, timeout=2,
        )  # fmt: skip
