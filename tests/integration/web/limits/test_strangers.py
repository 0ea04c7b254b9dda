"""Tests votes of strangers: new readers promote no paper, however many there are."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient
from tests.helpers.factories import all_votes
from tests.helpers.old_databases import Before, left_at
from tests.helpers.web.site_client import FOREIGN, NOW, place

from larkpost.bootstrap import build
from larkpost.db import migrations, popularity, readers, schema, votes
from larkpost.db.coordination import rate_limits
from larkpost.db.usage import vote_eligibility
from larkpost.domain import Status, Thumb
from larkpost.portability import importer
from larkpost.portability.exporter import export
from larkpost.readers import record_votes, subscriptions
from larkpost.settings import load
from larkpost.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.helpers.web.site_client import Place

    from larkpost.db.engine import Store
    from larkpost.domain import Paper, Reader

DAY = timedelta(days=1)
FEEDS = [f"/trending.{form}" for form in ("rss", "atom", "json")]


def at(here: Place, address: str) -> TestClient:
    """Ask from this address."""
    app = here.client.app
    return TestClient(app, base_url=FOREIGN, follow_redirects=False, client=(address, 4711))


def sign_up(client: TestClient, count: int = 20) -> list[str]:
    """Make readers by the form of the front page; returns the paths of their own pages."""
    pages = []
    for _ in range(count):
        answer = client.post("/subscribe", data={"action": "feed", "words": ""})
        assert answer.status_code == 303
        pages.append(answer.headers["location"].partition("/start")[0])
    return pages


def press(client: TestClient, page: str, paper: Paper, thumb: str = "up") -> None:
    form = {"action": "vote", "paper": str(paper.id), "thumb": thumb}
    assert client.post(page, data=form).status_code in {200, 303}


def public(here: Place) -> dict[str, bytes]:
    """Read what anybody sees of what readers think."""
    paths = ["/", "/archive/2026-08", "/search?q=known", *FEEDS, "/search.json?q=known"]
    paths += [f"/paper/{paper.uid}" for paper in here.papers]
    return {path: here.client.get(path).content for path in paths}


def tally(here: Place, paper: Paper, fewest: int = 1) -> tuple[int, int]:
    with here.program.store.read() as connection:
        found = popularity.tallies(connection, [paper.id], at=here.clock(), fewest=fewest)
    return found.get(paper.id, (0, 0))


def first(here: Place) -> int:
    """Return the first trending paper."""
    page = here.client.get("/").text
    return min(range(len(here.papers)), key=lambda one: page.index(here.papers[one].title))


def test_twenty_readers_made_in_a_second_change_nothing_that_anybody_sees(here: Place) -> None:
    before = public(here)
    worst = here.papers[-1]

    for page in sign_up(here.client):
        press(here.client, page, worst)
        press(here.client, page, here.papers[0], "down")

    with here.program.store.read() as connection:
        assert votes.count(connection) == 40
    assert public(here) == before
    assert first(here) == 0


def test_their_thumbs_teach_nobody_else(here: Place) -> None:
    for page in sign_up(here.client, 4):
        for paper in here.papers:
            press(here.client, page, paper)

    with here.program.store.read() as connection:
        assert popularity.libraries(connection, least=1, at=NOW) == []
        common = popularity.common_tastes(connection, least=1, at=NOW)
        assert common == popularity.CommonTastes(0, 0)
        assert popularity.thumbs(connection, without=here.reader.id) == []


def test_their_own_page_knows_their_thumbs_at_once(here: Place) -> None:
    (page,) = sign_up(here.client, 1)
    press(here.client, page, here.papers[1])

    assert here.papers[1].title in here.client.get(page).text.partition('id="votes"')[2]


def test_who_uses_it_for_days_counts_but_few_of_one_network(
    tmp_path: Path, sqlite_url: str
) -> None:
    with place(tmp_path, sqlite_url, papers=4) as here:
        pages = sign_up(here.client)
        for day in range(4):
            here.clock.now = NOW + day * DAY
            assert tally(here, here.papers[0]) == (0, 0)
            for page in pages:
                press(here.client, page, here.papers[day])

        check_that_five_count(here, here.papers[3])


def check_that_five_count(here: Place, paper: Paper) -> None:
    with here.program.store.read() as connection:
        reader = schema.reader.c
        counted = select(reader.id).where(reader.counts_from == here.clock.now)
        assert len(connection.execute(counted).all()) == 5
    assert tally(here, paper) == (3, 0)  # and of the new ones few on a day
    here.clock.now += DAY
    assert tally(here, paper) == (5, 0)


def test_three_thumbs_on_one_day_are_no_use_over_days(here: Place) -> None:
    (page,) = sign_up(here.client, 1)
    for paper in here.papers:
        press(here.client, page, paper)
    here.clock.now = NOW + 5 * DAY
    press(here.client, page, here.papers[0])

    assert [tally(here, paper) for paper in here.papers] == [(0, 0)] * 3


def confirmed(here: Place, count: int, *, networks: int = 1) -> list[Reader]:
    """Let readers confirm an address by the link in the message, each from another network."""
    found = []
    for number in range(count):
        reader = subscriptions.add(
            here.program.store, f"stranger{number}@example.org", now=NOW, status=Status.PENDING
        )
        path = here.path(here.program.links.confirm(reader))
        client = at(here, f"192.0.2.{number % networks + 1}")
        assert client.post(path).status_code == 200
        found.append(reader)
    return found


def vote_all(
    here: Place, some: list[Reader], paper: Paper, client: TestClient | None = None
) -> None:
    for reader in some:
        press(client or here.client, here.path(here.program.links.page(reader)), paper)


def test_confirmed_readers_of_one_network_are_few_and_of_many_no_rush(here: Place) -> None:
    last = here.papers[-1]
    vote_all(here, confirmed(here, 20), last, at(here, "192.0.2.1"))

    assert tally(here, last) == (3, 0)
    assert first(here) == 0
    here.clock.now = NOW + 5 * DAY
    assert tally(here, last) == (5, 0)


def test_of_the_networks_of_one_owner_few_readers_count_together(here: Place) -> None:
    some = confirmed(here, 30, networks=30)
    vote_all(here, some, here.papers[-1], at(here, "192.0.2.30"))
    here.clock.now = NOW + 20 * DAY

    assert tally(here, here.papers[-1]) == (20, 0)


def test_twenty_confirmed_readers_of_twenty_networks_lift_nothing_in_a_day(here: Place) -> None:
    last = here.papers[-1]
    before = public(here)
    some = confirmed(here, 20, networks=20)
    vote_all(here, some, last)
    for reader in some[:6]:  # pressing again, or taking back and pressing, is no way around
        page = here.path(here.program.links.page(reader))
        for thumb in ("clear", "up", "down", "up"):
            press(here.client, page, last, thumb)

    assert tally(here, last)[0] <= 3
    assert public(here) == before
    counted = []
    for day in range(1, 8):
        here.clock.now = NOW + day * DAY
        counted.append(tally(here, last)[0])
    assert counted[0] <= 6
    assert counted == sorted(counted)
    assert counted[-1] == 20


def test_a_list_of_liked_papers_is_no_way_around_the_days(here: Place) -> None:
    last = here.papers[-1]
    for reader in confirmed(here, 8, networks=8):
        page = here.path(here.program.links.page(reader))
        answer = here.client.post(f"{page}/start", data={"text": str(last.identifier)})
        assert answer.status_code == 200

    with here.program.store.read() as connection:
        assert votes.count(connection) == 8
    assert tally(here, last) == (3, 0)


def test_readers_of_the_operator_count_at_once_also_where_all_are_new(here: Place) -> None:
    last = here.papers[-1]
    for number in range(5):
        reader = subscriptions.add(here.program.store, f"lab{number}@example.org", now=NOW)
        record_votes.cast(here.program.store, reader.id, last.id, Thumb.UP, source="link", now=NOW)

    assert tally(here, last, fewest=5) == (5, 0)
    assert first(here) == len(here.papers) - 1
    assert "at least 5 thumbs up" in here.client.get(f"/paper/{last.uid}").text


def test_a_family_may_show_every_thumb(tmp_path: Path, sqlite_url: str) -> None:
    with place(tmp_path, sqlite_url, {"web.thumb_count_step": 1}) as here:
        press(here.client, here.path(here.program.links.page(here.reader)), here.papers[-1])

        assert first(here) == len(here.papers) - 1
        assert "1 thumb up, 0 down" in here.client.get("/").text


def test_readers_of_a_month_do_not_wait(here: Place) -> None:
    some = confirmed(here, 10, networks=10)
    here.clock.now = NOW + 28 * DAY
    vote_all(here, some, here.papers[1])

    assert tally(here, here.papers[1]) == (10, 0)


def limits_kept(here: Place) -> set[str]:
    with here.program.store.read() as connection:
        return set(connection.execute(select(schema.rate_limit.c.key)).scalars())


def test_a_network_is_kept_as_a_keyed_hash_and_for_four_weeks(here: Place) -> None:
    before = limits_kept(here)
    confirmed(here, 7)
    store = here.program.store
    kept = limits_kept(here) - before
    for known in ("192.0.2.1", "192.0.2.1/32", "counted:192.0.2.1/32", "counted:192.0.2.0/24"):
        assert hashlib.sha256(known.encode()).hexdigest() not in kept
    keyed = [here.program.tokens.hash_text(one) for one in ("192.0.2.1/32", "192.0.2.0/24")]
    uses = ("counted", "mailboxes", "share:mailboxes")
    keys = {f"{use}:{one}" for use in uses for one in keyed}
    assert kept == {hashlib.sha256(key.encode()).hexdigest() for key in keys}
    assert Tokens([b"another key of thirty-two bytes.."]).hash_text("192.0.2.1/32") not in keyed

    with store.begin() as connection:  # as each round of the daemon does
        rate_limits.prune(connection, NOW + 28 * DAY - timedelta(seconds=1))
    assert kept & limits_kept(here)
    with store.begin() as connection:
        rate_limits.prune(connection, NOW + 28 * DAY)

    assert not kept & limits_kept(here)


def test_to_delete_everything_makes_no_place_for_another(here: Place) -> None:
    for reader in confirmed(here, 5):
        page = here.path(here.program.links.page(reader))
        assert here.client.post(f"{page}/delete", data={"sure": "yes"}).status_code == 200
    late = subscriptions.add(here.program.store, "late@example.org", now=NOW, status=Status.PENDING)
    at(here, "192.0.2.1").post(here.path(here.program.links.confirm(late)))

    press(at(here, "192.0.2.1"), here.path(here.program.links.page(late)), here.papers[0])

    assert tally(here, here.papers[0]) == (0, 0)


def test_many_who_confirm_and_vote_at_the_same_moment_are_no_more(
    tmp_path: Path, database_url: str
) -> None:
    """On PostgreSQL transactions run side by side."""
    with place(tmp_path, database_url) as here:
        store, last = here.program.store, here.papers[-1]
        some = [
            subscriptions.add(store, f"s{number}@example.org", now=NOW, signed_up=True)
            for number in range(16)
        ]

        def start(reader: Reader) -> bool:
            with store.begin() as connection:
                network = str(reader.id % 2)
                return vote_eligibility.begin(connection, reader.id, networks=[network], now=NOW)

        def vote(reader: Reader) -> None:
            record_votes.cast(store, reader.id, last.id, Thumb.UP, source="link", now=NOW)

        with ThreadPoolExecutor(8) as pool:
            begun = list(pool.map(start, some))
            list(pool.map(vote, some))

        assert sum(begun) == 10
        assert tally(here, last) == (3, 0)


def test_who_found_no_place_begins_when_there_is_one(here: Place) -> None:
    *_, late = confirmed(here, 6)
    page = here.path(here.program.links.page(late))
    press(at(here, "192.0.2.1"), page, here.papers[0])
    assert tally(here, here.papers[0]) == (0, 0)

    here.clock.now = NOW + 28 * DAY
    press(at(here, "192.0.2.1"), page, here.papers[1])

    assert (tally(here, here.papers[0]), tally(here, here.papers[1])) == ((1, 0), (1, 0))


@pytest.mark.parametrize("status", [Status.PENDING, Status.ACTIVE])
def test_who_signed_up_does_not_count_by_themselves(here: Place, status: Status) -> None:
    reader = subscriptions.add(here.program.store, None, now=NOW, status=status, signed_up=True)

    with here.program.store.begin() as connection:
        found = connection.execute(
            select(schema.reader.c.counts_from).where(schema.reader.c.id == reader.id)
        ).scalar_one()
        assert found is None
        assert readers.get(connection, reader.id).id == reader.id


def test_who_does_not_count_does_not_after_a_move_to_another_home_either(
    here: Place, tmp_path: Path
) -> None:
    (page,) = sign_up(here.client, 1)
    press(here.client, page, here.papers[0])
    press(here.client, here.path(here.program.links.page(here.reader)), here.papers[0])
    export(here.program.store, tmp_path / "out")
    lines = [json.loads(line) for line in (tmp_path / "out/readers.jsonl").read_text().splitlines()]
    assert [line["counted"] for line in lines] == [True, False]

    settings = load(home=tmp_path / "new", flags={"database.url": f"sqlite:///{tmp_path}/new.db"})
    new = build(settings)
    new.prepare()
    out = tmp_path / "out"
    importer.take_papers(new.store, out / "papers.jsonl", now=NOW)
    importer.take_readers(new.store, out / "readers.jsonl", now=NOW)
    importer.take_votes(new.store, out / "votes.jsonl", now=NOW)
    with new.store.read() as connection:
        paper = all_votes(connection)[0].paper_id
        assert popularity.tallies(connection, [paper], at=NOW, fewest=1) == {paper: (1, 0)}

    # The operator may say so of anybody.
    line = {"reader": lines[1]["uid"], "counted": True}
    (out / "said.jsonl").write_text(json.dumps(line) + "\n")
    assert importer.take_readers(new.store, out / "said.jsonl", now=NOW).refused == []
    with new.store.read() as connection:
        assert popularity.tallies(connection, [paper], at=NOW, fewest=1) == {paper: (2, 0)}
    new.store.close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def older(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Open a store as the version before left it; once on each kind of database."""
    with left_at("0012", request, tmp_path) as store:
        yield store


def test_readers_who_were_here_count_as_they_did(older: Store) -> None:
    with older.begin() as connection:
        before = Before(connection)
        for number, status in enumerate(("active", "left", "pending"), start=1):
            before.reader(number, f"reader{number}@example.org", status=status)
            before.interest(number, number, "main")
        before.paper(1)
        for number in (1, 2):
            before.vote(number, 1, 1, NOW - 2 * DAY, number)

    migrations.upgrade(older)

    with older.read() as connection:
        assert popularity.tallies(connection, [1], at=NOW, fewest=1) == {1: (2, 0)}
        assert popularity.tallies(connection, [1], at=NOW - 3 * DAY, fewest=1) == {}
        assert set(vote_eligibility.counting_since(connection, [1, 2, 3])) == {1, 2}
        assert vote_eligibility.counting_since(connection, [1])[1] == vote_eligibility.ALWAYS
