"""Tests that the times which users set on their files stop nothing, and cost nothing twice."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.inbox_helpers import NOW, PAPER, Folders, folders, put, run, titles

from larkpost.errors import TryAgainLater
from larkpost.ingest import changed_files, inbox, inbox_turns, spool
from larkpost.ingest.ingest import was_read
from larkpost.ingest.spool import InboxFile

if TYPE_CHECKING:
    from pathlib import Path

    from larkpost.db.engine import Store

__all__ = ["folders"]  # fixtures

FAR = 10**21  # nanoseconds: a time of the year 33658, which Btrfs, ZFS and tmpfs keep


def test_a_file_of_a_year_that_no_calendar_has_stops_no_other(
    store: Store, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listed(folder: Path) -> list[InboxFile]:
        found = spool.lying_in(folder)
        return [replace(one, modified=FAR) if "far" in one.path.name else one for one in found]

    for module in (inbox, inbox_turns):
        monkeypatch.setattr(module, "lying_in", listed)
    put(folders, "far.txt", "no dump")
    put(folders, "page.txt", PAPER)

    run(store, folders)

    assert titles(store) == ["A Title"]


@pytest.mark.parametrize(("moment", "day"), [(FAR, "9999-01-01"), (-FAR, "1970-01-01")])
def test_the_day_and_age_of_such_a_file_are_within_the_calendar(
    moment: int, day: str, tmp_path: Path
) -> None:
    file = InboxFile(tmp_path / "page.txt", 1, 1, moment, moment)

    assert file.day == day
    assert file.still_for(NOW) > timedelta(days=50_000)


def test_a_refused_file_whose_time_is_ahead_is_not_read_again(
    store: Store, folders: Folders
) -> None:
    put(folders, "bad.txt", "no dump", age=-86_400 * 365)

    assert len(run(store, folders)) == 1
    assert [run(store, folders) for _ in range(3)] == [[], [], []]
    assert (folders.bad / "bad.txt").exists()


def test_a_refused_file_whose_time_is_ahead_comes_back_once_it_is_written_to(
    store: Store, folders: Folders
) -> None:
    file = put(folders, "bad.txt", "no dump", age=-86_400 * 365)
    run(store, folders)
    why = (folders.bad / "bad.txt.why").stat()
    while (folders.bad / "bad.txt").stat().st_ctime_ns <= why.st_ctime_ns:
        (folders.bad / "bad.txt").write_text(PAPER)
        os.utime(folders.bad / "bad.txt", (NOW.timestamp() + 86_400 * 366,) * 2)

    run(store, folders)

    assert not file.exists()
    assert titles(store) == ["A Title"]


def test_a_read_file_whose_time_is_ahead_is_compared_once(
    store: Store, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def count_and_compare(store: Store, path: Path) -> bool:
        opened.append(path.name)
        return was_read(store, path)

    monkeypatch.setattr(changed_files, "was_read", count_and_compare)
    put(folders, "page.txt", PAPER, age=-3_600 * 12)

    for _ in range(4):
        run(store, folders)

    assert opened == ["page.txt"]
    with (folders.done / "page.txt").open("a") as file:
        file.write(PAPER.replace("A Title", "Quite Another Matter"))
    os.utime(folders.done / "page.txt", (NOW.timestamp() + 3_600 * 12,) * 2)
    run(store, folders)

    assert sorted(titles(store)) == ["A Title", "Quite Another Matter"]


def test_comparing_read_files_ends_in_time_and_goes_on_at_the_next_sweep(
    store: Store, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []

    def note(_store: Store, path: Path) -> bool:
        opened.append(path)
        return True

    monkeypatch.setattr(changed_files, "COMPARE_SECONDS", 0.0)
    monkeypatch.setattr(changed_files, "was_read", note)
    for name in ("a.txt", "b.txt", "c.txt"):
        put(folders, name, PAPER.replace("A Title", f"The Title of {name}"), age=-3_600 * 12)

    counts = []
    for _ in range(6):
        run(store, folders)
        counts.append(len(opened))

    assert counts == [0, 1, 2, 3, 3, 3]


def test_comparing_ends_in_time_though_each_file_is_being_written_to(
    store: Store, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user may change the time of each of hundreds of large files while it is unpacked."""
    opened: list[Path] = []

    def refuse(_store: Store, path: Path) -> bool:
        opened.append(path)
        raise TryAgainLater("it is being written to")

    monkeypatch.setattr(changed_files, "COMPARE_SECONDS", 0.0)
    monkeypatch.setattr(changed_files, "was_read", refuse)
    for name in ("a.txt", "b.txt", "c.txt"):
        put(folders, name, PAPER.replace("A Title", f"The Title of {name}"), age=-3_600 * 12)
    run(store, folders)

    run(store, folders)

    assert len(opened) == 1
