"""Deletes rows that are no longer needed, and unused readers without a mail address.

All of it in short transactions and for a limited time per run, because strangers decide how much it
is: 200,000 papers deleted at once kept every vote waiting for 8 seconds, and 41 unused readers with
5,000 papers each kept the mail waiting for 24.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING

from larkpost import logs
from larkpost.db.coordination import clock_steadiness
from larkpost.db.outbox import bounces, notices
from larkpost.db.private import private_papers
from larkpost.db.usage import forgotten_votes
from larkpost.log_events import LogEvent
from larkpost.mail.confirmations import forget_unconfirmed
from larkpost.mail.retry_policy import SHORT_LIFETIME
from larkpost.readers import expiry

if TYPE_CHECKING:
    from larkpost.db.engine import Connection, Store
    from larkpost.db.usage.last_use import ExpiryRule
    from larkpost.readers.expiry import LastUses

SECONDS = 1.0  # of a run; each step does at least one piece of its work, and a later run the rest
AT_ONCE = 1_000  # rows that are deleted in one transaction

log = logs.get_logger(__name__)


def clean_up(
    store: Store,
    collected: LastUses,
    span: ExpiryRule,
    *,
    now: datetime,
    seconds: float = SECONDS,
) -> None:
    """Delete old rows, and readers unused for a ``span``, for about so many ``seconds``.

    Old rows are bounces, forgotten thumbs, private papers without a thumb, obsolete messages, and
    readers who never confirmed. Writes only if there is something to do. The ``collected`` uses are
    written first, so that no reader is removed whose feed was fetched a moment ago. Nothing is
    deleted within a day after the clock jumped (``clock_steadiness``).
    """
    ends = monotonic() + seconds

    def is_over() -> bool:
        return monotonic() >= ends

    expiry.write_down(store, collected)
    if clock_steadiness.note(store, now):
        if collected.is_time_to_expire(now):
            expiry.expire(store, span, now=now, is_over=is_over)
            if is_over():  # perhaps not all
                collected.expire_soon()
        forget_unconfirmed(store, now, is_over=is_over)
        _drop_old_rows(store, now, is_over)
    if store.journal_is_due:
        store.truncate_journal()


def _drop_old_rows(store: Store, now: datetime, is_over: Callable[[], bool]) -> None:
    with store.read() as connection:
        any_overdue = notices.any_overdue(connection, now, SHORT_LIFETIME)
        any_old = bounces.any_old(connection, now)
        any_forgotten = forgotten_votes.any_old(connection, now)
        any_unvoted = private_papers.any_to_prune(connection, now)
    if any_overdue:
        with store.begin() as connection:
            dropped = notices.drop_overdue(connection, now, SHORT_LIFETIME)
        log.info(
            LogEvent.DELIVERY_FAILED, count=dropped, reason="it could not be sent for two days"
        )
    if any_old:
        with store.begin() as connection:
            dropped = bounces.prune(connection, now)
        log.info(LogEvent.BOUNCES_PRUNED, count=dropped)
    if any_forgotten:
        dropped = _prune(store, forgotten_votes.prune, now, is_over)
        log.info(LogEvent.VOTES_PRUNED, count=dropped)
    if any_unvoted:
        dropped = _prune(store, private_papers.prune, now, is_over)
        log.info(LogEvent.PAPERS_PRUNED, count=dropped)


def _prune(
    store: Store,
    prune: Callable[[Connection, datetime, int], int],
    now: datetime,
    is_over: Callable[[], bool],
) -> int:
    """Delete rows in short transactions, between which others write; returns their number."""
    total, gone = 0, AT_ONCE
    while gone == AT_ONCE and not (total and is_over()):
        with store.begin() as connection:
            gone = prune(connection, now, AT_ONCE)
        total += gone
    return total
