"""Tests days without a daemon: arXiv's API has the announcements that its feed no longer has."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.helpers.sources.polling_helpers import Polling
from tests.helpers.sources.source_server import Reply, SourceServer, arxiv_answer, paper, too_many

from larkpost.fetch.missed_announcements import announcement_request
from larkpost.settings.polled_sources import PolledSource

if TYPE_CHECKING:
    from larkpost.db.engine import Store

FRIDAY = date(2026, 8, 7)
CATEGORY = PolledSource("arxiv:cs.CL", "arxiv:cs.CL", allow_private=True)
QUERY = (
    "/api/query?search_query=cat:cs.CL&sortBy=submittedDate&sortOrder=descending&max_results=500"
)


def submit(server: SourceServer, number: int, day: date) -> None:
    """Let a paper be submitted on a day, at noon UTC: it is announced on the same evening."""
    at = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=12)
    server.submissions.append((at, paper(number, day=day)))


def queries(server: SourceServer) -> list[str]:
    """List what arXiv's API was asked for."""
    asked = [urlsplit(path) for path in server.requests]
    return [
        parse_qs(one.query)["search_query"][0] for one in asked if one.path.startswith("/api/q")
    ]


@pytest.fixture
def polling(store: Store, server: SourceServer) -> Polling:
    """Poll a category on a Friday, when its feed has one paper; later it has another."""
    server.days.clear()
    server.days[FRIDAY] = [paper(1, day=FRIDAY)]
    polling = Polling(store, server, (CATEGORY,))
    polling.poll()
    server.days[FRIDAY + timedelta(days=5)] = [paper(6, day=FRIDAY + timedelta(days=5))]
    server.requests.clear()
    return polling


def test_the_announcements_that_the_feed_no_longer_has_are_asked_of_the_api(
    polling: Polling, server: SourceServer
) -> None:
    for ago in range(6):  # from the Friday to the Wednesday
        submit(server, 10 + ago, FRIDAY + timedelta(days=ago))

    (later,) = polling.poll(days=5)

    # Wednesday's papers are announced on its evening, and Tuesday's are in the feed now.
    assert queries(server) == [
        "(cat:cs.CL) AND submittedDate:[202608071800 TO 202608101800]",
        "(cat:cs.CL) AND submittedDate:[202608061800 TO 202608071800]",
    ]
    assert later.new == 1 + 4  # the feed's, and those from Friday to Monday
    assert later.problem is None
    polling.poll(hours=3)
    assert len(queries(server)) == 2


def test_a_daemon_that_polls_as_usual_never_asks_the_api(
    polling: Polling, server: SourceServer
) -> None:
    for _ in range(12 * 9):
        polling.poll(hours=2)

    assert queries(server) == []


def test_at_most_two_weeks_are_asked_for(polling: Polling, server: SourceServer) -> None:
    polling.poll(days=60)

    assert len(queries(server)) == 9


def test_several_categories_and_archives_make_one_query(store: Store, server: SourceServer) -> None:
    source = PolledSource("mine", "arxiv:cs.CL+astro-ph", allow_private=True)
    polling = Polling(store, server, (source,))
    polling.poll()

    polling.poll(days=3, hours=20)

    assert queries(server)[0].startswith("(cat:cs.CL OR cat:astro-ph.*) AND submittedDate:")


@pytest.mark.parametrize("failure", [too_many(), Reply(b"Backend fetch failed", 503)])
def test_an_api_that_fails_costs_no_paper_of_the_feed_and_is_asked_again(
    polling: Polling, server: SourceServer, failure: Reply
) -> None:
    submit(server, 10, FRIDAY)
    server.routes["/api/query"] = failure
    (first,) = polling.poll(days=5)
    del server.routes["/api/query"]

    second = polling.poll_now(hours=9)

    assert (first.new, second.new) == (1, 1)
    assert first.problem is not None
    assert second.problem is None


def test_an_empty_answer_is_asked_for_again_for_a_day(
    polling: Polling, server: SourceServer
) -> None:
    polling.poll(days=5)
    assert len(queries(server)) == 2
    submit(server, 10, FRIDAY)

    later = polling.poll_now(hours=3)
    polling.poll_now(hours=30)
    count = len(queries(server))
    polling.poll_now(hours=3)

    assert later.new == 1
    assert len(queries(server)) == count == 2 + 2 + 1


def test_an_announcement_with_more_papers_than_one_answer_is_read_to_its_end(
    polling: Polling, server: SourceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("larkpost.fetch.missed_announcements._PAGE", 3)
    for number in range(10, 18):
        submit(server, number, FRIDAY)

    (later,) = polling.poll(days=5)
    polling.poll(hours=3)

    assert later.new == 1 + 8
    starts = [parse_qs(urlsplit(path).query).get("start") for path in server.requests]
    assert starts.count(["3"]) == starts.count(["6"]) == 1


def test_a_page_that_fails_in_the_middle_of_an_announcement_is_asked_for_again(
    polling: Polling, server: SourceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("larkpost.fetch.missed_announcements._PAGE", 3)
    for number in range(10, 15):
        submit(server, number, FRIDAY)
    announced = announcement_request(CATEGORY, server.url, FRIDAY + timedelta(days=2))
    second = announced.page(1).url.removeprefix(server.url)
    server.routes[second] = Reply(b"Backend fetch failed", 503)
    (first,) = polling.poll(days=5)
    del server.routes[second]

    later = polling.poll_now(hours=3)

    assert (first.new, later.new) == (1 + 3, 2)


def test_a_source_on_the_api_of_arxiv_brings_the_days_that_were_missed(
    store: Store, server: SourceServer
) -> None:
    source = PolledSource("arxiv-api", f"{server.url}{QUERY}", allow_private=True)
    polling = Polling(store, server, (source,))
    noon = datetime(2026, 8, 7, 12, tzinfo=UTC)
    items = [
        (noon + timedelta(days=ago), paper(ago, day=FRIDAY + timedelta(days=ago)))
        for ago in range(5)
    ]
    server.routes[QUERY] = Reply(arxiv_answer(items[:1]))
    (first,) = polling.poll()
    server.routes[QUERY] = Reply(arxiv_answer(reversed(items)))

    (later,) = polling.poll(days=4)  # nobody polled meanwhile

    assert (first.new, later.new) == (1, 4)
    assert [report.format for report in later.reports] == ["arxiv-api"]
    assert later.problem is None
    assert len(polling.titles()) == 5
