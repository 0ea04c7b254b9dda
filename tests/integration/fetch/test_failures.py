"""Tests that each failure of a source is reported and retried, and no paper is lost."""

from __future__ import annotations

import ssl
from dataclasses import replace
from datetime import timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest
import trustme
from tests.helpers.sources.polling_helpers import HF_DAILY, Polling
from tests.helpers.sources.source_server import FAILURES, Reply, SourceServer, redirect, too_many

from larkpost.bootstrap import build
from larkpost.db.polling import polled_sources
from larkpost.editions.empty_day_reasons import EmptyDay
from larkpost.fetch.poll import list_due, poll_sources
from larkpost.scheduler.status import read_status
from larkpost.settings import load
from larkpost.settings.polled_sources import PolledSource

if TYPE_CHECKING:
    from pathlib import Path

    from larkpost.db.engine import Store

TRENDING = PolledSource("hf-trending", "hf-trending", allow_private=True)


def told(polling: Polling) -> list[str]:
    """Return what status says of sources."""
    with polling.store.read() as connection:
        report = read_status(connection, now=polling.now, window=timedelta(days=7))
    return [one.text for one in report.empty_day if one.kind is EmptyDay.SOURCE_PROBLEM]


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_is_reported_and_survived(
    polling: Polling, server: SourceServer, failure: str
) -> None:
    server.failure = FAILURES[failure]

    (result,) = polling.poll()

    state = polling.state()
    assert result.problem is not None
    assert state.problem == str(result.problem.problem)
    assert state.problem_text
    assert state.failures == 1
    assert state.next_poll_at > polling.now
    assert polling.titles() == set()

    server.failure = None
    assert polling.poll_now(hours=13).new == 7 * 8
    assert polling.state().problem is None
    assert polling.state().failures == 0


def test_a_source_whose_certificate_is_bad_is_reported(store: Store) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with SourceServer(certificate=context) as server:
        (result,) = Polling(store, server).poll()

    assert result.problem is not None
    assert result.problem.problem == "tls"


def test_a_server_that_is_gone_is_reported_after_six_hours_and_listed_at_once(store: Store) -> None:
    with SourceServer() as server:
        polling = Polling(store, server)
        polling.poll()
        url = server.url
    assert url
    polling.poll_now(hours=1)

    assert polling.state().problem == "unreachable"
    assert told(polling) == []
    polling.poll_now(hours=6)
    (text,) = told(polling)
    assert text.startswith("the source hf-daily has a problem: 127.0.0.1")


def test_retry_after_is_kept_to_and_waits_grow_without_it(
    polling: Polling, server: SourceServer
) -> None:
    server.failure = too_many("7200")
    polling.poll()
    assert polling.state().next_poll_at >= polling.now + timedelta(hours=2)
    assert polling.poll(hours=1, minutes=59) == []

    server.failure = Reply(b"", 500)
    waits = []
    for _ in range(12):
        polling.poll_now(days=1)
        waits.append(polling.state().next_poll_at - polling.now)
    assert waits == sorted(waits)
    assert waits[-1] <= timedelta(hours=12)


def test_where_a_host_is_asked_too_often_all_its_sources_wait(
    store: Store, server: SourceServer
) -> None:
    polling = Polling(store, server, (HF_DAILY, TRENDING))
    server.failure = too_many("3600")

    results = polling.poll()

    assert len(results) == 1
    assert len(server.requests) == 1
    assert polling.state("hf-trending").next_poll_at >= polling.now + timedelta(hours=1)


def test_one_page_of_a_host_keeps_no_other_page_of_it_away_for_a_day(
    store: Store, server: SourceServer
) -> None:
    polling = Polling(store, server, (HF_DAILY, TRENDING))
    server.failure = too_many("86400")
    polling.poll()
    server.failure = None

    (result,) = polling.poll(hours=1, minutes=1)

    assert (result.source.name, result.problem) == ("hf-trending", None)


def test_one_source_that_fails_keeps_no_other_away(store: Store, server: SourceServer) -> None:
    broken = PolledSource("broken", f"{server.url}/nothing", allow_private=True)
    polling = Polling(store, server, (broken, HF_DAILY))

    problems = {one.source.name: one.problem for one in polling.poll()}

    assert problems["broken"] is not None
    assert problems["hf-daily"] is None


def test_a_web_page_in_place_of_json_is_reported_at_once(
    polling: Polling, server: SourceServer
) -> None:
    polling.poll()
    server.failure = FAILURES["HTML in place of JSON"]

    polling.poll_now(hours=1)

    assert told(polling) == [
        "the source hf-daily has a problem: the answer is a web page, not JSON"
    ]
    assert len(polling.titles()) == 7 * 8


def test_no_private_address_is_asked_unless_it_is_allowed(
    store: Store, server: SourceServer
) -> None:
    polling = Polling(store, server, (replace(HF_DAILY, allow_private=False),))

    (result,) = polling.poll()

    assert result.problem is not None
    assert result.problem.problem == "private-address"
    assert server.requests == []
    assert len(told(polling)) == 1


def test_a_permanent_redirect_is_remembered_told_and_given_up_when_it_leads_nowhere(
    store: Store, server: SourceServer
) -> None:
    feed = PolledSource("blog", f"{server.url}/old", allow_private=True)
    polling = Polling(store, server, (feed,))
    papers = server._papers({})
    server.routes |= {"/old": redirect("/new"), "/new": papers}

    polling.poll()
    assert polling.state("blog").moved_to == f"{server.url}/new"
    server.requests.clear()
    polling.poll(hours=2)
    assert server.requests == ["/new"]
    assert polling.state("blog").moved_to == f"{server.url}/new"

    server.routes |= {"/old": papers, "/new": Reply(b"", 404)}
    polling.poll(hours=2)
    assert server.requests == ["/new", "/new", "/old"]
    assert polling.state("blog").moved_to == ""
    assert polling.state("blog").problem is None


def test_a_source_that_is_removed_while_it_is_asked_stays_removed(
    polling: Polling, server: SourceServer
) -> None:
    def reply(_headers: object) -> Reply:
        with polling.store.begin() as connection:
            polled_sources.remove(connection, ["hf-daily"])
        return Reply(b"[]")

    server.routes["/api/daily_papers"] = reply

    polling.poll()

    with polling.store.read() as connection:
        assert polled_sources.list_states(connection) == []


def test_a_daemon_that_is_told_to_end_asks_for_nothing_more(
    polling: Polling, server: SourceServer
) -> None:
    ending = replace(polling.context, stopped=lambda: len(server.requests) >= 3)
    poll_sources(ending, list_due(ending, now=polling.now), clock=lambda: polling.now)

    assert len(server.requests) == 3


def test_the_agent_names_the_program_and_its_version(tmp_path: Path) -> None:
    client = build(load(home=tmp_path, environ={})).poll_context.client

    assert client.agent == f"Larkpost/{version('larkpost')}"
