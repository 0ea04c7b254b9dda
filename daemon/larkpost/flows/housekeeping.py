"""Drops what nobody needs any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from larkpost import logs
from larkpost.store import bounces, counted_readers

if TYPE_CHECKING:
    from datetime import datetime

    from larkpost.store.engine import Store

log = logs.get_logger(__name__)


def clean_up(store: Store, *, now: datetime) -> None:
    """Drop bounces and networks that are too old to count; writes only where there are any."""
    with store.read() as connection:
        old_bounces = bounces.any_old(connection, now)
        old_networks = counted_readers.is_any_old(connection, now)
    if old_bounces:
        with store.begin() as connection:
            dropped = bounces.prune(connection, now)
        log.info("old bounces dropped", count=dropped)
    if old_networks:
        with store.begin() as connection:
            dropped = counted_readers.forget_networks(connection, now)
        log.info("networks of readers forgotten", count=dropped)
