"""Tests that an import lets others write between batches, and can be repeated after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.helpers.web.feed_server import NOW, populate

from larkpost.db import papers, readers, value_batches, votes
from larkpost.db.coordination import job_status
from larkpost.db.engine import Store
from larkpost.domain import PaperRecord, Status, Thumb, Vote
from larkpost.portability import importer
from larkpost.portability.exporter import export
from larkpost.readers import subscriptions

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES = ("papers", "readers", "votes")
LATER = NOW + timedelta(days=3)

# Batches of a few rows, and an end without warning at the n-th commit.
KILLED = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import event
from tests.integration.portability.test_import_interrupted import take_all
from larkpost.portability import importer as importing
from larkpost.db.value_batches import batches
from larkpost.db.engine import Store

url, folder, last = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
importing.batches = lambda some, size=5: batches(some, 5)
store, commits = Store(url), 0

def commit(*_):
    global commits
    commits += 1
    if commits == last:
        os.kill(os.getpid(), signal.SIGKILL)

event.listen(store.engine, "commit", commit)
take_all(store, folder)
print(commits)
"""


def take_all(store: Store, folder: Path) -> None:
    """Import everything that was exported to the folder."""
    for name in FILES:
        take = getattr(importer, f"take_{name}")
        assert take(store, folder / f"{name}.jsonl", now=LATER).refused == []


@pytest.fixture
def exported(migrated_file: Path, tmp_path: Path) -> Path:
    """Export a home of forty papers and four readers, one of whom has twelve editions."""
    file = tmp_path / "old.db"
    file.write_bytes(migrated_file.read_bytes())
    store = Store(f"sqlite:///{file}")
    ada, _ = populate(store)
    drafts = [
        PaperRecord(f"Paper {number}", f"About number {number}, and {number * 7} others.")
        for number in range(34)
    ]
    others = [subscriptions.add(store, f"reader{n}@example.org", now=NOW) for n in range(3)]
    subscriptions.change(store, others[0].id, now=NOW, status="leave")
    with store.begin() as connection:
        papers.absorb(connection, drafts, now=NOW)
        for one in (ada, *others):
            for number in range(1, 9):
                thumb = Thumb.UP if number % 2 else Thumb.DOWN
                votes.cast(connection, Vote(one.id, number, thumb, NOW, "web"))
    export(store, tmp_path / "out")
    store.close()
    return tmp_path / "out"


def killed_at(url: str, folder: Path, commit: int) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[3]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([*sys.path, str(root)])}
    return subprocess.run(
        [sys.executable, "-c", KILLED, url, str(folder), str(commit)],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def slots(store: Store) -> dict[str, Any]:
    with store.read() as connection:
        return {one.uid: (one.status, one.next_slot) for one in readers.all(connection)}


@pytest.mark.parametrize("commit", [1, 4, 9, 10, 12, 15, 18, 22])
def test_an_import_that_was_killed_and_done_again_gives_the_same(
    store: Store, database_url: str, exported: Path, tmp_path: Path, commit: int
) -> None:
    killed = killed_at(database_url, exported, commit)

    take_all(store, exported)
    export(store, tmp_path / "again")

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    for name in FILES:
        file = f"{name}.jsonl"
        assert (tmp_path / "again" / file).read_bytes() == (exported / file).read_bytes()
    assert {status: slot is not None for status, slot in slots(store).values()} == {
        Status.ACTIVE: True,
        Status.LEFT: False,
    }


def test_an_import_that_nobody_kills_is_many_transactions(
    store: Store, database_url: str, exported: Path
) -> None:
    whole = killed_at(database_url, exported, 0)

    assert whole.returncode == 0, whole.stderr
    assert int(whole.stdout) > 22


def test_others_write_between_the_batches_of_an_import(
    store: Store,
    database_url: str,
    exported: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Somebody who waits for no lock writes whenever a batch is read."""
    other = Store(database_url, patience=0.0)
    written: dict[str, int] = {}

    def meddling(name: str, some: Any, _size: int = 0) -> Iterator[list[Any]]:
        for batch in value_batches.batches(some, 5):
            with other.begin() as connection:
                job_status.record(connection, name, ok=True, now=NOW)
            written[name] = written.get(name, 0) + 1
            yield batch

    for name in FILES:
        monkeypatch.setattr(importer, "batches", partial(meddling, name))
        getattr(importer, f"take_{name}")(store, exported / f"{name}.jsonl", now=LATER)
    other.close()

    lines = {name: len((exported / f"{name}.jsonl").read_text().splitlines()) for name in FILES}
    assert written["papers"] == -(-lines["papers"] // 5)
    assert written["readers"] == 3  # of twelve editions
    assert written["votes"] == -(-lines["votes"] // 5)
    assert json.loads((exported / "readers.jsonl").read_text().splitlines()[0])["editions"]
