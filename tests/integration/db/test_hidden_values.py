"""Tests errors of the database: they reach the log, so they repeat no value of a statement."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, IntegrityError

from larkpost.db import papers, schema, votes
from larkpost.db.engine import Store
from larkpost.db.private import private_papers
from larkpost.domain import Identifier, PaperRecord, Thumb, Vote
from larkpost.errors import Busy, UnknownReader
from larkpost.readers import subscriptions

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 8, 7, 6, tzinfo=UTC)
ADDRESS = "ada@example.org"


@pytest.mark.parametrize("left_out", [{"id"}, {"id", "uid"}, {"id", "uid", "feed_key"}])
def test_an_error_repeats_no_address_and_no_feed_key(store: Store, left_out: set[str]) -> None:
    ada = subscriptions.add(store, ADDRESS, now=NOW)
    with store.read() as connection:
        row = connection.execute(select(schema.reader)).one()._asdict()
    twin = {name: value for name, value in row.items() if name not in left_out}
    others = {name: f"another {name}" for name in left_out - {"id"}}

    with pytest.raises(IntegrityError) as caught, store.begin() as connection:
        connection.execute(schema.reader.insert().values(**twin, **others))

    for secret in (ADDRESS, ada.uid, ada.feed_key):
        assert secret not in str(caught.value)


def test_an_error_repeats_nothing_of_a_readers_list(store: Store) -> None:
    name = Identifier("doi", "10.1000/secret")

    failures = UnknownReader, DBAPIError
    with pytest.raises(failures) as caught, store.begin() as connection:
        private_papers.add_names(connection, 99, {99: [name]})

    assert "secret" not in str(caught.value)


@pytest.fixture
def elsewhere(postgres_url: str) -> Iterator[Store]:
    store = Store(postgres_url)
    yield store
    store.close()


@pytest.mark.postgres
def test_a_reader_who_is_removed_during_a_transaction_is_unknown(elsewhere: Store) -> None:
    ada = subscriptions.add(elsewhere, ADDRESS, now=NOW)

    with elsewhere.begin() as connection:
        (one,) = papers.absorb(connection, [PaperRecord(title="Ferries that wait")], now=NOW)

    with pytest.raises(UnknownReader):
        vote_after_removal(elsewhere, Vote(ada.id, one.paper_id, Thumb.UP, NOW, "test"))


@pytest.mark.postgres
def test_a_thumb_on_a_paper_that_was_merged_meanwhile_is_to_be_given_again(
    elsewhere: Store,
) -> None:
    ada = subscriptions.add(elsewhere, ADDRESS, now=NOW)

    with pytest.raises(Busy, match="was merged"), elsewhere.begin() as connection:
        votes.cast(connection, Vote(ada.id, 99, Thumb.UP, NOW, "test"))


def vote_after_removal(store: Store, vote: Vote) -> None:
    """Remove a reader while a transaction is open that then stores their vote."""
    with store.begin() as connection:
        subscriptions.remove(store, vote.reader_id)
        votes.cast(connection, vote)
