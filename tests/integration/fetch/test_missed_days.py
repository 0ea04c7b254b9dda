"""Tests days without a daemon: a source on arXiv's API gets what its feed no longer has."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from tests.helpers.sources.polling_helpers import Polling
from tests.helpers.sources.source_server import Reply, SourceServer, paper

from larkpost.settings.polled_sources import PolledSource

if TYPE_CHECKING:
    from larkpost.db.engine import Store

FIRST = date(2026, 8, 7)
QUERY = (
    "/api/query?search_query=cat:cs.CL&sortBy=submittedDate&sortOrder=descending&max_results=500"
)


def answer_of_api(*days: date) -> Reply:
    """Answer as arXiv's API does, with one paper of each of these days."""
    entries = []
    for day in days:
        facts = paper(day.toordinal(), day=day)["paper"]
        assert isinstance(facts, dict)
        entries.append(
            f"<entry><id>http://arxiv.org/abs/{facts['id']}v1</id><title>{facts['title']}</title>"
            f"<updated>{day}T09:00:00Z</updated><published>{day}T09:00:00Z</published>"
            f"<summary>{facts['summary']}</summary><author><name>Ada Author</name></author></entry>"
        )
    return Reply(
        (
            '<?xml version="1.0" encoding="UTF-8"?><feed xmlns="http://www.w3.org/2005/Atom">'
            '<link href="http://arxiv.org/api/query?search_query=cat:cs.CL" rel="self"/>'
            '<title type="html">ArXiv Query: search_query=cat:cs.CL</title>'
            f"<id>http://arxiv.org/api/1</id>{''.join(entries)}</feed>"
        ).encode()
    )


def test_a_source_on_the_api_of_arxiv_brings_the_days_that_were_missed(
    store: Store, server: SourceServer
) -> None:
    source = PolledSource("arxiv-api", f"{server.url}{QUERY}", allow_private=True)
    polling = Polling(store, server, (source,))
    days = [FIRST + timedelta(days=ago) for ago in range(5)]
    server.routes[QUERY] = answer_of_api(days[0])
    (first,) = polling.poll()
    server.routes[QUERY] = answer_of_api(*reversed(days))

    (later,) = polling.poll(days=4)  # nobody polled meanwhile

    assert (first.new, later.new) == (1, 4)
    assert [report.format for report in later.reports] == ["arxiv-api"]
    assert later.problem is None
    assert len(polling.titles()) == 5


def test_the_feed_of_arxiv_brings_the_last_announcement_alone(
    store: Store, server: SourceServer
) -> None:
    source = PolledSource("arxiv:cs.CL", "arxiv:cs.CL", allow_private=True)
    polling = Polling(store, server, (source,))
    server.days.clear()
    server.days[FIRST] = [paper(1, day=FIRST)]
    polling.poll()
    for ago in range(1, 5):
        day = FIRST + timedelta(days=ago)
        server.days[day] = [paper(1 + ago, day=day)]

    (later,) = polling.poll(days=4)

    assert later.new == 1
