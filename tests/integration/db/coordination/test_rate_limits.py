"""Tests rate limits in both databases: so many actions per period, for each key separately."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select
from tests.helpers.factories import NOW

from larkpost.db import schema
from larkpost.db.coordination import rate_limits

if TYPE_CHECKING:
    from datetime import datetime

    from larkpost.db.engine import Store

HOUR = timedelta(hours=1)


def turns(store: Store, key: str, *, now: datetime = NOW, tries: int = 5, most: int = 3) -> int:
    """Try several times at once; returns how often it was allowed."""
    with store.begin() as connection:
        return sum(
            rate_limits.allow(connection, key, now=now, most=most, per=HOUR) for _ in range(tries)
        )


def kept(store: Store) -> int:
    with store.read() as connection:
        return connection.execute(select(func.count()).select_from(schema.rate_limit)).scalar_one()


def test_a_key_has_its_turns_and_no_more(store: Store) -> None:
    assert turns(store, "signup:ada@example.org") == 3
    assert turns(store, "signup:ada@example.org") == 0
    assert turns(store, "signup:emmy@example.org") == 3


def test_turns_come_back_one_by_one(store: Store) -> None:
    turns(store, "a")

    assert turns(store, "a", now=NOW + 0.3 * HOUR) == 0
    assert turns(store, "a", now=NOW + 0.4 * HOUR) == 1
    assert turns(store, "a", now=NOW + 0.7 * HOUR) == 1
    assert turns(store, "a", now=NOW + 3 * HOUR) == 3


def test_a_refused_try_costs_nothing(store: Store) -> None:
    turns(store, "a", tries=50)

    assert turns(store, "a", now=NOW + HOUR / 3, tries=1) == 1


def test_a_limit_of_one_lets_one_pass(store: Store) -> None:
    assert turns(store, "a", most=1) == 1
    assert turns(store, "a", most=1, now=NOW + 0.99 * HOUR) == 0
    assert turns(store, "a", most=1, now=NOW + HOUR) == 1


def test_nobody_waits_for_a_clock_that_was_set_back(store: Store) -> None:
    turns(store, "a", now=NOW + 1_000 * HOUR)

    assert turns(store, "a") == 3


def test_any_text_is_a_key_and_none_is_kept(store: Store) -> None:
    assert turns(store, "\x00\ud800" + "x" * 10_000) == 3

    with store.read() as connection:
        (key,) = connection.execute(select(schema.rate_limit.c.key)).scalars()
    assert len(key) == 64


def test_a_limit_below_one_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="nobody"):
        turns(store, "a", most=0)


def test_rested_keys_are_forgotten(store: Store) -> None:
    turns(store, "early")
    turns(store, "late", now=NOW + HOUR)

    with store.begin() as connection:
        gone = rate_limits.prune(connection, NOW + HOUR)

    assert (gone, kept(store)) == (1, 1)
    assert turns(store, "early", now=NOW + HOUR) == 3


def test_nobody_slips_in_between(store: Store) -> None:
    with ThreadPoolExecutor(4) as pool:
        allowed = list(pool.map(lambda _: turns(store, "a", tries=1), range(12)))

    assert sum(allowed) == 3
