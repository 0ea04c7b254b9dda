"""Rate limits of actions, in the database: who comes too often is told when to come back."""

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
    from starlette.requests import Request
    from starlette.responses import Response

    from larkpost.errors import QuotaExceeded
    from larkpost.web.site import SiteContext

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def limit(site: SiteContext, key: str, *, most: int, per: timedelta) -> None:
    """Take one of the ``most`` turns of a key in ``per``; raises HTTPException 429 for no more."""
    with site.program.store.begin() as connection:
        if rate_limits.allow(connection, key, now=site.clock(), most=most, per=per):
            return
    seconds = max(1, int(per.total_seconds()) // most)
    raise HTTPException(429, headers={"Retry-After": str(seconds)})


MOST_THUMBS = 600  # an hour: nobody reads that fast


def take_network_turn(
    site: SiteContext, request: Request, what: str, *, most: int, per: timedelta
) -> None:
    """Take a turn of the visitor's network, and of the wider one around it; raises as above."""
    for at, network in enumerate(networks(request, site.program.settings.web.trusted_proxies)):
        limit(site, f"{what}:{network}", most=most * WIDER**at, per=per)


def take_thumb_turn(site: SiteContext, reader: Reader, paper_id: int, thumb: Thumb | None) -> None:
    """Let a reader give a thumb, or take one back, which counts as use of what is theirs.

    Raises HTTPException 429, and QuotaExceeded.
    """
    limit(site, f"vote:{reader.uid}", most=MOST_THUMBS, per=HOUR)
    site.program.uses.note(reader.id, site.clock())
    if thumb is not None:
        with site.program.store.read() as connection:
            Allowance(site.program.settings.quotas).check_thumb(connection, reader.id, paper_id)


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
