"""Tests a full disk: a clear error, exit code 75, and no lost data."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs
from tests.helpers.factories import NOW
from tests.helpers.polling import until
from tests.helpers.scarce_resources import on_a_small_disk, without_rights

from larkpost.db import migrations, schema
from larkpost.db.coordination import leases
from larkpost.db.engine import Store
from larkpost.db.errors import translate_sqlite
from larkpost.disk_space import is_no_room, lacks_room
from larkpost.errors import Busy, NoRoom, StoreError
from larkpost.scheduler.mutex import alone
from larkpost.scheduler.steps import StepRunner
from larkpost.serve.jobs import make_heartbeats, run_jobs

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 12 * 2**20

# Runs commands on a disk on which so many bytes are left, and prints how each ended. The first
# argument is the disk's folder.
SCRIPT = dedent(
    """
    import json, os, subprocess, sys
    from pathlib import Path
    from tests.helpers.cli_helpers import PROGRAM, SAMPLE, paper_lines

    disk = Path(sys.argv[1])
    other = disk / "other.jsonl"
    environment = {"PATH": os.environ["PATH"], "HOME": str(disk), "LANG": "C.UTF-8",
                   "LARKPOST_INBOX__STABLE_SECONDS": "0"}

    def call(*words, home=disk / "home"):
        done = subprocess.run([PROGRAM, "--home", home, *words], env=environment,
                              capture_output=True, text=True, timeout=100)
        return done.returncode, done.stdout + done.stderr

    other.write_bytes(paper_lines("Sparse experts"))
    for words in (["ingest", SAMPLE], ["reader", "add", "a@x.org"], ["publish", "--all"]):
        assert call(*words)[0] == 0, words
    for left in LEFT:
        (disk / "filler").unlink(missing_ok=True)
        free = os.statvfs(disk)
        with (disk / "filler").open("wb") as file:
            file.write(bytes(free.f_bavail * free.f_frsize - left))
        for words in COMMANDS:
            code, told = call(*words)
            print(json.dumps([left, words, code, told]))
        code, told = call("init", home=disk / "new")
        print(json.dumps([left, ["init"], code, told]))
    (disk / "filler").unlink()
    for words in ([["deliver"], ["vote", "a@x.org", "1", "up"], ["ingest", str(other)],
                   ["export", str(disk / "out")], ["status"], ["init"]]):
        code, told = call(*words)
        assert code == 0, (words, told)
    left_over = [str(path) for path in disk.rglob("*.part*")]
    print(json.dumps([None, ["left over"], 0, " ".join(left_over)]))
    """
)
COMMANDS = """[["status"], ["vote", "a@x.org", "1", "up"], ["ingest", str(other)], ["deliver"],
["reader", "add", "b@x.org"], ["export", str(disk / "out")], ["tick"], ["serve", "--port", "0"]]"""
# What these do fits into no room that is left; others may find enough of it.
WRITERS = {"vote", "ingest", "reader", "export", "init"}


def test_a_full_disk_is_no_room_left_for_every_command_and_loses_nothing(tmp_path: Path) -> None:
    script = SCRIPT.replace("COMMANDS", COMMANDS).replace("LEFT", "(0, 16 * 1024)")

    *ended, left_over = on_a_small_disk(script, tmp_path / "disk", SIZE)

    for left, words, code, told in ended:
        if code == 0 and (words[0] not in WRITERS or left):
            continue
        assert code == 75, (left, words, told)
        assert "no room left for" in told, (left, words, told)
        assert "backup" not in told, (left, words, told)
    assert {words[0] for _, words, code, _ in ended if code == 75} >= WRITERS
    assert left_over[3] == ""


DOCTOR = """[["doctor", "--json"], ["serve", "--port", "0"]]"""


def test_the_doctor_calls_a_full_disk_a_fault_as_serve_does(tmp_path: Path) -> None:
    script = SCRIPT.replace("COMMANDS", DOCTOR).replace("LEFT", "(0,)")

    (_, _, code, told), (_, _, served, _), *_ = on_a_small_disk(script, tmp_path / "disk", SIZE)

    assert (code, served) == (1, 75)
    found = [json.loads(line) for line in told.splitlines()]
    faults = [one for one in found if one["what"] == "disk" and one["state"] == "fault"]
    assert all("no room left for" in one["detail"] for one in faults)
    assert all("make room" in one["hint"] for one in faults)
    assert faults


LIMITED = dedent(
    """
    import json, os, resource, subprocess, sys
    from tests.helpers.cli_helpers import PROGRAM, SAMPLE

    home = sys.argv[1] + "/home"
    environment = {"PATH": os.environ["PATH"], "HOME": sys.argv[1], "LANG": "C.UTF-8"}

    def call(*words, limit=resource.RLIM_INFINITY):
        done = subprocess.run([PROGRAM, "--home", home, *words], env=environment, timeout=100,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
            capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    assert call("ingest", SAMPLE)[0] == 0
    for limit in (0, 40 * 1024, 100 * 1024):
        print(json.dumps(call("reader", "add", "a@example.org", limit=limit)))
    print(json.dumps(call("doctor", limit=0)))
    print(json.dumps(call("reader", "add", "a@example.org")))
    """
)


def test_a_limit_on_the_size_of_files_is_reported_as_one(tmp_path: Path) -> None:
    *limited, doctor, after = without_rights(LIMITED, tmp_path)

    for code, told in limited:
        assert code == 75, told
        assert "a limit on the size of files forbids it" in told
        assert "ulimit -f" in told
        assert "backup" not in told
    assert doctor[0] == 1
    assert "a limit on the size of files forbids it" in doctor[1]
    assert after[0] == 0


def test_a_database_that_may_not_grow_is_no_room_left(sqlite_url: str) -> None:
    store = Store(sqlite_url)

    def fill() -> None:
        with store.begin() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
            row = {"fitted_at": NOW, "paper_count": 1, "body": bytes(10_000_000)}
            connection.execute(insert(schema.tfidf_model).values(row))

    with pytest.raises(NoRoom, match="no room left for") as refusal:
        fill()

    assert refusal.value.exit_code == 75
    assert "make room" in refusal.value.hint
    migrations.check(store)
    store.close()


def test_a_full_disk_is_reported_where_tidying_up_after_it_failed_as_well(sqlite_url: str) -> None:
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL
    store = Store(sqlite_url)

    def fill() -> None:
        raise OperationalError("INSERT", {}, full)

    def migrate() -> None:  # as Alembic does: SQLite has rolled back by itself
        with store.begin() as connection:
            try:
                fill()
            except OperationalError:
                connection.exec_driver_sql("DROP TABLE _alembic_tmp_paper")

    with pytest.raises(NoRoom, match="no room left for"):
        migrate()
    store.close()


def test_a_disk_that_fails_while_there_is_room_is_no_full_one(tmp_path: Path) -> None:
    failed = sqlite3.OperationalError("disk I/O error")
    failed.sqlite_errorcode = sqlite3.SQLITE_IOERR_READ

    told = translate_sqlite(failed, str(tmp_path / "larkpost.db"))

    assert isinstance(told, StoreError)
    assert not lacks_room(tmp_path)
    assert not lacks_room(tmp_path / "missing")
    assert not is_no_room(PermissionError(13, "Permission denied"))


def test_a_trouble_that_cannot_be_written_down_is_logged_once(store: Store) -> None:
    def run(minutes: int) -> None:
        steps = StepRunner(store, "tick", NOW.replace(minute=minutes))
        with steps.step("ingest"):
            raise NoRoom("no room left for the inbox")
        # No close(): where the disk is full it raises.

    with capture_logs() as logs:
        for minutes in (0, 1, 2):
            run(minutes)
        with StepRunner(store, "tick", NOW).step("ingest"):
            pass
        run(3)

    assert [line["log_level"] for line in logs] == ["error", "error"]


def test_a_round_that_ends_in_the_same_way_again_is_logged_once() -> None:
    rounds: list[int] = []

    def work(_: object) -> None:
        rounds.append(len(rounds))
        if len(rounds) != 4:
            raise NoRoom("no room left for larkpost.db", hint="make room")

    with capture_logs() as logs, run_jobs({"tick": work}, {"tick": make_heartbeats(0.05)["tick"]}):
        until(lambda: len(rounds) > 6)

    told = [line for line in logs if line["event"] == "job.failed"]
    assert [line["hint"] for line in told] == ["make room", "make room"]  # before and after the 4th
    assert not any(line.get("exc_info") for line in told)


def test_a_lease_that_could_not_be_released_is_taken_again_by_the_same_process(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise NoRoom("the disk is full")

    with monkeypatch.context() as full:
        full.setattr(leases, "release", fail)
        with pytest.raises(NoRoom), alone(store, "tick"):
            pass

    with alone(store, "tick") as holder:
        with store.read() as connection:
            assert leases.holder(connection, "tick", now=datetime.now(UTC)) == holder
        with pytest.raises(Busy), alone(store, "tick"):
            pass
