"""Tests that nothing is sent to inactive readers, however late that is known (64 of FAULTS)."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.factories import DAY, NOW, TODAY
from tests.helpers.mail.outbox_helpers import Mailbag, PlainRenderer, publish, run, states
from tests.helpers.mail.smtp_server import SmtpServer

from larkpost.db import readers
from larkpost.domain import Message, Status
from larkpost.errors import Deferred
from larkpost.mail.deliver import DeliveryCounts, deliver
from larkpost.readers import subscriptions
from larkpost.settings.model import SmtpSettings
from larkpost.transports.smtp import Relay

if TYPE_CHECKING:
    from larkpost.db.engine import Store
    from larkpost.domain import Edition


@pytest.mark.parametrize("status", [Status.LEFT, Status.PAUSED, Status.SUSPENDED, Status.PENDING])
def test_who_is_not_active_any_more_gets_nothing(store: Store, status: Status) -> None:
    who = publish(store, 2)
    with store.begin() as connection:
        readers.update(connection, who[0].id, status=status)
    bag = Mailbag()

    run(store, bag.open_transport)

    assert bag.recipients() == ["reader2"]
    assert states(store) == ["cancelled", "sent"]


def test_who_leaves_while_the_message_is_being_set_gets_nothing(store: Store) -> None:
    """After the claim, before the sending."""
    who = publish(store, 2)

    class SlowRenderer(PlainRenderer):
        def _message(self, edition: Edition) -> Message:
            if edition.reader.id == who[0].id:
                with store.begin() as connection:
                    readers.update(connection, who[0].id, status=Status.LEFT)
            return super()._message(edition)

    bag = Mailbag()
    ledger = deliver(store, SlowRenderer(), bag.open_transport, now=NOW, holder="test")

    assert ledger == DeliveryCounts(sent=1, cancelled=1)
    assert bag.recipients() == ["reader2"]


def test_who_leaves_while_the_mail_server_is_made_ready_gets_nothing(store: Store) -> None:
    """Connecting, or the pause after the previous message, may take minutes."""
    who = publish(store, 2)
    bag = Mailbag()

    def leave() -> None:
        subscriptions.change(store, who[1].id, now=NOW, status="leave")

    bag.when_ready = leave
    assert run(store, bag.open_transport) == DeliveryCounts(sent=1)
    assert bag.recipients() == ["reader1"]
    assert states(store) == ["sent", "cancelled"]


def test_who_leaves_while_a_message_waits_for_its_turn_gets_nothing(store: Store) -> None:
    who = publish(store, 2)

    def leave(_recipient: str) -> None:
        timer = threading.Timer(
            0.3, subscriptions.change, (store, who[1].id), {"now": NOW, "status": "leave"}
        )
        timer.start()

    with SmtpServer({"DOT": leave}) as server:
        settings = SmtpSettings(host="127.0.0.1", port=server.port, security="none", per_second=0.5)
        assert run(store, lambda: Relay(settings)) == DeliveryCounts(sent=1)
        assert [arrived.recipient for arrived in server.arrived] == ["reader1@example.org"]


def test_who_goes_on_holiday_while_a_message_waits_gets_it_no_more(store: Store) -> None:
    """By their own calendar: in Auckland it is the eighth already."""
    who = publish(store, 3)
    run(
        store,
        Mailbag(**dict.fromkeys(("reader1", "reader2", "reader3"), Deferred("450"))).open_transport,
    )
    subscriptions.change(store, who[1].id, now=NOW, zone="Pacific/Auckland")
    evening = NOW + timedelta(hours=10)
    with store.begin() as connection:
        for reader, until in zip(who, (TODAY + DAY, TODAY + DAY, TODAY), strict=True):
            readers.update(connection, reader.id, paused_until=until)
    bag = Mailbag()

    assert run(store, bag.open_transport, evening) == DeliveryCounts(sent=2, cancelled=1)
    assert bag.recipients() == ["reader2", "reader3"]


def test_who_has_no_address_any_more_gets_nothing(store: Store) -> None:
    who = publish(store, 1)
    with store.begin() as connection:
        readers.update(connection, who[0].id, address=None)
    bag = Mailbag()

    assert run(store, bag.open_transport) == DeliveryCounts(cancelled=1)
    assert bag.tries == []
