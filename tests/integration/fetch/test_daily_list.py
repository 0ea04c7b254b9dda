"""Tests the daily list: missing days are requested, growing ones again, finished ones not."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from tests.helpers.sources.source_server import Reply, paper

from larkpost.db import read_dumps

if TYPE_CHECKING:
    from tests.helpers.sources.polling_helpers import Polling
    from tests.helpers.sources.source_server import SourceServer

TODAY = date(2026, 8, 7)


def asked_days(server: SourceServer) -> list[date]:
    """Return the days that were asked for since the last look, in order."""
    days = [date.fromisoformat(parse_qs(urlsplit(one).query)["date"][0]) for one in server.requests]
    server.requests.clear()
    return days


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def test_the_first_poll_asks_for_the_last_fourteen_days_the_newest_first(
    polling: Polling, server: SourceServer
) -> None:
    (result,) = polling.poll()

    assert asked_days(server) == [ago(days) for days in range(14)]
    assert result.new == 7 * 8
    assert result.problem is None
    assert len(polling.titles()) == 7 * 8


def test_today_is_asked_for_again_until_it_grows_no_more(
    polling: Polling, server: SourceServer
) -> None:
    polling.poll()
    asked_days(server)
    server.days[TODAY].append(paper(900, day=TODAY))

    (result,) = polling.poll(hours=2)

    assert result.new == 1
    asked = asked_days(server)
    assert TODAY in asked
    assert ago(5) not in asked  # over for long when it was asked for

    server.today = TODAY + timedelta(days=9)
    for _ in range(4 * 24):
        polling.poll(hours=1)
    assert TODAY not in asked_days(server)[-20:]


def test_days_without_the_daemon_are_made_up_for_and_not_those_long_ago(
    polling: Polling, server: SourceServer
) -> None:
    polling.poll()
    asked_days(server)
    for later in range(1, 26):
        day = TODAY + timedelta(days=later)
        server.days[day] = [paper(5000 + later, day=day)]
    server.today = TODAY + timedelta(days=25)

    (result,) = polling.poll(days=25)

    asked = asked_days(server)
    assert min(asked) == TODAY + timedelta(days=12)
    assert max(asked) == TODAY + timedelta(days=25)
    assert result.new == 14


def test_a_weekend_is_asked_for_once_when_it_is_over(
    polling: Polling, server: SourceServer
) -> None:
    polling.poll()
    saturday = TODAY + timedelta(days=1)
    server.today = saturday
    asked_days(server)

    polling.poll(days=1)
    assert saturday not in asked_days(server)

    server.today = saturday + timedelta(days=1)
    polling.poll(days=1)
    assert saturday in asked_days(server)
    polling.poll(hours=2)
    assert saturday not in asked_days(server)
    assert polling.state().problem is None


def test_a_day_that_has_not_begun_by_the_server_s_clock_is_no_failure(
    polling: Polling, server: SourceServer
) -> None:
    server.today = ago(1)

    (result,) = polling.poll()

    assert result.problem is None
    assert polling.state().failures == 0
    assert result.new == 6 * 8


def test_a_400_to_a_day_long_begun_is_reported(polling: Polling, server: SourceServer) -> None:
    server.today = ago(20)

    (result,) = polling.poll()

    assert result.problem is not None
    assert "400" in result.problem.text


def test_one_day_that_fails_keeps_none_of_the_others_away(
    polling: Polling, server: SourceServer
) -> None:
    server.routes[f"/api/daily_papers?date={ago(1)}&limit=100"] = Reply(b"", 500)

    (result,) = polling.poll()

    assert result.new == 6 * 8
    assert result.problem is not None
    assert polling.state().failures == 0


def test_a_long_day_is_asked_for_page_by_page(polling: Polling, server: SourceServer) -> None:
    server.days = {TODAY: [paper(n, day=TODAY) for n in range(130)]}

    (result,) = polling.poll()

    assert result.new == 130


def test_a_server_that_knows_no_pages_is_asked_for_one_more_only(
    polling: Polling, server: SourceServer
) -> None:
    whole = json.dumps([paper(n, day=TODAY) for n in range(120)]).encode()
    for more in ("", "&p=1", "&p=2"):
        server.routes[f"/api/daily_papers?date={TODAY}&limit=100{more}"] = Reply(whole)

    (result,) = polling.poll()

    assert sum(f"{TODAY}" in one for one in server.requests) == 2
    assert sum(report.papers for report in result.reports if "08-07" in report.name) == 120


def test_a_dump_is_named_after_its_source_its_day_and_its_address(
    polling: Polling, server: SourceServer
) -> None:
    server.days = {TODAY: server.days[TODAY]}
    polling.poll()

    with polling.store.read() as connection:
        (dump,) = read_dumps.latest(connection)
    assert dump.name.startswith(f"hf-daily {TODAY} (http://127.0.0.1:")
    assert dump.captured == TODAY


def test_votes_that_change_are_read_and_are_no_news(polling: Polling, server: SourceServer) -> None:
    polling.poll()
    before = polling.state()
    server.days[TODAY] = [paper(n, day=TODAY, upvotes=99) for n in range(8)]

    (result,) = polling.poll(hours=2)

    assert len(result.reports) == 1
    assert result.new == 0
    assert polling.state().last_news_at == before.last_news_at


def test_what_has_not_changed_comes_as_304_and_is_not_read_again(
    polling: Polling, server: SourceServer
) -> None:
    polling.poll()
    server.counts.clear()

    (result,) = polling.poll(hours=1, minutes=30)

    assert set(server.counts) == {304}
    assert result.reports == []
    assert result.problem is None


def test_a_clock_that_was_ahead_stops_no_polling(polling: Polling) -> None:
    polling.now = datetime(2030, 1, 1, tzinfo=UTC)
    polling.poll()

    polling.now = datetime(2026, 8, 7, 9, tzinfo=UTC)

    assert len(polling.poll()) == 1
