"""Dumps of monstrous sizes, files that change or may not be touched, disks that are full."""

from __future__ import annotations

import os
import random
import resource
import tempfile
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

import pytest
from sqlalchemy import event
from tests.hardship import on_a_small_disk, without_rights

from larkpost.domain import Draft
from larkpost.errors import TryAgainLater
from larkpost.flows.inbox import Bad, sweep
from larkpost.flows.ingest import Report, ingest
from larkpost.resources import shipped
from larkpost.sources import SOURCES
from larkpost.store import dumps, events, papers
from larkpost.store.engine import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from larkpost.domain import Record
    from larkpost.flows.inbox import Taken
    from larkpost.seams import Source

NOW = datetime(2026, 8, 10, 9, tzinfo=UTC)
OTHER_DISK = Path("/dev/shm")  # noqa: S108 - where Linux has memory as a file system
SAMPLE = next(iter(sorted(shipped("seeds").glob("*.txt")))).read_bytes()
ABSTRACT = (
    "We light one expert at a time and ask the next only when the first is unsure. On six public "
    "benchmarks the router answers as well as a dense model of the same size, with a third of the "
    "arithmetic. The weights, the code and the logs of every run are public."
)
PAPER = f"Daily Papers\n\nAug 7\n\nA Title\n\n{ABSTRACT}\n\n"


@dataclass(frozen=True)
class Folders:
    """The three folders of an inbox."""

    inbox: Path
    done: Path
    bad: Path


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    return Folders(inbox, inbox / "done", inbox / "bad")


@pytest.fixture
def file_store(sqlite_url: str) -> Iterator[Store]:
    store = Store(sqlite_url)
    yield store
    store.close()


def put(folders: Folders, name: str, text: str | bytes, *, age: float = 3_600) -> Path:
    file = folders.inbox / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    written = NOW.timestamp() - age
    os.utime(file, (written, written))
    return file


def run(
    store: Store, folders: Folders, *, now: datetime = NOW, sources: Sequence[Source] = SOURCES
) -> list[Taken]:
    return sweep(store, sources, folders, settle_seconds=5, now=now)


def titles(store: Store) -> list[str]:
    with store.read() as connection:
        return [paper.title for paper in papers.iterate(connection)]


MONSTROUS = {
    "a line of 50 MB": "x" * 50_000_000 + "\n",
    "a line of ten million words": "word " * 10_000_000 + "\n",
    "a million blank lines": "\n" * 1_000_000,
    "a million lines": "".join(f"line {number}\n" for number in range(1_000_000)),
}


@pytest.mark.parametrize("what", MONSTROUS)
@pytest.mark.parametrize("end", ["", f"\n\nAnother Title\n\nAnother matter. {ABSTRACT}\n"])
def test_a_monstrous_dump_costs_no_paper_beside_it_and_little_memory(
    file_store: Store, tmp_path: Path, what: str, end: str
) -> None:
    """In a process of its own, so that its memory is its own: far below that of a program in need.

    A million lines that no blank line parts are one paragraph; they are what takes most.
    """
    dump = tmp_path / "dump.txt"
    dump.write_text(PAPER + MONSTROUS[what] + end)
    counted = os.fork()
    if counted == 0:
        resource.setrlimit(resource.RLIMIT_DATA, (1_500 << 20, 1_500 << 20))
        store = Store(str(file_store.url))
        report = ingest(store, SOURCES, dump, now=NOW)
        os._exit(report.new if report.new == report.papers else 99)
    _, status = os.waitpid(counted, 0)

    wanted = ["A Title", "Another Title"] if end else ["A Title"]
    assert os.waitstatus_to_exitcode(status) == len(wanted)
    assert titles(file_store) == wanted


@pytest.mark.parametrize("what", MONSTROUS)
def test_a_dump_of_nothing_but_a_monstrosity_is_refused_with_a_reason(
    file_store: Store, folders: Folders, what: str
) -> None:
    put(folders, "dump.txt", MONSTROUS[what])

    (taken,) = run(file_store, folders)

    assert isinstance(taken, Bad)
    assert taken.moved
    assert (folders.bad / "dump.txt.why").read_text()


def meddle(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Have something happen to the next file when it is open, and before it is read."""

    def acting() -> Any:
        monkeypatch.undo()
        act()
        return sha256()

    monkeypatch.setattr("larkpost.flows.dumpfile.sha256", acting)


def test_a_file_cut_while_it_is_read_is_rolled_back_and_told(
    store: Store, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = put(folders, "page.txt", SAMPLE * 20)
    meddle(monkeypatch, lambda: os.truncate(file, 40_000))

    (taken,) = run(store, folders)
    left = titles(store)
    (again,) = run(store, folders, now=datetime.now(UTC) + timedelta(hours=1))

    assert isinstance(taken, Bad)
    assert (taken.moved, left) == (False, [])
    assert "still being written" in taken.reason
    assert isinstance(again, Report)
    assert 0 < len(titles(store)) < 108


def test_a_file_deleted_while_it_is_read_is_taken_whole(
    store: Store, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has it open has all of it; there is just nothing to move."""
    file = put(folders, "page.txt", SAMPLE)
    meddle(monkeypatch, file.unlink)

    (taken,) = run(store, folders)

    assert isinstance(taken, Report)
    assert len(titles(store)) == 108
    assert list(folders.done.iterdir()) == []
    assert run(store, folders) == []


def test_a_file_deleted_before_it_is_read_is_told_and_forgotten(
    store: Store, folders: Folders
) -> None:
    second = put(folders, "b.txt", PAPER)

    class Deleting:
        name: ClassVar[str] = "deleting"

        def recognises(self, head: bytes, filename: str) -> bool:  # noqa: ARG002 - the protocol's
            return True

        def read(self, dump: BinaryIO, near: date) -> Iterator[Record]:  # noqa: ARG002 - the protocol's
            second.unlink(missing_ok=True)
            yield Draft("First")

    put(folders, "a.txt", "first")
    taken = run(store, folders, sources=[Deleting()])

    assert [isinstance(one, Report) for one in taken] == [True, False]
    assert run(store, folders) == []
    with store.read() as connection:
        assert events.latest(connection)["inbox"].ok


def test_a_file_replaced_while_it_is_read_is_read_whole_and_then_the_other(
    store: Store, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = put(folders, "page.txt", PAPER)
    other = put(folders, "other.part", PAPER.replace("A Title", "Quite Another Matter"))
    os.utime(other, (0, NOW.timestamp() - 1_800))
    meddle(monkeypatch, lambda: other.replace(file))

    (first,) = run(store, folders)
    (second,) = run(store, folders)

    assert isinstance(first, Report)
    assert isinstance(second, Report)
    assert first.digest != second.digest
    assert [path.name for path in folders.done.iterdir()] == ["page.txt"]


FORBIDDEN = """
import json, os, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from larkpost import logs
from larkpost.flows.inbox import Bad, sweep
from larkpost.sources import SOURCES
from larkpost.store import events
from larkpost.store.engine import Store

class Folders:
    inbox = Path(sys.argv[1]) / "inbox"
    done, bad = inbox / "done", inbox / "bad"

logs.configure("critical", "json")
store = Store(f"sqlite:///{sys.argv[1]}/larkpost.db")
now = datetime(2026, 8, 10, 9, tzinfo=UTC)
for minute in range(4):
    taken = sweep(store, SOURCES, Folders, settle_seconds=5, now=now + timedelta(minutes=minute))
    with store.read() as connection:
        told = events.latest(connection).get("inbox")
    print(json.dumps({
        "taken": {one.name: one.reason if isinstance(one, Bad) else "read" for one in taken},
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
    assert "a.txt may not be read" in first["taken"]["a.txt"]
    assert all(other["taken"] == {} for other in others)
    assert "right to read it" in (folders.bad / "a.txt.why").read_text()
    assert titles(file_store) == ["Another"]


def test_a_folder_done_that_may_not_be_written_is_told_once_an_hour(
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
        assert len(dumps.latest(connection, 9)) == 1


def test_an_inbox_that_may_not_be_written_is_told_and_nothing_is_lost(
    file_store: Store, folders: Folders, tmp_path: Path
) -> None:
    put(folders, "a.txt", PAPER)
    folders.done.mkdir()
    folders.bad.mkdir()
    folders.inbox.chmod(0o555)

    rounds = forbidden(tmp_path)
    folders.inbox.chmod(0o755)

    assert all("Permission denied" in one["taken"]["a.txt"] for one in rounds)
    assert isinstance(run(file_store, folders)[0], Report)
    assert titles(file_store) == ["A Title"]


@pytest.mark.skipif(not OTHER_DISK.is_dir(), reason="needs a second file system")
def test_done_may_lie_on_another_disk(store: Store, folders: Folders) -> None:
    put(folders, "a.txt", PAPER)
    put(folders, "b.txt", "no dump")
    with tempfile.TemporaryDirectory(dir=OTHER_DISK) as name:
        elsewhere = Folders(folders.inbox, Path(name) / "done", Path(name) / "bad")

        assert len(run(store, elsewhere)) == 2
        assert [run(store, elsewhere) for _ in range(2)] == [[], []]
        assert [path.name for path in elsewhere.done.iterdir()] == ["a.txt"]
    assert list(folders.inbox.glob("*.txt")) == []


def test_a_thousand_small_files_are_each_read_once_the_oldest_day_first(
    file_store: Store, folders: Folders
) -> None:
    """Some from 1970, some from the future, some with a day in their name."""
    dice = random.Random(5)  # noqa: S311 - no secret
    days: dict[str, date] = {}
    for number in range(1_000):
        day = date(2026, 7, 1) + timedelta(days=dice.randrange(40))
        age = dice.choice([3_600, -40_000_000, NOW.timestamp(), 9_999_999])
        named = dice.random() < 0.7
        name = f"{number} {day}.jsonl" if named else f"{number}.jsonl"
        put(folders, name, f'{{"title": "Number {number}"}}\n', age=age)
        written = datetime.fromtimestamp(NOW.timestamp() - age, UTC).date()
        days[name] = day if named else written

    taken = run(file_store, folders)

    read = [days[one.name] for one in taken if isinstance(one, Report)]
    assert (len(read), read) == (1_000, sorted(read))
    assert sorted(titles(file_store)) == sorted(f"Number {number}" for number in range(1_000))
    assert len(list(folders.done.iterdir())) == 1_000
    assert run(file_store, folders) == []


def test_a_database_without_room_keeps_the_dump_in_the_inbox_until_there_is_some(
    file_store: Store, folders: Folders
) -> None:
    room = {"pages": 0}

    @event.listens_for(file_store.engine, "begin")
    def limit(connection: Any) -> None:
        if room["pages"]:
            connection.exec_driver_sql(f"PRAGMA max_page_count={room['pages']}")

    with file_store.read() as connection:
        room["pages"] = connection.exec_driver_sql("PRAGMA page_count").scalar_one() + 2
    file = put(folders, "page.txt", SAMPLE)

    (taken,) = run(file_store, folders)

    assert isinstance(taken, Bad)
    assert "No room left" in taken.reason
    assert (taken.moved, file.exists(), titles(file_store)) == (False, True, [])
    with pytest.raises(TryAgainLater):
        ingest(file_store, SOURCES, file, now=NOW)

    room["pages"] = 1_000_000
    (taken,) = run(file_store, folders)

    assert isinstance(taken, Report)
    assert (taken.new, file.exists()) == (108, False)


FULL = """
import json, shutil, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from starlette.testclient import TestClient
from larkpost import logs
from larkpost.flows import membership
from larkpost.flows.inbox import Bad
from larkpost.flows.tick import tick
from larkpost.program import build
from larkpost.resources import shipped
from larkpost.settings import load
from larkpost.store import papers
from larkpost.web import app

logs.configure("critical", "json")
home = Path(sys.argv[1]) / "home"
program = build(load(home=home, flags={"inbox.settle_seconds": 0}, environ={}))
program.prepare()
now = datetime(2026, 8, 10, 9, tzinfo=UTC)
reader = membership.add(program.store, "a@example.org", now=now)
client = TestClient(app(program, clock=lambda: now))
sample = next(iter(sorted(shipped("seeds").glob("*.txt"))))
shutil.copyfile(sample, program.places.inbox / "a.txt")
hog = home / "hog"
hog.write_bytes(bytes(shutil.disk_usage(home).free - 40_000))
for minute in range(4):
    if minute == 3:
        hog.unlink()
    done = tick_error = None
    try:
        done = tick(program.works, now=now + timedelta(minutes=minute))
    except Exception as error:
        tick_error = str(error)
    with program.store.read() as connection:
        count = papers.count(connection)
    print(json.dumps({
        "read": bool(done and done.taken and not isinstance(done.taken[0], Bad)),
        "told": tick_error or str(done.taken) + str(done.troubles),
        "papers": count,
        "inbox": [path.name for path in program.places.inbox.glob("*.txt")],
        "health": client.get("/healthz").status_code,
        "feed": client.get(f"/feed/{reader.feed_key}.atom").status_code,
    }))
"""


def test_a_full_disk_keeps_the_dump_turns_health_red_and_passes_by_itself(tmp_path: Path) -> None:
    *full, free = on_a_small_disk(FULL, tmp_path / "small", 4 << 20)

    for one in full:
        assert (one["read"], one["papers"], one["inbox"]) == (False, 0, ["a.txt"])
        assert "No room left" in one["told"] or "No space left" in one["told"]
        assert (one["health"], one["feed"]) == (503, 200)
    assert (free["read"], free["papers"], free["inbox"]) == (True, 108, [])
