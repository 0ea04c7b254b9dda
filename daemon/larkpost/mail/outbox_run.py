"""The state of one run over the outbox: the messages reserved, begun and settled."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic, sleep
from typing import TYPE_CHECKING, TypeVar

from larkpost import logs
from larkpost.db import editions, readers
from larkpost.db.coordination import clock_steadiness
from larkpost.db.outbox import deliveries, sent_messages
from larkpost.db.outbox.delivery_queue import AMBIGUOUS_ATTEMPTS
from larkpost.domain import Bounce, Delivery, DeliveryState, Edition, Message, MessageKind, Reader
from larkpost.editions import empty_notice
from larkpost.errors import LarkpostError, TryAgainLater
from larkpost.log_events import LogEvent
from larkpost.mail import operator_report
from larkpost.mail.retry_policy import DeliveryDecision, describe
from larkpost.masking import HIDDEN
from larkpost.readers import suspension
from larkpost.schedule import local_date

if TYPE_CHECKING:
    from larkpost.db.engine import Connection, Store

log = logs.get_logger(__name__)
T = TypeVar("T")

# Renewed while a message is being sent, so it may be shorter than the slowest server's reply.
LEASE = timedelta(minutes=2)
PAUSE = 0.1  # seconds between two attempts to write, on top of the database's own waiting
# A message that could not be sent for so long is replaced by a newer one to the same reader.
STALE = timedelta(days=1)


NOBODY = LarkpostError("the reader has no email address any more")


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """A reserved row of the outbox, and its message, or the error.

    ``reader`` is None if it goes to the operator; only an edition has a ``page``.
    """

    delivery: Delivery
    message: Message | Exception = NOBODY
    reader: Reader | None = None
    page: Edition | None = None

    @property
    def since(self) -> datetime:
        """When the message was queued, or requeued by the operator."""
        queued = self.delivery.queued_at
        return max(queued, self.delivery.requeued_at or queued)


class OutboxRun:
    """The messages that one run has reserved, begun and settled; ``holder`` owns the leases.

    A reply is recorded before anything else happens to the outbox, in one transaction with the
    start of the next message: one flush of the disk per message.
    """

    def __init__(self, store: Store, holder: str, now: datetime) -> None:
        self._store = store
        self._holder = holder
        self._begun, self._started = now, monotonic()
        self._verdict: tuple[OutboxItem, DeliveryDecision] | None = None
        self._on_its_way: int | None = None
        self._last_begun: int | None = None
        self._lease_over = self._started
        self.tally: Counter[DeliveryState] = Counter()
        self.confirmations = 0  # accepted by the server
        self.undecided = 0  # messages in doubt that are not sent again automatically

    def now(self) -> datetime:
        """The current time: the start of the run plus the time since."""
        return self._begun + timedelta(seconds=monotonic() - self._started)

    def claim(self, room: int, *, confirmations_only: bool = False) -> list[Delivery]:
        """Reserve the next messages, after marking those of a dead run as in doubt."""
        with self._store.begin() as connection:
            deliveries.expire(connection, self.now())
            return deliveries.claim(
                connection,
                self.now(),
                limit=room,
                lease=LEASE,
                holder=self._holder,
                confirmations_only=confirmations_only,
            )

    def keep(self, items: Iterable[OutboxItem]) -> None:
        """Store the bytes of messages about to go, so that one in doubt goes again unchanged.

        The whole batch is written at once, which takes one flush of the disk for a hundred
        messages.
        """
        made = [(one.delivery, one.message) for one in items if isinstance(one.message, Message)]
        nameless = {row.id: message for row, message in made if row.message_id is None}
        with self._store.begin() as connection:
            sent_messages.sweep(connection)
            sent_messages.name_messages(connection, nameless)
            sent_messages.keep(connection, {row.id: message for row, message in made})

    def begin(self, item: OutboxItem) -> bool:
        """Check once more just before sending: readers who have left or paused get nothing."""
        with self.putting_back([item.delivery]):
            began = self._write_more(lambda connection: self._begin(connection, item))
        if began is not None and not isinstance(began, DeliveryState):
            self.note(item, DeliveryDecision(DeliveryState.CANCELLED, began))
            return False
        self._last_begun = item.delivery.id
        self._lease_over = monotonic() + LEASE.total_seconds()
        self.tally[DeliveryState.CANCELLED] += began is DeliveryState.CANCELLED
        return began is DeliveryState.SENDING

    def note(self, item: OutboxItem, verdict: DeliveryDecision) -> None:
        """Note the outcome of a message; the next ``begin`` or ``close`` writes it."""
        self.close()
        self._verdict = (item, verdict)
        self.tally[verdict.state] += 1
        confirms = item.delivery.kind is MessageKind.CONFIRMATION
        self.confirmations += confirms and verdict.state is DeliveryState.SENT
        in_doubt = verdict.state is DeliveryState.UNKNOWN
        self.undecided += in_doubt and item.delivery.ambiguous_attempts >= AMBIGUOUS_ATTEMPTS
        if verdict.state in (DeliveryState.FAILED, DeliveryState.UNKNOWN):
            log.warning(
                LogEvent.DELIVERY_FAILED, state=verdict.state.value, **facts_of(item, verdict.reply)
            )
        elif verdict.state is DeliveryState.DEFERRED:
            log.info(LogEvent.DELIVERY_DEFERRED, **facts_of(item, verdict.reply))

    def close(self) -> None:
        """Write the outcome that is still open."""
        if self._verdict is not None:
            self._write_more(lambda _connection: None)

    def put_back(self, rows: Iterable[Delivery]) -> None:
        """Return messages that were not tried to their previous state."""
        ids = [row.id for row in rows]
        self._write_more(lambda connection: deliveries.put_back(connection, ids, self._holder))

    @contextmanager
    def putting_back(self, batch: Iterable[Delivery]) -> Iterator[None]:
        """Put these messages back, none of which was begun, if an error ends the run."""
        try:
            yield
        except BaseException:
            self._put_back_anyway(list(batch))
            raise

    def _put_back_anyway(self, rows: Sequence[Delivery]) -> None:
        """Put messages back even if the outcome of the last one cannot be written.

        It is tried once more, then dropped: that message is in doubt when its lease ends.
        """
        try:
            self.put_back(rows)
        except Exception:
            if self._verdict is None:
                raise
            self._verdict = None
            self.put_back(rows)

    @contextmanager
    def on_its_way(self, item: OutboxItem) -> Iterator[None]:
        """Mark this message as being sent, so that its lease is renewed."""
        self._on_its_way = item.delivery.id
        try:
            yield
        finally:
            self._on_its_way = None

    @contextmanager
    def keeping_the_lease(self) -> Iterator[None]:
        """Renew the lease of the message being sent, however long the server takes."""
        over = threading.Event()
        keeper = threading.Thread(target=self._keep, args=(over,), name="lease", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            over.set()
            keeper.join()

    def _write_more(self, more: Callable[[Connection], T]) -> T:
        """Do more in one transaction with the outcome that is still open.

        Only this process knows the server's reply, and a message whose 250 is lost goes again. So
        if the database is locked, or has no space, it is tried until the message's lease ends.
        """
        while True:
            try:
                with self._store.begin() as connection:
                    self._write(connection)
                    done = more(connection)
            except TryAgainLater as error:
                if self._verdict is None or monotonic() >= self._lease_over:
                    raise
                log.warning(LogEvent.DELIVERY_UNRECORDED, problem=describe(error))
                sleep(PAUSE)
            else:
                self._verdict = None
                return done

    def _begin(self, connection: Connection, item: OutboxItem) -> DeliveryState | str | None:
        """Start sending a message; returns a text if it is not wanted any more."""
        now = self.now()
        if reason := _why_unwanted(connection, item, now):
            return reason
        return deliveries.begin(
            connection,
            item.delivery.id,
            self._holder,
            now=now,
            lease=LEASE,
            today=local_date(item.reader.zone, now) if item.reader else None,
        )

    def _write(self, connection: Connection) -> None:
        if self._verdict is None:
            return
        item, verdict = self._verdict
        # A fault of the mail server does not count as an attempt, and leaves the message due.
        if verdict.closes and item.delivery.id == self._last_begun:
            ids = [item.delivery.id]
            deliveries.put_back(
                connection, ids, self._holder, response=verdict.reply, now=self.now()
            )
            return
        deliveries.settle(
            connection,
            item.delivery.id,
            verdict.state,
            kind=item.delivery.kind,
            response=verdict.reply,
            next_attempt_at=item.delivery.next_attempt_at if verdict.closes else verdict.next_try,
            now=self.now(),
            holder=self._holder,
        )
        if verdict.bounce is not None and item.reader is not None:
            bounce = Bounce(
                item.reader.id,
                item.page.published_at if item.page else item.delivery.queued_at,
                verdict.bounce,
                verdict.code,
                verdict.reply,
            )
            suspension.count(connection, bounce, now=self.now())
        elif verdict.state is DeliveryState.FAILED and item.reader is None:
            operator_report.record_failure(connection, verdict.reply, now=self.now())

    def _keep(self, over: threading.Event) -> None:
        while not over.wait(LEASE.total_seconds() / 4):
            if (delivery_id := self._on_its_way) is None:
                continue
            try:
                with self._store.begin() as connection:
                    deliveries.renew(
                        connection, delivery_id, self._holder, now=self.now(), lease=LEASE
                    )
                self._lease_over = monotonic() + LEASE.total_seconds()
            except LarkpostError as error:
                log.warning(LogEvent.LEASE_UNRENEWED, delivery=delivery_id, problem=describe(error))


def facts_of(item: OutboxItem, reply: str) -> dict[str, str | None]:
    """Return the log facts of a message, without addresses."""
    return {
        "kind": item.delivery.kind.value,
        "reader": item.reader.uid if item.reader else None,
        "edition": str(item.page.date) if item.page else None,
        "last_response": without_address(item, reply),
    }


def without_address(item: OutboxItem, reply: str) -> str:
    """Hide the recipient's address, which mail servers repeat: the log names readers by uid."""
    to = item.message.recipient if isinstance(item.message, Message) else None
    for address in filter(None, {to, item.reader.address if item.reader else None}):
        reply = re.sub(re.escape(address), HIDDEN, reply, flags=re.IGNORECASE)
    return reply


def newer(
    connection: Connection, delivery: Delivery, page: Edition, now: datetime
) -> Edition | None:
    """Return the reader's newest edition if it replaces this stale one.

    An edition that the operator requeued is never replaced, nor is one soon after the clock jumped:
    it may not be old at all, and the newer one of a day to come.
    """
    if now - page.published_at < STALE or delivery.requeued_at is not None:
        return None
    if not clock_steadiness.is_steady(connection, now):
        return None
    latest = editions.latest(connection, page.reader.id)  # none if the reader was removed meanwhile
    return next((newest for newest in latest if newest.date > page.date), None)


def _why_unwanted(connection: Connection, item: OutboxItem, now: datetime) -> str | None:
    """Return why a message is not wanted any more, apart from the status of its reader."""
    delivery = item.delivery
    if item.page is not None:
        newest = newer(connection, delivery, item.page, now)
        return None if newest is None else f"replaced by the edition of {newest.date}"
    if delivery.kind is MessageKind.EMPTY_NOTICE and item.reader is not None:
        reader = readers.many(connection, [item.reader.id]).get(item.reader.id)
        if reader is None or not empty_notice.is_wanted(connection, reader, delivery.day, now):
            return "not wanted any more"
    return None


def is_deliverable(connection: Connection, item: OutboxItem, now: datetime) -> bool:
    """Return whether ``begin`` would let a due message go."""
    reader = item.reader
    if reader is None or item.delivery.kind is MessageKind.CONFIRMATION:
        return True
    away = reader.paused_until is not None and local_date(reader.zone, now) < reader.paused_until
    return reader.address is not None and not away and not _why_unwanted(connection, item, now)
