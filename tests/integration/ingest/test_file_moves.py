"""Moves of files out of the inbox that cannot be finished."""

from __future__ import annotations

import errno
import os
import time
from typing import TYPE_CHECKING

import pytest

from larkpost.errors import UnreadableDump
from larkpost.ingest import file_reader
from larkpost.ingest.dump_limits import LARGEST
from larkpost.ingest.file_moves import move
from larkpost.ingest.file_reader import copy_of

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


def _refuse_links(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Refuse hard links: those of others' files, as Linux does, or those to another disk."""
    link, rename = os.link, os.rename

    def refuse_link(old: str, new: str, *, src_dir_fd: int, dst_dir_fd: int, **more: bool) -> None:
        if src_dir_fd != dst_dir_fd:
            raise OSError(number, os.strerror(number))
        link(old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd, **more)

    def refuse_rename(old: str, new: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        if src_dir_fd != dst_dir_fd:
            raise OSError(number, os.strerror(number))
        rename(old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "link", refuse_link)
    if number == errno.EXDEV:
        monkeypatch.setattr(os, "rename", refuse_rename)


def _write_hole(file: Path, size: int) -> None:
    """Write a file of a few bytes, a hole, and a few bytes."""
    file.parent.mkdir(exist_ok=True)
    with file.open("wb") as opened:
        opened.write(b"papers")
        opened.seek(size)
        opened.write(b"more papers")


def test_a_file_that_must_not_be_linked_is_renamed_so_that_it_takes_no_more_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, done = tmp_path / "inbox" / "a.txt", tmp_path / "done"
    _write_hole(file, 10_000_000)
    number = file.stat().st_ino
    _refuse_links(monkeypatch, errno.EPERM)

    moved = move(file, done)

    assert moved.stat().st_ino == number
    assert list(done.iterdir()) == [moved]
    assert not file.exists()


def test_a_renamed_file_overwrites_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _refuse_links(monkeypatch, errno.EPERM)
    for text in ("first", "second"):
        (tmp_path / "a.txt").write_text(text)
        move(tmp_path / "a.txt", tmp_path / "done")

    texts = {one.name: one.read_text() for one in (tmp_path / "done").iterdir()}
    assert texts == {"a.txt": "first", "a-2.txt": "second"}


def test_a_file_waits_for_no_name_that_others_took(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, inbox = tmp_path / "done" / "a.txt", tmp_path / "inbox"
    _write_hole(file, 10)
    inbox.mkdir()
    (inbox / ".a.txt.claim").touch()
    _refuse_links(monkeypatch, errno.EPERM)
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("it waited"))

    assert move(file, inbox) == inbox / "a.txt"
    assert (inbox / ".a.txt.claim").exists()


def test_a_file_that_cannot_be_renamed_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, done = tmp_path / "inbox" / "a.txt", tmp_path / "done"
    _write_hole(file, 10)
    _refuse_links(monkeypatch, errno.EPERM)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "a sticky folder of others")

    monkeypatch.setattr(os, "rename", refuse)

    with pytest.raises(PermissionError):
        move(file, done)
    assert file.exists()
    assert list(done.iterdir()) == []


def test_a_copy_on_another_disk_has_the_holes_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, done = tmp_path / "inbox" / "a.txt", tmp_path / "done"
    _write_hole(file, 10_000_000)
    content = file.read_bytes()
    os.utime(file, (1e9, 1e9))
    _refuse_links(monkeypatch, errno.EXDEV)

    moved = move(file, done)

    assert moved.read_bytes() == content
    assert moved.stat().st_blocks * 512 < 1_000_000
    assert moved.stat().st_mtime == 1e9
    assert not file.exists()


def test_a_file_that_ends_with_a_hole_keeps_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"papers")
    os.truncate(file, 1_000_000)
    _refuse_links(monkeypatch, errno.EXDEV)

    moved = move(file, tmp_path / "done")

    assert moved.stat().st_size == 1_000_000
    assert moved.read_bytes() == b"papers".ljust(1_000_000, b"\0")


def test_a_file_that_is_too_large_to_be_read_is_not_copied_to_another_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, bad = tmp_path / "inbox" / "a.txt", tmp_path / "bad"
    _write_hole(file, 1 << 40)
    _refuse_links(monkeypatch, errno.EXDEV)

    with pytest.raises(OSError, match="too large"):
        move(file, bad)

    assert list(bad.iterdir()) == []
    assert file.exists()


def test_a_file_that_is_too_large_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.txt"
    _write_hole(file, LARGEST)
    monkeypatch.setattr(file_reader, "_chunks", lambda *_: pytest.fail("it was read"))

    with pytest.raises(UnreadableDump, match="larger than 512 MiB"), copy_of(file, follow=False):
        pass
