"""Tests detecting stopped sources: wrong validators, stopped feeds, empty responses and days."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.sources.polling_helpers import Polling
from tests.helpers.sources.source_server import Reply, SourceServer, arxiv_feed, paper

from larkpost.db.polling import polled_sources
from larkpost.db.polling.polled_sources import SourceState
from larkpost.fetch.health import find_emptiness, find_stop, note_answer
from larkpost.settings.polled_sources import PolledSource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from larkpost.db.engine import Store

DAY = date(2026, 8, 7)
HOUR = timedelta(hours=1)


def feed_of(server: SourceServer) -> PolledSource:
    return PolledSource("feed", f"{server.url}/feed", allow_private=True)


def body(*numbers: int) -> bytes:
    return json.dumps([paper(number, day=DAY) for number in numbers]).encode()


def test_an_etag_that_stays_though_the_papers_change_is_trusted_no_more(
    store: Store, server: SourceServer
) -> None:
    papers = [1, 2, 3]

    def lying(headers: Mapping[str, str]) -> Reply:
        if headers.get("If-None-Match"):
            return Reply(status=304)
        return Reply(body(*papers), headers={"ETag": '"always"'})

    server.routes["/feed"] = lying
    polling = Polling(store, server, (feed_of(server),))
    polling.poll()
    papers.append(4)

    for _ in range(5):
        polling.poll(hours=1, minutes=6)
    assert len(polling.titles()) == 3  # believed, for now
    for _ in range(2):
        polling.poll(hours=1, minutes=6)
    assert len(polling.titles()) == 4
    with store.read() as connection:
        (page,) = polled_sources.pages(connection, "feed").values()
    assert not page.trusted

    papers.append(5)
    polling.poll(hours=1, minutes=6)
    assert len(polling.titles()) == 5


def test_a_304_with_another_etag_is_not_believed(store: Store, server: SourceServer) -> None:
    papers, etag = [1], ['"a"']

    def stuck(headers: Mapping[str, str]) -> Reply:
        if headers.get("If-None-Match"):
            return Reply(status=304, headers={"ETag": etag[0]})
        return Reply(body(*papers), headers={"ETag": etag[0]})

    server.routes["/feed"] = stuck
    polling = Polling(store, server, (feed_of(server),))
    polling.poll()
    papers.append(2)
    etag[0] = '"b"'

    polling.poll(hours=2)

    assert len(polling.titles()) == 2


def test_a_list_that_never_changes_is_reported_though_days_pass(
    polling: Polling, server: SourceServer
) -> None:
    same = server._papers({"date": [str(DAY)]})
    server.routes["/api/daily_papers"] = same
    polling.poll()
    assert polling.state().problem is None

    for _ in range(24):
        polling.poll_now(hours=6)

    assert polling.state().problem == "stopped"
    assert "no new papers for" in polling.state().problem_text


def test_a_feed_that_never_changes_is_reported_after_two_weeks(
    store: Store, server: SourceServer
) -> None:
    server.routes["/feed"] = Reply(body(1, 2, 3))
    polling = Polling(store, server, (feed_of(server),))
    polling.poll()

    for _ in range(13):
        polling.poll_now(days=1)
    assert polling.state("feed").problem is None
    for _ in range(2):
        polling.poll_now(days=1)
    assert polling.state("feed").problem == "stopped"

    server.routes["/feed"] = Reply(body(1, 2, 3, 4))
    polling.poll_now(days=1)
    assert polling.state("feed").problem is None


def test_no_papers_where_there_were_many_is_reported_until_there_are_some(
    store: Store, server: SourceServer
) -> None:
    server.routes["/feed"] = Reply(body(*range(8)))
    polling = Polling(store, server, (feed_of(server),))
    polling.poll()
    server.routes["/feed"] = Reply(b"[]")

    for _ in range(2):
        polling.poll_now(hours=2)
        assert polling.state("feed").problem == "empty"
        assert "had 8 before" in polling.state("feed").problem_text

    server.routes["/feed"] = Reply(body(*range(9)))
    polling.poll_now(hours=2)
    assert polling.state("feed").problem is None


def test_a_quiet_weekend_of_the_daily_list_is_no_alarm(
    polling: Polling, server: SourceServer
) -> None:
    polling.poll()
    for _ in range(11):  # from Friday morning to Monday night
        polling.poll_now(hours=8)
        server.today = polling.now.date()
        assert polling.state().problem is None
    for _ in range(6):
        polling.poll_now(hours=8)
        server.today = polling.now.date()
    assert polling.state().problem == "stopped"


ARXIV = PolledSource("arxiv:cs.CL", "arxiv:cs.CL")


def arxiv(last_news: datetime, **more: object) -> SourceState:
    return SourceState(
        ARXIV, last_news, last_news, last_poll_at=last_news, watched_since=last_news,
        last_news_at=last_news, **more,  # type: ignore[arg-type]  # of several types
    )  # fmt: skip


@pytest.mark.parametrize(
    ("hours", "has_stopped"),
    [
        (24, False),  # Saturday
        (60, False),  # Sunday evening
        (72, False),  # Monday morning: late, perhaps
        (108, True),  # Tuesday night: Sunday's and Monday's announcements are missing
    ],
)
def test_arxiv_is_quiet_on_its_weekend_and_not_for_longer(hours: int, has_stopped: bool) -> None:
    friday = datetime(2026, 8, 7, 5, tzinfo=UTC)

    found = find_stop(arxiv(friday), now=friday + hours * HOUR)

    assert (found is not None) is has_stopped


def test_a_feed_of_arxiv_is_polled_and_quiet_on_a_weekend(
    store: Store, server: SourceServer
) -> None:
    source = PolledSource("arxiv:cs.CL", "arxiv:cs.CL", allow_private=True)
    polling = Polling(store, server, (source,))
    (result,) = polling.poll()
    assert result.new == 8
    assert server.requests == ["/atom/cs.CL"]
    server.routes["/atom/cs.CL"] = Reply(arxiv_feed([], day=DAY))

    for _ in range(10):  # up to Monday morning
        polling.poll_now(hours=6)
        assert polling.state("arxiv:cs.CL").problem is None
    for _ in range(6):
        polling.poll_now(hours=6)
    assert polling.state("arxiv:cs.CL").problem == "empty"


def test_an_empty_feed_of_arxiv_is_odd_only_after_an_announcement() -> None:
    friday = datetime(2026, 8, 7, 5, tzinfo=UTC)

    assert find_emptiness(arxiv(friday), 300, now=friday + 50 * HOUR) is None
    assert find_emptiness(arxiv(friday), 300, now=friday + 90 * HOUR) is not None


def test_weeks_without_the_daemon_are_not_held_against_a_source() -> None:
    friday = datetime(2026, 8, 7, 5, tzinfo=UTC)
    later = friday + timedelta(days=30)

    state = note_answer(arxiv(friday), news=False, papers=0, interval=HOUR, now=later)

    assert find_stop(state, now=later) is None
    assert find_stop(state, now=later + timedelta(days=5)) is not None


def test_a_feed_has_a_rhythm_of_its_own() -> None:
    source = PolledSource("blog", "https://blog.example/feed")
    now = datetime(2026, 1, 1, tzinfo=UTC)
    state = SourceState(source, now, now)
    for _ in range(4):
        for _ in range(10):
            now += timedelta(days=1)
            state = note_answer(state, news=False, papers=9, interval=HOUR, now=now)
            state = SourceState(**{
                **{name: getattr(state, name) for name in SourceState.__slots__},
                "last_poll_at": now,
            })  # fmt: skip
        state = note_answer(state, news=True, papers=9, interval=HOUR, now=now)

    assert state.longest_gap == timedelta(days=10).total_seconds()
    assert find_stop(state, now=now + timedelta(days=29)) is None
    assert find_stop(state, now=now + timedelta(days=31)) is not None
