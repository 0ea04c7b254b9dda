"""Queues messages of each kind, for tests that every kind must pass."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import time, timedelta
from typing import TYPE_CHECKING

from tests.helpers.factories import NOW, TODAY, add_papers, picks_of
from tests.helpers.mail.message_checks import RENDERER
from tests.helpers.mail.outbox_helpers import Killed

from larkpost.db import editions, schema
from larkpost.db.engine import Store
from larkpost.db.outbox import notices
from larkpost.domain import MessageKind
from larkpost.errors import NoRoom
from larkpost.mail import confirmations
from larkpost.mail.deliver import DeliveryCounts, deliver
from larkpost.readers import subscriptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection
    from tests.helpers.mail.outbox_helpers import OpenTransport

    from larkpost.domain import Reader
    from larkpost.interfaces import Renderer

KINDS = tuple(MessageKind)
OPERATOR = "boss@example.org"
WISHES: subscriptions.Preferences = {
    "zone": "UTC", "send_time": time(6), "weekdays": frozenset(range(7)), "papers_per_edition": 3,
}  # fmt: skip


def queue(
    store: Store, kind: MessageKind, count: int = 1, *, domain: str = "example.org"
) -> list[str]:
    """Queue messages of a kind; returns their addresses. There is at most one report."""
    match kind:
        case MessageKind.EDITION:
            who = add(store, count, domain)
            with store.begin() as connection:
                picks = picks_of(add_papers(connection, 2))
                for reader in who:
                    assert editions.publish(
                        connection, reader=reader, date=TODAY, picks=picks, now=NOW,
                        next_slot=None, message_id=f"<{reader.uid}.{TODAY}@example.org>",
                    )  # fmt: skip
            return [str(reader.address) for reader in who]
        case MessageKind.EMPTY_NOTICE:
            who = add(store, count, domain)
            with store.begin() as connection:
                for reader in who:
                    notices.notify(connection, reader.id, {"why": "no dump"}, day=TODAY, now=NOW)
            return [str(reader.address) for reader in who]
        case MessageKind.CONFIRMATION:
            return [ask(store, f"new{number}@{domain}", number) for number in range(count)]
        case MessageKind.OPERATOR_REPORT:
            with store.begin() as connection:
                notices.report(connection, {"subject": "quiet", "lines": ["no dump"]}, now=NOW)
            return [f"boss@{domain}"]


def add(store: Store, count: int, domain: str = "example.org") -> list[Reader]:
    """Create readers who want notices of empty days."""
    return [
        subscriptions.add(store, f"reader{number}@{domain}", now=NOW, notify_when_empty=True)
        for number in range(count)
    ]


def ask(store: Store, address: str, network: int = 0, now: datetime = NOW) -> str:
    """Request a confirmation from the network with this number; returns the address."""
    asking = confirmations.check_request(address, WISHES)
    confirmations.ask(store, asking, network=f"198.51.{network}.1", now=now)
    return address


def send(
    store: Store,
    open_transport: OpenTransport,
    now: datetime = NOW,
    *,
    renderer: Renderer = RENDERER,
    domain: str = "example.org",
) -> DeliveryCounts:
    """Send due messages, as the daemon does."""
    return deliver(
        store, renderer, open_transport, now=now, holder=f"run of {now}", patient=True,
        operator=f"boss@{domain}",
    )  # fmt: skip


def rows(store: Store) -> list[tuple[str, str]]:
    """Return kind and state of all messages in the outbox, in order."""
    table = schema.delivery
    with store.read() as connection:
        found = connection.execute(table.select().order_by(table.c.id)).all()
    return [(row.kind, row.state) for row in found]


def stored_messages(store: Store) -> int:
    """Count the messages with stored bytes."""
    with store.read() as connection:
        return len(connection.execute(schema.sent_message.select()).all())


class FaultyStore(Store):
    """A store that fails at the n-th transaction that writes.

    It fails before or ``after`` the commit. If the process is ``killed``, nothing is written
    afterwards; otherwise the disk was full once.
    """

    def __init__(self, url: str, *, at: int, after: bool = False, killed: bool = True) -> None:
        super().__init__(url, patience=0.2)
        self.commits = 0
        self._at = at
        self._after = after
        self._killed = killed
        self._dead = False

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a transaction that will write, or fail."""
        self._refuse_if_dead()
        with super().begin() as connection:
            yield connection
            self.commits += 1
            if not self._after:
                self._strike()
        if self._after:
            self._strike()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that reads."""
        self._refuse_if_dead()
        with super().read() as connection:
            yield connection

    def _strike(self) -> None:
        if self.commits == self._at:
            self._dead = self._killed
            raise Killed if self._killed else NoRoom("the disk is full")

    def _refuse_if_dead(self) -> None:
        if self._dead:
            raise Killed


def later(number: int) -> datetime:
    """Return a time at which the leases of all earlier runs have ended."""
    return NOW + timedelta(minutes=10 * number)
