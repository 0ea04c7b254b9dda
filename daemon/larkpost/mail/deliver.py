"""Sends the messages of the outbox one by one; the mail server's reply settles each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from copy import copy
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING

from larkpost import logs
from larkpost.db.coordination import clock_steadiness
from larkpost.db.outbox import deliveries, delivery_queue, sent_messages
from larkpost.db.outbox.delivery_queue import BATCH
from larkpost.db.value_batches import batches
from larkpost.domain import Delivery, DeliveryState, Message, MessageKind
from larkpost.editions.clock_correction import recover_from_future
from larkpost.errors import Deferred, LarkpostError, Refused
from larkpost.interfaces import Renderer, Transport
from larkpost.log_events import LogEvent
from larkpost.mail import circuit_breaker, confirmations
from larkpost.mail.confirmation_limits import PER_DOMAIN
from larkpost.mail.outbox_run import (
    NOBODY,
    OutboxItem,
    OutboxRun,
    facts_of,
    is_deliverable,
    without_address,
)
from larkpost.mail.prepare_messages import MessagePreparation, with_readers
from larkpost.mail.retry_policy import DeliveryDecision, classify_outcome, describe, unmade

if TYPE_CHECKING:
    from larkpost.db.engine import Connection, Store

log = logs.get_logger(__name__)

# How often a run looks for new confirmations, because somebody waits at the screen for them.
LOOK_SECONDS = 1.0
# After so many broken connections or deferrals in a row the fault is the server's, not a message's.
STRAINS = 3
SLOWER = (
    "if the server wants fewer messages per second, set smtp.per_second; the others are sent later"
)


@dataclass(frozen=True, slots=True)
class DeliveryCounts:
    """The outcomes of one run: counts of messages by their new state.

    ``undecided`` of the ``unknown`` ones were in doubt before, and only the operator can send them
    again. ``confirmations`` of the ``sent`` ones were confirmations.
    """

    sent: int = 0
    deferred: int = 0
    failed: int = 0
    unknown: int = 0
    cancelled: int = 0
    undecided: int = field(default=0, compare=False)
    confirmations: int = field(default=0, compare=False)

    @property
    def messages(self) -> int:
        """Count the messages, each once."""
        return self.sent + self.deferred + self.failed + self.unknown + self.cancelled


def deliver(
    store: Store,
    renderer: Renderer,
    open_transport: Callable[[], AbstractContextManager[Transport]],
    *,
    now: datetime,
    holder: str,
    limit: int | None = None,
    patient: bool = False,
    stopped: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], None] | None = None,
    per_domain: int = PER_DOMAIN,
    operator: str = "",
) -> DeliveryCounts:
    """Send the messages that are due, at most ``limit``, and count the outcomes.

    ``open_transport`` is called only when there is a message. A fault of the mail server ends the
    run and is recorded: a ``patient`` run (the daemon's, not a person's) does nothing until the
    pause is over. ``stopped`` is called between messages; ``progress`` gets the number of messages
    done and the total. A message in doubt goes out once more, under its old Message-ID. A
    confirmation that is requested meanwhile goes next, unless there is a ``limit``; ``per_domain``
    of them go to a domain per hour. ``operator`` is the address for reports; without one they are
    cancelled. Soon after the clock jumped no message is given up for its age.
    """
    recover_from_future(store, now=now)
    with store.read() as connection:
        if patient and circuit_breaker.resting(connection, now):
            return DeliveryCounts()
        gives_up = clock_steadiness.is_steady(connection, now)
    run = _DeliveryRun(
        store,
        MessagePreparation(store, renderer, per_domain, operator),
        OutboxRun(store, holder, now),
        _progress_callback(store, now, limit, progress),
        gives_up=gives_up,
    )
    with ExitStack() as stack:
        transport: Transport | None = None
        while run.should_continue(limit) and not stopped() and (batch := run.claim(limit)):
            if transport is None:
                with run.run.putting_back(batch):
                    transport = stack.enter_context(open_transport())
                stack.enter_context(run.run.keeping_the_lease())
            run.send(batch, transport, stopped, interruptible=limit is None)
    return run.conclude()


def would_go(
    store: Store, *, now: datetime, limit: int | None = None, per_domain: int = PER_DOMAIN
) -> list[Delivery]:
    """List the messages that ``deliver`` would send now, in its order; nothing is reserved."""
    with store.read() as connection:
        rows = deliveries.due(connection, now)
        going = (
            item.delivery
            for some in batches(rows, BATCH)
            for item in with_readers(connection, some)
            if is_deliverable(connection, item, now)
            and _is_permitted(connection, item.delivery, now, per_domain)
        )
        return list(islice(going, limit))


class _DeliveryRun:
    """One run over the outbox, and the faults of the mail server that it met."""

    def __init__(
        self,
        store: Store,
        preparation: MessagePreparation,
        run: OutboxRun,
        progress: Callable[[int], None],
        *,
        gives_up: bool,
    ) -> None:
        self._store = store
        self._gives_up = gives_up
        self._preparation = preparation
        self._progress = progress
        self._strained = 0
        self._fault: Deferred | None = None
        self._looked = monotonic()
        self.run = run

    def should_continue(self, limit: int | None) -> bool:
        """Return whether the mail server works and the limit is not reached."""
        return self._fault is None and (limit is None or self.run.tally.total() < limit)

    def claim(self, limit: int | None) -> list[Delivery]:
        """Reserve the next messages."""
        room = BATCH if limit is None else min(BATCH, limit - self.run.tally.total())
        return self.run.claim(room)

    def send(
        self,
        batch: Sequence[Delivery],
        transport: Transport,
        stopped: Callable[[], bool],
        *,
        interruptible: bool,
    ) -> None:
        """Send these messages one after the other; those that cannot go now are put back.

        If ``interruptible``, confirmations that are requested meanwhile go in between.
        """
        with closing(self.run):
            with self.run.putting_back(batch):
                items = self._preparation.prepare(batch, self.run.now())
                self.run.keep(items)
            rows = [item.delivery for item in items]
            for place, item in enumerate(items):
                if interruptible:
                    with self.run.putting_back(rows[place:]):
                        self._send_confirmations(transport, stopped)
                if self._fault is not None or stopped():
                    self.run.put_back(rows[place:])
                    return
                with self.run.putting_back(rows[place + 1 :]):
                    self._handle(item, transport)
                self._progress(self.run.tally.total())

    def conclude(self) -> DeliveryCounts:
        """Record the state of the mail server, if it was used, and return the counts."""
        tally = self.run.tally
        ledger = DeliveryCounts(
            tally[DeliveryState.SENT],
            tally[DeliveryState.DEFERRED],
            tally[DeliveryState.FAILED],
            tally[DeliveryState.UNKNOWN],
            tally[DeliveryState.CANCELLED],
            self.run.undecided,
            self.run.confirmations,
        )
        stopped = self._fault is not None and self._fault.stopped
        self._sweep()
        if tally.total() > ledger.cancelled and not stopped:
            with self._store.begin() as connection:
                circuit_breaker.remember(
                    connection, self._fault, now=self.run.now(), **asdict(ledger)
                )
        if stopped:
            log.info(LogEvent.DELIVERY_INTERRUPTED)
        elif self._fault is not None:
            log.warning(
                LogEvent.MAIL_SERVER_FAILED, problem=describe(self._fault), hint=self._fault.hint
            )
        return ledger

    def _sweep(self) -> None:
        """Delete message bytes that are not needed any more, including those of a run that died."""
        with self._store.read() as connection:
            if not sent_messages.any_to_sweep(connection):
                return
        with self._store.begin() as connection:
            sent_messages.sweep(connection)

    def _send_confirmations(self, transport: Transport, stopped: Callable[[], bool]) -> None:
        """Send the confirmations that were requested since the last look, before all others."""
        if monotonic() - self._looked < LOOK_SECONDS:
            return
        self._looked = monotonic()
        with self._store.read() as connection:
            if not delivery_queue.any_confirmation_due(connection, self.run.now()):
                return
        self.run.close()
        while (
            self._fault is None
            and not stopped()
            and (batch := self.run.claim(BATCH, confirmations_only=True))
        ):
            self.send(batch, transport, stopped, interruptible=False)

    def _handle(self, item: OutboxItem, transport: Transport) -> None:
        message, now = item.message, self.run.now()
        if message is NOBODY:
            self.run.note(item, DeliveryDecision(DeliveryState.CANCELLED, str(NOBODY)))
        elif isinstance(message, Exception):
            self.run.note(item, self._judge_unmade(item, message, now))
        elif self._is_ready(item, transport) and self.run.begin(item):
            self._send(item, message, transport)

    def _judge_unmade(self, item: OutboxItem, error: Exception, now: datetime) -> DeliveryDecision:
        kind, gives_up = item.delivery.kind, self._gives_up
        return unmade(error, since=item.since, now=now, kind=kind, gives_up=gives_up)

    def _is_ready(self, item: OutboxItem, transport: Transport) -> bool:
        """Connect and wait before a message is begun, so that a reader who leaves gets nothing."""
        try:
            transport.ready()
        except Deferred as fault:
            self._conclude(item, fault)
            return False
        return True

    def _send(self, item: OutboxItem, message: Message, transport: Transport) -> None:
        error = self._try(item, message, transport)
        if isinstance(error, Refused) and error.of_content:
            error = self._send_shorter(item, error, transport)
        self._conclude(item, error)

    def _send_shorter(
        self, item: OutboxItem, refusal: Refused, transport: Transport
    ) -> Exception | None:
        """Send an edition once more, without what unverified sources may have put into it.

        A blog with words or links for which mail servers refuse a message kept whole editions from
        readers. Returns as ``_try``; the ``refusal`` if there is nothing to leave out.
        """
        shorter = self._preparation.without_unverified(item)
        if shorter is None or not isinstance(shorter.message, Message):
            return refusal
        log.warning(LogEvent.MESSAGE_SHORTENED, **facts_of(item, describe(refusal)))
        try:
            self.run.keep([shorter])
        except LarkpostError:  # it could not go again unchanged
            return refusal
        return self._try(shorter, shorter.message, transport)

    def _try(self, item: OutboxItem, message: Message, transport: Transport) -> Exception | None:
        """Send a message; returns the error, None if the server accepted it."""
        try:
            with self.run.on_its_way(item):
                transport.send(message)
        except LarkpostError as expected:
            return expected
        except Exception as unforeseen:  # one message must not stop the others
            log.exception(
                LogEvent.MESSAGE_FAILED,
                kind=item.delivery.kind.value,
                reader=item.reader and item.reader.uid,
                edition=item.page and item.page.date,
            )
            return unforeseen
        return None

    def _conclude(self, item: OutboxItem, error: Exception | None) -> None:
        tries = item.delivery.attempts + 1
        verdict = classify_outcome(
            error,
            since=item.since,
            tries=tries,
            now=self.run.now(),
            kind=item.delivery.kind,
            gives_up=self._gives_up,
        )
        self.run.note(item, verdict)
        self._note_outage(item, verdict, error)

    def _note_outage(
        self, item: OutboxItem, verdict: DeliveryDecision, error: Exception | None
    ) -> None:
        self._strained = self._strained + 1 if verdict.strains else 0
        if verdict.closes and isinstance(error, Deferred):
            self._fault = copy(error)  # it is logged
            self._fault.args = (without_address(item, str(error)),)
        elif self._strained >= STRAINS:
            reply = without_address(item, verdict.reply)
            self._fault = Deferred(
                f"{STRAINS} messages in a row failed, most recently: {reply}", hint=SLOWER
            )


def _is_permitted(
    connection: Connection, delivery: Delivery, now: datetime, per_domain: int
) -> bool:
    """Return whether the limits of confirmations let this go now."""
    return delivery.kind is not MessageKind.CONFIRMATION or confirmations.is_permitted(
        connection, delivery, now=now, per_domain=per_domain
    )


def _progress_callback(
    store: Store, now: datetime, limit: int | None, progress: Callable[[int, int], None] | None
) -> Callable[[int], None]:
    """Return the callback for the number of messages done."""
    if progress is None:
        return lambda _done: None
    with store.read() as connection:
        due = delivery_queue.count_due(connection, now)
    total = due if limit is None else min(due, limit)
    return lambda done: progress(done, total)
