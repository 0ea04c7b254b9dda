"""Tests links, pipes and files that another local user put where Larkpost writes."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

import pytest
from tests.helpers.inbox_helpers import PAPER, Folders, folders, put, run

from larkpost import safe_files
from larkpost.db import backups
from larkpost.db.engine import Store
from larkpost.domain import Message
from larkpost.errors import Deferred, Failure, UsageError
from larkpost.ingest.file_moves import move
from larkpost.ingest.inbox import RejectedFile
from larkpost.ingest.ingest import IngestReport
from larkpost.ingest.spool import ReadAttempts, inspect_file
from larkpost.portability.exporter import export
from larkpost.transports.maildir import Maildir

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["folders"]  # a fixture

SECRET = f"{'ab' * 32}\n"
STRANGER = 54321


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """Make a file of ours that nobody else may read or change."""
    file = tmp_path / "secret.key"
    file.write_text(SECRET)
    file.chmod(0o600)
    return file


def give_away(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a file or link another user's, or us another user than its owner."""
    if os.geteuid() == 0:
        os.chown(path, STRANGER, STRANGER, follow_symlinks=False)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: STRANGER)


@pytest.mark.parametrize("kind", ["symlink", "hard link", "pipe", "folder", "file"])
def test_the_count_of_tries_of_a_dump_is_not_written_through_what_lies_there(
    store: Store, folders: Folders, secret: Path, kind: str
) -> None:
    file = put(folders, "page.txt", PAPER)
    plant(ReadAttempts(folders.inbox, inspect_file(file)).file, secret, kind)

    (taken,) = run(store, folders)

    assert isinstance(taken, IngestReport)
    assert secret.read_text() == SECRET
    assert [path.name for path in folders.done.iterdir()] == ["page.txt"]


@pytest.mark.parametrize("kind", ["symlink", "hard link", "pipe", "folder", "file"])
def test_what_looks_like_a_count_of_tries_of_no_dump_stops_no_sweep(
    store: Store, folders: Folders, secret: Path, kind: str
) -> None:
    plant(folders.inbox / ".tries-0123456789abcdef", secret, kind)
    put(folders, "page.txt", PAPER)

    (taken,) = run(store, folders)

    assert isinstance(taken, IngestReport)
    assert secret.read_text() == SECRET


def plant(place: Path, secret: Path, kind: str) -> None:
    match kind:
        case "symlink":
            place.symlink_to(secret)
        case "hard link":
            place.hardlink_to(secret)
        case "pipe":
            os.mkfifo(place)
        case "folder":
            place.mkdir()
            (place / "file").touch()
        case "file":
            place.write_text("spoilt")


def test_the_reason_of_a_refusal_is_written_over_nothing(
    store: Store, folders: Folders, secret: Path
) -> None:
    folders.bad.mkdir()
    (folders.bad / "a.txt.why").symlink_to(secret)
    put(folders, "a.txt", "Submitted by\n\nada\n\nSubmitted by\n\nbo\n")

    (taken,) = run(store, folders)

    assert isinstance(taken, RejectedFile)
    assert secret.read_text() == SECRET
    assert "no titles" in (folders.bad / "a-2.txt.why").read_text()


def test_a_folder_done_that_is_a_link_of_others_takes_nothing(
    store: Store, folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "cron.d"
    elsewhere.mkdir()
    folders.done.symlink_to(elsewhere)
    give_away(folders.done, monkeypatch)
    file = put(folders, "page.txt", PAPER)

    with pytest.raises(Failure, match="somebody else"):
        run(store, folders)

    assert list(elsewhere.iterdir()) == []
    assert file.exists()


def test_a_folder_done_that_is_a_link_of_ours_is_used(
    store: Store, folders: Folders, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "archive"
    elsewhere.mkdir()
    folders.done.symlink_to(elsewhere)
    put(folders, "page.txt", PAPER)

    assert isinstance(run(store, folders)[0], IngestReport)
    assert [path.name for path in elsewhere.iterdir()] == ["page.txt"]


def test_a_hard_link_to_a_secret_is_not_read_from_an_inbox_of_everybody(
    store: Store, folders: Folders, secret: Path
) -> None:
    folders.inbox.chmod(0o1777)
    (folders.inbox / "page.txt").hardlink_to(secret)
    os.utime(secret, (0, 0))

    (taken,) = run(store, folders)

    assert isinstance(taken, RejectedFile)
    assert "hard link" in taken.reason
    assert SECRET.strip() not in taken.reason + (folders.bad / "page.txt.why").read_text()


def test_a_hard_link_of_ones_own_is_read_from_an_inbox_of_ones_own(
    store: Store, folders: Folders, tmp_path: Path
) -> None:
    file = put(folders, "page.txt", PAPER)
    (tmp_path / "kept.txt").hardlink_to(file)

    assert isinstance(run(store, folders)[0], IngestReport)


def test_a_dump_swapped_for_a_link_is_not_copied_to_another_disk(
    tmp_path: Path, secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object, **_more: object) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "page.txt").symlink_to(secret)

    with pytest.raises(OSError, match="symbolic"):
        move(tmp_path / "page.txt", tmp_path / "done")

    assert list((tmp_path / "done").iterdir()) == []


def test_a_dump_swapped_for_a_folder_leaves_no_descriptor_open(tmp_path: Path) -> None:
    (tmp_path / "page.txt").mkdir()
    opened = len(os.listdir("/dev/fd"))  # noqa: PTH208

    for _ in range(3):
        with pytest.raises(OSError, match="not a regular file"):
            move(tmp_path / "page.txt", tmp_path / "done")

    assert len(os.listdir("/dev/fd")) == opened  # noqa: PTH208
    assert list((tmp_path / "done").iterdir()) == []


def test_an_export_goes_through_no_link_and_is_private(
    store: Store, tmp_path: Path, secret: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / ".readers.jsonl.part").symlink_to(secret)
    (folder / "papers.jsonl").symlink_to(secret)
    (folder / "readers.jsonl").touch(mode=0o644)
    (folder / "votes.jsonl").hardlink_to(secret)

    export(store, folder)

    assert secret.read_text() == SECRET
    for name in ("papers", "readers", "votes"):
        status = (folder / f"{name}.jsonl").lstat()
        assert (stat.S_ISREG(status.st_mode), stat.S_IMODE(status.st_mode)) == (True, 0o600)


def test_an_export_into_a_folder_that_is_not_there_makes_one_for_its_owner_alone(
    store: Store, tmp_path: Path
) -> None:
    before = os.umask(0)
    try:
        export(store, tmp_path / "one" / "two")
    finally:
        os.umask(before)

    for folder in (tmp_path / "one", tmp_path / "one" / "two"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_an_export_over_a_link_of_somebody_elses_is_refused(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "theirs")
    give_away(tmp_path / "out", monkeypatch)

    with pytest.raises(UsageError, match="another user made"):
        export(store, tmp_path / "out")

    assert list((tmp_path / "theirs").iterdir()) == []


@pytest.mark.parametrize(("mode", "refused"), [(0o777, True), (0o1777, False), (0o755, False)])
def test_an_export_into_a_folder_that_everybody_may_change_is_refused(
    store: Store, tmp_path: Path, mode: int, refused: bool
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out").chmod(mode)

    if refused:
        with pytest.raises(UsageError, match="all users"):
            export(store, tmp_path / "out")
    else:
        export(store, tmp_path / "out")

    assert len(list((tmp_path / "out").iterdir())) == (0 if refused else 5)


def test_an_export_that_cannot_put_one_file_in_place_leaves_no_draft(
    store: Store, tmp_path: Path
) -> None:
    (tmp_path / "out" / "votes.jsonl").mkdir(parents=True)

    with pytest.raises(FileExistsError):
        export(store, tmp_path / "out")

    # The other files are put in place one by one, and whole.
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "votes.jsonl", "decisions.jsonl", "sources.jsonl"
    }  # fmt: skip


def test_a_backup_goes_through_no_link(sqlite_url: str, tmp_path: Path, secret: Path) -> None:
    store = Store(sqlite_url)
    assert store.file is not None
    target = tmp_path / "larkpost.bak"
    target.symlink_to(secret)
    (tmp_path / f"larkpost.bak.part{os.getpid()}").symlink_to(secret)

    backups.copy(store.file, target)
    store.close()

    assert secret.read_text() == SECRET
    assert target.read_bytes().startswith(b"SQLite format 3")
    assert stat.S_IMODE(target.lstat().st_mode) == 0o600


def test_a_message_goes_into_no_folder_that_is_a_link_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mail").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "mail" / "new").symlink_to(tmp_path / "elsewhere")
    give_away(tmp_path / "mail" / "new", monkeypatch)

    with (
        pytest.raises(Deferred, match="cannot be written"),
        Maildir(tmp_path / "mail") as open_transport,
    ):
        open_transport.send(Message("a@example.org", "b@example.org", "<1@example.org>", b"Hi\r\n"))

    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_write_replaces_a_link_and_leaves_a_device_or_a_folder_alone(
    tmp_path: Path, secret: Path
) -> None:
    (tmp_path / "page.html").symlink_to(secret)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()

    safe_files.atomic_write(tmp_path / "page.html", b"<p>")
    for name in ("pipe", "folder"):
        with pytest.raises(FileExistsError):
            safe_files.atomic_write(tmp_path / name, b"")

    assert (secret.read_text(), (tmp_path / "page.html").read_bytes()) == (SECRET, b"<p>")
    assert not (tmp_path / "page.html").is_symlink()
    assert not list(tmp_path.glob(".*.part"))


def test_drafts_of_a_crash_are_removed_after_a_day_and_others_stay(tmp_path: Path) -> None:
    old, new = tmp_path / f".a.{'0' * 16}.part", tmp_path / f".b.{'1' * 16}.part"
    other = tmp_path / ".c.part"
    for file in (old, new, other):
        file.touch()
    for file in (old, other):
        os.utime(file, (0, 0))

    safe_files.remove_stale_drafts(tmp_path)

    assert {path.name for path in tmp_path.iterdir()} == {new.name, other.name}
