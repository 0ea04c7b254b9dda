"""Tests that readers of whom anybody can make hundreds keep a limited number of editions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select
from tests.helpers.factories import add_papers, picks_of

from larkpost.db import editions, readers, schema
from larkpost.db.usage import old_editions
from larkpost.editions.publish import PublishContext, publish_due
from larkpost.ranking import TfidfRanker
from larkpost.readers import subscriptions

if TYPE_CHECKING:
    from larkpost.db.engine import Store
    from larkpost.domain import Reader

NOW = datetime(2026, 8, 7, 6, 0, 5, tzinfo=UTC)
DAY = timedelta(days=1)
DAYS = 40  # of editions with two papers
WEEK = 7 * DAY


def add(store: Store, address: str | None, *, signed_up: bool) -> Reader:
    """Add a reader with an edition on each of the last days."""
    reader = subscriptions.add(store, address, now=NOW - 50 * DAY, signed_up=signed_up)
    with store.begin() as connection:
        picks = picks_of(add_papers(connection, 2))
        for ago in range(DAYS, 0, -1):
            moment = NOW - ago * DAY
            editions.publish(
                connection,
                reader=readers.get(connection, reader.id),
                date=moment.date(),
                picks=picks,
                now=moment,
                next_slot=moment + DAY,
                message_id=None,
            )
    return reader


def days_kept(store: Store, reader: Reader) -> int:
    with store.read() as connection:
        return len(editions.latest_days(connection, reader.id, limit=99))


@pytest.mark.parametrize("address", [None, "a@evil.example"])
def test_a_stranger_keeps_the_editions_of_a_month(
    store: Store, monkeypatch: pytest.MonkeyPatch, address: str | None
) -> None:
    """1,250 readers with a hundred papers a day added 59 MB a day, without end."""
    monkeypatch.setattr(old_editions, "MOST_PICKS", 20)
    stranger = add(store, address, signed_up=True)
    known = add(store, "b@example.org", signed_up=False)

    publish_due(PublishContext(store, TfidfRanker(), WEEK, "example.org"), now=NOW)

    assert days_kept(store, stranger) == 31
    assert days_kept(store, known) == DAYS
    with store.read() as connection:
        picks = connection.execute(select(func.count()).select_from(schema.pick)).scalar_one()
    assert picks == 2 * (31 + DAYS)


@pytest.mark.parametrize(("most", "window", "kept"), [(70, 7, 35), (1000, 7, 40), (20, 36, 36)])
def test_what_is_little_or_may_be_recommended_again_stays(
    store: Store, monkeypatch: pytest.MonkeyPatch, most: int, window: int, kept: int
) -> None:
    monkeypatch.setattr(old_editions, "MOST_PICKS", most)
    stranger = add(store, None, signed_up=True)

    gone = old_editions.drop(store, [stranger.id], now=NOW, window=window * DAY)

    assert gone == DAYS - kept
    assert days_kept(store, stranger) == kept
