"""Sends confirmations to those who ask to subscribe, and notices of empty days to readers."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import time, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from larkpost import logs
from larkpost.db import readers
from larkpost.db.coordination import rate_limits
from larkpost.db.outbox import notices
from larkpost.db.outbox.delivery_queue import DOUBTS
from larkpost.domain import Bounce, Status
from larkpost.editions import empty_notice
from larkpost.editions.clock_correction import recover_from_future
from larkpost.errors import Deferred, LarkpostError, Refused, Unanswered, UnknownReader
from larkpost.log_events import LogEvent
from larkpost.mail import circuit_breaker, request_limits
from larkpost.mail.retry_policy import classify_outcome, describe, try_again
from larkpost.readers import subscriptions, suspension
from larkpost.text import interest_words
from larkpost.text.email_address import address_key, spell_address
from larkpost.text.normalize import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager
    from datetime import date, datetime

    from larkpost.db.engine import Store
    from larkpost.db.outbox.notices import QueuedNotice
    from larkpost.domain import Message, Reader
    from larkpost.interfaces import Transport
    from larkpost.readers.subscriptions import Preferences

log = logs.get_logger(__name__)

LEASE = timedelta(minutes=15)
GIVE_UP = timedelta(days=2)
UNCONFIRMED = timedelta(days=30)  # after that an address that never confirmed is forgotten


@dataclass(frozen=True, slots=True)
class SubscriptionRequest:
    """Somebody wants the paper at an address, which may not be theirs."""

    address: str
    preferences: Preferences
    words: tuple[str, ...] = ()


class NoticeWriter(Protocol):
    """Writes the letter that answers an asking, and the line to a reader."""

    def notice(self, reader: Reader, asked: datetime) -> Message:
        """Ask a pending reader to confirm; show any other the way to their page."""
        ...

    def empty_notice(self, reader: Reader, day: date, why: str, moment: datetime) -> Message:
        """Tell a reader that ``day`` brought no paper, and ``why``; dated ``moment``."""
        ...


def check_request(
    address: str, preferences: Preferences, words: Iterable[str] = ()
) -> SubscriptionRequest:
    """Check what was asked for; raises UsageError, and knows nothing of who reads here."""
    return SubscriptionRequest(
        spell_address(address),
        subscriptions.check_preferences(preferences),
        interest_words.tidy(words),
    )


def ask(
    store: Store,
    asking: SubscriptionRequest,
    *,
    now: datetime,
    network: str = "",
    per_domain: int = request_limits.PER_DOMAIN,
) -> None:
    """Write an asking down, to be answered by a tick: the next one, unless its domain is crowded.

    ``network`` is who asks. Raises Crowded where too many wait for the domain.
    """
    with store.begin() as connection:
        domain, place = request_limits.queue_up(
            connection, asking.address, network, now=now, per_domain=per_domain
        )
        notices.ask(
            connection,
            address_key(asking.address),
            _line(asking),
            now=now,
            domain=domain,
            place=place,
        )


def answer(
    store: Store,
    writer: NoticeWriter,
    road: Callable[[], AbstractContextManager[Transport]],
    *,
    now: datetime,
    per_domain: int = request_limits.PER_DOMAIN,
    stopped: Callable[[], bool] = lambda: False,
) -> int:
    """Send the letters that are owed; returns how many went. ``road`` is opened where one is.

    Of those that strangers asked for, a mailbox gets few and a domain ``per_domain`` an hour.
    A letter that may have gone is sent again once, under its old Message-ID. A fault of the road
    ends the run and is remembered, and what is owed stays owed; a road that rests is left alone.
    """
    recover_from_future(store, now=now)
    _forget(store, now)
    sent = 0
    try:
        with ExitStack() as stack:
            transport: Transport | None = None
            while not stopped() and _has_due_notices(store, now):
                transport = transport or stack.enter_context(road())
                sent += _answer_next(store, writer, transport, now, per_domain)
    except Deferred as fault:
        if fault.stopped:
            return sent
        with store.begin() as connection:
            circuit_breaker.remember(connection, fault, now=now)
    return sent


def _answer_next(
    store: Store, writer: NoticeWriter, transport: Transport, now: datetime, per_domain: int
) -> bool:
    """Send the next letter; whatever breaks over it, it is put off and the others go.

    Raises Deferred where no letter can go.
    """
    with store.begin() as connection:
        notice = notices.take(connection, now=now, until=now + LEASE)
    if notice is None:
        return False
    try:
        reader = _addressee(store, notice, now, per_domain)
        if reader is None:
            return False
        _send(store, transport, _letter(writer, reader, notice), reader, notice)
    except LarkpostError as error:
        _put_off(store, notice, error, now)
        if isinstance(error, Deferred) and error.whole_road:
            raise
        return False
    except Exception as unforeseen:  # one notice must not stop the others
        log.exception(LogEvent.MESSAGE_FAILED, to_reader=notice.to_reader)
        _put_off(store, notice, unforeseen, now)
        return False
    with store.begin() as connection:
        notices.forget(connection, notice)
    return True


def _send(
    store: Store, transport: Transport, letter: Message, reader: Reader, notice: QueuedNotice
) -> None:
    """Send a letter; a refusal ends it, and counts as a newsletter's does."""
    try:
        transport.send(letter)
    except Refused as refused:
        log.info(LogEvent.DELIVERY_FAILED, reason=str(refused))
        verdict = classify_outcome(
            refused, since=notice.asked, tries=notice.attempts, now=notice.asked
        )
        if verdict.bounce is None:
            return
        bounce = Bounce(reader.id, notice.asked, verdict.bounce, verdict.code, verdict.reply)
        with store.begin() as connection:
            suspension.count(connection, bounce, now=notice.asked)


def _put_off(store: Store, notice: QueuedNotice, error: Exception, now: datetime) -> None:
    """Try a letter again later; for two days, and once where it may have arrived."""
    doubts = notice.doubts + isinstance(error, Unanswered)
    given_up = now - notice.asked >= GIVE_UP or doubts > DOUBTS
    log.info(
        LogEvent.DELIVERY_FAILED if given_up else LogEvent.DELIVERY_DEFERRED, reason=describe(error)
    )
    with store.begin() as connection:
        if given_up:
            notices.forget(connection, notice)
        else:
            again = try_again(notice.asked, now, notice.attempts)
            notices.put_back(connection, notice, again, doubts=doubts)


def _addressee(store: Store, notice: QueuedNotice, now: datetime, per_domain: int) -> Reader | None:
    if not notice.to_reader:
        return _reader(store, notice, now, per_domain)
    with store.begin() as connection:
        return empty_notice.addressee(connection, notice, now)


def _letter(writer: NoticeWriter, reader: Reader, notice: QueuedNotice) -> Message:
    if not notice.to_reader:
        return writer.notice(reader, notice.asked)
    return writer.empty_notice(
        reader, empty_notice.day_of(notice), notice.wishes["why"], notice.asked
    )


def _reader(store: Store, notice: QueuedNotice, now: datetime, per_domain: int) -> Reader | None:
    """Find or make the reader who is written to; None where no letter goes, or none goes now."""
    asking = _asking(notice)
    if notice.attempts <= 1 and not _is_due(store, notice, asking.address, now, per_domain):
        return None
    with store.read() as connection:
        try:
            known = readers.by_address(connection, asking.address)
        except UnknownReader:
            known = None
    if known is None:
        return subscriptions.add(
            store,
            asking.address,
            now=now,
            words=asking.words,
            status=Status.PENDING,
            signed_up=True,
            **asking.preferences,
        )
    if known.status is Status.PENDING:  # whoever asked last is as likely the owner as the first
        return subscriptions.change(
            store, known.id, now=now, words=asking.words, **asking.preferences
        )
    return known


def _is_due(
    store: Store, notice: QueuedNotice, address: str, now: datetime, per_domain: int
) -> bool:
    """Take a turn of the mailbox and the domain; where there is none, forget it or put it off."""
    with store.begin() as connection:
        turn = request_limits.limit(connection, notice, address, now=now, per_domain=per_domain)
        if turn.now:
            return True
        if turn.until is None:
            notices.forget(connection, notice)
        else:
            notices.put_off_domain(connection, notice, turn.until, now)
    log.info(
        LogEvent.DELIVERY_HELD, until=turn.until and turn.until.isoformat(), domain=notice.domain
    )
    return False


def _has_due_notices(store: Store, now: datetime) -> bool:
    with store.read() as connection:
        return bool(notices.waiting(connection, now)) and not circuit_breaker.resting(
            connection, now
        )


def _forget(store: Store, now: datetime) -> None:
    """Keep no address of somebody who never said yes, and no count of who has asked long ago."""
    with store.begin() as connection:
        rate_limits.prune(connection, now)
        pending = readers.all(connection, Status.PENDING)
    for reader in pending:
        if reader.address and now - reader.created > UNCONFIRMED:
            log.info(LogEvent.READER_EXPIRED, reader=one_line(reader.uid))
            subscriptions.remove(store, reader.id)


def _line(asking: SubscriptionRequest) -> dict[str, Any]:
    preferences = asking.preferences
    return {
        "address": asking.address,
        "zone": preferences["zone"],
        "at": f"{preferences['send_time']:%H:%M}",
        "days": sorted(preferences["weekdays"]),
        "size": preferences["papers_per_edition"],
        "words": list(asking.words),
    }


def _asking(notice: QueuedNotice) -> SubscriptionRequest:
    kept = notice.wishes
    preferences: Preferences = {
        "zone": kept["zone"],
        "send_time": time.fromisoformat(kept["at"]),
        "weekdays": frozenset(kept["days"]),
        "papers_per_edition": kept["size"],
    }
    return SubscriptionRequest(
        kept.get("address", notice.address), preferences, tuple(kept["words"])
    )
