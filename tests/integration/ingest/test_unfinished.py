"""Tests dumps that were not finished when they were read: later text is read as well."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from larkpost.db import papers
from larkpost.db.coordination import job_status
from larkpost.db.engine import Store
from larkpost.formats.registry import DUMP_FORMATS
from larkpost.ingest.inbox import PAUSE, RejectedFile, _Sweep, sweep
from larkpost.ingest.inbox_turns import InboxTurns
from larkpost.ingest.ingest import IngestReport
from larkpost.ingest.spool import inspect_file
from larkpost.packaged_files import shipped_path

if TYPE_CHECKING:
    from io import BufferedWriter
    from pathlib import Path

    from larkpost.ingest.inbox import Taken

SAMPLE = next(iter(sorted(shipped_path("seeds").glob("*.txt")))).read_bytes()
SETTLE = 5
MINUTE = timedelta(minutes=1)


@dataclass
class Inbox:
    """The three folders, and a clock that goes on a minute with every sweep."""

    store: Store
    inbox: Path
    now: datetime

    @property
    def done(self) -> Path:
        return self.inbox / "done"

    @property
    def bad(self) -> Path:
        return self.inbox / "bad"

    def sweep(self) -> list[Taken]:
        """Sweep a minute later, with no state except folders and database."""
        self.now += MINUTE
        return sweep(self.store, DUMP_FORMATS, self, stable_seconds=SETTLE, now=self.now)

    def write(self, file: BufferedWriter, more: bytes) -> None:
        """Write to the file, which is still open, at this time of the clock."""
        file.write(more)
        file.flush()
        os.utime(file.fileno(), (self.now.timestamp(),) * 2)

    def titles(self) -> set[str]:
        with self.store.read() as connection:
            return {paper.title for paper in papers.iterate(connection)}

    def abstracts(self) -> set[str]:
        with self.store.read() as connection:
            return {paper.abstract for paper in papers.iterate(connection)}


@pytest.fixture
def inbox(store: Store, tmp_path: Path) -> Inbox:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return Inbox(store, folder, datetime.now(UTC))


@pytest.fixture(scope="module")
def whole(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The abstracts of the sample, read at once into a database of its own."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "inbox").mkdir()
    (folder / "inbox" / "a.txt").write_bytes(SAMPLE)
    store = Store(f"sqlite:///{shutil.copy(migrated_file, folder)}")
    other = Inbox(store, folder / "inbox", datetime.now(UTC))
    other.sweep()
    found = other.abstracts()
    store.close()
    assert len(found) == 108
    return found


def ends() -> list[int]:
    """Places to stop at: within titles and abstracts, at ends of sentences, lines and papers."""
    sentence = SAMPLE.index(b". ", len(SAMPLE) // 3) + 1
    paragraph = SAMPLE.index(b"\n\n", len(SAMPLE) // 2) + 2
    title = SAMPLE.index(b"\n\n", SAMPLE.index(b".\n\n", len(SAMPLE) // 2) + 3)
    return [len(SAMPLE) // 2, sentence, paragraph, title - 5, title, 2_500, len(SAMPLE) - 40]


@pytest.mark.parametrize("end", ends())
def test_a_writer_who_pauses_loses_nothing(inbox: Inbox, whole: set[str], end: int) -> None:
    """The writer has the file open and continues wherever it was moved."""
    with (inbox.inbox / "a.txt").open("wb") as file:
        inbox.write(file, SAMPLE[:end])
        first = inbox.sweep()
        inbox.sweep()
        inbox.write(file, SAMPLE[end:])
    inbox.sweep()
    inbox.sweep()

    assert len(first) == 1
    assert inbox.abstracts() >= whole
    assert [path.name for path in inbox.done.iterdir()] == ["a.txt"]
    assert [path.name for path in inbox.inbox.glob("*.txt")] == []


def test_a_sweep_of_hours_leaves_the_file_of_a_writer_who_pauses(inbox: Inbox) -> None:
    began, elapsed = inbox.now, [0.0]
    turns = InboxTurns(inbox.inbox, timedelta(seconds=SETTLE), began, clock=lambda: elapsed[0])
    going_on = _Sweep(inbox.store, DUMP_FORMATS, inbox, began, lambda: False, turns)
    file, hours = inbox.inbox / "a.txt", 3 * 60 * MINUTE
    file.write_bytes(SAMPLE[: len(SAMPLE) // 2])
    os.utime(file, ((began + hours).timestamp(),) * 2)

    elapsed[0] = (hours + MINUTE).total_seconds()
    going_on.read(inspect_file(file))
    assert file.exists()

    elapsed[0] = (hours + PAUSE).total_seconds()
    going_on.read(inspect_file(file))
    assert not file.exists()


def test_no_half_abstract_stays(inbox: Inbox, whole: set[str]) -> None:
    with (inbox.inbox / "a.txt").open("wb") as file:
        for start in range(0, len(SAMPLE), 9_001):
            inbox.write(file, SAMPLE[start : start + 9_001])
            inbox.sweep()
    inbox.now += PAUSE
    inbox.sweep()

    assert inbox.abstracts() == whole


def test_a_dump_that_ends_within_a_paper_stays_until_its_end_comes(
    inbox: Inbox, whole: set[str]
) -> None:
    file = inbox.inbox / "a.txt"
    file.write_bytes(SAMPLE[: len(SAMPLE) // 2])
    (first,) = inbox.sweep()

    assert isinstance(first, IngestReport)
    assert first.cut
    assert inbox.sweep() == []
    assert file.exists()

    with file.open("ab") as again:  # by its name, as a shell does with >>
        inbox.write(again, SAMPLE[len(SAMPLE) // 2 :])
    inbox.sweep()

    assert inbox.abstracts() == whole
    assert not file.exists()


def test_a_dump_that_never_gets_its_end_moves_on(inbox: Inbox) -> None:
    """Its papers are there from the beginning, and nobody is told that it came twice."""
    (inbox.inbox / "a.txt").write_bytes(SAMPLE[: len(SAMPLE) // 2])
    (first,) = inbox.sweep()
    inbox.now += PAUSE
    assert inbox.sweep() == []

    assert isinstance(first, IngestReport)
    assert len(inbox.titles()) == first.new > 40
    assert [path.name for path in inbox.done.iterdir()] == ["a.txt"]
    with inbox.store.read() as connection:
        assert job_status.latest(connection)["ingest"].detail["already"] is None


def test_a_dump_cut_in_a_line_of_json_waits_too(inbox: Inbox) -> None:
    lines = b'{"title": "One"}\n{"title": "Two"}\n'
    with (inbox.inbox / "a.jsonl").open("wb") as file:
        inbox.write(file, lines[:25])
        (first,) = inbox.sweep()
        assert isinstance(first, IngestReport)
        assert (first.cut, inbox.titles()) == (True, {"One"})
        inbox.write(file, lines[25:])
    inbox.sweep()

    assert inbox.titles() == {"One", "Two"}


def test_what_was_refused_too_early_comes_back_when_it_is_written_to(inbox: Inbox) -> None:
    """A slow download makes its file at once, and fills it later."""
    with (inbox.inbox / "a.txt").open("wb") as file:
        inbox.write(file, b"")
        (refused,) = inbox.sweep()
        inbox.write(file, SAMPLE)
    (taken,) = inbox.sweep()

    assert isinstance(refused, RejectedFile)
    assert isinstance(taken, IngestReport)
    assert taken.new == 108
    assert list(inbox.bad.iterdir()) == []


def test_what_did_not_change_is_read_once(inbox: Inbox) -> None:
    (inbox.inbox / "a.txt").write_bytes(SAMPLE)
    (inbox.inbox / "b.txt").write_bytes(b"no dump")

    assert len(inbox.sweep()) == 2
    assert [inbox.sweep() for _ in range(3)] == [[], [], []]


def test_what_somebody_put_among_the_read_files_stays_there(inbox: Inbox) -> None:
    inbox.done.mkdir()
    (inbox.done / "old.txt").write_bytes(SAMPLE)

    assert [inbox.sweep() for _ in range(2)] == [[], []]
    assert (inbox.done / "old.txt").exists()


def test_nothing_but_the_files_themselves_stays_in_the_inbox_and_its_folders(inbox: Inbox) -> None:
    for number in range(5):
        (inbox.inbox / f"{number}.jsonl").write_text(f'{{"title": "Number {number}"}}\n')
    (inbox.inbox / "bad.txt").write_bytes(b"no dump")
    inbox.sweep()
    inbox.sweep()

    assert sorted(path.name for path in inbox.inbox.iterdir()) == ["bad", "done"]
    assert sorted(path.name for path in inbox.done.iterdir()) == [f"{n}.jsonl" for n in range(5)]
    assert sorted(path.name for path in inbox.bad.iterdir()) == ["bad.txt", "bad.txt.why"]


@pytest.mark.parametrize("later", [None, timedelta(0), timedelta(days=3)])
def test_a_read_file_that_is_written_to_comes_back_whatever_number_its_name_got(
    inbox: Inbox, later: timedelta | None
) -> None:
    """The time of the file may be its disk's, or what somebody sets, such as a copying program."""
    for title in ("One", "Two"):  # files of one name on two days
        (inbox.inbox / "a.jsonl").write_text(f'{{"title": "{title}"}}\n')
        inbox.sweep()
    inbox.now = datetime.now(UTC) if later is None else inbox.now + later
    with (inbox.done / "a-2.jsonl").open("ab") as file:
        file.write(b'{"title": "Three"}\n')
        if later is not None:
            inbox.write(file, b"")
    inbox.sweep()

    assert inbox.titles() == {"One", "Two", "Three"}
    assert {path.name for path in inbox.done.iterdir()} == {"a.jsonl", "a-2.jsonl"}


def test_a_read_file_whose_time_alone_was_set_is_not_read_again(inbox: Inbox) -> None:
    (inbox.inbox / "a.txt").write_bytes(SAMPLE)
    inbox.sweep()
    with (inbox.done / "a.txt").open("ab") as file:
        inbox.write(file, b"")

    assert inbox.sweep() == []
    assert (inbox.done / "a.txt").exists()
