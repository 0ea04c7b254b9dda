"""The obsolete rows that a tick deletes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from larkpost.bootstrap import build
from larkpost.db import readers
from larkpost.db.outbox import bounces
from larkpost.domain import Bounce, BounceKind, Status
from larkpost.readers import subscriptions
from larkpost.scheduler.tick import post
from larkpost.settings import load

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 8, 7, 5, tzinfo=UTC)


def test_a_tick_drops_bounces_that_are_too_old_to_count(tmp_path: Path) -> None:
    program = build(load(home=tmp_path / "home", environ={}))
    program.prepare()
    active, suspended = (
        subscriptions.add(program.store, f"{name}@example.org", now=NOW) for name in "ab"
    )
    with program.store.begin() as connection:
        readers.update(connection, suspended.id, status=Status.SUSPENDED)
        for reader in (active, suspended):
            for days in (400, 300):
                at = NOW - timedelta(days=days)
                bounces.record(connection, Bounce(reader.id, at, BounceKind.SOFT, "5.2.2"))

    done = post(program.tick_context, now=NOW)

    assert done.troubles == {}
    with program.store.read() as connection:
        left = [len(bounces.of(connection, reader.id)) for reader in (active, suspended)]
    assert left == [1, 2]  # why somebody is suspended stays to be read
