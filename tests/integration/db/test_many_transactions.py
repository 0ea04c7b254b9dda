"""Tests many transactions in a row on one connection."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from larkpost.db.coordination import job_status
from larkpost.db.engine import Store

NOW = datetime(2026, 8, 7, 6, 0, tzinfo=UTC)


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


def test_after_many_transactions_sqlite_has_its_usual_cache(sqlite_url: str) -> None:
    store = Store(sqlite_url)

    def cache() -> tuple[int, int]:
        with store.read() as connection:
            names = ("cache_size", "wal_autocheckpoint")
            size, pages = (
                connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names
            )
        return size, pages

    before = cache()

    with pytest.raises(ZeroDivisionError), store.begin_many():
        raise ZeroDivisionError

    assert cache() == before
