"""Tests migrations on both databases: complete, repeatable, concurrent, with clear errors."""

from __future__ import annotations

import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from subprocess import run
from textwrap import dedent, indent
from threading import Barrier
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from larkpost.db import backups, migrations, readers
from larkpost.db.coordination import job_status
from larkpost.db.engine import Store
from larkpost.db.migrations import STEPS, MigrationSteps
from larkpost.db.schema import metadata
from larkpost.db.search import index
from larkpost.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

AT_ONCE = 4
NOW = datetime(2026, 8, 7, 6, 0, tzinfo=UTC)
HEAD = STEPS.head
NEXT = f"{int(HEAD) + 1:04}"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Open a store on a database that was never migrated; once on each kind."""
    sqlite = f"sqlite:///{tmp_path / 'new' / 'larkpost.db'}"
    store = Store(
        sqlite if request.param == "sqlite" else request.getfixturevalue("empty_postgres")
    )
    yield store
    store.close()


def set_revision(store: Store, revision: str) -> None:
    with store.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": revision})


def test_the_migrated_database_is_what_the_tables_say(store: Store) -> None:
    with store.read() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                "include_name": lambda name, kind, _: (
                    kind != "table" or not str(name).startswith(index.NAME)
                ),
            },
        )

        assert compare_metadata(context, metadata) == []


def test_checks_have_the_same_names_as_in_the_tables(store: Store) -> None:
    with store.read() as connection:
        found = {
            check["name"]
            for table in metadata.tables
            for check in inspect(connection).get_check_constraints(table)
        }

    assert found == {
        *("ck_reader_papers_per_edition", "ck_interest_quota", "ck_bounce_kind"),
        *("ck_vote_thumb", "ck_forgotten_vote_thumb"),
        *("ck_delivery_kind", "ck_delivery_edition"),
    }


def names_of(connection: Connection) -> dict[str, set[str | None]]:
    """Return the names of the keys, constraints and indexes of every table of ours."""
    here = inspect(connection)
    return {
        table: {
            here.get_pk_constraint(table)["name"],
            *(one["name"] for one in here.get_foreign_keys(table)),
            *(one["name"] for one in here.get_unique_constraints(table)),
            *(one["name"] for one in here.get_check_constraints(table)),
            *(one["name"] for one in here.get_indexes(table)),
        }
        for table in here.get_table_names()
        if table in metadata.tables
    }


def test_keys_constraints_and_indexes_have_the_names_that_the_tables_give(
    empty: Store,
) -> None:
    if empty.file is not None:
        migrations.make_file(empty.file)
    with empty.begin() as connection:
        metadata.create_all(connection)
        made = names_of(connection)
        metadata.drop_all(connection)

    migrations.upgrade(empty)

    with empty.read() as connection:
        assert names_of(connection) == made


def test_ids_that_travel_in_links_are_never_given_twice(store: Store) -> None:
    with store.begin() as connection:
        first = readers.add(connection, address="ada@example.org", now=NOW)
        readers.remove(connection, first.id)
        second = readers.add(connection, address="emmy@example.org", now=NOW)

    assert second.id > first.id


def test_the_revisions_named_are_those_on_the_disk() -> None:
    scripts = ScriptDirectory(str(STEPS.folder))

    found = [script.revision for script in scripts.walk_revisions()]
    assert tuple(reversed(found)) == STEPS.revisions


def test_an_empty_database_is_reported_until_it_is_migrated(empty: Store) -> None:
    with pytest.raises(StoreError) as refusal:
        migrations.check(empty)
    migrations.upgrade(empty)
    migrations.check(empty)

    assert "larkpost" in refusal.value.hint
    assert migrations.current(empty) == STEPS.head


def test_a_second_upgrade_changes_nothing(store: Store) -> None:
    with store.begin() as connection:
        job_status.record(connection, "tick", ok=True, now=NOW)

    migrations.upgrade(store)

    with store.read() as connection:
        assert set(job_status.latest(connection)) == {"tick"}


def test_several_may_start_at_once(empty: Store) -> None:
    together = Barrier(AT_ONCE)

    def start(_: int) -> str | None:
        store = Store(str(empty.url))
        together.wait()
        migrations.upgrade(store)
        found = migrations.current(store)
        store.close()
        return found

    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(start, range(AT_ONCE)))

    assert found == [STEPS.head] * AT_ONCE
    assert empty.file is None or [p.name for p in empty.file.parent.glob(".larkpost*")] == []


def test_a_new_database_and_its_backup_can_be_read_by_their_owner_alone(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'new.db'}")
    migrations.upgrade(store)
    backups.copy(tmp_path / "new.db", tmp_path / "backup.db")
    store.close()

    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert set(modes.values()) == {0o600}, modes


def test_several_programs_may_start_at_once(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom larkpost.db import engine, migrations\n"
        "store = engine.Store(sys.argv[1])\nmigrations.upgrade(store)\nmigrations.check(store)\n"
    )
    url = f"sqlite:///{tmp_path / 'larkpost.db'}"

    def start(_: int) -> int:
        return run([sys.executable, "-c", program, url], check=False).returncode

    with ThreadPoolExecutor(AT_ONCE) as pool:
        codes = list(pool.map(start, range(AT_ONCE)))

    assert codes == [0] * AT_ONCE


def test_a_newer_database_is_refused_and_left_alone(store: Store) -> None:
    set_revision(store, "9999")

    for act in (migrations.check, migrations.upgrade):
        with pytest.raises(StoreError, match=r"9999.*newer"):
            act(store)

    assert migrations.current(store) == "9999"


def test_a_database_of_another_program_is_refused(empty: Store) -> None:
    if empty.file is not None:
        migrations.make_file(empty.file)
    with empty.begin() as connection:
        connection.execute(text("CREATE TABLE bookmark (url TEXT)"))

    with pytest.raises(StoreError, match="bookmark"):
        migrations.upgrade(empty)

    with empty.read() as connection:
        assert inspect(connection).get_table_names() == ["bookmark"]


def with_another_step(folder: Path, body: str) -> MigrationSteps:
    """Take the shipped steps and put one more behind them, as a later version of ours would."""
    later = folder / "later"
    shutil.copytree(STEPS.folder, later, ignore=shutil.ignore_patterns("__pycache__"))
    (later / "versions" / f"v{NEXT}_more.py").write_text(
        "from alembic import op\nimport sqlalchemy as sa\n"
        f'revision = "{NEXT}"\ndown_revision = "{HEAD}"\n'
        f"def upgrade():\n{indent(dedent(body), '    ')}\n"
    )
    return MigrationSteps(later, (*STEPS.revisions, NEXT))


def steps_before(revision: str, folder: Path) -> MigrationSteps:
    """Take the shipped steps up to the one before this, as an earlier version of ours had them."""
    at = STEPS.revisions.index(revision)
    later = [f"v{one}*" for one in STEPS.revisions[at:]]
    before = folder / "before"
    shutil.copytree(STEPS.folder, before, ignore=shutil.ignore_patterns("__pycache__", *later))
    return MigrationSteps(before, STEPS.revisions[:at])


REBUILD = """
    with op.batch_alter_table("reader") as table:
        table.add_column(sa.Column("motto", sa.Text()))
        table.alter_column("zone", type_=sa.String(80))
"""


def test_a_table_can_be_rebuilt_without_losing_what_hangs_on_it(
    store: Store, tmp_path: Path
) -> None:
    with store.begin() as connection:
        reader = readers.add(connection, address="ada@example.org", now=NOW, words=["routing"])

    migrations.upgrade(store, with_another_step(tmp_path, REBUILD))

    with store.read() as connection:
        assert readers.get(connection, reader.id) == reader
        assert connection.execute(text("SELECT motto FROM reader")).scalar() is None


def test_a_file_that_holds_something_is_copied_before_a_step(
    sqlite_url: str, tmp_path: Path
) -> None:
    store, backup = Store(sqlite_url), Store(f"{sqlite_url}.{HEAD}.bak")
    with store.begin() as connection:
        readers.add(connection, address="ada@example.org", now=NOW)

    migrations.upgrade(store, with_another_step(tmp_path, REBUILD))

    assert migrations.current(store) == NEXT
    assert migrations.current(backup) == HEAD
    with backup.read() as connection:
        assert readers.by_address(connection, "ada@example.org").created == NOW
    backup.close()
    store.close()


def test_a_step_that_fails_leaves_the_database_as_it_was(store: Store, tmp_path: Path) -> None:
    broken = with_another_step(
        tmp_path,
        """
        op.add_column("reader", sa.Column("motto", sa.Text()))
        raise ZeroDivisionError
        """,
    )

    with pytest.raises(ZeroDivisionError):
        migrations.upgrade(store, broken)

    migrations.check(store)
    with store.read() as connection:
        assert "motto" not in {
            column["name"] for column in inspect(connection).get_columns("reader")
        }


def test_a_program_killed_in_the_middle_of_a_step_leaves_the_database_as_it_was(
    store: Store, tmp_path: Path
) -> None:
    killed = with_another_step(
        tmp_path,
        """
        op.add_column("reader", sa.Column("motto", sa.Text()))
        __import__("os")._exit(9)
        """,
    )
    program = (
        "import sys, pathlib\nfrom larkpost.db import engine, migrations\n"
        f"steps = migrations.MigrationSteps(pathlib.Path(sys.argv[2]), {killed.revisions})\n"
        "migrations.upgrade(engine.Store(sys.argv[1]), steps)\n"
    )

    ended = run([sys.executable, "-c", program, str(store.url), killed.folder], check=False)

    assert ended.returncode == 9
    migrations.check(store)
    with store.begin() as connection:
        assert readers.add(connection, address=None, now=NOW).next_slot is None


def test_an_older_database_is_reported_and_the_older_program_refuses_the_newer(
    store: Store, tmp_path: Path
) -> None:
    newer = with_another_step(tmp_path, REBUILD)

    with pytest.raises(StoreError, match="older") as refusal:
        migrations.check(store, newer)
    migrations.upgrade(store, newer)

    assert "larkpost migrate" in refusal.value.hint
    with pytest.raises(StoreError, match="newer"):
        migrations.check(store)


def test_foreign_keys_hold_again_after_a_migration(sqlite_url: str) -> None:
    store = Store(sqlite_url)
    migrations.upgrade(store)

    with store.begin() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    store.close()


def test_a_migration_that_would_orphan_rows_is_undone(sqlite_url: str, tmp_path: Path) -> None:
    store = Store(sqlite_url)
    with store.begin() as connection:
        readers.add(connection, address="ada@example.org", now=NOW)

    with pytest.raises(StoreError, match="without the rows they refer to"):
        migrations.upgrade(store, with_another_step(tmp_path, 'op.execute("DELETE FROM reader")'))

    with store.read() as connection:
        assert len(readers.all(connection)) == 1
    store.close()


def test_places_given_away_before_pools_were_kept_are_reported_by_what_was_left(
    empty: Store, tmp_path: Path
) -> None:
    migrations.upgrade(empty, steps_before("0006", tmp_path))
    with empty.begin() as connection:
        connection.execute(
            text(  # as the table was then
                "INSERT INTO reader (id, uid, name, status, zone, at, days, size, threshold,"
                " weekly, feed_key, created) VALUES (1, 'u', '', 'active', 'UTC',"
                " '06:00:00.000000', 127, 10, 0, FALSE, 'k', '2026-08-07 00:00:00.000000')"
            )
        )
        connection.execute(
            text(
                "INSERT INTO paper (id, uid, scheme, value, title, abstract, authors, categories,"
                " first_seen, arrived, updated, title_key) VALUES (:id, :name, 'arxiv', :name, 'T',"
                " '', '[]', '[]', :at, :at, :at, :name)"
            ),
            [{"id": n, "name": str(n), "at": "2026-08-01 00:00:00.000000"} for n in (1, 2, 3)],
        )
        connection.execute(
            text(
                "INSERT INTO edition (id, reader_id, date, published_at, note, considered)"
                " VALUES (1, 1, '2026-08-07', '2026-08-07 06:00:00.000000', '', 9)"
            )
        )
        for position, propensity in ((1, 1.0), (2, 1.0), (3, 0.05)):
            connection.execute(
                text(
                    "INSERT INTO pick (edition_id, position, paper_id, score, probability,"
                    " propensity, explored, interest, because, against)"
                    " VALUES (1, :position, :paper, 1, 0.5, :propensity, :no, '', '[]', '[]')"
                ),
                {"position": position, "paper": position, "propensity": propensity, "no": False},
            )

    migrations.upgrade(empty)

    with empty.read() as connection:
        found = connection.execute(text("SELECT pool FROM pick ORDER BY position")).scalars().all()
    assert found == [1, 1, 7]
