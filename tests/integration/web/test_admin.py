"""Tests the operator's page, and its access control."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.mail.outbox_helpers import Mailbag
from tests.helpers.web.site_client import NOW, contents, place

from larkpost.db.coordination import job_status
from larkpost.db.polling import polled_sources
from larkpost.db.polling.polled_sources import SourceState
from larkpost.domain import Status
from larkpost.errors import Unanswered
from larkpost.mail.deliver import deliver
from larkpost.readers import subscriptions
from larkpost.settings.polled_sources import PolledSource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.helpers.web.site_client import Place

HOUR = timedelta(hours=1)


@pytest.fixture
def here(tmp_path: Path, sqlite_url: str) -> Iterator[Place]:
    with place(tmp_path, sqlite_url, {"web.admin_link_version": 7}) as opened:
        yield opened


def test_the_page_shows_readers_messages_dumps_and_health(here: Place) -> None:
    subscriptions.add(here.program.store, "grace@example.org", now=NOW, status=Status.SUSPENDED)
    with here.program.store.begin() as connection:
        job_status.record(connection, "deliver", ok=False, now=NOW, problem="<b>the relay</b>")

    answer = here.client.get(here.path(here.program.links.admin(7)))

    assert answer.status_code == 200
    assert "ada@example.org" in answer.text
    assert "1 active, 1 suspended" in answer.text
    assert "&lt;b&gt;the relay&lt;/b&gt;" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert here.reader.feed_key not in answer.text
    assert here.path(here.program.links.page(here.reader)) not in answer.text


def test_messages_that_may_have_arrived_are_named_with_the_command_that_sends_them(
    here: Place,
) -> None:
    path = here.path(here.program.links.admin(7))
    command = "larkpost deliveries --unknown --retry"
    assert command not in here.client.get(path).text
    lose(here, times=2)

    page = here.client.get(path).text

    assert command in page
    named = page.partition("It is unknown whether these emails arrived")[2]
    assert "ada@example.org" in named.partition(command)[0]
    assert "&lt;b&gt;no answer&lt;/b&gt;" in named.partition(command)[0]


def test_a_message_that_goes_once_more_by_itself_is_not_left_to_the_operator(here: Place) -> None:
    lose(here, times=1)

    page = here.client.get(here.path(here.program.links.admin(7))).text

    assert "It is unknown whether" not in page


def lose(here: Place, times: int) -> None:
    """Send the reader's message without learning whether it arrived."""
    bag = Mailbag(ada=Unanswered("<b>no answer</b>"))
    for turn in range(times):
        deliver(
            here.program.store, here.program.renderer, bag.open_transport,
            now=NOW + turn * HOUR, holder="test",
        )  # fmt: skip
    assert len(bag.tries) == times


def test_links_of_another_number_or_purpose_open_nothing(here: Place) -> None:
    links = here.program.links
    page = here.path(links.page(here.reader)).removeprefix("/me/")

    for path in (here.path(links.admin(6)), here.path(links.admin(0)), f"/admin/{page}", "/admin/"):
        assert here.client.get(path).status_code == 404


def test_there_is_no_page_unless_it_is_wished_for(tmp_path: Path, sqlite_url: str) -> None:
    with place(tmp_path, sqlite_url) as here:
        for number in (0, 1):
            assert here.client.get(here.path(here.program.links.admin(number))).status_code == 404


def test_the_page_shows_and_does_nothing(here: Place) -> None:
    path = here.path(here.program.links.admin(7))
    before = contents(here.program.store)

    here.client.get(path)
    here.client.head(path)

    assert here.client.post(path).status_code == 405
    assert contents(here.program.store) == before


def test_the_page_shows_which_sources_are_polled_and_what_is_wrong_with_them(here: Place) -> None:
    path = here.path(here.program.links.admin(7))
    assert 'id="sources"' not in here.client.get(path).text
    bad = SourceState(
        PolledSource("a <b>blog</b>", "https://a.example/feed"), NOW, NOW + HOUR,
        last_poll_at=NOW, problem="shape", problem_text="the answer is a web page, not a feed",
        problem_since=NOW,
    )  # fmt: skip
    with here.program.store.begin() as connection:
        polled_sources.save(connection, bad)

    page = here.client.get(path).text

    table = page.partition('id="sources"')[2].partition("</table>")[0]
    assert "a &lt;b&gt;blog&lt;/b&gt;" in table
    assert "The answer is a web page, not a feed." in table or "the answer is a web page" in table
    assert "has a problem: the answer is a web page" in page.partition('id="sources"')[0]
