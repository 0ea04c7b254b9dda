"""Tests databases that are locked, damaged, read-only, full or cut: the error names them."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text
from tests.helpers.factories import NOW, add_papers
from tests.helpers.postgres import initialised, running, served
from tests.helpers.scarce_resources import on_a_frozen_disk, without_rights
from tests.helpers.web.site_client import place

from larkpost.db import backups, migrations, schema
from larkpost.db.coordination import job_status
from larkpost.db.engine import Store
from larkpost.domain import Thumb
from larkpost.errors import Busy, StoreError, TryAgainLater
from larkpost.scheduler.tick import tick

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import psycopg
    from tests.helpers.web.site_client import Place

PAGE = 4096


@pytest.fixture
def here(tmp_path: Path, sqlite_url: str) -> Iterator[Place]:
    with place(tmp_path / "home", sqlite_url) as opened:
        yield opened


def test_a_lock_held_for_long_loses_no_thumb_that_was_said_to_be_saved(here: Place) -> None:
    """The page says that it is not saved, and the same press works when the lock is gone."""
    store = here.program.store
    here.program.store = Store(str(store.url), patience=0.1)
    with store.begin():
        answers = [here.client.post(here.vote_path(1, "up")) for _ in range(3)]
        assert [here.client.get(f"/feed/{here.reader.feed_key}.rss").status_code] == [200]

    assert {answer.status_code for answer in answers} == {503}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)
    assert all("try again" in answer.text for answer in answers)
    assert here.thumb(1) is None
    assert here.client.post(here.vote_path(1, "up")).status_code == 303
    assert here.thumb(1) is Thumb.UP


def test_a_lock_held_for_less_than_our_patience_costs_only_time(here: Place) -> None:
    there, done = threading.Event(), threading.Event()

    def hold() -> None:
        with here.program.store.begin():
            there.set()
            done.wait(1)

    holder = threading.Thread(target=hold)
    holder.start()
    there.wait(10)
    answer = here.client.post(here.vote_path(2, "down"))
    done.set()
    holder.join()

    assert (answer.status_code, here.thumb(2)) == (303, Thumb.DOWN)


def test_a_tick_beside_a_lock_held_for_long_is_tried_again_by_the_next(here: Place) -> None:
    store = here.program.store
    here.program.store = Store(str(store.url), patience=0.1)
    works = here.program.tick_context
    with store.begin(), pytest.raises(Busy):
        tick(works, now=NOW)

    assert tick(works, now=NOW).troubles == {}


def spoil(file: Path, pages: range) -> None:
    with file.open("r+b") as body:
        for page in pages:
            body.seek(page * PAGE)
            body.write(os.urandom(PAGE))


def pages_of(file: Path) -> int:
    return file.stat().st_size // PAGE


def read_everything(store: Store) -> None:
    with store.read() as connection:
        for table in schema.metadata.sorted_tables:
            connection.execute(select(table)).all()


def test_every_page_that_is_spoilt_in_the_middle_is_found_by_name(
    here: Place, tmp_path: Path
) -> None:
    """Doctor's check finds each; who only reads meets our own error, with the way to go on."""
    file = here.program.store.file
    assert file is not None
    here.program.store.close()
    whole = file.read_bytes()
    met: list[StoreError] = []
    for page in range(1, pages_of(file)):
        spoilt = tmp_path / "spoilt.db"
        spoilt.write_bytes(whole)
        spoil(spoilt, range(page, page + 1))
        store = Store(f"sqlite:///{spoilt}")
        try:
            assert backups.faults(store), page
            read_everything(store)
        except StoreError as error:
            met.append(error)
        store.close()
        assert spoilt.stat().st_size == len(whole)
    assert len(met) > 10
    assert all(str(spoilt) in str(error) and "backup" in error.hint for error in met)


def test_a_daemon_does_not_start_on_a_file_with_a_spoilt_middle(here: Place) -> None:
    file = here.program.store.file
    assert file is not None
    here.program.store.close()
    spoil(file, range(1, pages_of(file)))
    before = file.read_bytes()

    with pytest.raises(StoreError, match=str(file)) as refusal:
        here.program.prepare()

    assert "backup" in refusal.value.hint
    assert here.client.get(f"/feed/{here.reader.feed_key}.rss").status_code == 503
    assert here.client.get("/healthz").status_code == 503
    assert file.read_bytes() == before


def test_a_disk_that_fails_under_an_open_file_is_reported_by_name(sqlite_url: str) -> None:
    """Cut under the reader, the file answers as a disk does that cannot read (SQLITE_IOERR)."""
    store = Store(sqlite_url)
    file = store.file
    assert file is not None
    with store.begin() as connection:
        add_papers(connection, 6)
    with closing(sqlite3.connect(file)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA cache_size=1")
    os.truncate(file, PAGE * 2)

    with pytest.raises(StoreError, match=str(file)) as refusal:
        read_everything(store)

    assert "backup" in refusal.value.hint
    store.close()


READ_ONLY = """
import json, sys
from pathlib import Path
from starlette.testclient import TestClient
from tests.helpers.web.site_client import BASE, NOW
from larkpost import logs
from larkpost.cli.commands.doctor import _examine
from larkpost.cli.context import CliContext
from larkpost.bootstrap import build
from larkpost.settings import load
from larkpost.db import editions, readers
from larkpost.web import app

logs.configure("critical", "json")
home = Path(sys.argv[1])
program = build(load(home=home, flags={"site.base_url": BASE}, environ={}))
program.prepare()
with program.store.read() as connection:
    (reader,) = readers.all(connection)
    (edition,) = editions.latest(connection, reader.id)
client = TestClient(app(program, clock=lambda: NOW), raise_server_exceptions=False, base_url=BASE)
path = program.links.ballot(edition).removeprefix(BASE)
voted = client.post(f"{path}/1/up")
found = list(_examine(CliContext(home)))
print(json.dumps({
    "feed": client.get(f"/feed/{reader.feed_key}.rss").status_code,
    "shown": client.get(f"{path}/1/up").status_code,
    "voted": [voted.status_code, "retry-after" in voted.headers],
    "faults": [f"{one.what}: {one.detail}" for one in found if one.state == "fault"],
}))
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    with place(folder, f"sqlite:///{folder / 'larkpost.db'}"):
        pass
    return folder


def test_a_database_that_another_process_made_meanwhile_is_not_called_lost(home: Path) -> None:
    file = home / "larkpost.db"
    before = file.read_bytes()
    file.with_name("larkpost.db-wal").touch()  # it is at work

    migrations.make_file(file)

    assert file.read_bytes() == before


@pytest.mark.parametrize("journal", [False, True])
def test_on_a_read_only_disk_feeds_are_served_and_writes_refused(
    home: Path, *, journal: bool
) -> None:
    """With the journal that a killed daemon leaves, and without any."""
    file = home / "larkpost.db"
    if journal:
        write = "import sqlite3, os, sys; c = sqlite3.connect(sys.argv[1]);"
        write += "c.execute('PRAGMA user_version=7'); c.commit(); os._exit(0)"
        subprocess.run([sys.executable, "-c", write, str(file)], check=True)
    assert file.with_name("larkpost.db-wal").exists() == journal

    (told,) = on_a_frozen_disk(READ_ONLY, home)

    assert (told["feed"], told["shown"], told["voted"]) == (200, 200, [503, True])
    assert f"database: cannot write to {file}" in told["faults"]


def test_of_a_read_only_file_feeds_are_served_and_writes_refused(home: Path) -> None:
    file = home / "larkpost.db"
    file.chmod(0o400)

    (told,) = without_rights(READ_ONLY, home)

    assert (told["feed"], told["shown"], told["voted"]) == (200, 200, [503, True])
    assert told["faults"] == [f"database: cannot write to {file}"]


def cut_off(connection: psycopg.Connection) -> None:
    """End every connection to the server but this one."""
    connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )


@pytest.mark.postgres
def test_a_connection_cut_in_a_transaction_is_to_be_tried_again_and_nothing_is_half_done() -> None:
    with running() as server:
        server.run("CREATE DATABASE larkpost")
        store = Store(server.url("larkpost"))
        migrations.upgrade(store)

        def write_half() -> None:
            with store.begin() as connection:
                job_status.record(connection, "half", ok=True, now=NOW)
                with server.connect() as other:
                    cut_off(other)
                job_status.record(connection, "other half", ok=True, now=NOW)

        with pytest.raises(TryAgainLater, match="does not answer"):
            write_half()
        with store.begin() as connection:
            assert job_status.latest(connection) == {}
            job_status.record(connection, "whole", ok=True, now=NOW)
        store.close()


@pytest.mark.postgres
def test_a_statement_that_is_cut_off_is_to_be_tried_again(postgres_url: str) -> None:
    store = Store(postgres_url)

    with pytest.raises(TryAgainLater, match="does not answer"), store.begin() as connection:
        connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(60)"))

    with store.begin() as connection:
        job_status.record(connection, "whole", ok=True, now=NOW)
    store.close()


@pytest.mark.postgres
def test_a_server_that_restarts_costs_one_page_at_most(tmp_path: Path) -> None:
    with initialised() as folder, ExitStack() as stack:
        with served(folder) as server:
            server.run("CREATE DATABASE larkpost")
            here = stack.enter_context(place(tmp_path, server.url("larkpost")))
            assert here.client.post(here.vote_path(1, "up")).status_code == 303
        away = here.client.post(here.vote_path(2, "up"))
        with pytest.raises(TryAgainLater):
            tick(here.program.tick_context, now=NOW)
        with served(folder):
            back = here.client.post(here.vote_path(3, "up"))

            assert (away.status_code, back.status_code) == (503, 303)
            assert int(away.headers["retry-after"]) > 0
            assert [here.thumb(n) for n in (1, 2, 3)] == [Thumb.UP, None, Thumb.UP]
            assert tick(here.program.tick_context, now=NOW).troubles == {}


@pytest.mark.postgres
def test_a_thumb_is_saved_or_refused_while_connections_are_cut_again_and_again(
    tmp_path: Path,
) -> None:
    with running() as server:
        server.run("CREATE DATABASE larkpost")
        with place(tmp_path, server.url("larkpost")) as here:
            over = threading.Event()

            def cut() -> None:
                with server.connect() as other:
                    while not over.wait(0.01):
                        cut_off(other)

            cutter = threading.Thread(target=cut)
            cutter.start()
            saved = set()
            try:
                for turn in range(60):
                    position = turn % 3 + 1
                    answer = here.client.post(here.vote_path(position, "up"))
                    assert answer.status_code in {303, 503}
                    if answer.status_code == 303:
                        saved.add(position)
            finally:
                over.set()
                cutter.join()

            assert all(here.thumb(position) is Thumb.UP for position in saved)
            assert here.client.post(here.vote_path(1, "down")).status_code == 303
