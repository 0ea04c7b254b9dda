"""Tests transactions that queue, reads that cannot write, and files that are not databases."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import DBAPIError

from larkpost.db import backups, migrations, schema
from larkpost.db.coordination import job_status, leases
from larkpost.db.engine import Store
from larkpost.errors import Busy, SettingsError, StoreError, TryAgainLater

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 8, 7, 6, 0, tzinfo=UTC)
THREADS = 8


def test_what_is_written_in_a_transaction_is_there_in_the_next(store: Store) -> None:
    with store.begin() as connection:
        job_status.record(connection, "tick", ok=True, now=NOW)

    with store.read() as connection:
        assert job_status.latest(connection)["tick"].at == NOW


def test_an_error_undoes_the_whole_transaction(store: Store) -> None:
    def fail_half_way() -> None:
        with store.begin() as connection:
            job_status.record(connection, "tick", ok=True, now=NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()

    with store.read() as connection:
        assert job_status.latest(connection) == {}


def test_of_many_transactions_in_a_row_each_is_stored_or_undone_alone(store: Store) -> None:
    def fail() -> None:
        with begin() as connection:
            job_status.record(connection, "broken", ok=True, now=NOW)
            raise ZeroDivisionError

    with store.begin_many() as begin:
        with begin() as connection:
            job_status.record(connection, "first", ok=True, now=NOW)
        with store.begin() as connection:  # another writer goes in between
            job_status.record(connection, "between", ok=True, now=NOW)
        with pytest.raises(ZeroDivisionError):
            fail()
        with begin() as connection:
            job_status.record(connection, "last", ok=True, now=NOW)
        with store.read() as connection:
            assert set(job_status.latest(connection)) == {"first", "between", "last"}


def test_after_many_transactions_sqlite_has_its_usual_cache(store: Store) -> None:
    def cache() -> tuple[int, int]:
        with store.read() as connection:
            names = ("cache_size", "wal_autocheckpoint")
            size, pages = (
                connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names
            )
        return size, pages

    if store.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL has no such cache")
    before = cache()

    with pytest.raises(ZeroDivisionError), store.begin_many():
        raise ZeroDivisionError

    assert cache() == before


def test_a_read_cannot_write(store: Store) -> None:
    with pytest.raises(StoreError, match="read-only"), store.read() as connection:
        job_status.record(connection, "tick", ok=True, now=NOW)


def test_a_write_after_a_read_on_the_same_connection_works(store: Store) -> None:
    for _ in range(3):
        with store.read() as connection:
            job_status.latest(connection)
        with store.begin() as connection:
            job_status.record(connection, "tick", ok=True, now=NOW)

    with store.read() as connection:
        assert set(job_status.latest(connection)) == {"tick"}


def test_a_read_sees_one_moment(store: Store) -> None:
    with store.read() as reading:
        before = job_status.latest(reading)
        with store.begin() as connection:
            job_status.record(connection, "tick", ok=True, now=NOW)
        after = job_status.latest(reading)

    assert before == after == {}


def test_times_without_a_zone_are_refused(store: Store) -> None:
    with pytest.raises(Exception, match="naive"), store.begin() as connection:
        job_status.record(connection, "tick", ok=True, now=NOW.replace(tzinfo=None))


def test_many_threads_add_up(store: Store) -> None:
    with store.begin() as connection:
        leases.take(connection, "count", "0", now=NOW, seconds=60)
    together = Barrier(THREADS)

    def add(_: int) -> None:
        together.wait()
        for _ in range(5):
            with store.begin() as connection:
                current = select(schema.lease.c.holder).with_for_update()
                count = int(connection.execute(current).scalar_one())
                connection.execute(update(schema.lease).values(holder=str(count + 1)))

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(add, range(THREADS)))

    with store.read() as connection:
        assert leases.holder(connection, "count", now=NOW) == str(5 * THREADS)


def test_a_lock_held_for_too_long_is_reported_as_busy(database_url: str) -> None:
    holder, waiter = Store(database_url), Store(database_url, patience=0.05)
    row = {"name": "tick", "holder": "me", "until": NOW}
    with holder.begin() as connection:
        connection.execute(insert(schema.lease), row)

        with pytest.raises(Busy, match="locked"), waiter.begin() as second:
            second.execute(insert(schema.lease), row)

    holder.close()
    waiter.close()


def test_a_mistake_in_a_statement_is_no_trouble_of_the_database(store: Store) -> None:
    with pytest.raises(DBAPIError), store.read() as connection:
        connection.execute(text("SELECT nothing FROM nowhere"))


def test_a_database_in_memory_serves_many_threads() -> None:
    store = Store("sqlite://")
    migrations.upgrade(store)

    def record(number: int) -> None:
        with store.begin() as connection:
            job_status.record(connection, f"kind {number}", ok=True, now=NOW)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(record, range(50)))

    with store.read() as connection:
        assert len(job_status.latest(connection)) == 50
    store.close()


@pytest.mark.parametrize(
    "url",
    ["", "larkpost.db", "/var/lib/larkpost.db", "mysql://host/name", "postgres://host/name"],
)
def test_a_url_of_something_else_is_a_mistake_in_the_settings(url: str) -> None:
    with pytest.raises(SettingsError, match=r"database\.url"):
        Store(url)


def test_a_password_is_not_part_of_the_name() -> None:
    store = Store("postgresql://lark:secret@db.example.org/post")

    assert "secret" not in store.name
    assert "db.example.org" in store.name


def test_a_server_that_is_not_there_may_be_there_later(tmp_path: Path) -> None:
    store = Store(f"postgresql:///larkpost?host={tmp_path}")

    with pytest.raises(TryAgainLater, match="does not answer"), store.read():
        pass
    store.close()


def test_another_program_that_comes_and_goes_takes_nothing_away(sqlite_url: str) -> None:
    """A second descriptor on the file would drop the first connection's locks when closed."""
    store = Store(sqlite_url)
    file = store.file
    assert file is not None
    count = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); {}; c.close()"
    with store.engine.connect() as one, store.engine.connect() as another:
        one.exec_driver_sql("CREATE TABLE note (words)")
        one.commit()
        another.exec_driver_sql("INSERT INTO note VALUES ('ours')")
        another.commit()

        write = count.format("c.execute(\"INSERT INTO note VALUES ('theirs')\"), c.commit()")
        subprocess.run([sys.executable, "-c", write, str(file)], check=True)

        assert file.with_name(f"{file.name}-wal").exists()
        one.exec_driver_sql("INSERT INTO note VALUES ('ours again')")
        one.commit()
        read = count.format("print(c.execute('SELECT count(*) FROM note').fetchone()[0])")
        seen = subprocess.run(
            [sys.executable, "-c", read, str(file)], check=True, capture_output=True, text=True
        )
        assert seen.stdout == "3\n"
    store.close()


# What was never a database of ours is not said to have lost anything.
FOREIGN = {"text", "a short text", "a text longer than a page", "zeros"}


def spoilt(file: Path, way: str) -> None:
    whole = file.read_bytes()
    match way:
        case "empty":
            file.write_bytes(b"")
        case "text":
            file.write_text("Dear diary, today the database was replaced by this.\n" * 200)
        case "a short text":
            file.write_text("oops\n")
        case "a text longer than a page":
            file.write_text("oops\n" * 1000)
        case "zeros":
            file.write_bytes(bytes(len(whole)))
        case "half":
            file.write_bytes(whole[: len(whole) // 2])
        case "one page":
            file.write_bytes(whole[:4096])
        case "cut inside a page":
            file.write_bytes(whole[: len(whole) - 1000])
        case "cut inside the header":
            file.write_bytes(whole[:50])


@pytest.mark.parametrize(
    "way",
    [
        "empty",
        "text",
        "a short text",
        "a text longer than a page",
        "zeros",
        "half",
        "one page",
        "cut inside a page",
        "cut inside the header",
    ],
)
@pytest.mark.parametrize("act", ["upgrade", "check", "begin", "read"])
def test_a_spoilt_file_is_refused_by_name_and_left_as_it_is(
    sqlite_url: str, way: str, act: str
) -> None:
    file = Store(sqlite_url).file
    assert file is not None
    spoilt(file, way)
    before = file.read_bytes()
    store = Store(sqlite_url)

    with pytest.raises(StoreError, match=str(file)) as refusal:
        _do(act, store)
    store.close()

    assert refusal.value.hint
    assert ("file is not a database" in str(refusal.value)) == (way in FOREIGN)
    assert file.read_bytes() == before


def _do(act: str, store: Store) -> None:
    match act:
        case "upgrade":
            migrations.upgrade(store)
        case "check":
            migrations.check(store)
        case "begin":
            with store.begin() as connection:
                job_status.record(connection, "tick", ok=True, now=NOW)
        case "read":
            with store.read() as connection:
                job_status.latest(connection)


def test_a_missing_file_is_reported_and_not_made(tmp_path: Path) -> None:
    file = tmp_path / "larkpost.db"
    store = Store(f"sqlite:///{file}")

    with pytest.raises(StoreError, match=f"no database at {file}"), store.begin():
        pass

    assert list(tmp_path.iterdir()) == []


def test_a_lost_database_whose_journal_is_there_is_not_made_anew(sqlite_url: str) -> None:
    store = Store(sqlite_url)
    with store.begin() as connection:
        job_status.record(connection, "tick", ok=True, now=NOW)
    assert store.file is not None
    store.file.unlink()
    lost = Store(sqlite_url)

    with pytest.raises(StoreError, match="journal"):
        migrations.upgrade(lost)

    assert not store.file.exists()
    store.close()


def test_names_with_odd_characters_are_only_names(tmp_path: Path) -> None:
    file = tmp_path / "a b%20c#d&é'; --.db"
    store = Store(f"sqlite:///{quote(str(file))}")

    migrations.upgrade(store)
    migrations.check(store)
    store.close()

    assert file.exists()


def test_a_whole_file_has_no_faults(store: Store) -> None:
    assert backups.faults(store) == []


def test_a_page_that_was_overwritten_is_found(sqlite_url: str) -> None:
    store = Store(sqlite_url)
    assert store.file is not None
    with store.file.open("r+b") as body:
        body.seek(-4096, os.SEEK_END)
        body.write(b"\xff" * 4096)

    assert backups.faults(store)
    store.close()


def test_a_copy_holds_what_was_committed_while_others_write(
    sqlite_url: str, tmp_path: Path
) -> None:
    store = Store(sqlite_url)
    assert store.file is not None
    with store.begin() as connection:
        job_status.record(connection, "committed", ok=True, now=NOW)
    with store.begin() as connection:
        job_status.record(connection, "not yet", ok=True, now=NOW + timedelta(days=1))
        backups.copy(store.file, tmp_path / "copy.db")

    copied = Store(f"sqlite:///{tmp_path / 'copy.db'}")
    with copied.read() as connection:
        assert set(job_status.latest(connection)) == {"committed"}
    assert [path.name for path in tmp_path.glob("copy*part*")] == []
    copied.close()
    store.close()


def test_the_pragmas_that_keep_promises_are_set(sqlite_url: str) -> None:
    store = Store(sqlite_url)

    with store.begin() as connection:
        said = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }

    assert said == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 15_000,
    }
    store.close()


def test_a_read_only_file_is_reported_as_such(sqlite_url: str) -> None:
    store = Store(sqlite_url)

    def write() -> None:
        with store.begin() as connection:
            connection.exec_driver_sql("PRAGMA query_only=ON")  # SQLite says the same of a disk
            job_status.record(connection, "tick", ok=True, now=NOW)

    with pytest.raises(StoreError, match=r"cannot be written.*read-only"):
        write()
    store.close()


def test_a_full_disk_undoes_the_transaction_and_asks_for_room(sqlite_url: str) -> None:
    store = Store(sqlite_url)

    def write() -> None:
        with store.begin() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
            job_status.record(connection, "tick", ok=True, now=NOW, padding="x" * 50_000)

    with pytest.raises(TryAgainLater, match="no room"):
        write()

    with store.read() as connection:
        assert job_status.latest(connection) == {}
    store.close()


def test_sqlite_is_new_enough_for_what_we_ask() -> None:
    assert sqlite3.sqlite_version_info >= (3, 35)  # RETURNING
