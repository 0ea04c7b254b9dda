"""Limits how often somebody may do a thing: those who come too often are told when to come back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from larkpost.store import limits

if TYPE_CHECKING:
    from larkpost.web.guard import Site

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def take_turn(site: Site, key: str, *, most: int, per: timedelta) -> None:
    """Take one of the ``most`` turns of a key in ``per``; raises HTTPException 429 for no more."""
    with site.program.store.begin() as connection:
        if limits.allow(connection, key, now=site.clock(), most=most, per=per):
            return
    seconds = max(1, int(per.total_seconds()) // most)
    raise HTTPException(429, headers={"Retry-After": str(seconds)})
