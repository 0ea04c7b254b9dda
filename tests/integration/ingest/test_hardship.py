"""Tests huge dumps, thousands of dumps, and full disks."""

from __future__ import annotations

import os
import random
import resource
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event
from tests.helpers.inbox_helpers import (
    ABSTRACT,
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
from tests.helpers.scarce_resources import on_a_small_disk

from larkpost.db.engine import Store
from larkpost.errors import TryAgainLater
from larkpost.formats.registry import DUMP_FORMATS
from larkpost.ingest.inbox import RejectedFile
from larkpost.ingest.ingest import IngestReport, ingest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["file_store", "folders"]  # fixtures

# By how many times they are to be monstrous: ten is what memory is measured by.
MONSTROUS: dict[str, Callable[[int], str]] = {
    "a line of 50 MB": lambda times: "x" * (5_000_000 * times) + "\n",
    "a line of ten million words": lambda times: "word " * (1_000_000 * times) + "\n",
    "a million blank lines": lambda times: "\n" * (100_000 * times),
    "a million lines": lambda times: "".join(f"line {n}\n" for n in range(100_000 * times)),
}


@pytest.mark.parametrize("what", MONSTROUS)
@pytest.mark.parametrize(
    ("times", "end"), [(1, ""), (10, f"\n\nAnother Title\n\nAnother matter. {ABSTRACT}\n")]
)
def test_a_monstrous_dump_costs_no_paper_beside_it_and_little_memory(
    file_store: Store, tmp_path: Path, what: str, times: int, end: str
) -> None:
    """In a process of its own, so that its memory is its own: far below that of a program in need.

    A million lines that no blank line parts are one paragraph; they are what takes most.
    """
    dump = tmp_path / "dump.txt"
    dump.write_text(PAPER + MONSTROUS[what](times) + end)
    counted = os.fork()
    if counted == 0:
        resource.setrlimit(resource.RLIMIT_DATA, (1_500 << 20, 1_500 << 20))
        store = Store(str(file_store.url))
        report = ingest(store, DUMP_FORMATS, dump, now=NOW)
        os._exit(report.new if report.new == report.papers else 99)
    _, status = os.waitpid(counted, 0)

    wanted = ["A Title", "Another Title"] if end else ["A Title"]
    assert os.waitstatus_to_exitcode(status) == len(wanted)
    assert titles(file_store) == wanted


@pytest.mark.parametrize("what", MONSTROUS)
def test_a_dump_of_nothing_but_a_monstrosity_is_refused_with_a_reason(
    file_store: Store, folders: Folders, what: str
) -> None:
    put(folders, "dump.txt", MONSTROUS[what](1))

    (taken,) = run(file_store, folders)

    assert isinstance(taken, RejectedFile)
    assert taken.moved
    assert (folders.bad / "dump.txt.why").read_text()


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

    read = [days[one.name] for one in taken if isinstance(one, IngestReport)]
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

    assert isinstance(taken, RejectedFile)
    assert "no room left" in taken.reason
    assert (taken.moved, file.exists(), titles(file_store)) == (False, True, [])
    with pytest.raises(TryAgainLater):
        ingest(file_store, DUMP_FORMATS, file, now=NOW)

    room["pages"] = 1_000_000
    (taken,) = run(file_store, folders)

    assert isinstance(taken, IngestReport)
    assert (taken.new, file.exists()) == (108, False)


FULL = """
import json, shutil, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from starlette.testclient import TestClient
from larkpost import logs
from larkpost.readers import subscriptions
from larkpost.ingest.inbox import RejectedFile
from larkpost.scheduler.tick import tick
from larkpost.bootstrap import build
from larkpost.packaged_files import shipped_path
from larkpost.settings import load
from larkpost.db import papers
from larkpost.web import app

logs.configure("critical", "json")
home = Path(sys.argv[1]) / "home"
program = build(load(home=home, flags={"inbox.stable_seconds": 0}, environ={}))
program.prepare()
now = datetime(2026, 8, 10, 9, tzinfo=UTC)
reader = subscriptions.add(program.store, "a@example.org", now=now)
client = TestClient(app(program, clock=lambda: now))
sample = next(iter(sorted(shipped_path("seeds").glob("*.txt"))))
shutil.copyfile(sample, program.places.inbox / "a.txt")
hog = home / "hog"
hog.write_bytes(bytes(shutil.disk_usage(home).free - 40_000))
for minute in range(4):
    if minute == 3:
        hog.unlink()
    done = tick_error = None
    try:
        done = tick(program.tick_context, now=now + timedelta(minutes=minute))
    except Exception as error:
        tick_error = str(error)
    with program.store.read() as connection:
        count = papers.count(connection)
    print(json.dumps({
        "read": bool(done and done.taken and not isinstance(done.taken[0], RejectedFile)),
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
        assert "no room left" in one["told"] or "No space left" in one["told"]
        assert (one["health"], one["feed"]) == (503, 200)
    assert (free["read"], free["papers"], free["inbox"]) == (True, 108, [])
