"""Sends what the outbox holds, message by message; each is settled by the mail server's reply."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from larkpost import logs
from larkpost.db import editions
from larkpost.db.batches import batches
from larkpost.db.outbox import deliveries, delivery_queue, sent_messages
from larkpost.domain import DeliveryState
from larkpost.editions.clock_correction import recover_from_future
from larkpost.errors import Deferred, LarkpostError
from larkpost.log_events import LogEvent
from larkpost.mail import circuit_breaker
from larkpost.mail.message_builder import letters_of
from larkpost.mail.retry_policy import DeliveryDecision, classify_outcome, describe, unmade
from larkpost.mail.run_state import OutboxItem, OutboxRun, is_deliverable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from larkpost.db.engine import Connection, Store
    from larkpost.domain import Delivery, Edition, Message
    from larkpost.interfaces import Renderer, Transport

log = logs.get_logger(__name__)

# Reserved and set together; only the one that is on its way can be put in doubt by a crash.
BATCH = 100
# The connection broke, or the server was tired, so many times in a row: it is not the letters.
STRAINS = 3
SLOWER = "If the server wants it slower, set smtp.per_second; the rest goes by itself, later."
NOWHERE = "the reader has no address any more"


@dataclass(frozen=True, slots=True)
class DeliveryCounts:
    """How many letters ended up where in one run.

    ``undecided`` of those that are ``unknown`` were in doubt before, and go again only where the
    operator says so.
    """

    sent: int = 0
    deferred: int = 0
    failed: int = 0
    unknown: int = 0
    cancelled: int = 0
    undecided: int = field(default=0, compare=False)

    @property
    def letters(self) -> int:
        """Count the letters, each once."""
        return self.sent + self.deferred + self.failed + self.unknown + self.cancelled


def deliver(
    store: Store,
    renderer: Renderer,
    road: Callable[[], AbstractContextManager[Transport]],
    *,
    now: datetime,
    holder: str,
    limit: int | None = None,
    patient: bool = False,
    stopped: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], None] | None = None,
) -> DeliveryCounts:
    """Send the letters that are due, at most ``limit``, and tell how many ended up where.

    ``road`` opens the way that letters take, and is asked only when there is a letter. A fault of
    the road ends the run and is remembered: a ``patient`` run (the daemon's, not a person's)
    leaves the road alone until it has rested. ``stopped`` is asked between letters; ``progress``
    is told how many are done, and of how many. A letter of which nobody knows whether it was sent
    goes out once more, under its old Message-ID.
    """
    recover_from_future(store, now=now)
    if patient:
        with store.read() as connection:
            if circuit_breaker.resting(connection, now):
                return DeliveryCounts()
    run = _DeliveryRun(
        store,
        renderer,
        OutboxRun(store, holder, now),
        _progress_callback(store, now, limit, progress),
    )
    with ExitStack() as stack:
        transport: Transport | None = None
        while run.should_continue(limit) and not stopped() and (batch := run.claim(limit)):
            if transport is None:
                with run.run.putting_back(batch):
                    transport = stack.enter_context(road())
                stack.enter_context(run.run.keeping_the_lease())
            run.send(batch, transport, stopped)
    return run.conclude()


def would_go(store: Store, *, now: datetime, limit: int | None = None) -> list[Delivery]:
    """List the letters that ``deliver`` would send now, in its order; nothing is reserved."""
    with store.read() as connection:
        rows = deliveries.due(connection, now)
        going = (
            row
            for some in batches(rows, BATCH)
            for row, page in _with_pages(connection, some)
            if is_deliverable(connection, row, page, now)
        )
        return list(islice(going, limit))


class _DeliveryRun:
    """One run over the outbox, and what it saw of the road."""

    def __init__(
        self, store: Store, renderer: Renderer, run: OutboxRun, progress: Callable[[int], None]
    ) -> None:
        self._store = store
        self._renderer = renderer
        self._progress = progress
        self._strained = 0
        self._fault: Deferred | None = None
        self.run = run

    def should_continue(self, limit: int | None) -> bool:
        """Say whether the road is open and the limit not reached."""
        return self._fault is None and (limit is None or self.run.tally.total() < limit)

    def claim(self, limit: int | None) -> list[Delivery]:
        """Reserve the next letters."""
        room = BATCH if limit is None else min(BATCH, limit - self.run.tally.total())
        return self.run.claim(room)

    def send(
        self, batch: Sequence[Delivery], transport: Transport, stopped: Callable[[], bool]
    ) -> None:
        """Send these letters one after the other; those that cannot go now are put back."""
        with closing(self.run):
            with self.run.putting_back(batch):
                items = self._items(batch)
                self.run.keep(items)
            for place, item in enumerate(items):
                if self._fault is not None or stopped():
                    self.run.put_back(item.delivery for item in items[place:])
                    return
                self._handle(item, transport)
                self._progress(self.run.tally.total())

    def conclude(self) -> DeliveryCounts:
        """Remember how the road was, if it was used, and give the ledger."""
        tally = self.run.tally
        ledger = DeliveryCounts(
            tally[DeliveryState.SENT],
            tally[DeliveryState.DEFERRED],
            tally[DeliveryState.FAILED],
            tally[DeliveryState.UNKNOWN],
            tally[DeliveryState.CANCELLED],
            self.run.undecided,
        )
        stopped = self._fault is not None and self._fault.stopped
        if tally.total() > ledger.cancelled:
            with self._store.begin() as connection:
                sent_messages.sweep(connection)
                if not stopped:
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

    def _items(self, batch: Sequence[Delivery]) -> list[OutboxItem]:
        with self._store.read() as connection:
            rows = _with_pages(connection, batch)
            kept = sent_messages.read(connection, [row.id for row in batch if row.doubts])
        addressed = [(row, page) for row, page in rows if page.reader.address is not None]
        ready = letters_of(self._renderer, addressed, kept)
        nobody = LarkpostError(NOWHERE)
        return [OutboxItem(row, page, ready.get(row.id, nobody)) for row, page in rows]

    def _handle(self, item: OutboxItem, transport: Transport) -> None:
        letter, now = item.letter, self.run.now()
        if item.page.reader.address is None:
            self.run.note(item, DeliveryDecision(DeliveryState.CANCELLED, NOWHERE))
        elif isinstance(letter, Exception):
            self.run.note(item, unmade(letter, since=item.since, now=now))
        elif self._is_ready(item, transport) and self.run.begin(item):
            self._send(item, letter, transport)

    def _is_ready(self, item: OutboxItem, transport: Transport) -> bool:
        """Call and wait before the letter is begun: who leaves meanwhile is not written to."""
        try:
            transport.ready()
        except Deferred as fault:
            self._conclude(item, fault)
            return False
        return True

    def _send(self, item: OutboxItem, letter: Message, transport: Transport) -> None:
        error: Exception | None = None
        try:
            with self.run.on_its_way(item):
                transport.send(letter)
        except LarkpostError as expected:
            error = expected
        except Exception as unforeseen:  # one letter must not stop the others
            log.exception(
                LogEvent.MESSAGE_FAILED, reader=item.page.reader.uid, edition=item.page.date
            )
            error = unforeseen
        self._conclude(item, error)

    def _conclude(self, item: OutboxItem, error: Exception | None) -> None:
        tries = item.delivery.attempts + 1
        verdict = classify_outcome(error, since=item.since, tries=tries, now=self.run.now())
        self.run.note(item, verdict)
        self._note_outage(verdict, error)

    def _note_outage(self, verdict: DeliveryDecision, error: Exception | None) -> None:
        self._strained = self._strained + 1 if verdict.strains else 0
        if verdict.closes and isinstance(error, Deferred):
            self._fault = error
        elif self._strained >= STRAINS:
            self._fault = Deferred(
                f"{STRAINS} letters in a row came to nothing, lastly: {verdict.reply}", hint=SLOWER
            )


def _with_pages(connection: Connection, rows: Sequence[Delivery]) -> list[tuple[Delivery, Edition]]:
    known = editions.get_many(connection, [row.edition_id for row in rows])
    return [(row, known[row.edition_id]) for row in rows if row.edition_id in known]


def _progress_callback(
    store: Store, now: datetime, limit: int | None, progress: Callable[[int, int], None] | None
) -> Callable[[int], None]:
    """Give what is to be called with the number of letters that are done."""
    if progress is None:
        return lambda _done: None
    with store.read() as connection:
        due = delivery_queue.count_due(connection, now)
    total = due if limit is None else min(due, limit)
    return lambda done: progress(done, total)
