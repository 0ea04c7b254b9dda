"""The notice of an empty day: sent once per day to readers who asked for it, with its reason."""

from __future__ import annotations

import email
from datetime import UTC, date, datetime, time, timedelta
from email import policy
from typing import TYPE_CHECKING

import pytest
from tests.helpers.edition_factories import make_renderer
from tests.helpers.factories import DAY, add_papers
from tests.helpers.mail.outbox_helpers import Mailbag

from larkpost.db import readers
from larkpost.db.coordination import job_status
from larkpost.domain import Status, Thumb
from larkpost.editions.publish import PublishContext, PublishOutcome, by_hand, publish, publish_due
from larkpost.errors import Deferred
from larkpost.mail.deliver import deliver
from larkpost.ranking import TfidfRanker
from larkpost.readers import subscriptions
from larkpost.readers.record_votes import cast

if TYPE_CHECKING:
    from email.message import EmailMessage

    from larkpost.db.engine import Store
    from larkpost.domain import Reader

NOW = datetime(2026, 8, 7, 3, tzinfo=UTC)
MORNING = datetime(2026, 8, 7, 6, 0, 5, tzinfo=UTC)
WEEK = timedelta(days=7)
MINUTES = timedelta(minutes=10)
ADDRESS = "ada@example.org"


@pytest.fixture
def newsroom(store: Store) -> PublishContext:
    return PublishContext(store, TfidfRanker(), WEEK, "example.org")


def asking(store: Store, address: str | None = ADDRESS, threshold: float = 0.0) -> Reader:
    """Create a reader who wants notices of empty days."""
    return subscriptions.add(store, address, now=NOW, notify_when_empty=True, threshold=threshold)


def answer(store: Store, bag: Mailbag, now: datetime = MORNING) -> int:
    return deliver(
        store, make_renderer(), bag.open_transport, now=now, holder="test", patient=True
    ).sent


def told(store: Store, now: datetime = MORNING) -> list[str]:
    """Send what is due; returns the first line of each notice."""
    bag = Mailbag()
    answer(store, bag, now)
    messages = [
        email.message_from_bytes(newsletter.content, policy=policy.default)
        for newsletter in bag.messages
    ]
    return [the_line(one) for one in messages if "no papers on" in one["Subject"]]


def the_line(message: EmailMessage) -> str:
    """Return the paragraph that says why, of the plain text."""
    part = message.get_body(("plain",))
    assert part
    paragraphs = "\n".join(part.get_content().splitlines()).split("\n\n")
    (line,) = [
        " ".join(one.split())
        for one in paragraphs
        if one.startswith("There were no papers for you")
    ]
    return line


def test_a_reader_who_asked_is_told_in_a_line_why_no_paper_came(newsroom: PublishContext) -> None:
    asking(newsroom.store)
    bag = Mailbag()

    assert publish_due(newsroom, now=MORNING) == {PublishOutcome.EMPTY: 1}
    assert answer(newsroom.store, bag) == 1

    message = email.message_from_bytes(bag.messages[0].content, policy=policy.default)
    assert not message.defects
    assert message["To"] == ADDRESS
    assert message["Subject"] == "Larkpost: no papers on Friday, 7 August 2026"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Id"] == "Larkpost <larkpost.larkpost.example.org>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Precedence"] == "bulk"
    assert (
        the_line(message)
        == "There were no papers for you on Friday, 7 August 2026: there were no new papers."
    )
    link = message["List-Unsubscribe"].strip("<>")
    for kind in ("plain", "html"):
        part = message.get_body((kind,))
        assert part
        assert link in part.get_content()
        assert "you asked Larkpost at larkpost.example.org to tell" in " ".join(
            part.get_content().split()
        )


@pytest.mark.parametrize(
    ("ok", "detail", "why"),
    [
        (True, {"already": "2026-08-06"}, "the page with the papers had been read before"),
        (True, {"papers": 30, "new": 0}, "all papers in the page were known already"),
        (False, {"problem": "0 of 90 lines"}, "the page with the papers could not be read"),
    ],
)
def test_a_page_read_before_and_one_that_cannot_be_read_are_the_reason(
    newsroom: PublishContext, ok: bool, detail: dict[str, object], why: str
) -> None:
    asking(newsroom.store)
    with newsroom.store.begin() as connection:
        job_status.record(connection, "ingest", ok=ok, now=NOW, name="a.txt", **detail)

    publish_due(newsroom, now=MORNING)

    assert told(newsroom.store) == [
        f"There were no papers for you on Friday, 7 August 2026: {why}."
    ]


def test_a_threshold_that_all_papers_are_below_is_the_reason(newsroom: PublishContext) -> None:
    reader = asking(newsroom.store, threshold=0.999)
    with newsroom.store.begin() as connection:
        one, *_ = add_papers(connection, 3)
    cast(newsroom.store, reader.id, one.id, Thumb.UP, source="test", now=NOW)

    assert publish_due(newsroom, now=MORNING) == {PublishOutcome.BELOW_THRESHOLD: 1}

    (line,) = told(newsroom.store)
    assert line.endswith(": all papers were below your lowest match.")


def test_papers_all_seen_are_the_reason(newsroom: PublishContext) -> None:
    reader = asking(newsroom.store)
    with newsroom.store.begin() as connection:
        (one,) = add_papers(connection, 1)
    cast(newsroom.store, reader.id, one.id, Thumb.UP, source="test", now=NOW)

    assert publish_due(newsroom, now=MORNING) == {PublishOutcome.EMPTY: 1}

    (line,) = told(newsroom.store)
    assert line.endswith(": you had seen all papers.")


def test_who_did_not_ask_or_is_sent_nothing_is_not_told(newsroom: PublishContext) -> None:
    subscriptions.add(newsroom.store, "bob@example.org", now=NOW)
    asking(newsroom.store, None)

    assert publish_due(newsroom, now=MORNING) == {PublishOutcome.EMPTY: 2}

    assert told(newsroom.store) == []


@pytest.mark.parametrize("status", [one for one in Status if one is not Status.ACTIVE])
def test_who_is_not_active_any_more_when_the_line_would_go_is_not_told(
    newsroom: PublishContext, status: Status
) -> None:
    reader = asking(newsroom.store)
    publish_due(newsroom, now=MORNING)
    with newsroom.store.begin() as connection:
        readers.update(connection, reader.id, status=status)

    assert told(newsroom.store) == []
    with newsroom.store.begin() as connection:
        readers.update(connection, reader.id, status=Status.ACTIVE)
    assert told(newsroom.store, MORNING + DAY) == []


def test_who_is_on_holiday_takes_the_wish_back_or_is_gone_is_not_told(
    newsroom: PublishContext,
) -> None:
    away, other, gone = (asking(newsroom.store, f"{name}@example.org") for name in "abc")
    publish_due(newsroom, now=MORNING)

    subscriptions.change(
        newsroom.store, away.id, now=MORNING, until=date(2026, 8, 20), status="pause"
    )
    subscriptions.change(newsroom.store, other.id, now=MORNING, notify_when_empty=False)
    subscriptions.remove(newsroom.store, gone.id)

    assert told(newsroom.store) == []


def test_a_day_is_reported_once_even_where_the_hour_moves(newsroom: PublishContext) -> None:
    reader = asking(newsroom.store)
    publish_due(newsroom, now=MORNING)
    assert len(told(newsroom.store)) == 1
    subscriptions.change(newsroom.store, reader.id, now=MORNING, send_time=time(9))

    later = MORNING + timedelta(hours=3)

    assert publish_due(newsroom, now=later) == {PublishOutcome.EMPTY: 1}
    assert told(newsroom.store, later) == []
    assert publish_due(newsroom, now=later + DAY) == {PublishOutcome.EMPTY: 1}
    (line,) = told(newsroom.store, later + DAY)
    assert "Saturday, 8 August" in line


def test_missed_days_are_reported_in_one_line_of_the_last(newsroom: PublishContext) -> None:
    asking(newsroom.store)

    publish_due(newsroom, now=MORNING + 9 * DAY)

    (line,) = told(newsroom.store, MORNING + 9 * DAY)
    assert line.startswith("There were no papers for you on Sunday, 16 August 2026: ")


def test_an_edition_asked_for_by_hand_that_stays_empty_is_not_told(
    newsroom: PublishContext,
) -> None:
    publish(newsroom, [by_hand(asking(newsroom.store), NOW)], now=NOW)

    assert told(newsroom.store) == []


def test_a_paper_that_comes_by_hand_meanwhile_takes_the_line_back(newsroom: PublishContext) -> None:
    reader = asking(newsroom.store)
    publish_due(newsroom, now=MORNING)
    with newsroom.store.begin() as connection:
        add_papers(connection, 1)
        reader = readers.get(connection, reader.id)

    (result,) = publish(newsroom, [by_hand(reader, MORNING)], now=MORNING)

    assert result.outcome is PublishOutcome.PUBLISHED
    assert told(newsroom.store) == []


def test_a_failed_mail_server_keeps_the_line_and_a_newer_one_takes_its_place(
    newsroom: PublishContext,
) -> None:
    asking(newsroom.store)
    publish_due(newsroom, now=MORNING)
    bag = Mailbag(ada=Deferred("the server is away", server_fault=True))

    assert answer(newsroom.store, bag) == 0
    assert answer(newsroom.store, bag) == 0
    assert bag.opened == 1
    publish_due(newsroom, now=MORNING + DAY)

    (line,) = told(newsroom.store, MORNING + DAY + MINUTES)
    assert "Saturday, 8 August" in line
