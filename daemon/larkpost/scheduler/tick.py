"""The tick: runs all periodic work once, and is safe to call at any time.

It has three parts, each under its own lease, so that neither a slow source nor a slow mail server
delays an edition: ``poll`` asks sources for papers, ``edit`` ingests papers and makes editions,
``post`` sends messages to the mail server.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import astuple, dataclass, field, replace
from datetime import datetime, timedelta
from math import inf
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from larkpost.db.outbox import delivery_queue
from larkpost.db.usage.last_use import ExpiryRule
from larkpost.domain import Message
from larkpost.editions.clock_correction import recover_from_future
from larkpost.editions.model_cache import ModelCache
from larkpost.editions.publish import PublishContext, PublishOutcome, publish_due
from larkpost.errors import Busy, Failure
from larkpost.fetch.poll import PollContext, PollResult, list_due, poll_sources
from larkpost.inbound.maildir import collect
from larkpost.ingest.inbox import Taken, sweep
from larkpost.interfaces import DumpFormat, Renderer, Transport
from larkpost.mail import circuit_breaker
from larkpost.mail.confirmation_limits import PER_DOMAIN
from larkpost.mail.deliver import DeliveryCounts, deliver
from larkpost.mail.operator_report import queue_report
from larkpost.readers.expiry import LastUses
from larkpost.scheduler.housekeeping import clean_up
from larkpost.scheduler.mutex import alone, is_held
from larkpost.scheduler.side_work import SideWork
from larkpost.scheduler.steps import StepRunner
from larkpost.text.plurals import quantity

if TYPE_CHECKING:
    from larkpost.inbound.digest_mail import DigestMail
    from larkpost.inbound.process import InboundKind
    from larkpost.inbound.return_address import ReturnAddresses
    from larkpost.settings import HomePaths

READ_SECONDS = 60.0  # that the editions of ``tick`` wait for the inbox, and between two rounds
_STAY = ExpiryRule(0, 0)  # no reader is removed
_ELSEWHERE = "nothing to do: the other process does it"


@dataclass(frozen=True, slots=True)
class TickContext:
    """The dependencies of a tick.

    ``open_transport`` opens the transport, ``stopped`` returns true when it should end.
    ``inbound_folder`` is the Maildir for mail to the ``mailboxes``; ``digests`` names the senders
    whose mails are read for papers, there or in a separate Maildir; ``operator`` is the address for
    reports on empty days, if any; ``moved`` is called whenever there is progress: a shard of
    editions was published, a message settled, or none is waiting. ``per_domain`` requested messages
    per hour go to one domain. ``uses`` are the readers whose page or feed was used, and ``span`` is
    the time without use after which a reader without mail is removed. After ``publish_seconds`` of
    publishing, readers whose thumbs do not count wait for the next tick. ``inbox_work`` and
    ``mail_work`` read the inbox and mails beside the ticks; without them each tick does.
    """

    publish_context: PublishContext
    renderer: Renderer
    open_transport: Callable[[], AbstractContextManager[Transport]]
    dump_formats: Sequence[DumpFormat]
    places: HomePaths
    stable_seconds: float
    holder: str
    stopped: Callable[[], bool] = lambda: False
    mailboxes: ReturnAddresses | None = None
    inbound_folder: Path | None = None
    digests: DigestMail | None = None
    operator: str = ""
    moved: Callable[[], None] = lambda: None
    polling: PollContext | None = None
    per_domain: int = PER_DOMAIN
    spaces: ModelCache = field(default_factory=ModelCache)
    uses: LastUses = field(default_factory=LastUses)
    span: ExpiryRule = _STAY
    publish_seconds: float = inf
    inbox_work: SideWork[list[Taken]] | None = None
    mail_work: SideWork[Counter[InboundKind]] | None = None


@dataclass(slots=True)
class TickResult:
    """The result of one tick; ``troubles`` holds the errors by step.

    ``outage`` is the fault of the mail server that blocks all messages, if ``tick`` found one.
    """

    polled: list[PollResult] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    returned: Counter[InboundKind] = field(default_factory=Counter)
    outcomes: Counter[PublishOutcome] = field(default_factory=Counter)
    ledger: DeliveryCounts = field(default_factory=DeliveryCounts)
    troubles: dict[str, str] = field(default_factory=dict)
    outage: circuit_breaker.Outage | None = None

    def add(self, later: TickResult) -> None:
        """Add the result of a later round of the same ``tick``."""
        self.polled += later.polled
        self.taken += later.taken
        self.returned += later.returned
        self.outcomes += later.outcomes
        both = zip(astuple(self.ledger), astuple(later.ledger), strict=True)
        self.ledger = DeliveryCounts(*map(sum, both))
        self.troubles |= later.troubles
        self.outage = self.outage or later.outage


def tick(context: TickContext, *, now: datetime) -> TickResult:
    """Run ``poll``, ``edit``, then ``post``, once each.

    If the inbox takes more than a minute to read, editions and messages go first, and again each
    minute until it is read: a timer of systemd begins no other tick before. Raises Busy while
    another process edits or posts; a poll by another process is not waited for.
    """
    began = monotonic()
    inbox_work: SideWork[list[Taken]] = SideWork("inbox", READ_SECONDS)
    context = replace(context, inbox_work=inbox_work)
    try:
        done = _tick_once(context, now)
        while inbox_work.is_going_on and not context.stopped():
            inbox_work.wait(READ_SECONDS)
            if inbox_work.is_going_on:
                with suppress(Busy):  # another process makes and sends them
                    done.add(_tick_once(context, now + timedelta(seconds=monotonic() - began)))
    except Exception:
        # A process that ended now would leave a file half read, as a crash does: such a file is
        # refused after three times.
        inbox_work.wait()
        raise
    _finish_inbox(context, inbox_work, done, now)
    return done


def _tick_once(context: TickContext, now: datetime) -> TickResult:
    began = monotonic()
    polled = TickResult()
    with suppress(Busy):  # the daemon polls; its papers are published all the same
        polled = poll(context, now=now)
    done = edit(context, now=now)
    done.polled = polled.polled
    done.troubles |= polled.troubles
    sent = post(context, now=now)
    ended = now + timedelta(seconds=monotonic() - began)
    done.outage = circuit_breaker.report_outage(context.publish_context.store, began=now, now=ended)
    done.ledger = sent.ledger
    done.troubles |= sent.troubles
    return done


def _finish_inbox(
    context: TickContext, work: SideWork[list[Taken]], done: TickResult, now: datetime
) -> None:
    """Wait for the rest of the inbox, and then fit a model to its papers."""
    if not work.is_open:
        return
    store = context.publish_context.store
    steps = StepRunner(store, "tick", now)
    with steps.step("ingest"):
        done.taken += work.finish() or []
    context.spaces.is_growing = False
    with steps.step("space"):
        context.spaces.refresh(store, context.publish_context.ranker, now=now)
    done.troubles |= steps.troubles


def poll(context: TickContext, *, now: datetime) -> TickResult:
    """Ask the sources that are due for papers; does nothing, and writes nothing, if none is.

    A failing source is recorded in its own state, and is not a failure of the step. Raises Busy
    while another process polls.
    """
    done = TickResult()
    if (polling := context.polling) is None:
        return done
    problems = polling.configured().problems
    if not problems and not list_due(polling, now=now):
        return done
    began = monotonic()
    store = context.publish_context.store
    with alone(store, "poll", hint=_ELSEWHERE), _steps(context, "poll", now, done) as steps:
        with steps.step("settings"):
            if problems:
                raise problems[0]
        with steps.step("poll"):
            done.polled = poll_sources(
                polling,
                list_due(polling, now=now),  # check again: another process may just have asked
                clock=lambda: now + timedelta(seconds=monotonic() - began),
                moved=context.moved,
            )
    return done


def edit(context: TickContext, *, now: datetime) -> TickResult:
    """Ingest the inbox and inbound mail, fit a model, and publish the editions that are due.

    A failing step is reported in ``troubles``, in the log and in the database; the next one runs
    all the same. Raises Busy while another process edits.
    """
    store = context.publish_context.store
    done = TickResult()
    with alone(store, "tick", hint=_ELSEWHERE), _steps(context, "tick", now, done) as steps:
        with steps.step("ingest"):
            recover_from_future(store, now=now)
            done.taken = _read_inbox(context, now)
        with steps.step("inbound"):
            done.returned = _collect_mail(context, now)
        with steps.step("space"):
            context.spaces.is_growing = _is_inbox_being_read(context)
            context.spaces.refresh(store, context.publish_context.ranker, now=now)
        with steps.step("publish"):
            done.outcomes = publish_due(
                context.publish_context,
                now=now,
                moved=context.moved,
                stopped=context.stopped,
                seconds=context.publish_seconds,
            )
            if failed := done.outcomes[PublishOutcome.FAILED]:
                editions = quantity(failed, "edition")
                raise Failure(f"{editions} could not be published; the next tick tries again")
    return done


def _read_inbox(context: TickContext, now: datetime) -> list[Taken]:
    """Read the inbox: to the end, or beside the ticks if that takes long."""
    store = context.publish_context.store

    def read() -> list[Taken]:
        with alone(store, "inbox", hint=_ELSEWHERE):
            return sweep(
                store,
                context.dump_formats,
                context.places,
                stable_seconds=context.stable_seconds,
                now=now,
                stopped=context.stopped,
            )

    with suppress(Busy):  # another process reads it
        return (context.inbox_work.do(read) if context.inbox_work else read()) or []
    return []


def _is_inbox_being_read(context: TickContext) -> bool:
    """Return whether this process or another is reading the inbox."""
    here = context.inbox_work is not None and context.inbox_work.is_going_on
    return here or is_held(context.publish_context.store, "inbox")


def _collect_mail(context: TickContext, now: datetime) -> Counter[InboundKind]:
    """Process the Maildirs; what takes long goes on beside the ticks."""
    store = context.publish_context.store

    def read() -> Counter[InboundKind]:
        with alone(store, "inbound", hint=_ELSEWHERE):
            return _collect_folders(context, now)

    if not _mail_folders(context):
        return Counter()
    with suppress(Busy):  # another process does
        return (context.mail_work.do(read) if context.mail_work else read()) or Counter()
    return Counter()


def _mail_folders(context: TickContext) -> list[Path]:
    """List the Maildir of returned mail, and that of digests, if there are any."""
    digests = context.digests
    inbound, own = context.inbound_folder, digests.folder if digests else None
    folders = [inbound] if inbound and (context.mailboxes or digests) else []
    folders += [own] if own else []
    return list(dict.fromkeys(folders))


def _collect_folders(context: TickContext, now: datetime) -> Counter[InboundKind]:
    tally: Counter[InboundKind] = Counter()
    for folder in _mail_folders(context):
        tally += collect(
            context.publish_context.store,
            context.mailboxes,
            folder,
            now=now,
            digests=context.digests,
            stopped=context.stopped,
        )
    return tally


def post(context: TickContext, *, now: datetime) -> TickResult:
    """Queue the report on an empty day, and send due messages of every kind, then ``clean_up``.

    Steps fail as those of ``edit`` do; raises Busy while another process posts.
    """
    done = TickResult()
    store = context.publish_context.store
    with alone(store, "post", hint=_ELSEWHERE), _steps(context, "post", now, done) as steps:
        with steps.step("report"):
            if context.operator:
                queue_report(store, now=now, window=context.publish_context.window)
        with steps.step("deliver"):
            done.ledger = _deliver(context, now)
        with steps.step("housekeeping"):
            clean_up(store, context.uses, context.span, now=now)
    return done


def _deliver(context: TickContext, now: datetime) -> DeliveryCounts:
    store = context.publish_context.store
    sent = deliver(
        store,
        context.renderer,
        _count_progress(context),
        now=now,
        holder=context.holder,
        patient=True,
        stopped=context.stopped,
        per_domain=context.per_domain,
        operator=context.operator,
    )
    with store.read() as connection:
        if not delivery_queue.count_due(connection, now) or circuit_breaker.resting(
            connection, now
        ):
            context.moved()
    return sent


@contextmanager
def _steps(
    context: TickContext, kind: str, now: datetime, done: TickResult
) -> Iterator[StepRunner]:
    steps = StepRunner(context.publish_context.store, kind, now)
    yield steps
    steps.close()
    done.troubles |= steps.troubles


def _count_progress(context: TickContext) -> Callable[[], AbstractContextManager[Transport]]:
    """Open the transport and count each settled message, sent or not, as progress."""

    @contextmanager
    def open_transport() -> Iterator[Transport]:
        with context.open_transport() as opened:
            yield _ProgressTransport(opened, context.moved)

    return open_transport


@dataclass(frozen=True, slots=True)
class _ProgressTransport:
    transport: Transport
    moved: Callable[[], None]

    def ready(self) -> None:
        self.transport.ready()

    def send(self, message: Message) -> None:
        try:
            self.transport.send(message)
        finally:
            self.moved()
