"""A thousand messages through a server with every fault; then the outbox is checked."""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.helpers.factories import NOW
from tests.helpers.mail.message_checks import arrived_well, messages, thousand
from tests.helpers.mail.smtp_server import Answer, Fault, SmtpServer

from larkpost.db import readers
from larkpost.db.engine import Store
from larkpost.db.outbox import deliveries, delivery_queue
from larkpost.domain import DeliveryState, Status
from larkpost.mail.deliver import deliver
from larkpost.readers import subscriptions
from larkpost.settings.model import SmtpSettings
from larkpost.transports.smtp import Relay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from tests.helpers.mail.smtp_server import Script

READERS = 1_000
# How many of a thousand readers meet each fault, at the first attempt of their message.
FATES: tuple[tuple[str, str, Answer, int], ...] = (
    ("greylisted", "RCPT", "450 4.2.0 greylisted", 60),
    ("put off at DATA", "DATA", "451 4.3.0 busy", 20),
    ("put off after the dot", "DOT", "451 4.3.0 queue full", 20),
    ("cut at RCPT", "RCPT", Fault.CUT, 10),
    ("cut in the middle", "BODY", Fault.CUT, 10),
    ("cut after the dot", "DOT", Fault.CUT, 20),
    ("enough for now", "RCPT", "421 4.7.0 enough", 10),
    ("dead", "RCPT", "550 5.1.1 no such user", 30),
    ("spam", "DOT", "554 5.7.1 looks like spam", 10),
    ("full", "RCPT", "552 5.2.2 mailbox full", 10),
)
LEAVING = 40
NEVER = ("dead", "spam", "full")


class Fates:
    """Assigns the faults to recipients; returns the server's reply, each fault once."""

    def __init__(self) -> None:
        self.of: dict[str, str] = {}
        self._answers: dict[tuple[str, str], Answer] = {}
        self._now = ""
        numbers = list(range(READERS))
        random.Random(11).shuffle(numbers)  # noqa: S311 - the same fates on every run
        for name, verb, answer, count in FATES:
            for _ in range(count):
                address = f"reader{numbers.pop()}@example.org"
                self.of[address] = name
                self._answers[verb, address] = answer
        self.leaving = {f"reader{number}@example.org" for number in numbers[:LEAVING]}

    def script(self) -> Script:
        return {verb: self._hears(verb) for verb in ("RCPT", "DATA", "BODY", "DOT")}

    def _hears(self, verb: str) -> Callable[[str], Answer]:
        def answer(line: str) -> Answer:
            if found := re.search(r"[^<\s]+@example.org", line):
                self._now = found[0]
            return self._answers.pop((verb, self._now), None)

        return answer

    def who(self, *names: str) -> set[str]:
        return {address for address, name in self.of.items() if name in names}


@pytest.fixture
def outbox(sqlite_url: str) -> Iterator[Store]:
    """Plan a message for each of a thousand readers."""
    store = Store(sqlite_url)
    thousand(store, READERS)
    yield store
    store.close()


def deliveries_due(store: Store, now: datetime) -> int:
    with store.read() as connection:
        return delivery_queue.count_due(connection, now)


def test_a_thousand_messages_through_every_fault_end_in_a_clean_outbox(outbox: Store) -> None:
    fates = Fates()
    with outbox.read() as connection:
        everybody = {str(reader.address): reader.id for reader in readers.all(connection)}
    for address in fates.leaving:
        subscriptions.change(outbox, everybody[address], now=NOW, status="leave")

    with SmtpServer(fates.script(), extensions=("PIPELINING",), body_limit=2000) as server:
        smtp = SmtpSettings(host="127.0.0.1", port=server.port, security="none", timeout=20)
        now = NOW
        while deliveries_due(outbox, now + timedelta(days=1)):
            deliver(outbox, messages(), lambda: Relay(smtp), now=now, holder="test")
            now += timedelta(minutes=30)

        taken: dict[str, list[bytes]] = defaultdict(list)
        for arrived in server.arrived:
            if arrived.answered or fates.of.get(arrived.recipient) == "cut after the dot":
                taken[arrived.recipient].append(arrived.content)

    lost = set(everybody) - set(taken) - fates.leaving - fates.who(*NEVER)
    doubled = {address for address, copies in taken.items() if len(copies) > 1}
    assert lost == set()
    assert doubled <= fates.who("cut after the dot")
    assert all(len(set(taken[address])) == 1 for address in doubled)
    assert not set(taken) & fates.leaving
    assert not set(taken) & fates.who(*NEVER)
    for copies in taken.values():
        arrived_well(copies[0])
    with outbox.read() as connection:
        counts = deliveries.counts(connection)
        suspended = {reader.address for reader in readers.all(connection, Status.SUSPENDED)}
    refused = len(fates.who(*NEVER))
    assert {state: count for state, count in counts.items() if count} == {
        DeliveryState.SENT: READERS - LEAVING - refused,
        DeliveryState.FAILED: refused,
        DeliveryState.CANCELLED: LEAVING,
    }
    assert suspended == fates.who("dead")
    assert Counter(map(len, taken.values()))[1] >= READERS - LEAVING - refused - len(doubled)
