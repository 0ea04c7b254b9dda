"""Confirmations: what strangers ask for, the reader made of it, and what is forgotten again."""

from __future__ import annotations

from collections.abc import Iterable
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
from larkpost.text.email_address import address_key, spell_address
from larkpost.text.normalize import one_line

if TYPE_CHECKING:
    from larkpost.db.engine import Connection, Store
    from larkpost.readers.subscriptions import Preferences

log = logs.get_logger(__name__)

UNCONFIRMED = timedelta(days=30)  # after that an address that never confirmed is forgotten


@dataclass(frozen=True, slots=True)
class SubscriptionRequest:
    """Somebody wants the paper at an address, which may not be theirs."""

    address: str
    preferences: Preferences
    words: tuple[str, ...] = ()


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
    per_domain: int = confirmation_limits.PER_DOMAIN,
) -> None:
    """Queue a confirmation, which goes before all other mail, unless its domain is crowded.

    ``network`` is who asks. Raises Crowded where too many wait for the domain.
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
    """Find or make the reader that a claimed confirmation is for; None where none goes now.

    Of those that strangers asked for, a mailbox gets few and a domain ``per_domain`` an hour: what
    is over a mailbox's number is forgotten, over a domain's it waits. All is one transaction, so
    that a process that is killed has either counted it and made the reader, or done nothing. Who
    is a reader already stays as they are. Raises KeyError, TypeError, ValueError or UsageError
    where the payload is damaged.
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
    """Say whether ``admit`` would let a confirmation go now; nothing is counted."""
    if delivery.reader_id is not None or delivery.attempts > 0:
        return True
    address = str(delivery.payload.get("address", ""))
    permission = confirmation_limits.permission_to_send(
        connection, delivery, address, now=now, per_domain=per_domain
    )
    return permission.now


def forget_unconfirmed(store: Store, now: datetime) -> None:
    """Keep no address of somebody who never said yes, and no count of who has asked long ago."""
    with store.begin() as connection:
        rate_limits.prune(connection, now)
        pending = readers.all(connection, Status.PENDING)
    for reader in pending:
        if reader.address and now - reader.created > UNCONFIRMED:
            log.info(LogEvent.READER_EXPIRED, reader=one_line(reader.uid))
            subscriptions.remove(store, reader.id)


def _is_permitted(
    connection: Connection,
    delivery: Delivery,
    asking: SubscriptionRequest,
    now: datetime,
    per_domain: int,
) -> bool:
    """Take a turn of the mailbox and the domain; where there is none, forget it or put it off."""
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
