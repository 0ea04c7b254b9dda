"""A thousand real messages, and checks of each one that arrives."""

from __future__ import annotations

import email
import re
from email import policy
from typing import TYPE_CHECKING

from tests.helpers.factories import NOW, TODAY, add_papers, picks_of

from larkpost.db import editions, readers
from larkpost.db.editions import PreparedEdition
from larkpost.inbound.reply_addresses import ReplyableRenderer
from larkpost.inbound.return_address import ReturnAddresses
from larkpost.render import EditionRenderer
from larkpost.render.email.mime import message_id
from larkpost.tokens import Tokens
from larkpost.urls import UrlBuilder

if TYPE_CHECKING:
    from email.message import EmailMessage

    from larkpost.db.engine import Store

TOKENS = Tokens([b"k" * 32])
MAILBOXES = ReturnAddresses("post@example.org", TOKENS)
SENDER = "Larkpost <larkpost@example.org>"
RENDERER = EditionRenderer(
    UrlBuilder("https://papers.example.org", TOKENS),
    sender=SENDER,
    title="Larkpost",
    mailboxes=MAILBOXES,
)
HEADERS = (
    *("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Reply-To"),
    *("List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Archive"),
    *("Auto-Submitted", "Feedback-ID"),
)


def messages() -> ReplyableRenderer:
    """Make the renderer of an installation with an inbound.address."""
    renderer = EditionRenderer(
        UrlBuilder("https://paper.example.org", TOKENS), sender=SENDER, title="Larkpost"
    )
    return ReplyableRenderer(renderer, MAILBOXES)


def thousand(store: Store, count: int) -> None:
    """Plan a message for each of so many readers, from ``reader0@example.org`` on."""
    with store.begin() as connection:
        picks = picks_of(add_papers(connection, 6))
        who = [
            readers.add(connection, address=f"reader{n}@example.org", now=NOW, next_slot=NOW)
            for n in range(count)
        ]
        editions.publish_many(
            connection,
            [
                PreparedEdition(
                    reader=reader,
                    day=TODAY,
                    picks=picks,
                    now=NOW,
                    next_slot=None,
                    message_id=message_id(reader.uid, TODAY, "example.org"),
                )
                for reader in who
            ],
        )


def arrived_well(content: bytes) -> EmailMessage:
    """Check an arrived message against the standards; returns it parsed."""
    message = email.message_from_bytes(content, policy=policy.default)
    assert [part.defects for part in message.walk()] == [[], [], []]
    for name in HEADERS:
        assert len(message.get_all(name, [])) == 1, name
    head = content.partition(b"\r\n\r\n" if b"\r\n" in content else b"\n\n")[0].decode("ascii")
    # In the raw bytes, not only after decoding: no encoded-word, and no fold in the link.
    assert re.search(r"^List-Unsubscribe:\s+<https://\S+/leave/[\w.-]+>\s*$", head, re.MULTILINE)
    assert re.search(r"^List-Unsubscribe-Post: List-Unsubscribe=One-Click\s*$", head, re.MULTILINE)
    leave = str(message["List-Unsubscribe"]).strip(" <>")
    assert all(leave in part.get_content() for part in message.iter_parts())
    assert len(content) < 100_000
    assert max(map(len, content.splitlines())) <= 998
    return message
