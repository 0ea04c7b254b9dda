"""Tests that no surrounding network takes all that all readers together may have."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.web.site_client import NOW

from larkpost.domain import PaperRecord
from larkpost.errors import QuotaExceeded
from larkpost.readers import subscriptions
from larkpost.readers.quotas import SHARE_TIME, Allowance
from larkpost.settings.model import QuotaSettings

if TYPE_CHECKING:
    from datetime import datetime

    from larkpost.db.engine import Store

SETTINGS = QuotaSettings(papers=20, all_papers=400, network_readers=2, all_readers=40)


def bring(
    store: Store,
    address: int,
    *,
    count: int = 20,
    now: datetime = NOW,
    settings: QuotaSettings = SETTINGS,
) -> None:
    """Count a list of a new reader at an address of one /24."""
    allowance = Allowance(settings, (f"192.0.2.{address}/32", "192.0.2.0/24"))
    new = [PaperRecord(title=f"Paper {at}") for at in range(count)]
    reader = subscriptions.add(store, None, now=now)
    with store.begin() as connection:
        allowance.take_list(connection, reader.id, new, thumbs=count, now=now)


def sign_up(
    store: Store,
    address: int,
    *,
    around: str = "192.0.2.0/24",
    now: datetime = NOW,
    settings: QuotaSettings = SETTINGS,
) -> None:
    """Count a new page at an address of a network."""
    with store.begin() as connection:
        Allowance(settings, (f"192.0.2.{address}/32", around)).take_reader(connection, now)


def test_a_surrounding_network_brings_an_eighth_of_all_papers_in_three_months(
    store: Store,
) -> None:
    bring(store, 1)
    bring(store, 2)

    with pytest.raises(QuotaExceeded, match="as many papers as it may in three months") as refused:
        bring(store, 3)

    assert refused.value.wait is not None
    assert refused.value.wait > timedelta(days=1)
    bring(store, 4, count=10)  # the rest of 50
    bring(store, 5, now=NOW + SHARE_TIME)


def test_a_surrounding_network_makes_an_eighth_of_all_pages_in_three_months(store: Store) -> None:
    for address in range(5):
        sign_up(store, address)

    with pytest.raises(QuotaExceeded, match="in the last months"):
        sign_up(store, 5)

    sign_up(store, 6, around="198.51.100.0/24")


def test_one_reader_may_bring_as_many_papers_as_ever_where_an_eighth_is_less(store: Store) -> None:
    small = QuotaSettings(papers=20, all_papers=40)
    reader = subscriptions.add(store, None, now=NOW)
    new = [PaperRecord(title=f"Paper {at}") for at in range(20)]

    with store.begin() as connection:
        Allowance(small, ("192.0.2.0/24",)).take_list(
            connection, reader.id, new, thumbs=20, now=NOW
        )


def test_an_address_brings_half_of_that_and_leaves_the_rest_to_its_neighbours(
    store: Store,
) -> None:
    settings = QuotaSettings(papers=12, all_papers=400)
    for _ in range(2):
        bring(store, 1, count=12, settings=settings)

    with pytest.raises(QuotaExceeded, match="as many papers as it may in three months"):
        bring(store, 1, count=12, settings=settings)

    bring(store, 2, count=12, settings=settings)


def test_an_address_makes_half_of_those_pages(store: Store) -> None:
    settings = QuotaSettings(network_readers=2, all_readers=64)
    for day in (0, 0, 1, 1):
        sign_up(store, 1, now=NOW + timedelta(days=day), settings=settings)

    with pytest.raises(QuotaExceeded, match="in the last months") as refused:
        sign_up(store, 1, now=NOW + timedelta(days=2), settings=settings)

    assert refused.value.wait is not None
    assert refused.value.wait > timedelta(days=1)
    sign_up(store, 2, now=NOW + timedelta(days=2), settings=settings)
