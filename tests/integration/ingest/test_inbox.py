"""Tests the inbox folder: no dump is lost, read twice or read by half."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, ClassVar

import pytest
from tests.helpers import inbox_helpers
from tests.helpers.inbox_helpers import ABSTRACT, NOW, Folders, folders, run

from larkpost.db import papers, read_dumps
from larkpost.db.coordination import job_status
from larkpost.domain import PaperRecord
from larkpost.formats.registry import DUMP_FORMATS
from larkpost.ingest.file_moves import move
from larkpost.ingest.inbox import RejectedFile
from larkpost.ingest.ingest import IngestReport
from larkpost.ingest.refused_files import MOST_REFUSALS, all_refusals

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from larkpost.db.engine import Store
    from larkpost.domain import Record

__all__ = ["folders"]  # a fixture


def page(title: str = "A Title", day: str = "Aug 7") -> str:
    return f"Daily Papers\n\n{day}\n\n{title}\n\n{title} matters. {ABSTRACT}\n"


def put(folders: Folders, name: str, text: str | bytes | None = None, *, age: float = 60) -> Path:
    return inbox_helpers.put(folders, name, page(name) if text is None else text, age=age)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if entry.is_file())


def count(store: Store) -> int:
    with store.read() as connection:
        return papers.count(connection)


def test_a_settled_dump_is_read_and_moved_to_done(store: Store, folders: Folders) -> None:
    put(folders, "page.txt")

    (taken,) = run(store, folders)

    assert isinstance(taken, IngestReport)
    assert (taken.new, count(store)) == (1, 1)
    assert (names(folders.inbox), names(folders.done)) == ([], ["page.txt"])


def test_a_file_that_changed_just_now_is_left_alone(store: Store, folders: Folders) -> None:
    put(folders, "page.txt", age=2)

    assert run(store, folders) == []
    assert len(run(store, folders, now=NOW + timedelta(seconds=4))) == 1


@pytest.mark.parametrize("age", [-10_000_000, 1_786_000_000])
def test_a_file_from_the_future_or_from_1970_is_read(
    store: Store, folders: Folders, age: float
) -> None:
    put(folders, "page.txt", age=age)

    assert len(run(store, folders)) == 1


def test_what_cannot_be_read_goes_to_bad_with_the_reason(store: Store, folders: Folders) -> None:
    put(folders, "list.txt", "Submitted by\n\nada\n\nSubmitted by\n\nbo\n")

    (taken,) = run(store, folders)

    assert isinstance(taken, RejectedFile)
    assert taken.moved
    assert taken.hint
    assert taken.place == str(folders.bad / "list.txt")
    assert names(folders.bad) == ["list.txt", "list.txt.why"]
    why = (folders.bad / "list.txt.why").read_text("utf-8")
    assert "daily list, which has no titles and no abstracts" in why
    assert "try " in why


def test_refusals_are_remembered_until_a_dump_is_read_and_at_most_twenty(
    store: Store, folders: Folders
) -> None:
    def remembered() -> list[str]:
        with store.read() as connection:
            newest = next(iter(read_dumps.latest(connection)), None)
            happened = job_status.latest(connection)
        return [one.file for one in all_refusals(happened, newest.read_at if newest else None)]

    for number in range(25):
        put(folders, f"{number:02}.bib", "@misc{a,\n}", age=60 + number)
    run(store, folders)
    put(folders, "next.bib", "@misc{b,\n}")
    run(store, folders, now=NOW + timedelta(hours=1))

    assert len(remembered()) == MOST_REFUSALS
    assert remembered()[-1] == "next.bib"

    put(folders, "page.txt")
    put(folders, "zlast.bib", "@misc{c,\n}")
    run(store, folders, now=NOW + timedelta(hours=2))

    assert remembered() == ["zlast.bib"]


def test_a_licence_and_a_saved_web_page_go_to_bad(store: Store, folders: Folders) -> None:
    licence = (Path(__file__).parents[3] / "LICENSE").read_text("utf-8")
    put(folders, "LICENSE", licence)
    put(folders, "page.html", "<!DOCTYPE html>\n<h3>Title</h3>\n")

    run(store, folders)

    assert (names(folders.inbox), count(store)) == ([], 0)
    why = {name: (folders.bad / f"{name}.why").read_text() for name in ("LICENSE", "page.html")}
    assert "nothing in it is recognised as a dump" in why["LICENSE"]
    assert "it is an HTML page, but there is no paper in it" in why["page.html"]


def test_one_bad_file_does_not_keep_the_others_from_being_read(
    store: Store, folders: Folders
) -> None:
    put(folders, "a.txt", b"\x1f\x8bgzip")
    put(folders, "b.txt")
    put(folders, "c.txt", "no dump")
    put(folders, "d.txt")

    taken = run(store, folders)

    assert [isinstance(one, IngestReport) for one in taken] == [False, True, False, True]
    assert count(store) == 2


def test_a_dump_that_was_read_before_is_moved_too(store: Store, folders: Folders) -> None:
    put(folders, "page.txt", page())
    run(store, folders)
    put(folders, "page.txt", page())

    (taken,) = run(store, folders)

    assert isinstance(taken, IngestReport)
    assert taken.already == NOW
    assert names(folders.done) == ["page-2.txt", "page.txt"]


def test_the_oldest_day_is_read_first(store: Store, folders: Folders) -> None:
    put(folders, "b 2026-08-02.txt")
    put(folders, "a 2026-08-03.txt")
    put(folders, "z 2026-08-01.txt")

    read = [one.name for one in run(store, folders)]

    assert read == ["z 2026-08-01.txt", "b 2026-08-02.txt", "a 2026-08-03.txt"]


@pytest.mark.timeout(300)
def test_only_regular_files_that_show_are_looked_at(
    store: Store, folders: Folders, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text(page())
    (folders.inbox / "link.txt").symlink_to(secret)
    (folders.inbox / "dangling").symlink_to(tmp_path / "none")
    os.mkfifo(folders.inbox / "pipe")
    (folders.inbox / "folder").mkdir()
    put(folders, ".hidden")
    put(folders, "page.txt.part")

    assert run(store, folders) == []
    assert count(store) == 0
    assert secret.exists()


@pytest.mark.parametrize(
    "name",
    [
        "two\nlines.txt",
        "-rf",
        "x" * 251 + ".txt",
        os.fsdecode(b"caf\xe9.txt"),
        "\u202egnp.txt",
        "back\\slash.txt",
        "%s {0} $(id).txt",
    ],
)
def test_odd_names_are_read_moved_and_printed_in_one_line(
    store: Store, folders: Folders, name: str
) -> None:
    put(folders, name, page())
    put(folders, "no-" + name[:200], "no dump")

    taken = run(store, folders)

    assert len(taken) == 2
    assert all("\n" not in one.name and "\u202e" not in one.name for one in taken)
    assert len(names(folders.done)) == 1
    assert len(names(folders.bad)) == 2


def test_nothing_in_done_is_ever_overwritten(tmp_path: Path) -> None:
    done = tmp_path / "done"
    moved = []
    for text in ("one", "two", "three"):
        file = tmp_path / "a.b.txt"
        file.write_text(text)
        moved.append(move(file, done).name)

    assert moved == ["a.b.txt", "a.b-2.txt", "a.b-3.txt"]
    assert [(done / name).read_text() for name in moved] == ["one", "two", "three"]


def test_a_file_is_moved_across_file_systems(tmp_path: Path, other_disk: Path) -> None:
    file = tmp_path / "page.txt"
    file.write_text("whole")
    first = move(file, other_disk)
    file.write_text("second")
    second = move(file, other_disk)

    assert (first.read_text(), second.read_text()) == ("whole", "second")
    assert len(list(other_disk.iterdir())) == 2
    assert not file.exists()


class Poison:
    """A source that breaks, as a fault in a parser would."""

    name: ClassVar[str] = "poison"

    def recognises(self, head: bytes, filename: str) -> bool:  # noqa: ARG002 - the protocol's
        return b"poison" in head

    def read(self, dump: BinaryIO, near: date) -> Iterator[Record]:  # noqa: ARG002 - the protocol's
        yield PaperRecord("Half a dump")
        raise ZeroDivisionError


def test_a_file_that_breaks_the_program_three_times_goes_to_bad(
    store: Store, folders: Folders
) -> None:
    put(folders, "a.txt", "poison")
    put(folders, "b.txt")

    outcomes = [run(store, folders, dump_formats=[Poison(), *DUMP_FORMATS]) for _ in range(4)]

    assert [len(taken) for taken in outcomes] == [2, 1, 1, 1]
    assert [isinstance(taken[0], RejectedFile) and taken[0].moved for taken in outcomes] == [
        False
    ] * 3 + [True]
    assert "crashed the program 3 times" in (folders.bad / "a.txt.why").read_text("utf-8")
    assert names(folders.inbox) == []
    assert count(store) == 1


KILLED = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from larkpost.ingest.inbox import sweep
from larkpost.db.engine import Store

class Killer:
    name = "killer"
    def recognises(self, head, filename): return True
    def read(self, dump, near): os.kill(os.getpid(), 9)

class Folders:
    inbox, done, bad = (Path(sys.argv[1]) / name for name in ("", "done", "bad"))

now = datetime(2026, 8, 10, 9, tzinfo=UTC)
sweep(Store(sys.argv[2]), [Killer()], Folders, stable_seconds=5, now=now)
"""


def test_a_file_that_has_the_process_killed_is_counted_across_restarts(
    folders: Folders, sqlite_url: str
) -> None:
    put(folders, "a.txt", "poison")

    codes = [
        subprocess.run(
            [sys.executable, "-c", KILLED, str(folders.inbox), sqlite_url], check=False
        ).returncode
        for _ in range(4)
    ]

    assert codes == [-9, -9, -9, 0]
    assert names(folders.bad) == ["a.txt", "a.txt.why"]


def test_a_database_that_is_busy_is_not_the_files_fault(sqlite_url: str, folders: Folders) -> None:
    from larkpost.db.engine import Store

    put(folders, "page.txt")
    impatient, other = Store(sqlite_url, patience=0.05), Store(sqlite_url)
    with other.begin():
        for _ in range(5):
            (taken,) = run(impatient, folders)
            assert isinstance(taken, RejectedFile)
            assert not taken.moved

    (taken,) = run(impatient, folders)

    assert isinstance(taken, IngestReport)
    impatient.close()
    other.close()


def test_a_file_left_behind_is_reported_at_once_and_then_every_hour(
    store: Store, folders: Folders
) -> None:
    put(folders, "a.txt", "poison")

    run(store, folders, dump_formats=[Poison()])
    run(store, folders, dump_formats=[Poison()], now=NOW + timedelta(minutes=1))

    with store.read() as connection:
        told = job_status.latest(connection)["inbox"]
    assert (told.ok, told.at) == (False, NOW)
    assert list(told.detail["left"]) == ["a.txt"]


def test_a_file_replaced_after_it_was_read_stays_for_the_next_sweep(
    store: Store, folders: Folders
) -> None:
    file = put(folders, "page.txt", page("First"))

    class Replacing:
        name: ClassVar[str] = "replacing"

        def recognises(self, head: bytes, filename: str) -> bool:  # noqa: ARG002 - the protocol's
            return b"First" in head

        def read(self, dump: BinaryIO, near: date) -> Iterator[Record]:  # noqa: ARG002 - the protocol's
            file.unlink()
            put(folders, "page.txt", page("Second"))
            yield PaperRecord("First")

    run(store, folders, dump_formats=[Replacing()])
    assert names(folders.inbox) == ["page.txt"]

    run(store, folders)
    assert count(store) == 2


def test_many_files_are_each_read_once(store: Store, folders: Folders) -> None:
    for number in range(100):
        put(folders, f"{number}.jsonl", f'{{"title": "Number {number}"}}')

    taken = run(store, folders)

    assert len(taken) == 100
    assert count(store) == 100
    with store.read() as connection:
        assert len(read_dumps.latest(connection, 1_000)) == 100
    assert run(store, folders) == []
