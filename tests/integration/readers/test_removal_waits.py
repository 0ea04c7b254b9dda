"""Tests that removing readers keeps nobody waiting while somebody reads for long."""

from __future__ import annotations

from datetime import UTC, datetime
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from larkpost.db import migrations, schema
from larkpost.db.engine import Store
from larkpost.db.usage.last_use import ExpiryRule
from larkpost.readers import subscriptions
from larkpost.readers.expiry import LastUses
from larkpost.scheduler.housekeeping import clean_up

if TYPE_CHECKING:
    from pathlib import Path

    from larkpost.domain import Reader

NOW = datetime(2026, 8, 7, 5, tzinfo=UTC)


@pytest.fixture
def lite(tmp_path: Path) -> Store:
    store = Store(f"sqlite:///{tmp_path / 'lark.db'}")
    migrations.upgrade(store)
    return store


def join(store: Store) -> Reader:
    return subscriptions.add(store, "ada@example.org", now=NOW)


def journal_bytes(store: Store) -> int:
    assert store.file is not None
    return store.file.with_name(f"{store.file.name}-wal").stat().st_size


def test_a_removal_that_does_not_wait_leaves_the_journal_to_the_next_run(lite: Store) -> None:
    reader = join(lite)
    with lite.read() as connection:
        connection.execute(select(func.count()).select_from(schema.reader)).scalar_one()

        subscriptions.remove(lite, reader.id, waits=False)
        assert lite.journal_is_due
        assert journal_bytes(lite) > 0

    clean_up(lite, LastUses(), ExpiryRule(0, 0), now=NOW)

    assert not lite.journal_is_due
    assert journal_bytes(lite) == 0


def test_others_write_while_a_removal_waits_for_who_reads(lite: Store) -> None:
    reader, other = join(lite), Store(str(lite.url), patience=1.0)  # as another process has it
    removal = Thread(target=lite.truncate_journal, args=(60.0,))
    with lite.read() as connection:
        connection.execute(select(func.count()).select_from(schema.reader)).scalar_one()
        subscriptions.change(lite, reader.id, now=NOW, name="Ada")
        removal.start()

        for number in range(20):
            subscriptions.change(other, reader.id, now=NOW, name=f"Ada {number}")
        assert removal.is_alive()

    removal.join(60)
    assert not removal.is_alive()
    assert not lite.journal_is_due


def test_a_removal_beside_nobody_empties_the_journal_at_once(lite: Store) -> None:
    subscriptions.remove(lite, join(lite).id, waits=False)

    assert not lite.journal_is_due
    assert journal_bytes(lite) == 0
