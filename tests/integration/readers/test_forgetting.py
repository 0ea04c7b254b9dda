"""Thumbs before a day can be forgotten and restored: on the page and by command."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient
from tests.helpers.factories import NOW, add_papers, add_readers
from tests.helpers.private_lists import NAME, bring, read_private, read_thumbs
from tests.helpers.web.site_client import FOREIGN
from tests.helpers.web.site_client import NOW as PAGE_NOW

from larkpost.db import papers, popularity, votes
from larkpost.db.private import private_papers
from larkpost.db.usage import forgotten_votes, vote_eligibility
from larkpost.db.usage.last_use import ExpiryRule
from larkpost.domain import PaperRecord, Status, Thumb, Vote
from larkpost.errors import QuotaExceeded
from larkpost.readers import record_votes, subscriptions
from larkpost.readers.expiry import LastUses
from larkpost.readers.quotas import Allowance
from larkpost.scheduler.housekeeping import clean_up
from larkpost.settings.model import QuotaSettings

if TYPE_CHECKING:
    from tests.helpers.web.site_client import Place

    from larkpost.db.engine import Store
    from larkpost.domain import Paper, Reader

DAY = timedelta(days=1)


@pytest.fixture
def reader(store: Store) -> Reader:
    """Make a reader with thumbs on four papers: 40, 30, 20 and 10 days ago."""
    with store.begin() as connection:
        reader = add_readers(connection, 1)[0]
        for at, paper in enumerate(add_papers(connection, 4)):
            given = Vote(reader.id, paper.id, Thumb((-1) ** at), NOW - DAY * 10 * (4 - at), "test")
            votes.cast(connection, given)
    return reader


def thumbs(store: Store, reader: Reader) -> list[Vote]:
    with store.read() as connection:
        return votes.of(connection, reader.id)


def test_what_was_forgotten_counts_no_more_and_comes_back_as_it_was(
    store: Store, reader: Reader
) -> None:
    before = thumbs(store, reader)

    gone = record_votes.forget(store, reader.id, NOW - DAY * 20, now=NOW)

    assert gone == before[:2]
    assert thumbs(store, reader) == before[2:]
    assert record_votes.remember(store, reader.id) == 2
    assert thumbs(store, reader) == before
    assert record_votes.remember(store, reader.id) == 0


def test_acts_are_undone_the_last_one_first(store: Store, reader: Reader) -> None:
    before = thumbs(store, reader)
    record_votes.forget(store, reader.id, NOW - DAY * 35, now=NOW)
    record_votes.forget(store, reader.id, NOW - DAY * 15, now=NOW + DAY)

    assert record_votes.remember(store, reader.id) == 2
    assert thumbs(store, reader) == before[1:]
    assert record_votes.remember(store, reader.id) == 1
    assert thumbs(store, reader) == before


def test_a_newer_thumb_on_the_same_paper_stays(store: Store, reader: Reader) -> None:
    oldest = thumbs(store, reader)[0]
    record_votes.forget(store, reader.id, NOW, now=NOW)
    record_votes.cast(store, reader.id, oldest.paper_id, Thumb.DOWN, source="test", now=NOW + DAY)

    assert record_votes.remember(store, reader.id) == 3

    (mine,) = [one for one in thumbs(store, reader) if one.paper_id == oldest.paper_id]
    assert (mine.thumb, mine.at) == (Thumb.DOWN, NOW + DAY)


def test_whom_others_count_is_as_before_when_thumbs_are_back(store: Store, reader: Reader) -> None:
    def counted() -> list[object]:
        with store.read() as connection:
            columns = "SELECT paper_id, counts_from FROM vote ORDER BY paper_id"
            return [tuple(row) for row in connection.exec_driver_sql(columns)]

    before = counted()
    record_votes.forget(store, reader.id, NOW, now=NOW)
    assert counted() == []
    record_votes.remember(store, reader.id)

    assert counted() == before


def test_nobody_elses_thumbs_are_touched(store: Store, reader: Reader) -> None:
    other = subscriptions.add(store, "other@example.org", now=NOW)
    with store.begin() as connection:
        paper_id = votes.of(connection, reader.id)[0].paper_id
        votes.cast(connection, Vote(other.id, paper_id, Thumb.UP, NOW - DAY * 99, "test"))
    record_votes.forget(store, reader.id, NOW, now=NOW)

    assert record_votes.remember(store, other.id) == 0
    assert len(thumbs(store, other)) == 1


def test_after_a_month_they_are_gone_for_good(store: Store, reader: Reader) -> None:
    record_votes.forget(store, reader.id, NOW, now=NOW)

    def remembered(now: datetime) -> int:
        clean_up(store, LastUses(), ExpiryRule(365, 365), now=now)
        with store.read() as connection:
            return len(forgotten_votes.of(connection, reader.id))

    assert remembered(NOW + forgotten_votes.KEEP_FOR) == 4
    assert remembered(NOW + forgotten_votes.KEEP_FOR + DAY) == 0


def days_ago(here: Place, *days: int) -> list[Paper]:
    """Return thumbs up, each so many days ago, on the papers of the edition."""
    chosen = here.papers[: len(days)]
    with here.program.store.begin() as connection:
        for paper, ago in zip(chosen, days, strict=True):
            given = Vote(here.reader.id, paper.id, Thumb.UP, PAGE_NOW - DAY * ago, "test")
            votes.cast(connection, given)
    return chosen


def test_the_page_forgets_before_a_day_and_brings_back(here: Place, me: str) -> None:
    days_ago(here, 40, 20, 1)
    day = (PAGE_NOW - DAY * 10).date()

    answer = here.client.post(me, data={"action": "forget", "before": str(day)})

    assert answer.headers["location"] == f"{me}?done=forgotten"
    page = here.client.get(answer.headers["location"]).text
    assert "Your older thumbs are forgotten" in page
    assert "2 thumbs were forgotten" in page
    assert (here.thumb(1), here.thumb(2), here.thumb(3)) == (None, None, Thumb.UP)
    back = here.client.post(me, data={"action": "remember"})
    assert "Your thumbs are restored" in here.client.get(back.headers["location"]).text
    assert (here.thumb(1), here.thumb(2), here.thumb(3)) == (Thumb.UP,) * 3
    assert "Bring them back" not in here.client.get(me).text


def test_a_day_begins_where_the_reader_lives(here: Place, me: str) -> None:
    """The reader lives in Berlin, where it is summer: the day begins at 22:00 UTC."""
    (paper,) = days_ago(here, 1)
    at = PAGE_NOW.replace(hour=21, minute=59) - DAY
    with here.program.store.begin() as connection:
        votes.cast(connection, Vote(here.reader.id, paper.id, Thumb.UP, at, "test"))

    early = here.client.post(me, data={"action": "forget", "before": str(at.date())})
    assert early.status_code == 400
    assert here.thumb(1) is Thumb.UP
    here.client.post(me, data={"action": "forget", "before": str((at + DAY).date())})

    assert here.thumb(1) is None


@pytest.mark.parametrize("day", ["", "soon", "0001-01-01", "2026-13-01"])
def test_where_nothing_is_to_be_forgotten_the_page_says_so(here: Place, me: str, day: str) -> None:
    days_ago(here, 3)

    answer = here.client.post(me, data={"action": "forget", "before": day})

    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert here.thumb(1) is Thumb.UP
    assert here.client.post(me, data={"action": "remember"}).status_code == 400


def test_a_day_far_ahead_forgets_all(here: Place, me: str) -> None:
    days_ago(here, 3)

    here.client.post(me, data={"action": "forget", "before": str(date.max)})

    assert here.thumb(1) is None


def test_no_link_of_somebody_else_forgets(here: Place, me: str) -> None:
    days_ago(here, 3)

    answer = here.client.post(f"{me[:-1]}x", data={"action": "forget", "before": str(date.max)})

    assert answer.status_code in {403, 404, 410}
    assert here.thumb(1) is Thumb.UP


def test_the_page_proposes_the_day_from_which_on_thumbs_went_down(here: Place, me: str) -> None:
    with here.program.store.begin() as connection:
        drafts = [
            PaperRecord(title=f"Older, {n}", first_seen=PAGE_NOW - DAY * 200) for n in range(60)
        ]
        for at, paper in enumerate(papers.absorb(connection, drafts, now=PAGE_NOW - DAY * 200)):
            ago, thumb = (60, Thumb.UP) if at < 40 else (5, Thumb.DOWN)
            votes.cast(
                connection,
                Vote(here.reader.id, paper.paper_id, thumb, PAGE_NOW - DAY * ago, "test"),
            )

    page = here.client.get(me).text

    assert "20 of your last 20, and 0 of the 40 before" in page
    assert f'name="before" required value="{(PAGE_NOW - DAY * 5).date()}"' in page


def test_what_is_kept_of_it_is_among_all_that_is_kept(here: Place, me: str) -> None:
    (paper,) = days_ago(here, 40)
    here.client.post(me, data={"action": "forget", "before": str(PAGE_NOW.date())})

    lines = [json.loads(one) for one in here.client.get(f"{me}/export.jsonl").text.splitlines()]

    (line,) = [one for one in lines if one["kind"] == "forgotten vote"]
    assert (line["paper"], line["thumb"]) == (str(paper.identifier), 1)


def test_a_private_paper_stays_as_long_as_its_thumb_can_come_back(here: Place) -> None:
    store, reader = here.program.store, here.reader
    bring(here, reader)
    before = read_thumbs(store, reader)
    record_votes.forget(store, reader.id, PAGE_NOW + DAY, now=PAGE_NOW + DAY)
    later = PAGE_NOW + private_papers.KEPT_WITHOUT_THUMB + 2 * DAY

    clean_up(store, LastUses(), ExpiryRule(365, 365), now=later)

    record_votes.remember(store, reader.id)
    assert read_thumbs(store, reader) == before
    record_votes.forget(store, reader.id, PAGE_NOW + DAY, now=later)
    for days in (0, 1, 2):  # first nothing, after a pause of a month; then the thumbs, the papers
        now = later + forgotten_votes.KEEP_FOR + DAY * days
        clean_up(store, LastUses(), ExpiryRule(365, 365), now=now)
    assert read_private(store, reader) == []


def test_a_forgotten_thumb_follows_its_paper_when_a_dump_brings_it(here: Place) -> None:
    store, reader = here.program.store, here.reader
    bring(here, reader)
    (private,) = read_private(store, reader)
    record_votes.forget(store, reader.id, PAGE_NOW + DAY, now=PAGE_NOW)
    with store.begin() as connection:
        brought = PaperRecord(title=private.title, identifiers=(NAME,))
        papers.absorb(connection, [brought], now=PAGE_NOW + DAY)

    assert read_private(store, reader) == []
    assert record_votes.remember(store, reader.id) == 1
    assert read_thumbs(store, reader) == {private.title: Thumb.UP}


def test_of_two_forgotten_thumbs_on_what_becomes_one_paper_that_on_the_public_stays(
    here: Place,
) -> None:
    store, reader, public = here.program.store, here.reader, here.papers[0]
    bring(here, reader)
    (private,) = read_private(store, reader)
    record_votes.cast(store, reader.id, public.id, Thumb.DOWN, source="page", now=PAGE_NOW)
    record_votes.forget(store, reader.id, PAGE_NOW + DAY, now=PAGE_NOW)
    with store.begin() as connection:
        private_papers.move_to_public(connection, {private.id: public.id}, now=PAGE_NOW)

    assert record_votes.remember(store, reader.id) == 1
    assert read_thumbs(store, reader) == {public.title: Thumb.DOWN}


def test_to_forget_makes_no_room_for_more_thumbs(here: Place) -> None:
    store, reader = here.program.store, here.reader
    for paper in here.papers[:2]:
        record_votes.cast(store, reader.id, paper.id, Thumb.UP, source="page", now=PAGE_NOW)
    record_votes.forget(store, reader.id, PAGE_NOW + DAY, now=PAGE_NOW)

    with store.read() as connection, pytest.raises(QuotaExceeded):
        Allowance(QuotaSettings(votes=2)).check_thumbs(connection, reader.id, more=1)


def confirm(here: Place, reader: Reader, number: int = 1) -> None:
    """Make a new reader count, by the link in the message, from their own network."""
    client = TestClient(here.client.app, base_url=FOREIGN, client=(f"192.0.2.{number}", 1))
    assert client.post(here.path(here.program.links.confirm(reader))).status_code == 200


def ups(here: Place, paper: Paper, at: datetime = PAGE_NOW) -> int:
    with here.program.store.read() as connection:
        return popularity.tallies(connection, [paper.id], at=at, fewest=1).get(paper.id, (0, 0))[0]


def test_readers_who_let_each_other_pass_come_back_one_by_one(here: Place) -> None:
    """Who is new lifts a paper by a few a day: room that was made by forgetting is no more room."""
    store, paper = here.program.store, here.papers[0]
    some = [
        subscriptions.add(store, f"new{n}@example.org", now=PAGE_NOW, status=Status.PENDING)
        for n in range(12)
    ]
    for number, one in enumerate(some, 1):
        confirm(here, one, number)
        record_votes.cast(store, one.id, paper.id, Thumb.UP, source="page", now=PAGE_NOW)
        record_votes.forget(store, one.id, PAGE_NOW + DAY, now=PAGE_NOW)
    assert ups(here, paper) == 0
    for one in some:
        record_votes.remember(store, one.id)

    assert ups(here, paper) == vote_eligibility.MOST_A_DAY
    assert ups(here, paper, PAGE_NOW + 7 * DAY) == 12


def test_thumbs_forgotten_before_their_reader_counts_count_once_they_are_back(here: Place) -> None:
    store, paper = here.program.store, here.papers[0]
    one = subscriptions.add(store, "early@example.org", now=PAGE_NOW, status=Status.PENDING)
    record_votes.cast(store, one.id, paper.id, Thumb.UP, source="page", now=PAGE_NOW)
    record_votes.forget(store, one.id, PAGE_NOW + DAY, now=PAGE_NOW)
    confirm(here, one)

    record_votes.remember(store, one.id)

    assert ups(here, paper) == 1
