"""Drops what nobody needs any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from larkpost import logs
from larkpost.store import bounces, private_papers

if TYPE_CHECKING:
    from datetime import datetime

    from larkpost.store.engine import Store

log = logs.get_logger(__name__)


def clean_up(store: Store, *, now: datetime) -> None:
    """Drop bounces that are too old to count, and private papers without a thumb.

    Writes only where there is something to drop.
    """
    with store.read() as connection:
        any_old = bounces.any_old(connection, now)
        any_unvoted = private_papers.any_to_prune(connection, now)
    if any_old:
        with store.begin() as connection:
            dropped = bounces.prune(connection, now)
        log.info("old bounces dropped", count=dropped)
    if any_unvoted:
        with store.begin() as connection:
            dropped = private_papers.prune(connection, now)
        log.info("private papers without a thumb dropped", count=dropped)
