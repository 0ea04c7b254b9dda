"""Limits the mail that strangers can request, per mailbox and per domain and hour.

Typing somebody else's address sends a message there. So a mailbox gets few of them, however it is
spelt and from whatever network, and no domain gets many per hour. Requests over a domain's limit
are not refused, because then a stranger could keep others out: they wait, and the queue of a domain
is fair to the networks that ask. Delaying one message by an hour takes as many networks as the
domain may get messages in an hour.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from larkpost.db.coordination import rate_limits
from larkpost.db.outbox import notices
from larkpost.domain import Delivery
from larkpost.errors import Crowded
from larkpost.text.email_address import domain_key, mailbox_key
from larkpost.text.ip_networks import neighbourhood
from larkpost.text.mail_providers import is_large

if TYPE_CHECKING:
    from larkpost.db.engine import Connection

HOUR = timedelta(hours=1)
PER_MAILBOX: Mapping[timedelta, int] = {HOUR: 1, timedelta(days=1): 4}
PER_DOMAIN = 60  # per hour, by default
LARGE = 10  # a large provider gets so many times as many
MOST_HOURS_WAITING = 12  # the queue of a domain holds the messages of so many hours
_FARTHEST = 24  # places in the queue that a network may be behind
_SOON = timedelta(minutes=1)

RateLimit = tuple[str, int, timedelta]  # action, count, period


@dataclass(frozen=True, slots=True)
class SendPermission:
    """Whether a message may go now; if not, ``until`` is when it may, None is never."""

    now: bool
    until: datetime | None = None


def queue_up(
    connection: Connection, address: str, network: str, *, now: datetime, per_domain: int
) -> tuple[str, datetime]:
    """Give a request for an address its domain and its place; ``network`` is the requester's.

    Raises Crowded if too many wait for the domain already. Known and unknown addresses are treated
    the same.
    """
    domain = domain_key(address)
    key = f"queue:{neighbourhood(network)}:{domain}"
    place = rate_limits.place_in_queue(connection, key, now=now, per=HOUR, most=_FARTHEST)
    most = MOST_HOURS_WAITING * _most(domain, per_domain)
    if not notices.make_room(connection, domain, place, most=most):
        raise Crowded(
            f"many confirmations to {domain} are waiting already",
            hint="please try again in an hour",
        )
    return domain, place


def limit(
    connection: Connection, delivery: Delivery, address: str, *, now: datetime, per_domain: int
) -> SendPermission:
    """Count a confirmation to an address, if one may go."""
    permission = permission_to_send(connection, delivery, address, now=now, per_domain=per_domain)
    if not permission.now:
        return permission
    domain = _domain_uses(delivery, per_domain)
    for key, most, per in (*_mailbox_uses(address), *domain):
        # Another run may have counted one in between (PostgreSQL).
        if not rate_limits.allow(connection, key, now=now, most=most, per=per):
            return SendPermission(now=False, until=now + _SOON)
    return permission


def permission_to_send(
    connection: Connection, delivery: Delivery, address: str, *, now: datetime, per_domain: int
) -> SendPermission:
    """Return whether a confirmation may go to an address, without counting it."""
    if any(_free_at(connection, use, now) for use in _mailbox_uses(address)):
        return SendPermission(now=False)
    for use in _domain_uses(delivery, per_domain):
        if until := _free_at(connection, use, now):
            return SendPermission(now=False, until=until)
    return SendPermission(now=True)


def _mailbox_uses(address: str) -> list[RateLimit]:
    mailbox = f"notice:{mailbox_key(address)}"
    return [(f"{mailbox}:{per}", most, per) for per, most in PER_MAILBOX.items()]


def _domain_uses(delivery: Delivery, per_domain: int) -> list[RateLimit]:
    if not delivery.domain:
        return []
    return [(f"domain:{delivery.domain}", _most(delivery.domain, per_domain), HOUR)]


def _free_at(connection: Connection, use: RateLimit, now: datetime) -> datetime | None:
    key, most, per = use
    return rate_limits.free_at(connection, key, now=now, most=most, per=per)


def _most(domain: str, per_domain: int) -> int:
    return per_domain * LARGE if is_large(domain) else per_domain
