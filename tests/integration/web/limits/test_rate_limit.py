"""Rate limits: networks with too many requests, and concurrent requests for costly pages."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import TYPE_CHECKING, cast

import pytest
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient
from tests.helpers.polling import until
from tests.helpers.web.site_client import FOREIGN, contents

from larkpost.ranking import TfidfRanker
from larkpost.web.limits import fair_queue, rate_limit
from larkpost.web.limits.rate_limit import RateLimit, RateLimiter

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from tests.helpers.web.site_client import Place

    from larkpost.domain import Paper, PaperRecord
    from larkpost.ranking import TextSpace
    from larkpost.render import EditionRenderer
    from larkpost.web.site import SiteContext

MOMENT = datetime(2026, 8, 7, 6, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LIST = "@article{a, title={One}, abstract={%s}}" % ("word " * 4_000)
A_MINUTE = RateLimit("test", 60)


class Moment:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = MOMENT

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now.timestamp()


def passes(door: RateLimiter, network: str) -> int:
    """Count how many of 100 visits in a row are let in."""
    let_in = 0
    for _ in range(100):
        try:
            door.check(A_MINUTE, network)
        except HTTPException:
            continue
        let_in += 1
    return let_in


def test_a_network_has_so_many_turns_a_minute_and_gets_them_back_evenly() -> None:
    clock = Moment()
    door = RateLimiter(clock)

    assert passes(door, "a") == 60
    assert passes(door, "b") == 60
    clock.now = MOMENT + 10 * SECOND
    assert passes(door, "a") == 10
    clock.now = MOMENT + 3600 * SECOND
    assert passes(door, "a") == 60
    clock.now = MOMENT  # it was set back
    assert passes(door, "a") == 60


def test_limits_of_one_network_are_counted_apart() -> None:
    door = RateLimiter(Moment())

    assert passes(door, "a") == 60
    door.check(RateLimit("other", 60), "a")


def test_a_visit_is_told_when_to_come_back() -> None:
    clock = Moment()
    door = RateLimiter(clock)
    passes(door, "a")

    with pytest.raises(HTTPException) as refusal:
        door.check(A_MINUTE, "a")

    assert refusal.value.status_code == 429
    assert refusal.value.headers == {"Retry-After": "1"}
    clock.now += SECOND
    door.check(A_MINUTE, "a")


def test_only_the_networks_that_came_last_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "REMEMBERED", 3)
    door = RateLimiter(Moment())
    for network in "abc":
        passes(door, network)

    assert passes(door, "a") == 0
    door.check(A_MINUTE, "d")
    assert passes(door, "a") == 60


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/search?q=sparse", 300),
        ("/search.rss?q={n}", 300),
        ("/paper/{uid}", 300),
        ("{me}/taste", 60),
        ("{me}/rate", 60),
        ("{me}/export.jsonl", 60),
    ],
)
def test_costly_looks_of_one_network_end_in_429(here: Place, me: str, path: str, most: int) -> None:
    elsewhere = TestClient(here.client.app, base_url=FOREIGN, client=("192.0.2.7", 1))
    paths = [path.format(me=me, uid=here.papers[0].uid, n=n) for n in range(most + 1)]

    answers = [here.client.get(one) for one in paths]

    assert {one.status_code for one in answers[:-1]} == {200}
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert "Too many requests" in answers[-1].text
    assert elsewhere.get(paths[-1]).status_code == 200


def test_months_as_feeds_are_looked_for_sixty_times_a_minute_for_a_network(here: Place) -> None:
    elsewhere = TestClient(here.client.app, base_url=FOREIGN, client=("192.0.2.7", 1))
    paths = [f"/archive/2026-08.rss?page={page}" for page in range(1, 62)]

    statuses = [here.client.get(path).status_code for path in paths]

    assert statuses == [200, *[404] * 59, 429]
    assert elsewhere.get("/archive/2026-08.atom").status_code == 200


def test_the_feed_of_a_reader_is_never_refused(here: Place) -> None:
    path = f"/feed/{here.reader.feed_key}.rss?min=0."

    assert {here.client.get(f"{path}{number}").status_code for number in range(400)} == {200}


def test_being_refused_writes_nothing(here: Place) -> None:
    before = contents(here.program.store)

    statuses = [here.client.get("/search?q=x").status_code for _ in range(301)]

    assert statuses[-1] == 429
    assert contents(here.program.store) == before


class Slow(TfidfRanker):
    """A ranker that works until the test ends it, or for a limited time."""

    def __init__(self) -> None:
        super().__init__(half_life_days=90)
        self.go = Event()

    def fit(
        self, corpus: Iterable[Paper], *, libraries: Sequence[Collection[int]] = ()
    ) -> TextSpace:
        """Fit at last."""
        self.go.wait(20)
        return super().fit(corpus, libraries=libraries)


def test_costly_pages_do_not_keep_the_others_waiting(
    here: Place, me: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fair_queue, "PATIENCE", 0.2)
    here.program.ranker = ranker = Slow()

    with ThreadPoolExecutor(45) as pool:
        asked = [pool.submit(here.client.get, f"{me}/taste") for _ in range(45)]
        while sum(one.done() for one in asked) < 45 - fair_queue.AT_ONCE:
            assert here.client.get("/").status_code == 200
        refused = [one.result() for one in asked if one.done()]
        ranker.go.set()
        answers = [one.result(60) for one in asked]

    assert {one.status_code for one in refused} == {503}
    assert all(int(one.headers["retry-after"]) > 0 for one in refused)
    assert sorted(one.status_code for one in answers) == [200] * fair_queue.AT_ONCE + [503] * (
        45 - fair_queue.AT_ONCE
    )
    assert here.client.get(f"{me}/taste").status_code == 200


def test_a_network_that_asks_for_costly_pages_keeps_no_other_from_them(
    here: Place, me: str
) -> None:
    here.program.ranker = ranker = Slow()
    portal = here.client.portal  # one event loop for both, as the daemon has
    elsewhere = TestClient(here.client.app, base_url=FOREIGN, client=("192.0.2.7", 1))
    elsewhere.portal = portal
    most = fair_queue.AT_ONCE + fair_queue.COSTLY_WAITING

    with ThreadPoolExecutor(45) as pool:
        hostile = [pool.submit(here.client.get, f"{me}/taste") for _ in range(30)]
        until(lambda: sum(one.done() for one in hostile) == 30 - most)
        honest = pool.submit(elsewhere.get, f"{me}/taste")
        until(lambda: site_of(here).queues.slow.active_count == fair_queue.SLOW_AT_ONCE)
        ranker.go.set()
        answer = honest.result(60)
        answers = [one.result(60) for one in hostile]

    assert answer.status_code == 200
    assert sorted({one.status_code for one in answers}) == [200, 503]
    assert sum(one.status_code == 503 for one in answers) >= 30 - most
    assert all("retry-after" in one.headers for one in answers if one.status_code == 503)


def test_a_taste_page_that_takes_minutes_keeps_nobody_from_an_export(here: Place, me: str) -> None:
    here.program.ranker = ranker = Slow()
    elsewhere = TestClient(here.client.app, base_url=FOREIGN, client=("192.0.2.7", 1))
    elsewhere.portal = here.client.portal

    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(here.client.get, f"{me}/taste")
        until(lambda: site_of(here).queues.slow.active_count == fair_queue.SLOW_AT_ONCE)
        exported = elsewhere.get(f"{me}/export.jsonl")
        still_waits = not slow.done()
        ranker.go.set()
        assert slow.result(60).status_code == 200

    assert exported.status_code == 200
    assert still_waits


class SlowRenderer:
    """A renderer that works until the test ends it, and counts its calls."""

    def __init__(self) -> None:
        self.go = Event()
        self.asked = 0

    def feed(self, *_: object, **__: object) -> bytes:
        """Give a feed at last."""
        self.asked += 1
        self.go.wait(60)
        return b"<rss/>"


def test_a_network_that_keeps_pages_in_the_making_leaves_threads_to_the_others(
    here: Place,
) -> None:
    slow = SlowRenderer()
    here.program.renderer = cast("EditionRenderer", slow)
    elsewhere = TestClient(here.client.app, base_url=FOREIGN, client=("192.0.2.7", 1))
    elsewhere.portal = here.client.portal
    path = f"/feed/{here.reader.feed_key}.rss?min=0."

    with ThreadPoolExecutor(60) as pool:
        hostile = [pool.submit(here.client.get, f"{path}{number}") for number in range(60)]
        until(lambda: slow.asked == fair_queue.PAGES_OF_A_NETWORK)
        honest = [elsewhere.get("/archive").status_code for _ in range(5)]
        asked = slow.asked
        slow.go.set()
        answers = {one.result(60).status_code for one in hostile}

    assert honest == [200] * 5
    assert asked == fair_queue.PAGES_OF_A_NETWORK
    assert answers == {200}


def test_forms_that_wait_for_the_database_keep_no_page_from_anybody(here: Place, me: str) -> None:
    networks = [
        TestClient(here.client.app, base_url=FOREIGN, client=(f"192.0.2.{number}", 1))
        for number in range(1, 5)
    ]
    for one in networks:
        one.portal = here.client.portal
    store, site = here.program.store, site_of(here)
    thumb = {"action": "vote", "paper": str(here.papers[0].id), "thumb": "up"}

    with ThreadPoolExecutor(40) as pool:
        with store.begin():  # another program writes
            acts = [pool.submit(networks[n % 4].post, me, data=thumb) for n in range(24)]
            until(lambda: site.queues.acts.active_count == fair_queue.ACTS_AT_ONCE)
            looked = [here.client.get("/archive").status_code for _ in range(3)]
            assert not any(one.done() for one in acts)
        acted = {one.result(60).status_code for one in acts}

    assert looked == [200] * 3
    assert acted == {200}


def test_lists_that_other_processes_read_keep_no_page_and_no_action_waiting(
    here: Place, me: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.fit()
    read = Event()

    def read_slowly(_text: str) -> list[PaperRecord]:
        read.wait(60)
        return []

    monkeypatch.setattr(here.program, "reference_reader", lambda _is_gone: read_slowly)
    slow, other = (
        [
            TestClient(here.client.app, base_url=FOREIGN, client=(f"192.0.{block}.{number}", 1))
            for number in range(fair_queue.APART_AT_ONCE + 1)
        ]
        for block in (2, 3)
    )
    for one in (*slow, *other):
        one.portal = here.client.portal
    thumb = {"action": "vote", "paper": str(here.papers[0].id), "thumb": "up"}
    queue = site_of(here).queues.apart

    with ThreadPoolExecutor(8) as pool:
        lists = [pool.submit(one.post, f"{me}/start", data={"text": LIST}) for one in slow]
        until(lambda: queue.active_count == fair_queue.APART_AT_ONCE)
        answers = [other[0].get(f"{me}/rate"), other[1].post(me, data=thumb)]
        read.set()
        read_lists = [one.result(60).status_code for one in lists]

    assert [one.status_code for one in answers] == [200, 200]
    # Lists of one reader are imported one at a time: the second of two at once has to come again.
    assert set(read_lists) <= {200, 429}


def site_of(here: Place) -> SiteContext:
    site: SiteContext = here.client.app.state.site  # type: ignore[attr-defined]  # a Starlette
    return site
