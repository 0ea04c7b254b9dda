"""Tests that old responses of sources are deleted, but no papers."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import TYPE_CHECKING

from tests.helpers.sources.polling_helpers import FRIDAY, Polling
from tests.helpers.sources.source_server import Reply, SourceServer, paper

from larkpost.bootstrap import build
from larkpost.db import read_dumps
from larkpost.formats.registry import DUMP_FORMATS
from larkpost.ingest.ingest import ingest
from larkpost.settings import load
from larkpost.settings.polled_sources import PolledSource

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from larkpost.db.engine import Store

DAY = date(2026, 8, 7)


def voted(upvotes: int, *numbers: int) -> Reply:
    items = [paper(number, day=DAY, upvotes=upvotes) for number in numbers]
    return Reply(json.dumps(items).encode())


def kept(store: Store) -> list[tuple[str | None, int, datetime]]:
    with store.read() as connection:
        dumps = read_dumps.latest(connection, 1_000)
    return [(one.source, one.new, one.read_at) for one in reversed(dumps)]


def test_a_list_whose_votes_change_each_hour_does_not_grow_the_database_for_ever(
    store: Store, server: SourceServer
) -> None:
    polling = Polling(
        store, server, (PolledSource("list", f"{server.url}/list", allow_private=True),)
    )
    for day in range(40):
        server.routes["/list"] = voted(day, 1, 2)
        polling.poll_now(days=1)

    dumps = kept(store)

    # The first one brought the papers; all others say nothing new.
    assert dumps[0] == ("list", 2, FRIDAY + timedelta(days=1))
    assert all(at >= polling.now - timedelta(days=30) for _, _, at in dumps[1:])
    assert len(dumps) == 1 + 31
    assert len(polling.titles()) == 2
    assert polling.state("list").papers == 2


def test_a_dump_that_the_next_answer_is_compared_with_stays(
    store: Store, server: SourceServer
) -> None:
    polling = Polling(
        store, server, (PolledSource("list", f"{server.url}/list", allow_private=True),)
    )
    for upvotes in (1, 2):
        server.routes["/list"] = voted(upvotes, 1, 2)
        polling.poll_now(hours=2)
    for _ in range(3):
        polling.poll_now(days=20)  # the same bytes: nothing is read

    assert [new for _, new, _ in kept(store)] == [2, 0]


def test_files_of_the_inbox_are_not_deleted_from_the_record(
    store: Store, server: SourceServer, tmp_path: Path
) -> None:
    file = tmp_path / "papers.json"
    for upvotes in (1, 2):
        file.write_bytes(voted(upvotes, 1, 2).body)
        ingest(store, DUMP_FORMATS, file, now=FRIDAY)
    polling = Polling(
        store, server, (PolledSource("list", f"{server.url}/list", allow_private=True),)
    )
    server.routes["/list"] = voted(3, 1, 2)
    polling.poll(days=400)

    assert [source for source, _, _ in kept(store)] == [None, None, "list"]


def test_how_long_is_a_setting(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[fetch]\nkeep_days = 3\n")

    made = build(load(home=tmp_path, environ={}))

    assert made.poll_context.keep == timedelta(days=3)
