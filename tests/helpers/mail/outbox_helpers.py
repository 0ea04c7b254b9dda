"""Delivers editions from the outbox, over a test transport or to a mail server."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.helpers.factories import DAY, NOW, TODAY, add_papers, add_readers, picks_of

from larkpost.db import editions, readers
from larkpost.db.outbox import deliveries
from larkpost.domain import DeliveryState, Message
from larkpost.mail.deliver import DeliveryCounts, deliver
from larkpost.settings.model import SmtpSettings
from larkpost.transports.smtp import Relay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import date, datetime

    from tests.helpers.mail.smtp_server import SmtpServer

    from larkpost.db.engine import Store
    from larkpost.domain import Delivery, Edition, Reader
    from larkpost.interfaces import FeedFormat, Transport

    OpenTransport = Callable[[], AbstractContextManager[Transport]]

MINUTE = timedelta(minutes=1)


class PlainRenderer:
    """Renders every edition in a few plain lines; refuses the given titles."""

    def __init__(self, *, hates: str = "", whole_batches: bool = True) -> None:
        self._hates = hates
        self._whole_batches = whole_batches

    def newsletter(self, editions: Sequence[Edition]) -> Iterator[Message]:
        if not self._whole_batches and len(editions) > 1:
            raise RuntimeError("one hostile edition spoils them all")
        return map(self._message, editions)

    def _message(self, edition: Edition) -> Message:
        address = str(edition.reader.address)
        if self._hates and self._hates in address:
            raise ValueError(f"cannot set the paper of {address}")
        name = name_of(edition.reader, edition.date)
        head = f"From: post@example.org\r\nTo: {address}\r\nMessage-ID: {name}\r\n\r\n"
        titles = "".join(f"{pick.paper.title}\r\n" for pick in edition.picks)
        return Message("post@example.org", address, name, (head + titles).encode())

    def notice(self, reader: Reader, asked: datetime) -> Message:
        return self._plain(str(reader.address), f"<confirm.{reader.uid}@example.org>", f"{asked}")

    def empty_notice(self, reader: Reader, day: date, why: str, _moment: datetime) -> Message:
        return self._plain(str(reader.address), f"<empty.{reader.uid}.{day}@example.org>", why)

    def report(self, to: str, subject: str, lines: Sequence[str], moment: datetime) -> Message:
        return self._plain(to, f"<report.{moment:%Y%m%d}@example.org>", subject, *lines)

    def _plain(self, to: str, name: str, *lines: str) -> Message:
        if self._hates and self._hates in to:
            raise ValueError(f"cannot set the letter to {to}")
        head = f"From: post@example.org\r\nTo: {to}\r\nMessage-ID: {name}\r\n\r\n"
        text = "".join(f"{line}\r\n" for line in lines)
        return Message("post@example.org", to, name, (head + text).encode())

    def feed(
        self,
        editions: Sequence[Edition],
        format: FeedFormat,  # noqa: A002 - the protocol's name for it
        *,
        reader: Reader | None = None,
    ) -> bytes:
        raise NotImplementedError  # only messages are delivered


class Mailbag:
    """A transport that records messages, or raises the given error for an address."""

    def __init__(self, **troubles: Exception) -> None:
        self._troubles = troubles
        self.messages: list[Message] = []
        self.tries: list[str] = []
        self.before_each: Callable[[Message], None] = lambda _message: None
        self.when_ready: Callable[[], None] = lambda: None
        self.opened = 0

    @contextmanager
    def open_transport(self) -> Iterator[Transport]:
        self.opened += 1
        yield self

    def ready(self) -> None:
        self.when_ready()

    def send(self, message: Message) -> None:
        self.before_each(message)
        self.tries.append(message.recipient)
        if trouble := self._troubles.get(message.recipient.partition("@")[0]):
            raise trouble
        self.messages.append(message)

    def recipients(self) -> list[str]:
        return [message.recipient.partition("@")[0] for message in self.messages]


def name_of(reader: Reader, day: date) -> str:
    return f"<{reader.uid}.{day}@example.org>"


def publish(store: Store, count: int, day: date = TODAY, now: datetime = NOW) -> list[Reader]:
    """Publish an edition to each of so many readers; creates the readers if there are none."""
    with store.begin() as connection:
        found = readers.all(connection) or add_readers(connection, count)
        picks = picks_of(add_papers(connection, 2))
        for reader in found:
            assert editions.publish(
                connection,
                reader=reader,
                date=day,
                picks=picks,
                now=now,
                next_slot=now + DAY,
                message_id=name_of(reader, day),
            )
        return [readers.get(connection, reader.id) for reader in found]


def smtp(server: SmtpServer, timeout: float = 5.0) -> Callable[[], Relay]:
    settings = SmtpSettings(host="127.0.0.1", port=server.port, security="none", timeout=timeout)
    return lambda: Relay(settings)


def run(
    store: Store, open_transport: OpenTransport, now: datetime = NOW, **options: Any
) -> DeliveryCounts:
    return deliver(store, PlainRenderer(), open_transport, now=now, holder="test", **options)


def outbox(store: Store) -> list[Delivery]:
    with store.read() as connection:
        return sorted(deliveries.by_state(connection, list(DeliveryState)), key=lambda d: d.id)


def states(store: Store) -> list[str]:
    return [delivery.state.value for delivery in outbox(store)]


class Killed(BaseException):
    """Simulates the end of the process: no code after it runs."""
