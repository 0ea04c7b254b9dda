"""Tests dumps that change while they are read, cannot be moved, or are on another disk."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, NoReturn

import pytest
from tests.helpers.inbox_helpers import (
    NOW,
    PAPER,
    SAMPLE,
    Folders,
    file_store,
    folders,
    put,
    run,
    titles,
)
from tests.helpers.scarce_resources import mounted_on, without_rights

from larkpost.db import read_dumps
from larkpost.db.coordination import job_status
from larkpost.domain import PaperRecord
from larkpost.ingest import inbox
from larkpost.ingest.inbox import RejectedFile
from larkpost.ingest.ingest import IngestReport
from larkpost.ingest.spool import ReadAttempts, inspect_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from larkpost.db.engine import Store
    from larkpost.domain import Record
__all__ = ["file_store", "folders"]  # fixtures


def meddle(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Run an action on the next file after it is opened, before it is read."""

    def acting() -> Any:
        monkeypatch.undo()
        act()
        return sha256()

    monkeypatch.setattr("larkpost.ingest.file_reader.sha256", acting)


def test_a_file_cut_while_it_is_read_is_rolled_back_and_reported(
    store: Store, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = put(folders, "page.txt", SAMPLE * 20)
    meddle(monkeypatch, lambda: os.truncate(file, 40_000))

    (taken,) = run(store, folders)
    left = titles(store)
    (again,) = run(store, folders, now=datetime.now(UTC) + timedelta(hours=1))

    assert isinstance(taken, RejectedFile)
    assert (taken.moved, left) == (False, [])
    assert "still being written" in taken.reason
    assert isinstance(again, IngestReport)
    assert 0 < len(titles(store)) < 108


def test_a_file_deleted_while_it_is_read_is_taken_whole(
    store: Store, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has it open has all of it; there is just nothing to move."""
    file = put(folders, "page.txt", SAMPLE)
    meddle(monkeypatch, file.unlink)

    (taken,) = run(store, folders)

    assert isinstance(taken, IngestReport)
    assert len(titles(store)) == 108
    assert list(folders.done.iterdir()) == []
    assert run(store, folders) == []


def test_a_file_deleted_before_it_is_read_is_reported_and_forgotten(
    store: Store, folders: Folders
) -> None:
    second = put(folders, "b.txt", PAPER)

    class Deleting:
        name: ClassVar[str] = "deleting"

        def recognises(self, head: bytes, filename: str) -> bool:  # noqa: ARG002 - the protocol's
            return True

        def read(self, dump: BinaryIO, near: date) -> Iterator[Record]:  # noqa: ARG002 - the protocol's
            second.unlink(missing_ok=True)
            yield PaperRecord("First")

    put(folders, "a.txt", "first")
    taken = run(store, folders, dump_formats=[Deleting()])

    assert [isinstance(one, IngestReport) for one in taken] == [True, False]
    assert run(store, folders) == []
    with store.read() as connection:
        assert job_status.latest(connection)["inbox"].ok


def test_a_file_replaced_while_it_is_read_is_read_whole_and_then_the_other(
    store: Store, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = put(folders, "page.txt", PAPER)
    other = put(folders, "other.part", PAPER.replace("A Title", "Quite Another Matter"))
    os.utime(other, (0, NOW.timestamp() - 1_800))
    meddle(monkeypatch, lambda: other.replace(file))

    (first,) = run(store, folders)
    (second,) = run(store, folders)

    assert isinstance(first, IngestReport)
    assert isinstance(second, IngestReport)
    assert first.digest != second.digest
    assert [path.name for path in folders.done.iterdir()] == ["page.txt"]


FORBIDDEN = """
import json, os, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from larkpost import logs
from larkpost.ingest.inbox import RejectedFile, sweep
from larkpost.formats.registry import DUMP_FORMATS
from larkpost.db.coordination import job_status
from larkpost.db.engine import Store

class Folders:
    inbox = Path(sys.argv[1]) / "inbox"
    done, bad = inbox / "done", inbox / "bad"

logs.configure("critical", "json")
store = Store(f"sqlite:///{sys.argv[1]}/larkpost.db")
now = datetime(2026, 8, 10, 9, tzinfo=UTC)
for minute in range(4):
    at = now + timedelta(minutes=minute)
    taken = sweep(store, DUMP_FORMATS, Folders, stable_seconds=5, now=at)
    with store.read() as connection:
        told = job_status.latest(connection).get("inbox")
    print(json.dumps({
        "taken": {
            one.name: one.reason if isinstance(one, RejectedFile) else "read" for one in taken
        },
        "left": sorted(path.name for path in Folders.inbox.glob("*.txt")),
        "told": told and told.at.isoformat(),
    }))
"""


def forbidden(tmp_path: Path) -> list[Any]:
    return without_rights(FORBIDDEN, tmp_path)


def test_a_file_that_may_not_be_read_goes_to_bad_and_the_others_are_read(
    file_store: Store, folders: Folders, tmp_path: Path
) -> None:
    put(folders, "a.txt", PAPER).chmod(0)
    put(folders, "b.txt", PAPER.replace("A Title", "Another"))

    first, *others = forbidden(tmp_path)

    assert first["taken"]["b.txt"] == "read"
    assert "a.txt cannot be read" in first["taken"]["a.txt"]
    assert all(other["taken"] == {} for other in others)
    assert "permission to read it" in (folders.bad / "a.txt.why").read_text()
    assert titles(file_store) == ["Another"]


def test_a_folder_done_that_may_not_be_written_is_reported_once_an_hour(
    file_store: Store, folders: Folders, tmp_path: Path
) -> None:
    put(folders, "a.txt", PAPER)
    folders.done.mkdir()
    folders.bad.mkdir()
    folders.done.chmod(0o555)

    rounds = forbidden(tmp_path)
    folders.done.chmod(0o755)
    (freed,) = forbidden(tmp_path)[:1]

    assert all("Permission denied" in one["taken"]["a.txt"] for one in rounds)
    assert {one["told"] for one in rounds} == {NOW.isoformat()}
    assert freed["left"] == []
    assert titles(file_store) == ["A Title"]
    with file_store.read() as connection:
        assert len(read_dumps.latest(connection, 9)) == 1


def test_an_inbox_that_may_not_be_written_is_reported_and_nothing_is_lost(
    file_store: Store, folders: Folders, tmp_path: Path
) -> None:
    put(folders, "a.txt", PAPER)
    folders.done.mkdir()
    folders.bad.mkdir()
    folders.inbox.chmod(0o555)

    rounds = forbidden(tmp_path)
    folders.inbox.chmod(0o755)

    assert all("Permission denied" in one["taken"]["a.txt"] for one in rounds)
    assert isinstance(run(file_store, folders)[0], IngestReport)
    assert titles(file_store) == ["A Title"]


def test_done_may_lie_on_another_disk(store: Store, folders: Folders, other_disk: Path) -> None:
    put(folders, "a.txt", PAPER)
    put(folders, "b.txt", "no dump")
    elsewhere = Folders(folders.inbox, other_disk / "done", other_disk / "bad")

    assert len(run(store, elsewhere)) == 2
    assert [run(store, elsewhere) for _ in range(2)] == [[], []]
    assert [path.name for path in elsewhere.done.iterdir()] == ["a.txt"]
    assert list(folders.inbox.glob("*.txt")) == []


@pytest.mark.parametrize("name", ["theirs", ".tries-0123456789abcdef"])
def test_an_entry_that_nobody_may_look_at_keeps_no_file_from_being_read(
    store: Store, folders: Folders, name: str
) -> None:
    (folders.inbox / name).mkdir()
    put(folders, "page.txt", PAPER)

    with mounted_on(folders.inbox / name):
        (taken,) = run(store, folders)

    assert isinstance(taken, IngestReport)


def test_a_file_is_read_although_something_that_stays_has_the_name_of_its_count(
    store: Store, folders: Folders
) -> None:
    count = ReadAttempts(folders.inbox, inspect_file(put(folders, "page.txt", PAPER))).file
    count.mkdir()

    with mounted_on(count):
        (taken,) = run(store, folders)

    assert isinstance(taken, IngestReport)
    assert [path.name for path in folders.done.iterdir()] == ["page.txt"]


def test_a_file_whose_count_cannot_be_stored_beside_it_is_counted_all_the_same(
    store: Store, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = ReadAttempts(folders.inbox, inspect_file(put(folders, "page.txt", PAPER))).file
    count.mkdir()

    def die(*_args: object, **_named: object) -> NoReturn:
        raise KeyboardInterrupt

    with mounted_on(count), monkeypatch.context() as patch:
        patch.setattr(inbox, "ingest", die)
        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                run(store, folders)
    with mounted_on(count):
        (taken,) = run(store, folders)

    assert isinstance(taken, RejectedFile)
    assert taken.reason == "reading page.txt crashed the program 3 times"
    assert not (folders.done / count.name).exists()


def test_the_count_of_a_file_that_is_gone_does_not_stay(store: Store, folders: Folders) -> None:
    file = put(folders, "page.txt", PAPER)
    folders.done.mkdir()
    spare = folders.done / ReadAttempts(folders.inbox, inspect_file(file)).file.name
    spare.write_bytes(b"1")
    file.unlink()

    run(store, folders)

    assert not spare.exists()
