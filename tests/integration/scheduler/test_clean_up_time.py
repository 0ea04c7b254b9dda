"""Tests that cleaning up takes short transactions and little time, however much there is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from larkpost.db import schema
from larkpost.db.usage import forgotten_votes
from larkpost.db.usage.last_use import ExpiryRule
from larkpost.domain import Status
from larkpost.readers import onboarding, record_votes, subscriptions
from larkpost.readers.expiry import LastUses
from larkpost.scheduler import housekeeping

if TYPE_CHECKING:
    from sqlalchemy import Table

    from larkpost.db.engine import Store
    from larkpost.domain import Reader

NOW = datetime(2026, 8, 7, 5, tzinfo=UTC)
DAY = timedelta(days=1)
REFERENCES = "\n".join(
    f"@article{{k{at}, title = {{The {name} of distant glaciers}}}}"
    for at, name in enumerate(("colour", "sound", "weight", "number", "motion"))
)


def count(store: Store, table: Table) -> int:
    with store.read() as connection:
        found: int = connection.execute(select(func.count()).select_from(table)).scalar_one()
    return found


def bring(store: Store) -> Reader:
    """Make a reader with five papers of their own."""
    reader = subscriptions.add(store, None, now=NOW, expires=True)
    assert onboarding.from_references(store, reader.id, REFERENCES, now=NOW).new == 5
    return reader


def clean_up(store: Store, *, days: int, uses: LastUses | None = None) -> None:
    """Clean up for no time at all."""
    rule, now = ExpiryRule(365, 365), NOW + days * DAY
    housekeeping.clean_up(store, uses or LastUses(), rule, now=now, seconds=0.0)


@pytest.fixture(autouse=True)
def two_rows_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "AT_ONCE", 2)


def test_papers_without_a_thumb_are_deleted_in_parts_by_several_runs(store: Store) -> None:
    record_votes.roll_back(store, bring(store).id, now=NOW)
    left = []

    for _ in range(3):
        clean_up(store, days=8)
        left.append(count(store, schema.paper))

    assert left == [3, 1, 0]


def test_forgotten_thumbs_are_deleted_in_parts_by_several_runs(store: Store) -> None:
    reader = bring(store)
    assert len(record_votes.forget(store, reader.id, NOW + DAY, now=NOW + DAY)) == 5
    left = []

    for _ in range(3):
        clean_up(store, days=forgotten_votes.KEEP_FOR.days + 2)
        left.append(count(store, schema.forgotten_vote))

    assert left == [3, 1, 0]


def test_in_enough_time_one_run_deletes_all_in_short_transactions(store: Store) -> None:
    record_votes.roll_back(store, bring(store).id, now=NOW)

    housekeeping.clean_up(store, LastUses(), ExpiryRule(0, 0), now=NOW + 8 * DAY, seconds=600.0)

    assert count(store, schema.paper) == 0


def test_unused_readers_are_removed_by_several_runs_that_follow_at_once(store: Store) -> None:
    for _ in range(3):
        bring(store)
    uses, left = LastUses(), []

    for _ in range(3):
        clean_up(store, days=400, uses=uses)
        left.append(count(store, schema.reader))

    assert left == [2, 1, 0]


def test_readers_who_never_confirmed_are_removed_by_several_runs(store: Store) -> None:
    for name in "abc":
        subscriptions.add(store, f"{name}@example.org", now=NOW, status=Status.PENDING)
    left = []

    for _ in range(3):
        clean_up(store, days=40)
        left.append(count(store, schema.reader))

    assert left == [2, 1, 0]
