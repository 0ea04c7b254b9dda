"""Confirmations: requests to subscribe, the readers made from them, and their deletion."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from larkpost import logs
from larkpost.db import readers
from larkpost.db.coordination import rate_limits
from larkpost.db.outbox import notices
from larkpost.domain import Delivery, Reader, Status
from larkpost.errors import UnknownReader
from larkpost.log_events import LogEvent
from larkpost.mail import confirmation_limits
from larkpost.readers import subscriptions
from larkpost.text import interest_words
from larkpost.text.email_address import address_key, refuse_other_spelling, spell_address
from larkpost.text.normalize import one_line

if TYPE_CHECKING:
    from larkpost.db.engine import Connection, Store
    from larkpost.readers.subscriptions import Preferences

log = logs.get_logger(__name__)

UNCONFIRMED = timedelta(days=30)  # then an address that never confirmed is deleted


@dataclass(frozen=True, slots=True)
class SubscriptionRequest:
    """A request for editions to an address, which may not be the requester's."""

    address: str
    preferences: Preferences
    words: tuple[str, ...] = ()


def check_request(
    address: str, preferences: Preferences, words: Iterable[str] = ()
) -> SubscriptionRequest:
    """Check a request without looking at existing readers; raises UsageError."""
    spelt = spell_address(address)
    refuse_other_spelling(spelt)
    return SubscriptionRequest(
        spelt,
        subscriptions.check_preferences(preferences),
        interest_words.tidy(words),
    )


def ask(
    store: Store,
    asking: SubscriptionRequest,
    *,
    now: datetime,
    network: str = "",
    per_domain: int = confirmation_limits.PER_DOMAIN,
) -> None:
    """Queue a confirmation, which goes before all other mail, unless its domain's queue is full.

    ``network`` is the requester's. Raises Crowded if too many wait for the domain.
    """
    with store.begin() as connection:
        domain, place = confirmation_limits.queue_up(
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


def admit(store: Store, delivery: Delivery, *, now: datetime, per_domain: int) -> Reader | None:
    """Find or create the reader of a claimed confirmation; None if it does not go now.

    A mailbox gets few confirmations, and a domain ``per_domain`` per hour: over the limit of a
    mailbox a request is deleted, over that of a domain it waits. All is one transaction, so a
    killed process has either counted it and created the reader, or done nothing. Existing readers
    are not changed. Raises KeyError, TypeError, ValueError or UsageError if the payload is damaged.
    """
    asking = _asking(delivery)
    with store.begin() as connection:
        counted = delivery.reader_id is not None or delivery.attempts > 0
        if not counted and not _is_permitted(connection, delivery, asking, now, per_domain):
            return None
        reader = _find_or_add(connection, asking, now)
        notices.assign(connection, delivery, reader.id)
        return reader


def is_permitted(
    connection: Connection, delivery: Delivery, *, now: datetime, per_domain: int
) -> bool:
    """Return whether ``admit`` would let a confirmation go now, without counting it."""
    if delivery.reader_id is not None or delivery.attempts > 0:
        return True
    address = str(delivery.payload.get("address", ""))
    permission = confirmation_limits.permission_to_send(
        connection, delivery, address, now=now, per_domain=per_domain
    )
    return permission.now


def forget_unconfirmed(
    store: Store, now: datetime, *, is_over: Callable[[], bool] = lambda: False
) -> None:
    """Delete counts of old requests, and readers who never confirmed: one, then until ``is_over``.

    The next call continues.
    """
    with store.begin() as connection:
        rate_limits.prune(connection, now)
        pending = readers.unconfirmed(connection, now - UNCONFIRMED)
    for reader in pending:
        log.info(LogEvent.READER_EXPIRED, reader=one_line(reader.uid))
        subscriptions.remove(store, reader.id, waits=False)
        if is_over():
            break


def _is_permitted(
    connection: Connection,
    delivery: Delivery,
    asking: SubscriptionRequest,
    now: datetime,
    per_domain: int,
) -> bool:
    """Count against the limits of mailbox and domain; over one, delete or defer the request."""
    permission = confirmation_limits.limit(
        connection, delivery, asking.address, now=now, per_domain=per_domain
    )
    if permission.now:
        return True
    until = permission.until
    if until is None:
        notices.forget(connection, delivery)
    else:
        notices.put_off_domain(connection, delivery, until, now)
    log.info(LogEvent.DELIVERY_HELD, until=until and until.isoformat(), domain=delivery.domain)
    return False


def _find_or_add(connection: Connection, asking: SubscriptionRequest, now: datetime) -> Reader:
    preferences = asking.preferences
    try:
        known = readers.by_address(connection, asking.address)
    except UnknownReader:
        return subscriptions.add_reader(
            connection,
            asking.address,
            now=now,
            words=asking.words,
            status=Status.PENDING,
            signed_up=True,
            **preferences,
        )
    if known.status is Status.PENDING:  # whoever asked last is as likely the owner as the first
        return subscriptions.change_reader(
            connection, known.id, now=now, words=asking.words, **preferences
        )
    return known


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


def _asking(delivery: Delivery) -> SubscriptionRequest:
    kept = delivery.payload
    preferences: Preferences = {
        "zone": kept["zone"],
        "send_time": time.fromisoformat(kept["at"]),
        "weekdays": frozenset(kept["days"]),
        "papers_per_edition": kept["size"],
    }
    return SubscriptionRequest(kept["address"], preferences, tuple(kept["words"]))
