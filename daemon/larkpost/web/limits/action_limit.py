"""Rate limits of actions, stored in the database; refusals say when to try again."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from larkpost.db.coordination import rate_limits
from larkpost.domain import Reader, Thumb
from larkpost.readers.quotas import Allowance
from larkpost.text.ip_networks import WIDER
from larkpost.web.client_ip import networks

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from larkpost.db.engine import Connection
    from larkpost.errors import QuotaExceeded
    from larkpost.web.site import SiteContext

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MOST_THUMBS = 600  # per hour: nobody reads that fast


def limit(site: SiteContext, key: str, *, most: int, per: timedelta) -> None:
    """Count one of ``most`` actions per key and ``per``; raises HTTPException 429 over it."""
    store = site.program.store
    with store.read() as connection:
        _check_limit(site, connection, key, most=most, per=per)
    with store.begin() as connection:
        _count(site, connection, key, most=most, per=per)


def _check_limit(
    site: SiteContext, connection: Connection, key: str, *, most: int, per: timedelta
) -> None:
    """Raise HTTPException 429 over the limit, before a transaction that delays other writers."""
    if rate_limits.free_at(connection, key, now=site.clock(), most=most, per=per) is not None:
        raise _refusal(most, per)


def _count(
    site: SiteContext, connection: Connection, key: str, *, most: int, per: timedelta
) -> None:
    if not rate_limits.allow(connection, key, now=site.clock(), most=most, per=per):
        raise _refusal(most, per)


def _refusal(most: int, per: timedelta) -> HTTPException:
    seconds = max(1, int(per.total_seconds()) // most)
    return HTTPException(429, headers={"Retry-After": str(seconds)})


def take_network_turn(
    site: SiteContext, request: Request, what: str, *, most: int, per: timedelta
) -> None:
    """Count an action of the visitor's network and of the surrounding one; raises as above."""
    for at, network in enumerate(networks(request, site.program.settings.web.trusted_proxies)):
        limit(site, f"{what}:{network}", most=most * WIDER**at, per=per)


def thumb_permit(
    site: SiteContext, reader: Reader, paper_id: int, thumb: Thumb | None
) -> Callable[[Connection], None]:
    """Check that a reader may give a thumb, or undo one, which also counts as use.

    Returns what counts the thumb, in the transaction that writes it: a transaction of its own would
    wait once more for the disk and for other writers. Raises HTTPException 429, as does the
    returned function, and QuotaExceeded.
    """
    key = f"vote:{reader.uid}"
    with site.program.store.read() as connection:
        _check_limit(site, connection, key, most=MOST_THUMBS, per=HOUR)
        site.program.uses.note(reader.id, site.clock())
        if thumb is not None:
            Allowance(site.program.settings.quotas).check_thumb(connection, reader.id, paper_id)
    return lambda connection: _count(site, connection, key, most=MOST_THUMBS, per=HOUR)


def allowance(site: SiteContext, request: Request) -> Allowance:
    """Return the quotas that apply to a visitor."""
    own = site.program.settings
    return Allowance(own.quotas, networks(request, own.web.trusted_proxies))


def tell_when(response: Response, error: QuotaExceeded) -> Response:
    """Make a 429 with Retry-After if waiting helps, else a 413: there is no space."""
    response.status_code = 413 if error.wait is None else 429
    if error.wait is not None:
        response.headers["Retry-After"] = str(max(1, int(error.wait.total_seconds())))
    return response
