"""Tests votes in replies to the newsletter."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.factories import NOW, TODAY
from tests.helpers.mail.outbox_helpers import Mailbag, PlainRenderer, name_of, publish
from tests.integration.inbound.test_maildir import POST, edition_of

from larkpost.db import votes
from larkpost.domain import Thumb
from larkpost.inbound.process import InboundKind, InboundResult, receive
from larkpost.inbound.reply_addresses import HOW_TO_VOTE, ReplyableRenderer
from larkpost.mail.deliver import deliver
from larkpost.readers import record_votes

if TYPE_CHECKING:
    from larkpost.db.engine import Store
    from larkpost.domain import Edition, Message, Reader


def answer(store: Store, reader: Reader, text: str, **headers: str) -> bytes:
    """What a mail program sends when somebody answers their newsletter."""
    fields = {
        "From": f"<{reader.address}>",
        "To": f"Larkpost <{POST.answers(edition_of(store, reader))}>",
        "References": name_of(reader, TODAY),
        "Content-Type": "text/plain; charset=utf-8",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\n" for name, value in fields.items())
    return f"{head}\n{text}\n\n> 1 -\n".encode()


def thumbs(store: Store, reader: Reader) -> dict[int, Thumb]:
    """The reader's thumbs, by position in today's edition."""
    page: Edition = edition_of(store, reader)
    with store.read() as connection:
        cast = {vote.paper_id: vote.thumb for vote in votes.of(connection, reader.id)}
    return {p.position: cast[p.paper.id] for p in page.picks if p.paper.id in cast}


def test_an_answer_votes(store: Store) -> None:
    who = publish(store, 2)

    receipt = receive(store, POST, answer(store, who[0], "2 + 1 -"), now=NOW)

    assert receipt == InboundResult(InboundKind.VOTED, 2)
    assert thumbs(store, who[0]) == {1: Thumb.DOWN, 2: Thumb.UP}
    assert thumbs(store, who[1]) == {}


@pytest.mark.parametrize(("days", "votes"), [(record_votes.VOTE_DAYS - 1, 1), (91, 0)])
def test_an_answer_votes_as_long_as_the_links_of_its_edition(
    store: Store, days: int, votes: int
) -> None:
    (reader,) = publish(store, 1)

    receipt = receive(store, POST, answer(store, reader, "1 +"), now=NOW + timedelta(days=days))

    assert receipt.votes == len(thumbs(store, reader)) == votes


def test_a_vote_by_answer_is_the_same_row_as_any_thumb(store: Store) -> None:
    (reader,) = publish(store, 1)
    paper = edition_of(store, reader).picks[0].paper
    record_votes.cast(store, reader.id, paper.id, Thumb.DOWN, source="web", now=NOW)

    receive(store, POST, answer(store, reader, "1 +"), now=NOW)

    with store.read() as connection:
        (vote,) = votes.of(connection, reader.id)
    assert (vote.paper_id, vote.thumb, vote.source) == (paper.id, Thumb.UP, "answer")


def test_the_same_answer_twice_changes_nothing_more(store: Store) -> None:
    (reader,) = publish(store, 1)
    mail = answer(store, reader, "1 +")

    assert receive(store, POST, mail, now=NOW) == receive(store, POST, mail, now=NOW)
    assert thumbs(store, reader) == {1: Thumb.UP}


def test_positions_that_are_not_there_are_passed_over(store: Store) -> None:
    (reader,) = publish(store, 1)

    assert receive(store, POST, answer(store, reader, "2 + 77 +"), now=NOW).votes == 1
    assert receive(store, POST, answer(store, reader, "77 +"), now=NOW) == InboundResult(
        InboundKind.UNREAD
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"References": "<another@example.org>"},
        {"References": ""},
        {"Auto_Submitted": "auto-replied"},
        {"Precedence": "bulk"},
        {"To": "post@paper.example"},
        {"To": "post+v" + "a" * 42 + "@paper.example"},
    ],
)
def test_what_is_forged_automatic_or_no_answer_to_the_message_votes_nothing(
    store: Store, headers: dict[str, str]
) -> None:
    (reader,) = publish(store, 1)

    receipt = receive(store, POST, answer(store, reader, "1 +", **headers), now=NOW)

    assert receipt.votes == 0
    assert thumbs(store, reader) == {}


def test_in_reply_to_is_enough(store: Store) -> None:
    (reader,) = publish(store, 1)
    headers = {"References": "", "In_Reply_To": name_of(reader, TODAY)}

    assert receive(store, POST, answer(store, reader, "1 +", **headers), now=NOW).votes == 1


def test_a_return_path_takes_no_votes(store: Store) -> None:
    (reader,) = publish(store, 1)
    to = POST.bounces(edition_of(store, reader))

    assert receive(store, POST, answer(store, reader, "1 +", To=to), now=NOW).votes == 0


def test_an_address_takes_so_many_answers_an_hour_and_another_ones_as_before(
    store: Store,
) -> None:
    flooding, other = publish(store, 2)
    floods = [
        receive(store, POST, answer(store, flooding, "1 +"), now=NOW).meaning for _ in range(61)
    ]
    honest = receive(store, POST, answer(store, other, "1 -"), now=NOW)
    later = receive(store, POST, answer(store, flooding, "2 -"), now=NOW + timedelta(hours=1))

    assert floods == [InboundKind.VOTED] * 60 + [InboundKind.REFUSED]
    assert honest.meaning is later.meaning is InboundKind.VOTED


def test_a_message_that_can_be_answered_says_how(store: Store) -> None:
    publish(store, 1)
    bag = Mailbag()

    class TellingRenderer(PlainRenderer):
        def _message(self, edition: Edition) -> Message:
            message = super()._message(edition)
            return replace(message, content=message.content + edition.note.encode())

    deliver(
        store,
        ReplyableRenderer(TellingRenderer(), POST),
        bag.open_transport,
        now=NOW,
        holder="test",
    )

    assert HOW_TO_VOTE.encode() in bag.messages[0].content
