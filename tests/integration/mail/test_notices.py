"""Tests subscribing: the same page for everybody, and a message with the details."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import time, timedelta
from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event
from tests.helpers.mail.outbox_claims import claim
from tests.helpers.web.site_client import BASE, NOW, contents

from larkpost.db import readers
from larkpost.db.outbox import notices as askings
from larkpost.domain import Status
from larkpost.errors import Deferred, Refused, UnknownReader
from larkpost.mail.confirmations import forget_unconfirmed
from larkpost.mail.deliver import deliver
from larkpost.readers import subscriptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage

    from tests.helpers.web.site_client import Place

    from larkpost.db.engine import Store
    from larkpost.domain import Message

HOUR = timedelta(hours=1)
FORM = {
    "action": "mail",
    "address": "grace@example.org",
    "zone": "America/New_York",
    "weekdays": ["0", "4"],
    "send_time": "07:15",
    "papers_per_edition": "4",
    "words": "birdsong, rivers\r\nquantum codes",
}


@dataclass
class RecordingTransport:
    """A transport that records messages, or raises the error that a test sets."""

    messages: list[Message] = field(default_factory=list)
    fault: Exception | None = None
    opened: int = 0

    @contextmanager
    def __call__(self) -> Iterator[RecordingTransport]:
        """Open it."""
        self.opened += 1
        yield self

    def ready(self) -> None: ...

    def send(self, newsletter: Message) -> None:
        """Accept a message."""
        if self.fault is not None:
            raise self.fault
        self.messages.append(newsletter)


@pytest.fixture
def open_transport() -> RecordingTransport:
    return RecordingTransport()


@pytest.fixture(autouse=True)
def _editions_are_sent(request: pytest.FixtureRequest) -> None:
    """Send the editions of the place, so that what goes from now on was asked for."""
    if "here" in request.fixturenames:
        answer(request.getfixturevalue("here"), RecordingTransport())


def answer(here: Place, open_transport: RecordingTransport) -> int:
    """Do what the post does; returns how many confirmations went."""
    store, now = here.program.store, here.clock.now
    forget_unconfirmed(store, now)
    return deliver(
        store, here.program.renderer, open_transport, now=now, holder="test", patient=True
    ).confirmations


def read(newsletter: Message) -> EmailMessage:
    return message_from_bytes(newsletter.content, policy=default)


def link(newsletter: Message, place: str) -> str:
    part = read(newsletter).get_body(("plain",))
    assert part
    text: str = part.get_content()
    links = [line for line in text.splitlines() if line.startswith(f"{BASE}/{place}/")]
    return links[0].removeprefix(BASE)


def test_somebody_new_confirms_by_the_messages_link_and_gets_what_was_wished_for(
    here: Place, open_transport: RecordingTransport
) -> None:
    asked = here.client.post("/subscribe", data=FORM)
    assert asked.status_code == 200
    assert "Check your inbox" in asked.text

    assert answer(here, open_transport) == 1

    with here.program.store.read() as connection:
        pending = readers.by_address(connection, "grace@example.org")
    assert pending.status is Status.PENDING
    assert (pending.zone, pending.send_time, pending.papers_per_edition) == (
        "America/New_York",
        time(7, 15),
        4,
    )
    assert pending.weekdays == {0, 4}
    assert pending.interests[0].words == ("birdsong", "rivers", "quantum codes")
    path = link(open_transport.messages[0], "confirm")
    assert here.client.get(path).status_code == 200
    assert here.client.post(path).status_code == 200
    with here.program.store.read() as connection:
        assert readers.get(connection, pending.id).status is Status.ACTIVE
    assert answer(here, open_transport) == 0


def test_the_message_holds_nothing_that_was_typed_but_the_address(
    here: Place, open_transport: RecordingTransport
) -> None:
    here.client.post("/subscribe", data=FORM | {"words": "BUY NOW https://spam.example"})

    answer(here, open_transport)

    newsletter = open_transport.messages[0]
    assert newsletter.recipient == "grace@example.org"
    assert b"spam" not in newsletter.content
    assert read(newsletter)["To"] == "grace@example.org"
    assert read(newsletter)["Auto-Submitted"] == "auto-generated"


def test_the_page_is_the_same_for_every_address(here: Place) -> None:
    pages = []
    for status in (None, *Status):
        address = f"{status or 'nobody'}@example.org"
        if status:
            subscriptions.add(here.program.store, address, now=NOW, status=status)

        page = here.client.post("/subscribe", data=FORM | {"address": address})

        pages.append((page.status_code, page.text.replace(address, "")))
    assert len(set(pages)) == 1


@pytest.mark.parametrize("status", [s for s in Status if s is not Status.PENDING])
def test_a_known_reader_is_shown_the_way_to_their_page_and_stays_as_they_are(
    here: Place, open_transport: RecordingTransport, status: Status
) -> None:
    known = subscriptions.add(here.program.store, "grace@example.org", now=NOW, status=status)
    here.client.post("/subscribe", data=FORM)

    answer(here, open_transport)

    with here.program.store.read() as connection:
        assert readers.get(connection, known.id) == known
    assert link(open_transport.messages[0], "me") == here.path(here.program.links.page(known))


def test_an_address_gets_one_message_an_hour_whoever_asks(
    here: Place, open_transport: RecordingTransport
) -> None:
    for _ in range(5):
        here.client.post("/subscribe", data=FORM)
        answer(here, open_transport)
        here.clock.now += timedelta(minutes=1)
    assert len(open_transport.messages) == 1

    here.clock.now += HOUR + timedelta(minutes=1)
    here.client.post("/subscribe", data=FORM | {"papers_per_edition": "9"})
    answer(here, open_transport)

    assert len(open_transport.messages) == 2
    with here.program.store.read() as connection:
        assert readers.by_address(connection, "grace@example.org").papers_per_edition == 9


def test_a_network_that_asks_too_often_is_told_when_to_come_back(
    here: Place, open_transport: RecordingTransport
) -> None:
    answers = [
        here.client.post("/subscribe", data=FORM | {"address": f"a{n}@example.org"})
        for n in range(25)
    ]

    assert [one.status_code for one in answers] == [200] * 20 + [429] * 5
    assert int(answers[-1].headers["retry-after"]) > 0
    assert here.client.get("/").status_code == 200
    assert answer(here, open_transport) == 20


def test_a_failed_mail_server_keeps_what_is_owed(
    here: Place, open_transport: RecordingTransport
) -> None:
    here.client.post("/subscribe", data=FORM)
    open_transport.fault = Deferred("the server is away", server_fault=True)

    assert answer(here, open_transport) == 0
    assert here.client.get("/healthz").json()["status"] == "degraded"
    assert answer(here, open_transport) == 0
    assert open_transport.opened == 1
    open_transport.fault = None
    here.clock.now += timedelta(minutes=10)

    assert answer(here, open_transport) == 1


def test_a_message_in_doubt_goes_again_under_its_name(
    here: Place, open_transport: RecordingTransport
) -> None:
    here.client.post("/subscribe", data=FORM)
    answer(here, open_transport)
    with here.program.store.begin() as connection:
        askings.ask(connection, "grace@example.org", {}, now=NOW)
    first = open_transport.messages[0]
    with here.program.store.read() as connection:
        reader = readers.by_address(connection, "grace@example.org")

    again = here.program.renderer.notice(reader, NOW)

    assert again == first


def test_a_refused_address_is_not_tried_again(
    here: Place, open_transport: RecordingTransport
) -> None:
    here.client.post("/subscribe", data=FORM)
    open_transport.fault = Refused("no such user", nobody=True)
    answer(here, open_transport)
    open_transport.fault = None
    here.clock.now += 3 * HOUR

    assert answer(here, open_transport) == 0


def test_the_mail_server_is_not_opened_for_nothing(
    here: Place, open_transport: RecordingTransport
) -> None:
    answer(here, open_transport)

    assert open_transport.opened == 0


def test_who_never_confirms_is_forgotten(here: Place, open_transport: RecordingTransport) -> None:
    here.client.post("/subscribe", data=FORM)
    answer(here, open_transport)

    here.clock.now += timedelta(days=31)
    answer(here, open_transport)

    with here.program.store.read() as connection, pytest.raises(UnknownReader):
        readers.by_address(connection, "grace@example.org")


def test_nothing_is_kept_of_who_asked_once_it_is_long_ago(
    here: Place, open_transport: RecordingTransport
) -> None:
    here.client.post("/subscribe", data=FORM)
    answer(here, open_transport)
    here.clock.now += timedelta(days=31)
    answer(here, open_transport)

    rows = contents(here.program.store)

    assert rows["rate_limit"] == rows["sent_message"] == []
    assert {row[1] for row in rows["delivery"]} == {"edition"}
    assert "grace" not in str(rows["reader"])


def test_known_and_unknown_addresses_are_answered_with_the_same_work(here: Place) -> None:
    """Otherwise the time of the response would reveal who is a reader."""
    statements: list[str] = []
    engine = here.program.store.engine

    def note(*execution: Any) -> None:
        statements.append(execution[2])

    def work(address: str) -> list[str]:
        statements.clear()
        here.client.post("/subscribe", data=FORM | {"address": address})
        return list(statements)

    event.listen(engine, "before_cursor_execute", note)
    known = [work("ada@example.org") for _ in range(3)]
    unknown = [work(f"nobody{n}@example.org") for n in range(3)]

    assert known[0]
    assert known[1:] == unknown[1:]


def test_a_reader_by_feed_alone_is_made_at_once(here: Place) -> None:
    response = here.client.post("/subscribe", data=FORM | {"action": "feed"})

    assert response.status_code == 303
    with here.program.store.read() as connection:
        newest = readers.all(connection)[-1]
    assert newest.address is None
    assert newest.status is Status.ACTIVE
    assert response.headers["location"].startswith(here.path(here.program.links.page(newest)))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"address": "nobody"}, "is not an email address"),
        ({"address": ""}, "is not an email address"),
        ({"address": "a@b\r\nBcc: c@example.org"}, "is not an email address"),
        ({"zone": "Mars/Olympus"}, "no time zone"),
        ({"send_time": "25:00"}, "is not a time"),
        ({"weekdays": []}, "at least one weekday"),
        ({"weekdays": ["9"]}, "at least one weekday"),
        ({"papers_per_edition": "0"}, "not possible"),
        ({"papers_per_edition": "x"}, "is not a number of papers"),
        ({"words": "\n".join(map(str, range(60)))}, "At most 50"),
    ],
)
def test_what_cannot_be_had_is_said_and_what_was_typed_is_kept(
    here: Place, wrong: dict[str, object], said: str
) -> None:
    page = here.client.post("/subscribe", data=FORM | wrong)

    assert page.status_code == 400
    assert said in page.text
    assert "birdsong" in page.text or "words" in wrong


def test_the_short_form_of_the_front_page_takes_the_usual_wishes(
    here: Place, open_transport: RecordingTransport
) -> None:
    short = {"action": "mail", "address": "grace@example.org", "zone": "Asia/Tokyo"}

    assert here.client.post("/subscribe", data=short).status_code == 200
    answer(here, open_transport)

    with here.program.store.read() as connection:
        reader = readers.by_address(connection, "grace@example.org")
    assert (reader.zone, reader.send_time, reader.papers_per_edition) == ("Asia/Tokyo", time(6), 10)


def test_a_confirmation_is_claimed_by_one_only(store: Store) -> None:
    with store.begin() as connection:
        askings.ask(connection, "grace@example.org", {"size": 1}, now=NOW)
        askings.ask(connection, "grace@example.org", {"size": 2}, now=NOW)

    with store.begin() as connection:
        (first,) = claim(connection, now=NOW, holder="one")
        second = claim(connection, now=NOW, holder="another")
        (third,) = claim(connection, now=NOW + HOUR, holder="another")

    assert (first.payload, first.attempts) == ({"size": 2}, 0)
    assert second == []
    assert third.id == first.id
