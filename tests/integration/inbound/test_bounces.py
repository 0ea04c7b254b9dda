"""Tests bounced messages, and the score of their address, on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.factories import DAY, NOW, add_readers

from larkpost.db import readers
from larkpost.db.outbox import bounces
from larkpost.db.outbox.bounces import HALF_LIFE, LIMIT, weigh
from larkpost.domain import Bounce, BounceKind

if TYPE_CHECKING:
    from larkpost.db.engine import Store

HARD, SOFT = BounceKind.HARD, BounceKind.SOFT


def back(kind: BounceKind, at: datetime = NOW) -> Bounce:
    return Bounce(1, at, kind)


def test_what_came_back_is_kept_as_it_was_reported(store: Store) -> None:
    with store.begin() as connection:
        ada, emmy = add_readers(connection, 2)
        first = Bounce(ada.id, NOW - DAY, SOFT, "4.2.2", "mailbox full")
        second = Bounce(ada.id, NOW, HARD, "5.1.1", "no such user\x00 here")
        for bounce in (second, first):
            bounces.record(connection, bounce)

        assert bounces.of(connection, ada.id) == [
            first,
            Bounce(ada.id, NOW, HARD, "5.1.1", "no such user here"),
        ]
        assert bounces.of(connection, emmy.id) == []
        assert bounces.score(connection, emmy.id, NOW) == 0
        assert bounces.score(connection, ada.id, NOW) > LIMIT


def test_endless_words_of_a_server_are_cut(store: Store) -> None:
    with store.begin() as connection:
        (ada,) = add_readers(connection, 1)
        bounces.record(connection, Bounce(ada.id, NOW, SOFT, "4" * 999, "x" * 99_999))

        (kept,) = bounces.of(connection, ada.id)

    assert (len(kept.code), len(kept.text)) == (20, 1_000)


@pytest.mark.parametrize(
    ("found", "score"),
    [
        ([], 0),
        ([back(HARD)], LIMIT),
        ([back(HARD, NOW - HALF_LIFE)], LIMIT / 2),
        ([back(SOFT)], 0.25),
        # Of one day the worst counts.
        ([back(SOFT), back(SOFT)], 0.25),
        ([back(SOFT), back(HARD), back(SOFT)], LIMIT),
        ([back(SOFT), back(SOFT, NOW - HALF_LIFE)], 0.375),
        # A clock set back makes nothing worse.
        ([back(HARD, NOW + 90 * DAY)], LIMIT),
    ],
)
def test_bounces_add_up_and_fade(found: list[Bounce], score: float) -> None:
    assert weigh(found, NOW) == pytest.approx(score)


def test_soft_bounces_give_an_address_up_only_day_after_day() -> None:
    daily = [back(SOFT, NOW - n * DAY) for n in range(5)]
    weekly = [back(SOFT, NOW - 7 * n * DAY) for n in range(5)]

    assert weigh(daily[:4], NOW) < LIMIT <= weigh(daily, NOW)
    assert weigh(weekly, NOW) < LIMIT


def test_what_is_forgiven_or_old_is_gone(store: Store) -> None:
    with store.begin() as connection:
        ada, emmy = add_readers(connection, 2)
        for at in (NOW, NOW - timedelta(days=400)):
            bounces.record(connection, Bounce(emmy.id, at, SOFT))
        bounces.record(connection, Bounce(ada.id, NOW, HARD))

        assert bounces.prune(connection, NOW) == 1
        assert bounces.forgive(connection, ada.id) == 1
        assert bounces.of(connection, ada.id) == []
        assert len(bounces.of(connection, emmy.id)) == 1
        readers.remove(connection, emmy.id)
        assert bounces.of(connection, emmy.id) == []
