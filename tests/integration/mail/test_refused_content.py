"""Tests editions that a mail server refuses for the words of a paper that a blog listed."""

from __future__ import annotations

import email
from dataclasses import dataclass, field, replace
from email import policy
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs
from tests.helpers.factories import DAY, NOW, TODAY, add_papers, add_readers, picks_of
from tests.helpers.mail.aiosmtpd_server import AiosmtpdServer
from tests.helpers.mail.message_checks import RENDERER
from tests.helpers.mail.outbox_helpers import MINUTE, name_of, outbox

from larkpost.db import editions, papers
from larkpost.domain import DeliveryState, Identifier, PaperRecord
from larkpost.mail.deliver import DeliveryCounts, deliver
from larkpost.text.unverified import Unverified

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from aiosmtpd.smtp import SMTP, Envelope, Session

    from larkpost.db.engine import Connection, Store
    from larkpost.domain import Paper, Pick

WORD = "XJS-C4JDBQADN1"
HOSTILE = PaperRecord(
    f"Lanterns and {WORD}",
    f"We study lanterns, bakeries and {WORD}.",
    (Identifier("doi", "10.1000/lanterns"),),
    first_seen=NOW - DAY,
    unverified=Unverified.ALL,
    text_source="source a-blog",
)


TITLE, ABSTRACT = "On tides", "We measure the tides of small harbours."


@dataclass
class ContentFilter(AiosmtpdServer):
    """A mail server (aiosmtpd): it refuses messages with a word; ``unsure`` answers the others."""

    word: str = WORD
    unsure: str = "250 2.0.0 taken"
    answers: list[str] = field(default_factory=list)
    taken: list[bytes] = field(default_factory=list)

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Read the message, and decide."""
        content = envelope.original_content or b""
        is_spam = self.word in text_of(content)
        self.answers.append("554 5.7.1 looks like spam" if is_spam else self.unsure)
        if self.answers[-1].startswith("250"):
            self.taken.append(content)
        return self.answers[-1]


@pytest.fixture
def server() -> Iterator[ContentFilter]:
    with ContentFilter() as running:
        yield running


def text_of(content: bytes) -> str:
    part = email.message_from_bytes(content, policy=policy.default).get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def add_hostile(connection: Connection) -> Paper:
    (absorbed,) = papers.absorb(connection, [HOSTILE], now=NOW)
    return papers.get(connection, [absorbed.paper_id])[absorbed.paper_id]


def publish(store: Store, *, honest: int, hostile: bool = True) -> None:
    """Publish an edition to a reader: honest papers around one of a blog."""
    with store.begin() as connection:
        chosen = add_papers(connection, honest)
        if hostile:
            chosen.insert(1, add_hostile(connection))
        publish_to_one(connection, picks_of(chosen))


def publish_to_one(connection: Connection, picks: Sequence[Pick]) -> None:
    (reader,) = add_readers(connection, 1)
    editions.publish(
        connection,
        reader=reader,
        date=TODAY,
        picks=picks,
        now=NOW,
        next_slot=NOW + DAY,
        message_id=name_of(reader, TODAY),
    )


def send(store: Store, server: ContentFilter, now: datetime = NOW) -> DeliveryCounts:
    return deliver(store, RENDERER, server.open_transport, now=now, holder="test")


def test_an_edition_that_is_refused_for_the_paper_of_a_blog_goes_without_it(
    store: Store, server: ContentFilter
) -> None:
    publish(store, honest=2)

    with capture_logs() as logs:
        assert send(store, server) == DeliveryCounts(sent=1)

    text = text_of(server.taken[0])
    with store.read() as connection:
        (page,) = editions.get_many(connection, [1]).values()
    first, _, third = (pick.paper.title for pick in page.picks)
    assert f"1. {first}" in text.replace("\u2068", "").replace("\u2069", "")
    assert f"3. {third}" in text.replace("\u2068", "").replace("\u2069", "")
    assert "Only on the page of this edition: 1 paper." in " ".join(text.split())
    assert [one["event"] for one in logs if one["log_level"] == "warning"] == ["message.shortened"]
    assert "example.org" not in str(
        [one["last_response"] for one in logs if "last_response" in one]
    )


def test_it_keeps_its_message_id_and_all_papers_stay_on_its_page(
    store: Store, server: ContentFilter
) -> None:
    publish(store, honest=2)

    send(store, server)

    sent = email.message_from_bytes(server.taken[0], policy=policy.default)
    (row,) = outbox(store)
    assert row.state is DeliveryState.SENT
    assert sent["Message-ID"] == row.message_id
    with store.read() as connection:
        (page,) = editions.get_many(connection, [1]).values()
    assert len(page.picks) == 3


@pytest.mark.parametrize(("honest", "hostile"), [(0, True), (2, False)])
def test_it_is_refused_for_good_if_no_other_paper_is_left_or_none_is_of_a_blog(
    store: Store, server: ContentFilter, honest: int, hostile: bool
) -> None:
    publish(store, honest=honest, hostile=hostile)
    server.unsure = "550 5.7.1 no thanks"

    assert send(store, server) == DeliveryCounts(failed=1)
    assert len(server.answers) == 1


@pytest.mark.parametrize("first", ["authority", "blog"])
def test_it_goes_without_the_link_that_a_blog_gave_to_a_paper_of_others(
    store: Store, server: ContentFilter, first: str
) -> None:
    server.word = WORD.lower()
    url = f"https://example.net/{WORD.lower()}"
    with store.begin() as connection:
        records = [
            PaperRecord(TITLE, ABSTRACT, (), authors=("Ada Lovelace",)),
            replace(HOSTILE, title=TITLE, abstract=ABSTRACT, identifiers=(), url=url),
        ]
        for record in records if first == "authority" else reversed(records):
            (absorbed,) = papers.absorb(connection, [record], now=NOW)
        paper = papers.get(connection, [absorbed.paper_id])[absorbed.paper_id]
        assert paper.unverified == Unverified.LINK
        publish_to_one(connection, picks_of([*add_papers(connection, 1), paper]))

    assert send(store, server) == DeliveryCounts(sent=1)

    assert server.answers == ["554 5.7.1 looks like spam", "250 2.0.0 taken"]
    text = text_of(server.taken[0])
    assert TITLE in text
    assert "https://arxiv.org/abs/" in text


def test_links_of_authorities_stay_in_it(store: Store, server: ContentFilter) -> None:
    journal = PaperRecord(TITLE, ABSTRACT, (), url="https://journal.example/lanterns")
    with store.begin() as connection:
        (listed, hostile) = papers.absorb(connection, [journal, HOSTILE], now=NOW)
        found = papers.get(connection, [listed.paper_id, hostile.paper_id])
        publish_to_one(connection, picks_of(list(found.values())))

    assert send(store, server) == DeliveryCounts(sent=1)

    assert "https://journal.example/lanterns" in text_of(server.taken[0])


def test_it_goes_without_the_title_of_a_blog_as_a_reason(
    store: Store, server: ContentFilter
) -> None:
    with store.begin() as connection:
        liked = add_hostile(connection)
        (pick,) = picks_of(add_papers(connection, 1))
        publish_to_one(connection, [replace(pick, similar_paper=liked, similarity=0.5)])

    assert send(store, server) == DeliveryCounts(sent=1)

    assert server.answers == ["554 5.7.1 looks like spam", "250 2.0.0 taken"]
    assert pick.paper.title in text_of(server.taken[0]).replace("\n   ", " ")


def test_a_second_refusal_is_the_last(store: Store, server: ContentFilter) -> None:
    publish(store, honest=2)
    server.unsure = "550 5.7.1 no thanks"

    assert send(store, server) == DeliveryCounts(failed=1)
    assert "no thanks" in outbox(store)[0].last_response
    assert len(server.answers) == 2


def test_one_that_is_deferred_then_goes_at_the_next_try(
    store: Store, server: ContentFilter
) -> None:
    publish(store, honest=2)
    server.unsure = "451 4.7.1 greylisted"
    assert send(store, server) == DeliveryCounts(deferred=1)

    server.unsure = "250 2.0.0 taken"
    assert send(store, server, NOW + 10 * MINUTE) == DeliveryCounts(sent=1)
    assert len(server.taken) == 1
