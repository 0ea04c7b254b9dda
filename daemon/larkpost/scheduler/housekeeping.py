"""Deletes rows that are no longer needed, and unused readers without a mail address."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from larkpost import logs
from larkpost.db.outbox import bounces, notices
from larkpost.db.private import private_papers
from larkpost.db.usage import forgotten_votes
from larkpost.log_events import LogEvent
from larkpost.mail.confirmations import forget_unconfirmed
from larkpost.mail.retry_policy import SHORT_LIFETIME
from larkpost.readers import expiry

if TYPE_CHECKING:
    from larkpost.db.engine import Store
    from larkpost.db.usage.last_use import ExpiryRule
    from larkpost.readers.expiry import LastUses

log = logs.get_logger(__name__)


def clean_up(store: Store, collected: LastUses, span: ExpiryRule, *, now: datetime) -> None:
    """Delete old rows, and readers unused for a ``span``.

    Old rows are bounces, forgotten thumbs, private papers without a thumb, obsolete messages, and
    readers who never confirmed. Writes only if there is something to do. The ``collected`` uses are
    written first, so that no reader is removed whose feed was fetched a moment ago.
    """
    expiry.write_down(store, collected)
    if collected.is_time_to_expire(now):
        expiry.expire(store, span, now=now)
    forget_unconfirmed(store, now)
    _drop_old_rows(store, now)


def _drop_old_rows(store: Store, now: datetime) -> None:
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
        with store.begin() as connection:
            dropped = forgotten_votes.prune(connection, now)
        log.info(LogEvent.VOTES_PRUNED, count=dropped)
    if any_unvoted:
        with store.begin() as connection:
            dropped = private_papers.prune(connection, now)
        log.info(LogEvent.PAPERS_PRUNED, count=dropped)
