"""Rate limits of actions, stored in the database; refusals say when to try again."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from larkpost.db.coordination import rate_limits
from larkpost.readers.quotas import Allowance
from larkpost.text.ip_networks import WIDER
from larkpost.web.client_ip import networks

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from larkpost.domain import Reader, Thumb
    from larkpost.errors import QuotaExceeded
    from larkpost.web.site import SiteContext

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def limit(site: SiteContext, key: str, *, most: int, per: timedelta) -> None:
    """Count one of ``most`` actions per key and ``per``; raises HTTPException 429 over it."""
    with site.program.store.begin() as connection:
        if rate_limits.allow(connection, key, now=site.clock(), most=most, per=per):
            return
    seconds = max(1, int(per.total_seconds()) // most)
    raise HTTPException(429, headers={"Retry-After": str(seconds)})


MOST_THUMBS = 600  # per hour: nobody reads that fast


def take_network_turn(
    site: SiteContext, request: Request, what: str, *, most: int, per: timedelta
) -> None:
    """Count an action of the visitor's network and of the surrounding one; raises as above."""
    for at, network in enumerate(networks(request, site.program.settings.web.trusted_proxies)):
        limit(site, f"{what}:{network}", most=most * WIDER**at, per=per)


def take_thumb_turn(site: SiteContext, reader: Reader, paper_id: int, thumb: Thumb | None) -> None:
    """Count a reader's thumb, or its undoing, which also counts as use.

    Raises HTTPException 429, and QuotaExceeded.
    """
    limit(site, f"vote:{reader.uid}", most=MOST_THUMBS, per=HOUR)
    site.program.uses.note(reader.id, site.clock())
    if thumb is not None:
        with site.program.store.read() as connection:
            Allowance(site.program.settings.quotas).check_thumb(connection, reader.id, paper_id)


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
