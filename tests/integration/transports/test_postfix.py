"""A thousand messages through a real Postfix on loopback: sent, bounced, and replied to."""

from __future__ import annotations

import os
import smtplib
import tempfile
from collections import Counter
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.helpers.factories import NOW
from tests.helpers.mail.message_checks import MAILBOXES, arrived_well, messages, thousand
from tests.helpers.mail.postfix import Postfix, PostfixMissingError, running

from larkpost.db import readers, votes
from larkpost.db.engine import Store
from larkpost.db.outbox import deliveries
from larkpost.domain import DeliveryState, Status
from larkpost.inbound.maildir import collect
from larkpost.inbound.process import InboundKind
from larkpost.mail.deliver import DeliveryCounts, deliver
from larkpost.readers import subscriptions
from larkpost.settings.model import SmtpSettings
from larkpost.transports.smtp import Relay

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.postfix

READERS = 1_000
DEAD = range(0, READERS, 25)  # whose mailbox is not there: Postfix finds out later
LEAVING = range(7, READERS, 40)


@pytest.fixture(scope="module")
def postfix() -> Iterator[Postfix]:
    boxes = [f"reader{n}" for n in range(READERS) if n not in DEAD]
    # Short and open to the mail server's own users, as pytest's folders are not.
    with tempfile.TemporaryDirectory(prefix="larkpost-postfix-") as folder:
        Path(folder).chmod(0o755)
        try:
            with running(Path(folder) / "pf", [*boxes, "post"]) as server:
                yield server
        except PostfixMissingError as missing:
            if os.environ.get("LARKPOST_REFUSE_SKIPS"):
                raise
            pytest.skip(f"Postfix is not tested here: {missing}")


def test_a_thousand_messages_through_postfix_end_in_a_clean_outbox(
    postfix: Postfix, sqlite_url: str
) -> None:
    store = Store(sqlite_url)
    thousand(store, READERS)
    with store.read() as connection:
        who = readers.all(connection)
    for number in LEAVING:
        subscriptions.change(store, who[number].id, now=NOW, status="leave")
    smtp = SmtpSettings(host="127.0.0.1", port=postfix.port, security="none")
    going = [n for n in range(READERS) if n not in LEAVING]
    back = [n for n in going if n in DEAD]

    ledger = deliver(store, messages(), lambda: Relay(smtp), now=NOW, holder="test")
    postfix.wait_for(len(going))

    assert ledger == DeliveryCounts(sent=len(going))
    for number in range(READERS):
        mails = postfix.mails(f"reader{number}")
        assert len(mails) == (number in going and number not in DEAD), number
        for mail in mails:
            message = arrived_well(mail)
            assert message["To"] == who[number].address
            tag = MAILBOXES.read(str(message["Return-Path"]))
            assert tag is not None
            assert tag.purpose == "bounce"

    returns = postfix.boxes / "post"
    assert collect(store, MAILBOXES, returns, now=NOW) == Counter(
        {InboundKind.SUSPENDED: len(back)}
    )
    with store.read() as connection:
        suspended = {reader.id for reader in readers.all(connection, Status.SUSPENDED)}
        counts = deliveries.counts(connection)
    assert suspended == {who[number].id for number in back}
    assert counts[DeliveryState.SENT] == len(going)
    assert counts[DeliveryState.CANCELLED] == len(LEAVING)

    _answer_to(arrived_well(postfix.mails("reader1")[0]), postfix)
    postfix.wait_for(len(going) - len(back) + 1)
    assert collect(store, MAILBOXES, returns, now=NOW) == Counter({InboundKind.VOTED: 1})
    with store.read() as connection:
        assert len(votes.of(connection, who[1].id)) == 2
    store.close()


def _answer_to(message: EmailMessage, postfix: Postfix) -> None:
    """Answer as a mail program does."""
    answer = EmailMessage()
    answer["From"], answer["To"] = message["To"], message["Reply-To"]
    answer["In-Reply-To"] = answer["References"] = message["Message-ID"]
    answer.set_content("2 + 1 -\n\n> 3 +\n")
    with smtplib.SMTP("127.0.0.1", postfix.port) as server:
        server.send_message(answer)
