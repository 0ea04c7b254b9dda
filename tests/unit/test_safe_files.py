"""Tests that files appear whole and once, on disks with and without hard links."""

from __future__ import annotations

import errno
import os
import threading
from typing import TYPE_CHECKING

import pytest

from larkpost import safe_files as files

if TYPE_CHECKING:
    from pathlib import Path


def _refuse(*_arguments: object, **_more: object) -> None:
    raise OSError(errno.EPERM, "Operation not permitted")


@pytest.fixture(params=["links", "no links"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if request.param == "no links":
        monkeypatch.setattr(os, "link", _refuse)
    return tmp_path


def test_a_name_that_is_free_is_given(folder: Path) -> None:
    (folder / "draft").write_text("key")

    files.name_new_file(folder / "draft", folder / "key")

    assert (folder / "key").read_text() == "key"
    assert not list(folder.glob(".*"))


def test_a_name_that_is_taken_is_kept(folder: Path) -> None:
    (folder / "draft").write_text("second")
    (folder / "key").write_text("first")

    with pytest.raises(FileExistsError):
        files.name_new_file(folder / "draft", folder / "key")

    assert (folder / "key").read_text() == "first"
    assert not list(folder.glob(".*"))


def test_of_many_at_once_one_gives_the_name(folder: Path) -> None:
    outcomes = []

    def name(number: int) -> None:
        draft = folder / f"draft{number}"
        draft.write_text(str(number))
        try:
            files.name_new_file(draft, folder / "key")
            outcomes.append(str(number))
        except FileExistsError:
            pass

    threads = [threading.Thread(target=name, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert outcomes == [(folder / "key").read_text()]


def test_a_claim_that_a_crash_left_holds_nobody_up_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", _refuse)
    monkeypatch.setattr(files, "_CLAIM_SECONDS", 0.05)
    (tmp_path / "draft").write_text("key")
    (tmp_path / ".key.claim").touch()

    files.name_new_file(tmp_path / "draft", tmp_path / "key")

    assert (tmp_path / "key").read_text() == "key"
    assert not (tmp_path / ".key.claim").exists()


@pytest.mark.parametrize(("number", "raised"), [(errno.EINVAL, False), (errno.EIO, True)])
def test_a_disk_that_cannot_flush_folders_is_no_error_and_one_that_fails_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, raised: bool
) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    try:
        with files.open_folder(tmp_path) as folder:
            files.flush_descriptor(folder)
        caught = False
    except OSError:
        caught = True

    assert caught is raised
