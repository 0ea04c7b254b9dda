"""Tests the counts of what sources and senders add, on both databases."""

from __future__ import annotations

import json
from datetime import timedelta
from io import BytesIO
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from tests.helpers.factories import DAY, NOW

from larkpost.db import schema
from larkpost.db.usage import source_growth
from larkpost.db.usage.source_growth import Growth
from larkpost.formats.jsonl import Jsonl
from larkpost.ingest.dump_limits import OF_OTHERS, GrowthLimit
from larkpost.ingest.ingest import ingest

if TYPE_CHECKING:
    from larkpost.db.engine import Store

HOUR = timedelta(hours=1)


def test_what_each_source_added_within_a_day_is_added_up(store: Store) -> None:
    with store.begin() as connection:
        for at, growth in ((0, Growth(1, 10)), (0, Growth(2, 20)), (5, Growth(4, 40))):
            source_growth.add(connection, "source a", growth, now=NOW - at * HOUR)
        source_growth.add(connection, "source b", Growth(8, 80), now=NOW)

        for account, within in (("source a", Growth(7, 70)), ("source b", Growth(8, 80))):
            assert source_growth.since(connection, account, NOW - DAY, now=NOW) == within
        assert source_growth.since(connection, "source a", NOW - 2 * HOUR, now=NOW) == (3, 30)
        assert source_growth.since(connection, "mail a", NOW - DAY, now=NOW) == Growth()


def test_hours_of_a_clock_that_was_ahead_do_not_count_and_old_ones_are_deleted(
    store: Store,
) -> None:
    table = schema.tables.source_growth
    with store.begin() as connection:
        source_growth.add(connection, "source a", Growth(1, 1), now=NOW - 3 * DAY)
        source_growth.add(connection, "source b", Growth(1, 1), now=NOW + 3 * DAY)

        assert source_growth.since(connection, "source b", NOW - DAY, now=NOW) == Growth()
        source_growth.add(connection, "source c", Growth(1, 1), now=NOW)
        count = connection.execute(select(func.count()).select_from(table)).scalar_one()

    assert count == 2


def test_nothing_is_written_if_nothing_was_added(store: Store) -> None:
    with store.begin() as connection:
        source_growth.add(connection, "source a", Growth(), now=NOW)

        assert connection.execute(select(schema.tables.source_growth)).all() == []


def test_what_another_source_said_of_the_same_papers_before_does_not_count(store: Store) -> None:
    texts = [
        {"title": f"Ferries and the tides of {n}", "abstract": f"Nobody waits for {n}. " * 9}
        for n in ("Oban", "Ullapool", "Mallaig")
    ]
    many = [f"Casino Bonus {n}" for n in range(1000)]
    for hours, (name, authors) in enumerate((("a", many), ("b", ["Ada Lovelace"]))):
        lines = "\n".join(
            json.dumps({**text, "url": f"https://{name}.example/", "authors": authors})
            for text in texts
        )
        ingest(
            store,
            [Jsonl()],
            None,
            stream=BytesIO(lines.encode()),
            now=NOW + hours * HOUR,
            limits=OF_OTHERS,
            growth=GrowthLimit(f"source {name}"),
        )

    with store.read() as connection:
        later = NOW + DAY
        first, second = (
            source_growth.since(connection, f"source {name}", NOW, now=later) for name in "ab"
        )
    assert first.characters > len(texts) * sum(map(len, many))
    assert second.characters < first.characters / 10


def test_the_texts_of_refused_records_count_too(store: Store) -> None:
    """Otherwise an answer with one paper and a million characters of others costs nothing."""
    refused = [json.dumps({"title": f"{n} {'x' * 1_500}"})[:-1] for n in range(20)]
    lines = [json.dumps({"title": "Ferries and the tides of Oban"}), *refused]

    report = ingest(
        store,
        [Jsonl()],
        None,
        stream=BytesIO("\n".join(lines).encode()),
        now=NOW,
        limits=OF_OTHERS,
        growth=GrowthLimit("source a"),
    )

    assert report.rejected == 20
    with store.read() as connection:
        growth = source_growth.since(connection, "source a", NOW - DAY, now=NOW)
    assert growth.papers == 1
    assert growth.characters > 20 * 1_500
