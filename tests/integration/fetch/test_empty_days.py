"""Tests empty days with polled sources: the reason names the source, not a file."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import TYPE_CHECKING

from tests.helpers.sources.polling_helpers import Polling
from tests.helpers.sources.source_server import Reply, SourceServer, paper

from larkpost.editions.empty_day_reasons import EmptyDay, explain_empty_day
from larkpost.mail.operator_report import queue_report
from larkpost.settings.polled_sources import PolledSource

if TYPE_CHECKING:
    import pytest

    from larkpost.db.engine import Store
    from larkpost.editions.empty_day_reasons import EmptyDayReason

WEEK = timedelta(days=7)


def feed(store: Store, server: SourceServer) -> Polling:
    return Polling(store, server, (PolledSource("a-blog", f"{server.url}/feed", None, True),))


def answer(*numbers: int, upvotes: int = 6) -> Reply:
    items = [paper(number, day=date(2026, 8, 7), upvotes=upvotes) for number in numbers]
    return Reply(json.dumps(items).encode())


def explain(polling: Polling) -> dict[EmptyDay, EmptyDayReason]:
    with polling.store.read() as connection:
        told = explain_empty_day(connection, now=polling.now, window=WEEK)
    return {one.kind: one for one in told}


def test_a_source_that_brought_only_known_papers_is_named(
    store: Store, server: SourceServer
) -> None:
    polling = feed(store, server)
    server.routes["/feed"] = answer(1, 2)
    polling.poll()
    server.routes["/feed"] = answer(1, 2, upvotes=9)
    polling.poll_now(days=10)

    reason = explain(polling)[EmptyDay.KNOWN_PAPERS]

    assert reason.text == "the source a-blog had no new papers: all 2 were known"
    assert "larkpost source check a-blog" in reason.hint


def test_where_sources_are_polled_nobody_is_told_to_save_a_page(
    store: Store, server: SourceServer
) -> None:
    polling = feed(store, server)
    server.routes["/feed"] = Reply(b"[]")
    polling.poll()

    reason = explain(polling)[EmptyDay.NO_DUMP]

    assert reason.text == "no recent source or file had a new paper; there has been none yet"
    assert reason.hint.startswith("larkpost source list")


def test_an_answer_that_cannot_be_read_sends_nobody_to_the_folder_of_bad_files(
    store: Store, server: SourceServer
) -> None:
    polling = feed(store, server)
    server.routes["/feed"] = Reply(b"Some words, and no papers at all.\n")
    polling.poll()

    reason = explain(polling)[EmptyDay.UNREADABLE_DUMP]

    assert ".why" not in reason.hint
    assert "a-blog" in reason.text


def test_a_report_of_a_source_that_is_not_well_does_not_say_that_no_papers_came(
    store: Store, server: SourceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    polling = feed(store, server)
    server.routes["/feed"] = Reply(b"")
    polling.poll()
    problem = explain(polling)[EmptyDay.SOURCE_PROBLEM]
    told: list[str] = []
    monkeypatch.setattr("larkpost.mail.operator_report._untold", lambda *_: (problem,))
    monkeypatch.setattr(
        "larkpost.mail.operator_report.notices.report",
        lambda _connection, payload, **_: told.append(payload["subject"]),
    )

    queue_report(store, now=polling.now, window=WEEK)

    assert told == ["there is a problem: the source a-blog has a problem: the answer is empty"]
