"""Tests leases, job statuses and stored models."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import TYPE_CHECKING

import pytest
from tests.helpers.factories import DAY, NOW

from larkpost.db import fitted_models
from larkpost.db.coordination import job_status, leases
from larkpost.db.coordination.job_status import JobStatus

if TYPE_CHECKING:
    from larkpost.db.engine import Store

SECOND = timedelta(seconds=1)
AT_ONCE = 6


def test_a_lease_is_one_holder_s_until_it_ends(store: Store) -> None:
    with store.begin() as connection:
        assert leases.take(connection, "tick", "one", now=NOW, seconds=60)
        assert not leases.take(connection, "tick", "two", now=NOW + 59 * SECOND, seconds=60)
        assert leases.holder(connection, "tick", now=NOW + 59 * SECOND) == "one"
        assert leases.holder(connection, "tick", now=NOW + 60 * SECOND) is None
        assert leases.take(connection, "tick", "two", now=NOW + 60 * SECOND, seconds=60)
        assert not leases.take(connection, "tick", "one", now=NOW + 61 * SECOND, seconds=60)


def test_a_holder_lengthens_its_own_lease(store: Store) -> None:
    with store.begin() as connection:
        leases.take(connection, "tick", "one", now=NOW, seconds=60)

        assert leases.take(connection, "tick", "one", now=NOW + 30 * SECOND, seconds=60)
        assert leases.holder(connection, "tick", now=NOW + 89 * SECOND) == "one"


def test_leases_of_other_names_are_other_leases(store: Store) -> None:
    with store.begin() as connection:
        assert leases.take(connection, "tick", "one", now=NOW, seconds=60)
        assert leases.take(connection, "fit", "two", now=NOW, seconds=60)


def test_only_the_holder_gives_a_lease_back(store: Store) -> None:
    with store.begin() as connection:
        leases.take(connection, "tick", "one", now=NOW, seconds=60)

        leases.release(connection, "tick", "two")
        assert not leases.take(connection, "tick", "two", now=NOW, seconds=60)

        leases.release(connection, "tick", "one")
        assert leases.take(connection, "tick", "two", now=NOW, seconds=60)


def test_a_lease_taken_while_the_clock_was_ahead_holds_nobody_up(store: Store) -> None:
    with store.begin() as connection:
        leases.take(connection, "tick", "one", now=NOW + DAY, seconds=60)

        assert leases.take(connection, "tick", "two", now=NOW, seconds=60)


def test_no_lease_is_longer_than_an_hour(store: Store) -> None:
    with store.begin() as connection, pytest.raises(ValueError, match="longer"):
        leases.take(connection, "tick", "one", now=NOW, seconds=3601)


def test_of_many_at_once_one_gets_the_lease(store: Store) -> None:
    together = Barrier(AT_ONCE)

    def take(number: int) -> bool:
        together.wait()
        with store.begin() as connection:
            return leases.take(connection, "tick", str(number), now=NOW, seconds=60)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert sorted(pool.map(take, range(AT_ONCE))) == [False] * (AT_ONCE - 1) + [True]


def test_the_latest_event_of_each_kind_is_kept(store: Store) -> None:
    with store.begin() as connection:
        job_status.record(connection, "sweep", ok=True, now=NOW, papers=108)
        job_status.record(connection, "deliver", ok=False, now=NOW, reply="421 größer")
        job_status.record(connection, "sweep", ok=True, now=NOW + SECOND, papers=0, why="quiet")

        assert job_status.latest(connection) == {
            "deliver": JobStatus("deliver", NOW, ok=False, detail={"reply": "421 größer"}),
            "sweep": JobStatus(
                "sweep", NOW + SECOND, ok=True, detail={"papers": 0, "why": "quiet"}
            ),
        }


def test_the_newest_space_comes_back_byte_for_byte(store: Store) -> None:
    body = bytes(range(256)) * 1_000
    with store.begin() as connection:
        assert fitted_models.newest_model(connection) is None
        fitted_models.save_model(connection, b"old", paper_count=1, corpus_updated_at=None, now=NOW)
        number = fitted_models.save_model(
            connection, body, paper_count=108, corpus_updated_at=NOW - DAY, now=NOW
        )

        kept = fitted_models.newest_model(connection)

    assert kept == fitted_models.StoredModel(number, NOW, 108, NOW - DAY, body)


def test_pruning_keeps_the_newest(store: Store) -> None:
    with store.begin() as connection:
        for papers in range(5):
            fitted_models.save_model(
                connection, b"", paper_count=papers, corpus_updated_at=None, now=NOW
            )

        assert fitted_models.prune(connection, keep=2) == 3
        assert fitted_models.prune(connection, keep=2) == 0
        kept = fitted_models.newest_model(connection)

    assert kept is not None
    assert kept.paper_count == 4
