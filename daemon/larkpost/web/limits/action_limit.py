"""Rate limits of actions, in the database: who comes too often is told when to come back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from larkpost.db.coordination import rate_limits
from larkpost.readers.quotas import Allowance
from larkpost.text.ip_networks import WIDER
from larkpost.web.client_ip import networks

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from larkpost.db.engine import Connection
    from larkpost.domain import Reader, Thumb
    from larkpost.errors import QuotaExceeded
    from larkpost.web.site import SiteContext

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def limit(site: SiteContext, key: str, *, most: int, per: timedelta) -> None:
    """Take one of the ``most`` turns of a key in ``per``; raises HTTPException 429 for no more."""
    store = site.program.store
    with store.read() as connection:
        _check_turn(site, connection, key, most=most, per=per)
    with store.begin() as connection:
        _take_turn(site, connection, key, most=most, per=per)


def _check_turn(
    site: SiteContext, connection: Connection, key: str, *, most: int, per: timedelta
) -> None:
    """Raise HTTPException 429 where there is no turn: who has none keeps no writer waiting."""
    if rate_limits.free_at(connection, key, now=site.clock(), most=most, per=per) is not None:
        raise _refusal(most, per)


def _take_turn(
    site: SiteContext, connection: Connection, key: str, *, most: int, per: timedelta
) -> None:
    if not rate_limits.allow(connection, key, now=site.clock(), most=most, per=per):
        raise _refusal(most, per)


def _refusal(most: int, per: timedelta) -> HTTPException:
    seconds = max(1, int(per.total_seconds()) // most)
    return HTTPException(429, headers={"Retry-After": str(seconds)})


MOST_THUMBS = 600  # an hour: nobody reads that fast


def take_network_turn(
    site: SiteContext, request: Request, what: str, *, most: int, per: timedelta
) -> None:
    """Take a turn of the visitor's network, and of the wider one around it; raises as above."""
    for at, network in enumerate(networks(request, site.program.settings.web.trusted_proxies)):
        limit(site, f"{what}:{network}", most=most * WIDER**at, per=per)


def thumb_permit(
    site: SiteContext, reader: Reader, paper_id: int, thumb: Thumb | None
) -> Callable[[Connection], None]:
    """Let a reader give a thumb, or take one back, which counts as use of what is theirs.

    What is returned takes one of the hour's turns, in the transaction that writes the thumb: a
    transaction of its own would wait once more for the disk, and for the other writers. Raises
    HTTPException 429, as does what is returned, and QuotaExceeded.
    """
    key = f"vote:{reader.uid}"
    with site.program.store.read() as connection:
        _check_turn(site, connection, key, most=MOST_THUMBS, per=HOUR)
        site.program.uses.note(reader.id, site.clock())
        if thumb is not None:
            Allowance(site.program.settings.quotas).check_thumb(connection, reader.id, paper_id)
    return lambda connection: _take_turn(site, connection, key, most=MOST_THUMBS, per=HOUR)


def allowance(site: SiteContext, request: Request) -> Allowance:
    """Give what a visitor may bring here."""
    own = site.program.settings
    return Allowance(own.quotas, networks(request, own.web.trusted_proxies))


def tell_when(response: Response, error: QuotaExceeded) -> Response:
    """Answer 429 with Retry-After where waiting helps, else 413: there is no room."""
    response.status_code = 413 if error.wait is None else 429
    if error.wait is not None:
        response.headers["Retry-After"] = str(max(1, int(error.wait.total_seconds())))
    return response
