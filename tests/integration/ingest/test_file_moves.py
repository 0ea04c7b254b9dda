"""Moves of files out of the inbox that cannot be finished."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from larkpost.ingest.file_moves import move

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_that_cannot_be_removed_from_the_inbox_gets_no_copies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox, done = tmp_path / "inbox", tmp_path / "done"
    inbox.mkdir()
    (inbox / "a.txt").write_text("papers")
    unlink = os.unlink

    def sticky(name: str, *, dir_fd: int) -> None:
        """Refuse to remove from the inbox, as in a folder of others with the sticky bit."""
        if os.fstat(dir_fd).st_ino == inbox.stat().st_ino:
            raise PermissionError(name)
        unlink(name, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", sticky)
    for _ in range(2):
        with pytest.raises(PermissionError):
            move(inbox / "a.txt", done)

    assert (inbox / "a.txt").read_text() == "papers"
    assert list(done.iterdir()) == []
