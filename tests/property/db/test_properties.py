"""Tests for any text, time and number that the store returns what it was given."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta, timezone
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.helpers.factories import DAY, NOW, TODAY, add_papers, picks_of

from larkpost.db import editions, fitted_models, readers, votes
from larkpost.db.coordination import job_status
from larkpost.db.value_batches import batches
from larkpost.domain import Interest, TermWeight, Thumb, Vote
from larkpost.text.normalize import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from larkpost.db.engine import Store

# The store is the same for all examples of a test: each is rolled back.
IN_ONE_STORE = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=50,
)

moments = st.integers(0, 250_000_000_000_000_000).map(
    lambda microseconds: datetime(1970, 1, 2, tzinfo=UTC) + timedelta(microseconds=microseconds)
)
zones = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
texts = st.text(max_size=60)
numbers = st.floats(allow_nan=False, allow_infinity=False)


@contextmanager
def trial(store: Store) -> Iterator[Connection]:
    """Open a transaction whose work is undone at the end."""
    with store.begin() as connection:
        kept = connection.begin_nested()
        yield connection
        kept.rollback()


@IN_ONE_STORE
@given(
    name=texts,
    at=st.times(),
    days=st.frozensets(st.integers(0, 6)),
    size=st.integers(1, 100),
    threshold=numbers,
    words=st.lists(texts, max_size=4),
    created=moments,
    zone=zones,
)
def test_a_reader_comes_out_as_it_went_in(
    store: Store,
    name: str,
    at: time,
    days: frozenset[int],
    size: int,
    threshold: float,
    words: list[str],
    created: datetime,
    zone: timezone,
) -> None:
    with trial(store) as connection:
        reader = readers.add(
            connection,
            address=None,
            name=name,
            send_time=at,
            weekdays=days,
            papers_per_edition=size,
            threshold=threshold,
            words=words,
            now=created.astimezone(zone),
        )
        read = readers.get(connection, reader.id)

    assert read == reader
    assert (read.name, read.send_time, read.weekdays, read.papers_per_edition) == (
        clean(name),
        at,
        days,
        size,
    )
    assert (read.threshold, read.created) == (threshold, created)
    (main,) = read.interests
    assert main == Interest(main.id, "main", tuple(map(clean, words)), 1)


weights = st.lists(st.builds(TermWeight, texts.map(clean), numbers), max_size=3).map(tuple)
reasons = st.fixed_dictionaries(
    {
        "score": numbers,
        "probability": st.floats(0, 1),
        "propensity": st.floats(0, 1),
        "pool": st.integers(1, 10**6),
        "explored": st.booleans(),
        "positive_terms": weights,
        "negative_terms": weights,
        "interest": texts.map(clean),
    }
)


@IN_ONE_STORE
@given(why=st.lists(reasons, min_size=1, max_size=6), note=texts.map(clean), now=moments)
def test_an_edition_comes_out_as_it_was_published(
    store: Store, why: list[dict[str, Any]], note: str, now: datetime
) -> None:
    with trial(store) as connection:
        reader = readers.add(connection, address=None, now=NOW)
        picks = picks_of(add_papers(connection, len(why)))
        published = editions.publish(
            connection,
            reader=reader,
            date=TODAY,
            picks=[replace(pick, **fields) for pick, fields in zip(picks, why, strict=True)],
            now=now,
            note=note,
            next_slot=now + DAY,
            message_id=None,
        )

        assert published is not None
        assert editions.get(connection, published.id) == published


@IN_ONE_STORE
@given(
    cast=st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from(Thumb), st.integers(-3, 3)), max_size=12
    )
)
def test_collected_votes_end_as_if_cast_one_by_one_in_the_order_of_time(
    store: Store, cast: list[tuple[int, Thumb, int]]
) -> None:
    with trial(store) as connection:
        reader = readers.add(connection, address=None, now=NOW)
        papers = add_papers(connection, 3)
        given_votes = [
            Vote(reader.id, papers[which].id, thumb, NOW + timedelta(minutes=minute), "test")
            for which, thumb, minute in cast
        ]
        half = len(given_votes) // 2

        votes.cast_many(connection, given_votes[:half])
        votes.cast_many(connection, given_votes[half:])

        expected = {vote.paper_id: vote for vote in sorted(given_votes, key=lambda vote: vote.at)}
        found = {vote.paper_id: vote for vote in votes.of(connection, reader.id)}
    assert found == expected


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | numbers | texts.map(clean),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(texts.map(clean), inner, max_size=3)
    ),
    max_leaves=6,
)


@IN_ONE_STORE
@given(detail=json_values, at=moments, ok=st.booleans())
def test_an_event_keeps_its_facts(store: Store, detail: object, at: datetime, ok: bool) -> None:
    with trial(store) as connection:
        job_status.record(connection, "kind", ok=ok, now=at, detail=detail)

        read = job_status.latest(connection)["kind"]

    assert (read.at, read.ok, read.detail) == (at, ok, {"detail": detail})


@IN_ONE_STORE
@given(body=st.binary(max_size=200), newest=st.none() | moments)
def test_a_space_keeps_its_bytes(store: Store, body: bytes, newest: datetime | None) -> None:
    with trial(store) as connection:
        fitted_models.save_model(connection, body, paper_count=1, corpus_updated_at=newest, now=NOW)

        kept = fitted_models.newest_model(connection)

    assert kept is not None
    assert (kept.body, kept.corpus_updated_at) == (body, newest)


@given(values=st.lists(st.integers()), size=st.integers(1, 7))
def test_batches_put_together_are_the_whole(values: list[int], size: int) -> None:
    cut = list(batches(values, size))

    assert [value for batch in cut for value in batch] == values
    assert all(len(batch) == size for batch in cut[:-1])
    assert all(0 < len(batch) <= size for batch in cut)
