"""Tests inbox entries that are not files: they block no dump and leave no descriptor open."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from tests.helpers.inbox_helpers import PAPER, Folders, folders, put, run

from larkpost.ingest.ingest import IngestReport

if TYPE_CHECKING:
    from larkpost.db.engine import Store

__all__ = ["folders"]  # a fixture


def test_rounds_over_what_is_no_file_read_the_dumps_and_leave_no_descriptor_open(
    store: Store, folders: Folders
) -> None:
    inbox = folders.inbox
    (inbox / "1.txt").mkdir()
    os.mkfifo(inbox / "2.txt")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(inbox / "3.txt"))
    (inbox / "4.txt").symlink_to(inbox / "4.txt")
    (inbox / "5.txt").symlink_to(inbox / "nowhere")
    (inbox / "6.txt").symlink_to("/dev/zero")
    put(folders, "8.txt", PAPER)
    first = run(store, folders)
    before = sum(1 for _ in Path("/dev/fd").iterdir())

    for _ in range(50):
        assert run(store, folders) == []

    assert [type(one) for one in first] == [IngestReport]
    assert sum(1 for _ in Path("/dev/fd").iterdir()) <= before
