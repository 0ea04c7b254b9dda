"""Tests what a local user can do: an account on the same machine, without rights to ours."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from tests.helpers.cli_helpers import PROGRAM, SAMPLE, Shell

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = 65534  # of Linux; a user who owns nothing here
SECRET = ("secret.key", "larkpost.db", "larkpost.db-wal", "larkpost.db-shm")


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """Make a home whose owner has the most careless umask, in a folder that all may enter."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        shell = Shell(Path(folder))
        for arguments in (
            ["ingest", str(SAMPLE)],
            ["reader", "add", "ann@example.org"],
            ["publish", "--all"],
            ["deliver"],
            ["export", str(shell.folder / "out")],
        ):
            subprocess.run(
                [PROGRAM, "--home", str(shell.home), *arguments],
                env=shell.environ,
                cwd=shell.folder,
                umask=0,
                check=True,
                capture_output=True,
                timeout=120,
            )
        yield shell.home


def readable(path: Path) -> bool:
    """Return whether somebody else could open a file: as they would, or by its mode."""
    if os.getuid() != 0:
        return bool(path.stat().st_mode & (stat.S_IROTH | stat.S_IRGRP))
    tried = subprocess.run(
        ["/bin/dd", f"if={path}", "of=/dev/null", "bs=1", "count=1"],
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        cwd="/",
        check=False,
        capture_output=True,
    )
    return tried.returncode == 0


def files(folder: Path) -> list[Path]:
    """List every file below a folder."""
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


class TestLocalUser:
    """Somebody with an account on the machine, who is not in our group."""

    def test_can_read_what_is_public_there(self, home: Path) -> None:
        public = home.parent / "public"
        public.write_text("for all")
        public.chmod(0o644)

        assert readable(public)

    @pytest.mark.parametrize("name", SECRET)
    def test_reads_neither_the_key_nor_the_database(self, home: Path, name: str) -> None:
        file = home / name

        assert not file.exists() or not readable(file)

    def test_reads_no_message_and_no_list_of_what_was_sent(self, home: Path) -> None:
        messages = [file for file in files(home) if file.parent.name in {"new", "sent"}]

        assert len(messages) >= 2
        assert [file for file in messages if readable(file)] == []

    def test_reads_no_readers_in_an_export(self, home: Path) -> None:
        exported = home.parent / "out" / "readers.jsonl"

        assert "ann@example.org" in exported.read_text()
        assert not readable(exported)

    def test_finds_an_address_of_a_reader_in_no_file_that_others_may_read(self, home: Path) -> None:
        told = [file for file in files(home.parent) if b"ann@example.org" in file.read_bytes()]

        assert told
        assert [file for file in told if readable(file)] == []

    def test_writes_to_nothing_of_ours(self, home: Path) -> None:
        made = [path for path in home.rglob("*") if not path.is_symlink()]

        assert [path for path in (home, *made) if path.stat().st_mode & stat.S_IWOTH] == []

    def test_learns_no_secret_from_the_list_of_processes(self, home: Path) -> None:
        key = (home / "secret.key").read_text().strip()
        shell = Shell(home.parent)
        process = shell.start("serve", "--port", "0")
        try:
            told = Path(f"/proc/{process.pid}/cmdline").read_bytes().decode()
        finally:
            process.terminate()
            process.communicate(timeout=60)

        assert key not in told
        assert "ann@example.org" not in told
