"""Tests that actions on thousands of thumbs, and very long feeds, keep nobody else waiting."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient
from tests.helpers.polling import until
from tests.helpers.web.site_client import FOREIGN

from larkpost.db import votes
from larkpost.domain import Thumb, Vote
from larkpost.web.limits import fair_queue
from larkpost.web.reader import actions, feeds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.helpers.web.site_client import Place

    from larkpost.web.limits.fair_queue import PageQueues

ACTIONS: dict[str, dict[str, str]] = {
    "forget": {"before": "2027-01-01"},
    "remember": {},
    "clear": {"sure": "1"},
    "drop": {"interest": "other"},
    "split": {"interest": "main", "name": "new", "words": "x", "papers": "1"},
    "rejoin": {"interest": "main", "name": "other"},
}


def queues_of(here: Place) -> PageQueues:
    found: PageQueues = here.client.app.state.site.queues  # type: ignore[attr-defined]  # a Starlette
    return found


def visitors(here: Place, count: int) -> list[TestClient]:
    """Return clients in as many surrounding networks, in the event loop of the first one."""
    made = [
        TestClient(here.client.app, base_url=FOREIGN, client=(f"192.0.{number}.7", 1))
        for number in range(2, 2 + count)
    ]
    for one in made:
        one.portal = here.client.portal
    return made


class Held:
    """Work that begins and waits until the test ends it."""

    def __init__(self) -> None:
        self.go = Event()
        self.begun = 0

    def __call__(self, *_: object, **__: object) -> Any:
        """Wait, and return what either kind of work returns."""
        self.begun += 1
        self.go.wait(60)
        return b"<rss/>"


@pytest.fixture
def held() -> Iterator[Held]:
    made = Held()
    yield made
    made.go.set()


@pytest.fixture
def with_thumbs(here: Place, me: str) -> str:
    """The path of the page of a reader with three thumbs."""
    with here.program.store.begin() as connection:
        for paper in here.papers[:3]:
            votes.cast(connection, Vote(here.reader.id, paper.id, Thumb.UP, here.clock.now, "page"))
    return me


@pytest.mark.parametrize("action", ACTIONS)
def test_actions_on_very_many_thumbs_keep_no_vote_and_nobody_from_unsubscribing(
    here: Place, with_thumbs: str, held: Held, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    monkeypatch.setattr(actions, "MANY_THUMBS", 2)
    monkeypatch.setitem(actions._ACTS, action, held)
    hostile, honest = visitors(here, 3), visitors(here, 6)[3:]
    form = {"action": action, **ACTIONS[action]}
    thumb = {"action": "vote", "paper": str(here.papers[0].id), "thumb": "up"}
    leave = here.path(here.program.links.leave(here.reader))

    with ThreadPoolExecutor(3) as pool:
        large = [pool.submit(one.post, with_thumbs, data=form) for one in hostile]
        until(lambda: held.begun == 1)
        until(lambda: not queues_of(here).acts.active_count)
        answers = [
            honest[0].post(with_thumbs, data=thumb),
            honest[1].post(leave, data={"action": "leave"}),
            honest[2].post(with_thumbs, data={"action": "pause"}, follow_redirects=False),
        ]
        begun = held.begun
        held.go.set()
        for one in large:
            one.result(60)

    assert begun == fair_queue.LARGE_AT_ONCE
    assert [one.status_code for one in answers] == [200, 200, 400]  # who left cannot pause


def test_an_action_on_few_thumbs_waits_for_no_large_one(
    here: Place, with_thumbs: str, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile, other = visitors(here, 2)

    with ThreadPoolExecutor(1) as pool, monkeypatch.context() as patch:
        patch.setattr(actions, "MANY_THUMBS", 2)
        patch.setitem(actions._ACTS, "forget", held)
        large = pool.submit(
            hostile.post, with_thumbs, data={"action": "forget", "before": "2027-01-01"}
        )
        until(lambda: held.begun == 1)
        patch.setattr(actions, "MANY_THUMBS", 3)
        done = other.post(with_thumbs, data={"action": "clear", "sure": "1"})
        waits = not large.done()
        held.go.set()
        large.result(60)

    assert (done.status_code, waits) == (200, True)
    assert "All your thumbs are deleted" in done.text


def test_feeds_with_very_many_entries_keep_no_page_from_anybody(
    here: Place, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "MANY_ENTRIES", 0)
    monkeypatch.setattr(here.program.renderer, "feed", held)
    hostile, honest = visitors(here, 6), visitors(here, 7)[6]
    address = f"/feed/{here.reader.feed_key}.rss?min=0."

    with ThreadPoolExecutor(6) as pool:
        large = [pool.submit(one.get, f"{address}{at}") for at, one in enumerate(hostile)]
        until(lambda: held.begun == 1)
        until(lambda: not queues_of(here).others.active_count)
        pages = [honest.get(path).status_code for path in ("/", "/archive", "/search?q=glaciers")]
        monkeypatch.setattr(feeds, "MANY_ENTRIES", 250)
        begun = held.begun
        held.go.set()
        answers = {one.result(60).status_code for one in large}

    assert begun == fair_queue.LONG_AT_ONCE
    assert pages == [200] * 3
    assert answers == {200}


def test_a_program_that_reads_feeds_for_several_people_gets_each_of_many_long_ones(
    here: Place, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "MANY_ENTRIES", 0)
    monkeypatch.setattr(here.program.renderer, "feed", held)
    (service,) = visitors(here, 1)
    address = f"/feed/{here.reader.feed_key}.rss?min=0."
    count = fair_queue.COSTLY_WAITING + 3

    with ThreadPoolExecutor(count) as pool:
        asked = [pool.submit(service.get, f"{address}{at}") for at in range(count)]
        until(lambda: held.begun == 1)
        until(lambda: not queues_of(here).others.active_count)
        held.go.set()
        answers = [one.result(60).status_code for one in asked]

    assert answers == [200] * count
