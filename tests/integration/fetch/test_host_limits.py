"""Tests the limits of arXiv across processes: one connection, three seconds in between."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from larkpost.errors import TryAgainLater
from larkpost.fetch.host_limits import HostLimits, is_arxiv

if TYPE_CHECKING:
    from larkpost.db.engine import Store


@dataclass
class FakeClock:
    """A clock that only sleeping moves on."""

    now: datetime = datetime(2026, 8, 7, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def limits(store: Store, clock: FakeClock) -> HostLimits:
    return HostLimits(store, clock=clock, sleep=clock.sleep)


def test_the_hosts_of_arxiv_are_known_by_name() -> None:
    assert all(map(is_arxiv, ("arxiv.org", "rss.arxiv.org", "EXPORT.arXiv.org.")))
    assert not any(map(is_arxiv, ("notarxiv.org", "arxiv.org.example", "huggingface.co")))


def test_requests_to_arxiv_lie_three_seconds_apart_whichever_process_makes_them(
    store: Store,
) -> None:
    clock, at = FakeClock(), []
    for one in (limits(store, clock), limits(store, clock), limits(store, clock)):
        with one.hold("rss.arxiv.org", 60):
            at.append(clock.now)

    gaps = [after - before for before, after in pairwise(at)]
    assert len(gaps) == 2
    assert all(timedelta(seconds=3) <= gap < timedelta(seconds=4) for gap in gaps)


def test_one_connection_to_arxiv_at_a_time(store: Store) -> None:
    clock = FakeClock()
    with limits(store, clock).hold("rss.arxiv.org", 600):
        with pytest.raises(TryAgainLater), limits(store, clock).hold("export.arxiv.org", 60):
            pass
        with limits(store, clock).hold("huggingface.co", 60):
            pass

    with limits(store, clock).hold("export.arxiv.org", 60):
        pass


def test_a_process_that_died_holds_arxiv_for_a_while_only(store: Store) -> None:
    clock = FakeClock()
    dead = limits(store, clock).hold("arxiv.org", 60)
    dead.__enter__()

    with limits(store, clock).hold("arxiv.org", 60):
        pass


def test_other_hosts_wait_for_nothing(store: Store) -> None:
    clock = FakeClock()
    before = clock.now
    for _ in range(5):
        with limits(store, clock).hold("huggingface.co", 60):
            pass

    assert clock.now == before
