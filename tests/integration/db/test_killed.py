"""Tests reading dumps and votes, killed (SIGKILL) at every commit and every move of a file."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.helpers.web.site_client import NOW, place

from larkpost.bootstrap import build
from larkpost.db import migrations, papers, read_dumps
from larkpost.db.engine import Store
from larkpost.ingest.inbox import sweep
from larkpost.packaged_files import shipped_path
from larkpost.settings import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from larkpost.bootstrap import Program

ROOT = Path(__file__).parents[3]
JOURNALS = ("", "-journal", "-wal")
SAMPLE = next(iter(sorted(shipped_path("seeds").glob("*.txt"))))

# One interpreter that forks a child for each point: a fresh one would take a second each time. The
# child is killed at its n-th point: before or after a commit, before a file is linked or removed.
KILLING = """
import json, os, signal, sys
from pathlib import Path
from shutil import copytree, rmtree
from sqlalchemy import event
from starlette.testclient import TestClient
from tests.helpers.web.site_client import BASE, NOW
from larkpost import logs
from larkpost.ingest.inbox import sweep
from larkpost.bootstrap import build
from larkpost.settings import load
from larkpost.web import app

home, scratch, act = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
logs.configure("critical", "json")
points, last = 0, 0

def point(*_):
    global points
    points += 1
    if points == last:
        os.kill(os.getpid(), signal.SIGKILL)

def hook(name, arguments):
    if name in ("os.link", "os.remove", "os.rename"):
        point()

def take(program):
    sweep(program.store, program.dump_formats, program.places, stable_seconds=0, now=NOW)

def vote(program):
    client = TestClient(app(program, clock=lambda: NOW), base_url=BASE)
    ballot = sys.argv[4]
    for position, wish in ((1, "up"), (2, "down"), (3, "up"), (1, "down"), (2, "clear")):
        path = f"{ballot}/{position}/{'up' if wish == 'clear' else wish}"
        answer = client.post(path, data={"action": wish})
        assert answer.status_code == 200, answer.text
        with (program.places.data / "acknowledged").open("a") as file:
            file.write(json.dumps([position, wish]) + "\\n")

def child(folder):
    flags = {"inbox.stable_seconds": 0, "site.base_url": BASE}
    program = build(load(home=folder, flags=flags, environ={}))
    event.listen(program.store.engine, "commit", point)
    event.listen(program.store.engine, "checkin", point)
    sys.addaudithook(hook)
    {"take": take, "vote": vote}[act](program)
    os._exit(0)

for last in range(1, 500):
    folder = scratch / str(last)
    copytree(home, folder)
    pid = os.fork()
    if pid == 0:
        try:
            child(folder)
        finally:
            os._exit(3)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    print(json.dumps({"home": str(folder), "code": code}), flush=True)
    if code != -9:
        break
"""


def killed(home: Path, scratch: Path, *arguments: str) -> Iterator[dict[str, Any]]:
    """Kill at every point there is; returns each home as it was left, the last one not killed."""
    scratch.mkdir()
    command = [sys.executable, "-c", KILLING, str(home), str(scratch), *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(ROOT)])}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    turns = [json.loads(line) for line in done.stdout.splitlines()]
    assert turns[-1]["code"] == 0, done.stderr.decode()
    assert {turn["code"] for turn in turns[:-1]} == {-signal.SIGKILL}
    yield from turns


def opened(home: Path) -> Program:
    program = build(load(home=home, flags={"inbox.stable_seconds": 0}, environ={}))
    with closing(sqlite3.connect(home / "larkpost.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.execute("DELETE FROM lease")  # a minute passes
        connection.commit()
    return program


def votes_of(home: Path) -> dict[int, int]:
    """The thumbs that are there, by the place of the paper in the edition."""
    with closing(sqlite3.connect(home / "larkpost.db")) as connection:
        rows = connection.execute(
            "SELECT position, thumb FROM vote JOIN pick ON pick.paper_id = vote.paper_id"
        )
        return dict(rows.fetchall())


def test_a_dump_is_read_whole_and_once_wherever_reading_it_is_killed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    program = build(load(home=home, flags={}, environ={}))
    program.prepare()
    program.store.close()
    shutil.copyfile(SAMPLE, program.places.inbox / "a.txt")

    turns = 0
    for turn in killed(home, tmp_path / "scratch", "take"):
        turns += 1
        program = opened(Path(turn["home"]))
        with program.store.read() as connection:
            count, read = papers.count(connection), len(read_dumps.latest(connection, 9))
        moved = (program.places.done / "a.txt").exists()
        assert (count, read) in {(0, 0), (108, 1)}  # whole or not at all
        assert read or not moved  # committed before it is moved
        assert moved or (program.places.inbox / "a.txt").exists()

        for _ in range(2):
            sweep(program.store, program.dump_formats, program.places, stable_seconds=0, now=NOW)

        with program.store.read() as connection:
            assert (papers.count(connection), len(read_dumps.latest(connection, 9))) == (108, 1)
        assert [path.name for path in program.places.inbox.glob("*.txt")] == []
        assert any(path.name == "a.txt" for path in program.places.done.iterdir())
        assert len({path.read_bytes() for path in program.places.done.iterdir()}) == 1
        program.store.close()
    assert turns > 8


def test_no_vote_that_was_acknowledged_is_lost_wherever_voting_is_killed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with place(home, f"sqlite:///{home / 'larkpost.db'}") as here:
        ballot = here.path(here.program.links.ballot(here.edition))
    said = [(1, 1), (2, -1), (3, 1), (1, -1), (2, 0)]  # place in the edition, and thumb

    turns = 0
    for turn in killed(home, tmp_path / "scratch", "vote", ballot):
        turns += 1
        folder = Path(turn["home"])
        opened(folder).store.close()
        note = folder / "acknowledged"
        acknowledged = len(note.read_text().splitlines()) if note.exists() else 0
        possible = []  # what was acknowledged, and one more that may be in
        for count in (acknowledged, acknowledged + 1):
            thumbs = dict(said[:count])
            possible.append({place: thumb for place, thumb in thumbs.items() if thumb})
        assert votes_of(folder) in possible
    assert turns > 10


def test_the_copy_of_a_program_that_was_killed_while_it_made_it_is_removed_after_a_day(
    sqlite_url: str,
) -> None:
    store = Store(sqlite_url)
    folder = store.file.parent if store.file else Path()
    names = [f".larkpost.db.0026.bak.{16 * end}.part{more}" for end in "ab" for more in JOURNALS]
    for name in names:
        (folder / name).write_bytes(b"everything about everybody")
        if "b" * 16 in name:
            os.utime(folder / name, (0, 0))

    migrations.upgrade(store)

    assert [name for name in names if (folder / name).exists()] == names[: len(JOURNALS)]
    store.close()
