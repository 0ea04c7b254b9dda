"""Drops what nobody needs any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from larkpost import logs
from larkpost.store import bounces

if TYPE_CHECKING:
    from datetime import datetime

    from larkpost.store.engine import Store

log = logs.get_logger(__name__)


def clean_up(store: Store, *, now: datetime) -> None:
    """Drop bounces that are too old to count; writes only where there is something to drop."""
    with store.read() as connection:
        if not bounces.any_old(connection, now):
            return
    with store.begin() as connection:
        dropped = bounces.prune(connection, now)
    log.info("old bounces dropped", count=dropped)
